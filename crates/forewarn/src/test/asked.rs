//! Whether what the options ask for can be had of the files that are named: said before anything runs, so
//! that nothing is passed over in silence and no result is lost after minutes.

use std::path::Path;

use audit::Error;
use model::in_a_row;
use prove::file::Test;

use super::{Kind, shown};
use crate::arguments::TestArguments;
use crate::output::can_be_written;

/// How many configuration tests an option can speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    One,
    Each,
}

/// Holds the options against the files, each with its kind as far as it has one.
///
/// # Errors
///
/// An option speaks of configuration tests, and none is named; or of a single one, and several are.
pub(super) fn of_files(arguments: &TestArguments, files: &[(&Path, Option<Kind>)]) -> Result<(), Error> {
    let given = [
        ("--candidate", Of::One, arguments.candidate.is_some()),
        ("--current", Of::One, arguments.current.is_some()),
        ("--picture", Of::One, arguments.picture.is_some()),
        ("--record", Of::Each, arguments.record),
        ("--search", Of::Each, arguments.search),
        ("--mutate", Of::Each, arguments.mutate),
        ("--keep", Of::Each, arguments.keep),
    ];
    let services: Vec<String> =
        files.iter().filter(|(_, kind)| *kind == Some(Kind::Service)).map(|(path, _)| shown(path)).collect();
    let all_scenarios = files.iter().all(|(_, kind)| *kind == Some(Kind::Scenario));
    for (option, of, _) in given.into_iter().filter(|(.., is_given)| *is_given) {
        if all_scenarios {
            let what = "is for configuration tests, and only scenarios are named";
            let help = "leave it out, or name a file with kind = \"service\"";
            return Err(Error::stopped(option, what, help));
        }
        if of == Of::One && services.len() > 1 {
            let what = format!("is for one configuration test, and {} are named", in_a_row(&services));
            return Err(Error::stopped(option, what, "run them one after the other"));
        }
    }
    arguments.picture.as_deref().map_or(Ok(()), |file| can_be_written(file, "--picture"))
}

/// Holds the options against a configuration test.
///
/// # Errors
///
/// An option needs what the test does not say.
pub(super) fn of_test(arguments: &TestArguments, path: &Path, test: &Test) -> Result<(), Error> {
    let given = [("--search", arguments.search), ("--picture", arguments.picture.is_some())];
    let needs = given.into_iter().find(|(_, is_given)| *is_given && test.search.is_none());
    needs.map_or(Ok(()), |(option, _)| {
        let what = format!("has no [search], which names the setting that {option} is about");
        Err(Error::stopped(shown(path), what, "add [search] with `key = \"...\"`"))
    })
}
