//! The files of the drill, carried along in the program: they are those of `examples/auth-timeout`.

use prove::difference;
use prove::file::Test;
use text::{FileId, Source, Syntax};

/// What is in force.
pub const FRONT: &str = include_str!("../../../examples/auth-timeout/front.toml");
/// The bad edit.
pub const CANDIDATE: &str = include_str!("../../../examples/auth-timeout/candidate.toml");
/// The dependency.
pub const DIRECTORY: &str = include_str!("../../../examples/auth-timeout/directory.toml");
/// What the files do not say.
pub const FOREWARN: &str = include_str!("../../../examples/auth-timeout/forewarn.toml");
/// What was measured.
pub const OBSERVED: &str = include_str!("../../../examples/auth-timeout/observed.toml");
/// How the service is started and what a person does.
pub const TEST: &str = include_str!("../../../examples/auth-timeout/auth.test.toml");

/// What the edit changes,
pub const KEY: &str = "directory.request_timeout";
/// from this
pub const BEFORE: &str = "1s";
/// to this.
pub const AFTER: &str = "300ms";
/// The same as a length.
pub const LIMIT: std::time::Duration = std::time::Duration::from_millis(300);
/// The service, as `forewarn.toml` names it.
pub const SERVICE: &str = "auth";

/// A test file with its measurement, read.
#[must_use]
pub(crate) fn test(text: &str) -> Test {
    let source = Source::new(FileId(0), "auth.test.toml", text);
    let file = |name: &str| match name {
        "observed.toml" => Ok(Source::new(FileId(1), name, OBSERVED.to_owned())),
        _ => Err(format!("{name} is not carried along")),
    };
    prove::parse::parse(&source, &file).expect("bug: a test reads what is carried along")
}

/// The line that the edit changes: `front.toml:20`.
pub(crate) fn place() -> String {
    let [current, candidate] = [FRONT, CANDIDATE].map(|text| Source::new(FileId(0), "front.toml", text));
    let changes = difference::between(Some(Syntax::Toml), &current, &candidate);
    let line = changes.iter().find(|change| change.key == KEY).and_then(|change| change.line);
    format!("{}:{}", candidate.path(), line.expect("bug: a test reads what is carried along"))
}

/// What the watch is told beside what the audit is: who is watched, against which guard, and who is told.
pub(crate) const WATCH: &str = r#"
[watch]
listen = "127.0.0.1:${port.watch}"
journal = "../../watch/journal"

[[watch.service]]
name = "auth"
preset = "authd"
scrape = "http://127.0.0.1:${port.front}/metrics"
guard = "1%"

[[watch.channel]]
name = "drill"
kind = "lines"
file = "../../watch/notices.jsonl"

[audit]
every = "1h"
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edit_is_what_it_is_said_to_be_and_nothing_else() {
        let source = Source::new(FileId(0), "front.toml", FRONT.to_owned());
        assert!(FRONT.contains(&format!("request_timeout = \"{BEFORE}\"")));
        let edited = text::edit::set(text::Syntax::Toml, &source, KEY, AFTER).unwrap();
        let values = |text: &str| {
            text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(values(&edited), values(CANDIDATE));
        // An alert names the same line as the finding did.
        assert_eq!(edited.lines().count(), CANDIDATE.lines().count());
        assert_eq!(model::pretty(LIMIT).replace(' ', ""), AFTER);
    }

    #[test]
    fn the_line_is_the_one_where_the_edit_stands() {
        let (_, line) =
            place().split_once(':').map(|(file, line)| (file.to_owned(), line.to_owned())).unwrap();
        let at = line.parse::<usize>().unwrap() - 1;
        assert_eq!(CANDIDATE.lines().nth(at), Some("request_timeout = \"300ms\""));
        assert_eq!(FRONT.lines().nth(at), Some("request_timeout = \"1s\""));
    }

    #[test]
    fn what_is_carried_along_is_read() {
        assert!(test(TEST).search.is_some_and(|search| search.key == KEY), "what the edit does is predicted");
        assert!(FOREWARN.contains(&format!("name = \"{SERVICE}\"")));
    }
}
