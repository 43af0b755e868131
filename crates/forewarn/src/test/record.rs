//! Writes down that a configuration test passed, beside the test file, with the hashes of what it was made
//! of: the candidate, the test file, files of latency, and the files of its directory that its processes are
//! given. `forewarn check` says so at findings as long as these files are the same.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use audit::{Error, RECORD_NAME, Record, sha256};
use prove::file::Test;
use prove::proof::Proof;
use text::{FileId, Source};
use wire::recorded::{Held, Input};

use super::service::Case;
use super::shown;
use crate::output::{to_file, to_stderr};
use crate::settings::today;

/// Records a run whose objective held. `test` is the text of the test file that was run.
pub(super) fn record(path: &Path, test: &str, case: &Case, proof: &Proof) -> Result<(), Error> {
    let directory = path.parent().unwrap_or(Path::new(""));
    let Some((name, run)) = path.file_name().zip(proof.trials.first()) else { return Ok(()) };
    let name = name.to_string_lossy().into_owned();
    let candidate = shown(Path::new(&case.test.candidate.file));
    let mut inputs: BTreeMap<String, String> = case
        .measurements
        .iter()
        .cloned()
        .chain(given(&case.test))
        .filter_map(|path| Some((shown(Path::new(&path)), hash(&directory.join(&path))?)))
        .collect();
    // These are the texts that were read, whatever lies there by now.
    inputs.remove(&candidate);
    inputs.remove(&name);
    let read = [(candidate.clone(), case.candidate.text()), (name.clone(), test)];
    let read = read.map(|(path, text)| Input { path, sha256: sha256(text.as_bytes()) });
    let others = inputs.into_iter().map(|(path, sha256)| Input { path, sha256 });
    let held = Held {
        test: name,
        candidate,
        date: today(None)?.to_string(),
        forewarn: env!("CARGO_PKG_VERSION").to_owned(),
        seed: run.seed,
        people: run.seen.people(),
        good: run.seen.good,
        inputs: read.into_iter().chain(others).collect(),
    };
    let file = directory.join(RECORD_NAME);
    let mut record = there(&file)?;
    record.put(held);
    to_file(&file, &record.json(), "--record")?;
    to_stderr(&format!("recorded in {}\n", file.display()));
    Ok(())
}

/// What was recorded before.
#[expect(clippy::disallowed_methods, reason = "the binary looks at what it is to replace")]
fn there(file: &Path) -> Result<Record, Error> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Record::default()),
        Err(error) => {
            let what = format!("cannot be read: {error}");
            return Err(Error::stopped(file.display(), what, "remove it, or run without --record"));
        }
    };
    let source = Source::new(FileId(0), shown(file), text);
    Record::parse(&source).map_err(|mistakes| Error::Mistakes { source, mistakes })
}

/// The hash of a regular file; none of anything else.
#[expect(clippy::disallowed_methods, reason = "what a test was made of only the disk knows")]
fn hash(path: &Path) -> Option<String> {
    let is_file = fs::metadata(path).is_ok_and(|there| there.is_file());
    is_file.then(|| fs::read(path).ok().map(|bytes| sha256(&bytes))).flatten()
}

/// The paths below the directory of the test file that its processes are given, as far as it names them.
fn given(test: &Test) -> Vec<String> {
    let processes = test.processes.iter().flat_map(|process| {
        let environment = process.environment.iter().map(|(_, value)| value);
        process.command.iter().chain(environment)
    });
    let set = test.candidate.set.iter().map(|edit| &edit.value);
    processes.chain(set).flat_map(|text| below_base(text)).map(str::to_owned).collect()
}

/// The paths behind each `${base}/` of a text, up to what ends a word for a shell or a list of paths.
fn below_base(text: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| c.is_whitespace() || "\"'`;|&<>():,$".contains(c);
    text.split("${base}/")
        .skip(1)
        .filter_map(move |rest| rest.split(ends).next())
        .filter(|path| !path.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_below_the_test_are_found_wherever_a_text_names_them() {
        let found = |text| below_base(text).collect::<Vec<_>>();
        assert_eq!(found("${base}/directory.toml"), ["directory.toml"]);
        assert_eq!(found("--config=${base}/a.toml"), ["a.toml"]);
        assert_eq!(found("cat '${base}/a b' ${base}/lib:${base}/x/y; ${base}/"), ["a", "lib", "x/y"]);
        assert_eq!(found("${work}/a ${base}"), [""; 0]);
    }
}
