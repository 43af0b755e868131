//! Writes down that a configuration test passed, beside the test file, with the hashes of what it was made
//! of: the candidate, the test file and files of latency as they were read, and the files of its directory
//! that its processes are given, as they lay there before the first of them started. `forewarn check` says
//! so at findings as long as these files are the same.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use audit::{Error, RECORD_NAME, Record, hash_of_file, sha256};
use model::in_a_row;
use prove::file::Test;
use prove::proof::{Outcome, Proof};
use text::{FileId, Source};
use wire::recorded::{Held, Input};

use super::service::Case;
use super::shown;
use crate::output::{can_be_written, to_file, to_stderr};
use crate::settings::today;

/// What a test is about to be made of.
pub(super) struct Recording {
    /// Where it will be written.
    file: PathBuf,
    /// The test file, relative to the record like every path here.
    test: String,
    /// The file in force.
    candidate: String,
    /// What Forewarn has read.
    read: Vec<Input>,
    /// What processes are given.
    given: Vec<Input>,
}

impl Recording {
    /// Takes down what the runs will be made of; `test` is the test file as it was read.
    ///
    /// # Errors
    ///
    /// What the runs show could not be kept.
    pub(super) fn begin(path: &Path, test: &Source, case: &Case) -> Result<Self, Error> {
        let file = path.with_file_name(RECORD_NAME);
        there(&file)?;
        can_be_written(&file, "--record")?;
        let candidate = shown(Path::new(&case.test.candidate.file));
        let name = shown(Path::new(path.file_name().unwrap_or_default()));
        let mut read: Vec<Input> = Vec::new();
        let measurements = case.measurements.iter().map(|source| (shown(Path::new(source.path())), source));
        for (path, source) in
            [(candidate.clone(), &case.candidate), (name.clone(), test)].into_iter().chain(measurements)
        {
            if Path::new(&path).is_absolute() {
                let what = format!("names {path} by its whole path, which says nothing elsewhere");
                let help = "name it relative to the test file, or run without --record";
                return Err(Error::stopped(test.path(), what, help));
            }
            if read.iter().all(|input| input.path != path) {
                read.push(Input { path, sha256: sha256(source.text().as_bytes()) });
            }
        }
        let given = given(&file, &case.test, &read);
        Ok(Self { file, test: name, candidate, read, given })
    }

    /// Records that the objective held; takes it back where the same files have failed now.
    pub(super) fn end(self, test: &Test, proof: &Proof) -> Result<(), Error> {
        let mut record = there(&self.file)?;
        let changed = given(&self.file, test, &self.read) != self.given;
        let inputs: Vec<Input> = self.read.into_iter().chain(self.given).collect();
        let said = match (proof.outcome, proof.tested.seen()) {
            (Outcome::Held, Some(_)) if changed => {
                to_stderr("nothing is recorded: files of the test were changed while it ran; run it again\n");
                return Ok(());
            }
            (Outcome::Held, Some(run)) => {
                let paths: Vec<String> = inputs.iter().map(|input| input.path.clone()).collect();
                record.put(Held {
                    test: self.test,
                    candidate: self.candidate,
                    date: today(None)?.to_string(),
                    forewarn: env!("CARGO_PKG_VERSION").to_owned(),
                    seed: run.seed,
                    people: run.seen.people(),
                    good: run.seen.good,
                    inputs,
                });
                format!("recorded in {}, by {}\n", self.file.display(), in_a_row(&paths))
            }
            (Outcome::Failed, _) if record.take_back(&self.test, &inputs) => {
                format!("taken back in {}: that the same files held\n", self.file.display())
            }
            _ => return Ok(()),
        };
        to_file(&self.file, &record.json(), "--record")?;
        to_stderr(&said);
        Ok(())
    }
}

/// What was recorded before.
#[expect(clippy::disallowed_methods, reason = "the binary looks at what it is to replace")]
fn there(file: &Path) -> Result<Record, Error> {
    let text = match std::fs::read_to_string(file) {
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

/// The files that processes are given, by path; those that were read are known by what was read of them.
fn given(record: &Path, test: &Test, read: &[Input]) -> Vec<Input> {
    let paths: BTreeSet<String> = named(test).map(|path| shown(Path::new(path))).collect();
    let others = paths.into_iter().filter(|path| read.iter().all(|input| input.path != *path));
    others
        .filter_map(|path| {
            let sha256 = hash_of_file(&record.with_file_name(&path))?;
            Some(Input { path, sha256 })
        })
        .collect()
}

/// The paths below the directory of the test file that its processes are given, as far as it names them.
fn named(test: &Test) -> impl Iterator<Item = &str> {
    let processes = test.processes.iter().flat_map(|process| {
        let environment = process.environment.iter().map(|(_, value)| value);
        process.command.iter().chain(environment)
    });
    let set = test.candidate.replace.iter().chain(&test.candidate.set).map(|edit| &edit.value);
    processes.chain(set).flat_map(|text| below_base(text))
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
