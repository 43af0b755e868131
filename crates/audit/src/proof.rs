//! Configuration tests that lie in the audited tree: which findings a run of them would settle, and whether
//! what was recorded of such a run is still about the files that are there. Points, and never hides or re-rates
//! a finding. Knows no disk.

use std::collections::BTreeMap;
use std::path::PathBuf;

use model::{FileId, Finding};
use text::{Node, Source, Syntax, Tree};
use wire::recorded::Input;

use crate::collect::Place;
use crate::fold::place;
use crate::outcome::Sources;
use crate::place::join_paths;
use crate::record::Record;
use crate::render::shell_word;

/// A record that was found, with what is there now of the files that it names.
#[derive(Debug)]
pub(crate) struct RecordFile {
    /// The directory of its place.
    pub(crate) directory: String,
    /// Where that lies, every link resolved.
    pub(crate) real: PathBuf,
    /// What it holds.
    pub(crate) record: Record,
    /// The hash of each file that it names; none of one that cannot be read.
    pub(crate) hashes: BTreeMap<String, Option<String>>,
}

/// The configuration tests of an audit, by the file that each puts to the test.
#[derive(Debug, Default)]
pub struct Proofs {
    of: BTreeMap<FileId, Vec<Proof>>,
}

/// A configuration test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The test file, as shown.
    pub path: String,
    /// The run that was recorded, if one was.
    pub tested: Option<Tested>,
}

/// A run whose objective held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// The day, as `2027-03-01`.
    pub date: String,
    /// The people who came.
    pub people: u64,
    /// The seed.
    pub seed: u64,
    /// The files that are others now than those that were tested; empty where the run still holds.
    pub changed: Vec<String>,
}

impl Proofs {
    /// Looks for tests among the sources of an audit.
    pub(crate) fn of(sources: &Sources, places: &[Place], records: &[RecordFile]) -> Self {
        let mut proofs = Self::default();
        let by_place: BTreeMap<&str, FileId> =
            places.iter().map(|place| (place.place.as_str(), place.id)).collect();
        for place in places.iter().filter(|place| place.syntax == Syntax::Toml) {
            let source = sources.get(place.id);
            let Some(candidate) = candidate(source) else { continue };
            let (directory, name) = place.place.rsplit_once('/').unwrap_or(("", &place.place));
            let Some(&file) = by_place.get(join_paths(directory, &candidate).as_str()) else { continue };
            let record = records.iter().find(|record| record.directory == directory);
            let tested = record.and_then(|record| record.tested(name));
            let proof = Proof { path: source.path().to_owned(), tested };
            proofs.of.entry(file).or_default().push(proof);
        }
        proofs
    }

    /// The tests whose run would settle a finding: those of the file that it stands in, where it says
    /// something that people who come would notice.
    pub fn settling(&self, finding: &Finding) -> &[Proof] {
        let file = place(finding).filter(|_| rules::settled_by_a_run(finding.rule)).map(|span| span.file);
        file.and_then(|file| self.of.get(&file)).map_or(&[], Vec::as_slice)
    }
}

/// The file that a configuration test puts to the test, as it says so; none of another file.
fn candidate(source: &Source) -> Option<String> {
    // Not worth a second tree for every TOML file.
    if !source.text().contains("candidate") {
        return None;
    }
    let tree = Tree::parse(Syntax::Toml, source);
    let top = tree.documents().next()?;
    let text = |node: Option<Node<'_>>| Some(node?.scalar()?.text().to_owned());
    let is_test = text(top.get("kind"))? == "service" && top.get("objective").is_some();
    text(top.get("candidate")?.get("file")).filter(|_| is_test)
}

impl RecordFile {
    /// The run of a test file on what is there now, or else its last one.
    fn tested(&self, test: &str) -> Option<Tested> {
        let is_other = |input: &&Input| self.hashes.get(&input.path) != Some(&Some(input.sha256.clone()));
        let mut last = None;
        for held in self.record.of(test) {
            let changed: Vec<String> =
                held.inputs.iter().filter(is_other).map(|input| input.path.clone()).collect();
            let holds = changed.is_empty();
            last = Some(Tested { date: held.date.clone(), people: held.people, seed: held.seed, changed });
            if holds {
                break;
            }
        }
        last
    }
}

impl Proof {
    /// The command that runs it.
    #[must_use]
    pub fn command(&self) -> String {
        format!("forewarn test {}", shell_word(&self.path))
    }

    /// Whether it was run on what is there, and held.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.tested.as_ref().is_some_and(|tested| tested.changed.is_empty())
    }

    /// What was recorded of it, in words.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        const NAMED: usize = 3;
        let Tested { date, people, seed, changed } = self.tested.as_ref()?;
        let held = format!("tested on {date}: held ({people} people, seed {seed})");
        let have = if changed.len() == 1 { "has" } else { "have" };
        let names = match changed.as_slice() {
            [] => return Some(held),
            few if few.len() <= NAMED => model::in_a_row(few),
            many => format!("{} and {} more files", many[..NAMED].join(", "), many.len() - NAMED),
        };
        Some(format!("{held}, but {names} {have} changed since"))
    }
}
