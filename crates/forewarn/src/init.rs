//! `forewarn init`: writes a `forewarn.toml` in which every option stands, commented out: margins at
//! their defaults, the rest as examples.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use audit::{CONFIG_NAME, Error};

use crate::CLEAN;
use crate::output::to_stderr;

/// Every option; a line that begins with `#` and no blank is an option.
const TEMPLATE: &str = include_str!("forewarn.template.toml");

/// Writes the template; never over a file that is there.
#[expect(clippy::disallowed_methods, reason = "the binary writes")]
pub(crate) fn run(directory: &Path) -> Result<u8, Error> {
    let path = directory.join(CONFIG_NAME);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .and_then(|mut file| file.write_all(TEMPLATE.as_bytes()));
    match written {
        Ok(()) => {
            to_stderr(&format!("wrote {}\n", path.display()));
            Ok(CLEAN)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(Error::stopped(
            path.display(),
            "already exists",
            "move it away first, or run `forewarn init` in another directory",
        )),
        Err(error) => Err(Error::stopped(
            path.display(),
            format!("cannot be written: {error}"),
            "name a directory that exists and can be written to",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use text::{FileId, Source};

    fn parsed(template: &str) -> audit::config::Config {
        let source = Source::new(FileId(0), CONFIG_NAME, template);
        audit::config::parse(&source).unwrap_or_else(|mistakes| panic!("{mistakes:#?}\n{template}"))
    }

    /// The template with every option switched on.
    fn switched_on() -> String {
        let option = |line: &str| {
            line.strip_prefix('#')
                .filter(|rest| !rest.starts_with([' ', '#']) && !rest.is_empty())
                .map(str::to_owned)
        };
        TEMPLATE.lines().map(|line| option(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
    }

    #[test]
    fn the_template_as_written_changes_nothing() {
        let config = parsed(TEMPLATE);
        assert_eq!(config.margins, rules::MarginSet::default());
        assert!(config.services.is_empty() && config.levels.is_empty() && config.overrides.is_empty());
    }

    #[test]
    fn every_option_of_the_template_is_understood_and_margins_are_the_defaults() {
        let config = parsed(&switched_on());
        // Stated, it is wanted and not only usual.
        let wanted = Some(rules::MarginSet::DETECT_WITHIN);
        assert_eq!(config.margins, rules::MarginSet { detect_within: wanted, ..Default::default() });
        assert_eq!((config.services.len(), config.calls.len()), (1, 1));
        assert_eq!((config.settings.len(), config.observed.len(), config.overrides.len()), (1, 3, 1));
        assert_eq!(config.hashes.len(), 3);
        assert!(!config.exclude.is_empty() && !config.environments.is_empty() && !config.levels.is_empty());
    }
}
