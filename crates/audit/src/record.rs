//! The record of configuration tests that passed: which, when, and of which bytes each was made. It lies
//! beside the test files and is committed with them. Reads and writes its text; knows no disk.

use sha2::{Digest, Sha256};
use text::{Node, NodeKind, Source, Span, Syntax, Tree};
use wire::recorded as out;

use crate::date::Date;
use model::declared::{Mistake, Mistakes, Table};

/// The name of the record, beside the test files that it speaks of.
pub const RECORD_NAME: &str = "forewarn-tests.json";

/// Tests that passed, each by the last run of each configuration that was recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// By test file, the last run last.
    tests: Vec<out::Held>,
}

impl Record {
    /// Reads a stored record.
    ///
    /// # Errors
    ///
    /// Every mistake in it, in order of place.
    pub fn parse(source: &Source) -> Result<Self, Vec<Mistake>> {
        // Nobody writes a record by hand: what to do about one that is damaged is always the same.
        const RESTORE: &str = "restore the file, or remove it and run `forewarn test --record` again";
        read(source).map_err(|mut mistakes| {
            mistakes.iter_mut().for_each(|mistake| RESTORE.clone_into(&mut mistake.help));
            mistakes
        })
    }

    /// Takes in a run. Earlier runs of the test file stay where they were of another configuration alone:
    /// what was shown with another test, or at another latency, is not shown any more.
    pub fn put(&mut self, held: out::Held) {
        self.tests.retain(|known| known.test != held.test || differs_by_its_candidate(known, &held));
        self.tests.push(held);
        self.tests.sort_by(|a, b| a.test.cmp(&b.test));
    }

    /// Takes out the run of a test file on these files, and says whether there was one.
    pub fn take_back(&mut self, test: &str, inputs: &[out::Input]) -> bool {
        let before = self.tests.len();
        self.tests.retain(|known| known.test != test || known.inputs != inputs);
        self.tests.len() < before
    }

    /// The runs of a test file, by its name; the last one last.
    pub(crate) fn of(&self, test: &str) -> impl Iterator<Item = &out::Held> {
        self.tests.iter().filter(move |held| held.test == test)
    }

    /// The paths of all files that the runs were made of.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &str> {
        self.tests.iter().flat_map(|held| &held.inputs).map(|input| input.path.as_str())
    }

    /// As it is stored, with a final line break.
    #[must_use]
    pub fn json(&self) -> String {
        out::Record { version: out::VERSION, tests: self.tests.clone() }.json()
    }
}

/// Whether two runs were made of the same but for the text of the candidate.
fn differs_by_its_candidate(one: &out::Held, other: &out::Held) -> bool {
    let but_for_it = |held: &out::Held| -> Vec<out::Input> {
        held.inputs.iter().filter(|input| input.path != held.candidate).cloned().collect()
    };
    one.inputs != other.inputs && one.candidate == other.candidate && but_for_it(one) == but_for_it(other)
}

/// The SHA-256 of a file, as records hold it.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Fields may be added within a version: those that are not known are passed over.
fn read(source: &Source) -> Result<Record, Vec<Mistake>> {
    let tree = Tree::parse(Syntax::Json, source);
    let mut m = Mistakes::default();
    for problem in tree.problems() {
        m.add(problem.span, problem.message.clone(), "");
    }
    let mut record = Record::default();
    let Some(root) = tree.documents().next() else {
        m.add(Span { file: source.id(), start: 0, end: 0 }, "an empty record of tests", "");
        return m.or(record);
    };
    let Some(top) = Table::open(root, "a record of tests", &mut m) else { return m.or(record) };
    let version = top.count("version", &mut m);
    if version != Some(u64::from(out::VERSION)) {
        let what = match version {
            Some(version) => {
                format!("a record of tests of version {version}; this Forewarn reads {}", out::VERSION)
            }
            None => "a record of tests without its version".to_owned(),
        };
        m.add(top.place("version"), what, "");
        return m.or(record);
    }
    for table in tables(top.get("tests"), "a test", &mut m) {
        record.tests.extend(held(&table, &mut m));
    }
    m.or(record)
}

fn held(table: &Table<'_>, m: &mut Mistakes) -> Option<out::Held> {
    let test = path("test", table, m);
    let candidate = path("candidate", table, m);
    let date = table.needed_text("date", m);
    if date.is_some_and(|date| Date::parse(date).is_none()) {
        m.add(table.place("date"), "`date` is no day", "");
    }
    let forewarn = table.needed_text("forewarn", m);
    let mut count = |key: &str| {
        if table.get(key).is_none() {
            table.lacks(format!("`{key}`"), "", m);
        }
        table.count(key, m)
    };
    let (seed, people, good) = (count("seed"), count("people"), count("good"));
    let inputs = tables(table.get("inputs"), "an input", m);
    let inputs = inputs.iter().filter_map(|input| {
        let (path, sha256) = (path("path", input, m), input.needed_text("sha256", m));
        Some(out::Input { path: path?, sha256: sha256?.to_owned() })
    });
    let inputs: Vec<out::Input> = inputs.collect();
    Some(out::Held {
        test: test?,
        candidate: candidate?,
        date: date?.to_owned(),
        forewarn: forewarn?.to_owned(),
        seed: seed?,
        people: people?,
        good: good?,
        inputs,
    })
}

