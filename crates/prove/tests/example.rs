//! The examples that are shipped are what `prove` reads.

use std::path::Path;

use prove::file::Test;
use text::{FileId, Source, Syntax};

/// A test file of an example, and whether each configuration beside it takes what the test sets.
#[expect(clippy::disallowed_methods, reason = "reads the example")]
fn shipped(example: &str, name: &str, configurations: &[&str]) -> Test {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(example);
    let file = |name: &str| {
        let text = std::fs::read_to_string(base.join(name)).map_err(|error| error.to_string())?;
        Ok(Source::new(FileId(0), name, text))
    };
    let source = file(name).expect("the example");
    let mut test = prove::parse::parse(&source, &file).expect("no mistake in it");
    // What the name leaves open, whoever reads the file sees.
    test.candidate.syntax.get_or_insert(Syntax::Ini);
    for name in configurations.iter().copied().chain([test.candidate.file.as_str()]) {
        let configuration = file(name).expect(name);
        for edit in &test.candidate.set {
            let set = test.candidate.set(configuration.text(), &edit.key, "x");
            assert!(set.is_ok(), "{name}: {set:?}");
        }
    }
    test
}

#[test]
fn a_sign_in_through_a_directory_that_takes_its_time() {
    let test = shipped("auth-timeout", "auth.test.toml", &["candidate.toml"]);
    assert!(test.dependencies[0].replayed.answer.is_some(), "the latency stands in observed.toml");
}

#[test]
fn a_question_for_a_flag_over_connections_that_take_their_time() {
    let test = shipped("connect-timeout", "flags.test.toml", &["candidate.ini"]);
    let replayed = &test.dependencies[0].replayed;
    assert!(replayed.connect.is_some() && replayed.answer.is_none());
    // The shares that the example speaks of: three attempts of 300 ms, and one of 1 s.
    let connect = replayed.connect.as_ref().and_then(model::Latency::replay).expect("it was seen");
    let above = |limit| 1.0 - connect.share_within(std::time::Duration::from_millis(limit));
    assert!((0.75..0.81).contains(&above(300).powi(3)), "{}", above(300));
    assert!(above(1000) < 0.001, "{}", above(1000));
}

#[test]
fn a_request_through_an_edge() {
    let test = shipped("edge-timeout", "edge.test.toml", &["candidate.conf"]);
    assert_eq!(test.candidate.syntax, Some(Syntax::Nginx));
}

#[test]
fn a_login_at_keystone_over_a_database_with_a_way_to_it() {
    let test = shipped("keystone", "keystone.test.toml", &["candidate.conf", "candidate-patient.conf"]);
    assert_eq!((test.objective.people, test.objective.may_fail(24)), (Some(24), 1));
}
