//! `cargo xtask gen`: writes the files that are made from code. A test fails where one differs.

use std::path::Path;
use std::process::ExitCode;

use crate::say;

/// Every generated file: its path in the repository and its text.
fn files() -> Result<Vec<(&'static str, String)>, String> {
    Ok(vec![
        ("schema/alert-v1.json", wire::alert::schema()),
        ("schema/baseline-v1.json", wire::baseline::schema()),
        ("schema/check-v1.json", wire::check::schema()),
        ("schema/drill-v1.json", wire::drill::schema()),
        ("schema/test-v1.json", wire::tested::schema()),
        ("schema/tests-v1.json", wire::recorded::schema()),
        ("docs/budget.svg", budget_of_the_example()?),
    ])
}

/// The picture in the README: the time budgets of the example.
fn budget_of_the_example() -> Result<String, String> {
    const EXAMPLE: &str = "examples/login-stack";
    const FILES: [&str; 6] = [
        "auth/auth.toml",
        "compose.yaml",
        "directory/directory.toml",
        "edge/nginx.conf",
        "forewarn.toml",
        "observed/auth-directory.json",
    ];
    let read = |file: &'static str| {
        let path = root().join(EXAMPLE).join(file);
        std::fs::read_to_string(path).map(|text| (file, text)).map_err(|e| format!("{EXAMPLE}/{file}: {e}"))
    };
    let files = FILES.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let files: Vec<(&str, &str)> = files.iter().map(|(file, text)| (*file, text.as_str())).collect();
    let outcome =
        audit::audit_texts(&files, &audit::Request::default()).map_err(|error| error.to_string())?;
    let environment = outcome.fleet.environments.first().ok_or("the example has no environment")?;
    let chains = audit::chain::chains(&outcome.fleet, environment, Some("auth"));
    let chain = chains.first().ok_or("the example has no chain through auth")?;
    Ok(audit::render::waterfall(&outcome, chain))
}

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    if let Some(unknown) = arguments.first() {
        return Err(format!("`{unknown}` is not an option of `cargo xtask gen`; it takes none"));
    }
    for (path, text) in files()? {
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
        for (path, text) in files().expect("bug: the example is read") {
            let there = std::fs::read_to_string(root().join(path)).unwrap_or_default();
            assert!(there == text, "{path} differs from its code: run `cargo xtask gen` and commit it");
        }
    }
}