fn path(key: &str, table: &Table<'_>, m: &mut Mistakes) -> Option<String> {
    let path = table.needed_text(key, m)?;
    if path.starts_with('/') {
        m.add(table.place(key), format!("`{key}` is not relative to the record"), "");
        return None;
    }
    Some(path.to_owned())
}

fn tables<'t>(node: Option<Node<'t>>, name: &str, m: &mut Mistakes) -> Vec<Table<'t>> {
    let Some(node) = node else { return Vec::new() };
    if node.kind() != NodeKind::List {
        m.add(node.span(), format!("{name} stands in no list"), "");
        return Vec::new();
    }
    node.items().filter_map(|item| Table::open(item, name, m)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use text::FileId;

    fn held(test: &str, people: u64) -> out::Held {
        out::Held {
            test: test.to_owned(),
            candidate: "front.toml".to_owned(),
            date: "2026-11-23".to_owned(),
            forewarn: "0.1.0".to_owned(),
            seed: 1,
            people,
            good: people,
            inputs: vec![out::Input { path: "front.toml".to_owned(), sha256: sha256(b"a\n") }],
        }
    }

    fn parse(text: &str) -> Result<Record, String> {
        let source = Source::new(FileId(0), RECORD_NAME, text);
        Record::parse(&source).map_err(|mistakes| {
            let line = |mistake: &Mistake| source.position(mistake.span.start).line;
            let told = mistakes.iter().map(|mistake| format!("{}: {}\n", line(mistake), mistake.what));
            told.collect()
        })
    }

    #[test]
    fn what_is_written_is_read_again_and_a_later_run_takes_the_place_of_an_earlier_one() {
        let mut record = Record::default();
        for run in [held("b.test.toml", 10), held("a.test.toml", 20), held("b.test.toml", 30)] {
            record.put(run);
        }
        assert_eq!(parse(&record.json()), Ok(record.clone()));
        assert_eq!(people(&record, "b.test.toml"), [30]);
        insta::assert_snapshot!(record.json(), @r#"
        {
          "version": 1,
          "tests": [
            {
              "test": "a.test.toml",
              "candidate": "front.toml",
              "date": "2026-11-23",
              "forewarn": "0.1.0",
              "seed": 1,
              "people": 20,
              "good": 20,
              "inputs": [
                {
                  "path": "front.toml",
                  "sha256": "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7"
                }
              ]
            },
            {
              "test": "b.test.toml",
              "candidate": "front.toml",
              "date": "2026-11-23",
              "forewarn": "0.1.0",
              "seed": 1,
              "people": 30,
              "good": 30,
              "inputs": [
                {
                  "path": "front.toml",
                  "sha256": "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7"
                }
              ]
            }
          ]
        }
        "#);
    }

    fn people(record: &Record, test: &str) -> Vec<u64> {
        record.of(test).map(|held| held.people).collect()
    }

    fn made_of(people: u64, candidate: &str, latency: &str) -> out::Held {
        let input = |path: &str, text: &str| {
            let (path, sha256) = (path.to_owned(), sha256(text.as_bytes()));
            out::Input { path, sha256 }
        };
        let inputs = vec![input("front.toml", candidate), input("observed.toml", latency)];
        out::Held { inputs, ..held("a.test.toml", people) }
    }

    #[test]
    fn each_configuration_has_its_run_as_long_as_the_rest_of_the_test_is_the_same() {
        let mut record = Record::default();
        for (people, candidate, latency) in [(1, "1s", "5ms"), (2, "300ms", "5ms"), (3, "1s", "5ms")] {
            record.put(made_of(people, candidate, latency));
        }
        assert_eq!(people(&record, "a.test.toml"), [2, 3]);
        record.put(made_of(4, "300ms", "9ms"));
        assert_eq!(people(&record, "a.test.toml"), [4]);
    }

    #[test]
    fn what_is_taken_back_is_the_run_on_these_files_alone() {
        let mut record = Record::default();
        for (people, candidate) in [(1, "1s"), (2, "300ms")] {
            record.put(made_of(people, candidate, "5ms"));
        }
        assert!(!record.take_back("b.test.toml", &made_of(0, "300ms", "5ms").inputs));
        assert!(!record.take_back("a.test.toml", &made_of(0, "2s", "5ms").inputs));
        assert!(record.take_back("a.test.toml", &made_of(0, "300ms", "5ms").inputs));
        assert_eq!(people(&record, "a.test.toml"), [1]);
    }

    #[test]
    fn hashes_are_those_of_sha256sum() {
        assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn a_damaged_record_says_where() {
        let texts = [
            "",
            "[]",
            "{\"tests\": []}",
            "{\"version\": 2, \"tests\": []}",
            "{\"version\": 1, \"tests\": {}}",
            "{\"version\": 1,\n \"tests\": [{\"test\": \"/etc/a\", \"date\": \"2026-02-30\",\n \"seed\": \"x\"}]}",
            "{\"version\": 1, \"tests\": [",
        ];
        let told: String = texts.into_iter().map(|text| parse(text).expect_err("a mistake")).collect();
        insta::assert_snapshot!(told, @r"
        1: an empty record of tests
        1: a record of tests is a list, not a table
        1: a record of tests without its version
        1: a record of tests of version 2; this Forewarn reads 1
        1: a test stands in no list
        2: a test without `candidate`, `forewarn`, `people` and `good`
        2: `test` is not relative to the record
        2: `date` is no day
        3: `seed` of a test is a text, not a count
        1: the text ends before what is opened here is closed
        ");
    }
}
