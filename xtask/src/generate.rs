//! `cargo xtask gen`: writes the files that are made from code. A test fails where one differs.

use std::path::Path;
use std::process::ExitCode;

use crate::say;

/// Every generated file: its path in the repository and its text.
fn files() -> [(&'static str, String); 1] {
    [("schema/check-v1.json", wire::check::schema())]
}

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    if let Some(unknown) = arguments.first() {
        return Err(format!("`{unknown}` is not an option of `cargo xtask gen`; it takes none"));
    }
    for (path, text) in files() {
        let file = root().join(path);
        let directory = file.parent().ok_or_else(|| format!("{path}: has no directory"))?;
        std::fs::create_dir_all(directory)
            .and_then(|()| std::fs::write(&file, text))
            .map_err(|error| format!("{path}: {error}"))?;
        say(&format!("wrote {path}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_generated_file_is_what_its_code_gives() {
        for (path, text) in files() {
            let there = std::fs::read_to_string(root().join(path)).unwrap_or_default();
            assert!(there == text, "{path} differs from its code: run `cargo xtask gen` and commit it");
        }
    }
}
