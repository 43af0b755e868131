//! The example that is shipped is what `prove` reads.

use std::path::Path;
use std::time::Duration;

use text::{FileId, Source};

#[test]
#[expect(clippy::disallowed_methods, reason = "reads the example")]
fn the_shipped_example_is_read() {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/auth-timeout");
    let file = |name: &str| {
        let text = std::fs::read_to_string(base.join(name)).map_err(|error| error.to_string())?;
        Ok(Source::new(FileId(0), name, text))
    };
    let source = file("auth.test.toml").expect("the example");
    let test = prove::parse::parse(&source, &file).expect("no mistake in it");
    assert_eq!(test.objective.within, Duration::from_secs(5));
    assert!(test.dependencies[0].replayed.answer.is_some(), "the latency stands in observed.toml");
    // What it names lies beside it.
    for name in [test.candidate.file.as_str(), "candidate.toml", "directory.toml"] {
        let configuration = file(name).expect(name);
        for edit in &test.candidate.set {
            if name != "directory.toml" {
                let set = text::edit::set(text::Syntax::Toml, &configuration, &edit.key, "x");
                assert!(set.is_ok(), "{name} has no {}", edit.key);
            }
        }
    }
}
