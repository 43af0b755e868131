//! The guards that the plan of our own watch states, for the audit of the monitoring.

use model::Sourced;
use model::monitor::Guarded;
use watch::plan::{GuardSource, Plan, Watched};

/// Guards of shares, each at the table of its service.
pub(crate) fn stated(plan: &Plan) -> Vec<Guarded> {
    plan.services.iter().flat_map(of_service).collect()
}

fn of_service(service: &Watched) -> Vec<Guarded> {
    let reason =
        |index: usize| service.reasons.get(index).map(|reason| format!("failures by {}", reason.name));
    let by_reason = service.by_reason.iter().filter_map(|(index, guard)| Some((reason(*index)?, guard)));
    let all = std::iter::once(("failures".to_owned(), &service.failures));
    let probe = service.probe.iter().map(|probe| ("failures of the probe".to_owned(), &probe.guard));
    all.chain(by_reason)
        .chain(probe)
        .filter_map(|(what, guard)| match guard {
            GuardSource::Declared(share) => Some(Guarded {
                service: service.name.clone(),
                what,
                guard: Sourced::written(*share, service.span),
            }),
            GuardSource::History(_) | GuardSource::Own => None,
        })
        .collect()
}
