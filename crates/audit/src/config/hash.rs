//! Measured times of password hashes: `[[hash]]` tables in `forewarn.toml`, or in a file of their own
//! as `forewarn observe hash` writes it. Gives what was measured; judges nothing.

use model::{HashSpec, HashTime, Origin, Sourced};
use text::{Node, Source, Syntax, Tree};

use model::declared::measurement;

use super::{Hashes, Mistake};
use model::declared::{Mistakes, Table};

/// The keys of `[[hash]]`.
pub(super) const HASH: &[&str] = &[
    "algorithm",
    "memory",
    "iterations",
    "lanes",
    "cost",
    "host",
    "measured",
    "runs",
    "median",
    "p99",
    "file",
];

/// The algorithms whose parameters are known.
#[derive(Debug, Clone, Copy)]
enum Algorithm {
    Argon2id,
    Bcrypt,
}

const ALGORITHMS: &[(&str, Algorithm)] = &[("argon2id", Algorithm::Argon2id), ("bcrypt", Algorithm::Bcrypt)];

const MEASURE: &str = "`forewarn observe hash` measures it and writes the table";

/// Reads a file of `[[hash]]` tables.
pub(super) fn parse(source: &Source) -> Result<Vec<Sourced<HashTime>>, Vec<Mistake>> {
    let tree = Tree::parse(Syntax::Toml, source);
    let mut m = Mistakes::default();
    measurement::syntax(&tree, &mut m);
    let top = tree.documents().next().and_then(|root| Table::new(root, "the measurement", &["hash"], &mut m));
    let hashes = top.map_or_else(Vec::new, |top| hashes(top.get("hash"), &mut m));
    let times = hashes.into_iter().filter_map(|hashes| match hashes {
        Hashes::Here(time) => Some(time),
        Hashes::File { path, span } => {
            m.add(span, format!("a measurement that names another file, `{path}`"), "state the numbers here");
            None
        }
    });
    let times: Vec<_> = times.collect();
    m.or(times)
}

/// The tables of a list.
pub(super) fn hashes(node: Option<Node<'_>>, m: &mut Mistakes) -> Vec<Hashes> {
    Table::list(node, "[[hash]]", HASH, m)
        .into_iter()
        .filter_map(|table| {
            let Some(file) = table.get("file") else { return here(&table, m).map(Hashes::Here) };
            if table.get("median").is_some() {
                m.add(file.span(), "[[hash]] with numbers and a `file`", "keep one of them");
                return None;
            }
            let path = table.text("file", m)?.to_owned();
            Some(Hashes::File { path, span: file.span() })
        })
        .collect()
}

fn here(table: &Table<'_>, m: &mut Mistakes) -> Option<Sourced<HashTime>> {
    let algorithm = table.word("algorithm", ALGORITHMS, m);
    let (host, measured) = (table.needed_text("host", m), table.needed_text("measured", m));
    table.needed_text("algorithm", m);
    let mut needed = |key: &str| {
        let there = table.get(key).is_some();
        if !there {
            m.add(table.span(), format!("[[hash]] without `{key}`"), MEASURE);
        }
        there
    };
    let complete = ["runs", "median", "p99"].map(&mut needed) == [true; 3];
    let spec = match algorithm? {
        Algorithm::Argon2id => {
            let complete = ["memory", "iterations", "lanes"].map(needed) == [true; 3];
            let counts = ["memory", "iterations", "lanes"].map(|key| count(table, key, m));
            match counts {
                [Some(memory), Some(iterations), Some(lanes)] if complete => {
                    Some(HashSpec::Argon2id { memory, iterations, lanes })
                }
                _ => None,
            }
        }
        Algorithm::Bcrypt => {
            let complete = needed("cost");
            count(table, "cost", m).filter(|_| complete).map(|cost| HashSpec::Bcrypt { cost })
        }
    };
    let runs = count(table, "runs", m);
    let (median, p99) = (table.length("median", m), table.length("p99", m));
    if let (Some(median), Some(p99)) = (median, p99)
        && p99 < median
    {
        m.add(table.place("p99"), "`p99` is shorter than `median`", "check both against their source");
    }
    let window = format!("{} on {}", measured?, host?);
    let time = HashTime { spec: spec?, window: window.clone(), runs: runs?, median: median?, p99: p99? };
    let origin = Origin::Observed { source: table.place("median"), window };
    complete.then_some(Sourced { value: time, origin })
}

/// A count that is not 0.
fn count(table: &Table<'_>, key: &str, m: &mut Mistakes) -> Option<u64> {
    let count = table.count(key, m)?;
    if count == 0 {
        m.add(table.place(key), format!("`{key}` of [[hash]] is 0"), "write a whole number from 1 up");
    }
    Some(count)
}
