//! A scenario of the watch, run on virtual time, with no network and no clock.

use std::path::Path;

use audit::Error;
use text::Source;
use watch::scenario::{self, PlanAt, Scenario};
use wire::tested::{self, Difference, Tested, Verdict};

use super::{plan, shown};

/// Runs it and compares what was told with what was expected.
pub(super) fn tested(path: &Path, source: Source) -> Result<Tested, Error> {
    let scenario = read(path, source)?;
    let told = scenario::run(&scenario);
    let differences: Vec<Difference> = scenario::judge(&scenario, &told)
        .into_iter()
        .map(|difference| Difference { expected: difference.expected, happened: difference.happened })
        .collect();
    Ok(Tested {
        verdict: if differences.is_empty() { Verdict::Passed } else { Verdict::Failed },
        scenario: Some(tested::Scenario {
            virtual_seconds: scenario.length.as_secs_f64(),
            alerts: told.iter().map(scenario::Told::line).collect(),
            differences,
        }),
        ..Tested::of(shown(path), scenario.name)
    })
}

fn read(path: &Path, source: Source) -> Result<Scenario, Error> {
    let at = match scenario::plan_of(&source) {
        Ok(at) => at,
        Err(mistakes) => return Err(Error::Mistakes { source, mistakes }),
    };
    let help = "name the plan in the test file with `plan = \"...\"`, or write [watch] into it";
    let plan = match at {
        PlanAt::Here => None,
        PlanAt::File(name) => Some(plan(&path.parent().unwrap_or(Path::new("")).join(name), help)?),
    };
    scenario::parse(&source, plan.as_ref()).map_err(|mistakes| Error::Mistakes { source, mistakes })
}
