//! Runs every example on every dialect's page.

#![expect(
    clippy::disallowed_methods,
    reason = "the pages and their list are files; on request they are written"
)]

mod damage;
mod page;
mod show;
mod site;

use std::path::{Path, PathBuf};

use readers::{DIALECTS, PRODUCT_PAGES};

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(name)
}

/// Where a dialect's page lies, beside its code.
fn page_of(dialect: &str) -> PathBuf {
    source(&format!("{}.md", dialect.replace('-', "_")))
}

#[test]
fn examples_on_the_pages_give_what_the_pages_say() {
    // `FOREWARN_BLESS=1` writes what comes out into the pages.
    let bless = std::env::var_os("FOREWARN_BLESS").is_some_and(|value| value == "1");
    let mut differences = String::new();
    let dialects = DIALECTS.iter().map(|dialect| (page_of(dialect.name), Some(dialect.name), dialect.docs));
    let products = PRODUCT_PAGES.iter().map(|&(name, docs)| (source(name), None, docs));
    for (path, dialect, docs) in dialects.chain(products) {
        let done = page::run(dialect, docs);
        if bless {
            std::fs::write(path, &done).expect("write the page");
        } else if done != docs {
            differences += &page::difference(&path.display().to_string(), docs, &done);
        }
    }
    assert!(differences.is_empty(), "{differences}run with FOREWARN_BLESS=1 to take this over");
}

#[test]
fn every_dialect_has_its_page_with_an_example() {
    for dialect in DIALECTS {
        assert!(page_of(dialect.name).is_file(), "{} has no page beside its code", dialect.name);
        assert!(page::examples(dialect.docs) > 0, "the page of {} has no example", dialect.name);
    }
}

#[test]
fn every_page_belongs_to_a_dialect() {
    let pages = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("read src");
    for page in pages.map(|entry| entry.expect("read src").path()) {
        if page.extension().is_some_and(|extension| extension == "md") {
            assert!(
                DIALECTS.iter().any(|dialect| page_of(dialect.name) == page),
                "{} belongs to no dialect in DIALECTS",
                page.display()
            );
        }
    }
}

#[test]
fn names_of_dialects_are_unique() {
    let mut names: Vec<_> = DIALECTS.iter().map(|dialect| dialect.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), DIALECTS.len());
}
