//! What the watch costs: bytes of the journal, bytes of the state.

use std::mem::size_of;

use super::*;
use crate::checkpoint;
use crate::journal::{Coder, encode};
use crate::plan::LatencyObjective;
use crate::state::targets::Target;
use crate::state::trial::{Phase, Trial};

const SERVICES: u16 = 24;

/// Numbers without a pattern, the same every time (Knuth's multiplicative generator, 64 bits).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// A quarter of an hour of an installation: four slots a second, six services in each. About a hundred
/// requests a second, of which about one in a hundred fails and some are slow.
fn rows(plan: &Plan, state: &mut State) -> usize {
    const SECONDS: u64 = 900;
    let mut dice = Dice(1);
    let mut coder = Coder::default();
    let mut totals = vec![Tally::empty(3, 0); usize::from(SERVICES)];
    let mut bytes = 0;
    let mut write = |state: &mut State, entries: &[Entry]| {
        entries.iter().for_each(|entry| step(plan, state, entry, &mut Vec::new()));
        encode(entries, &mut coder).len()
    };
    let at = At(1_000_000_000_000);
    write(state, &[Entry { at, input: Input::Started(plan.outlines()) }]);
    for service in 0..SERVICES {
        let targets = vec!["10.0.0.1:9000".to_owned()];
        write(state, &[Entry { at, input: Input::Targets { service, targets } }]);
    }
    for quarter in 0..4 * SECONDS {
        // The clock of whoever writes is not exact.
        let at = At(1_000_000_001_000 + quarter * 250 + dice.below(3));
        let slot = quarter % 4;
        let entries: Vec<Entry> = (0..SERVICES / 4)
            .map(|place| {
                let service = place + SERVICES / 4 * slot as u16;
                let totals = &mut totals[usize::from(service)];
                let requests = 70 + dice.below(60);
                let failed = [dice.below(3), u64::from(dice.below(20) == 0), dice.below(2)];
                let slow = dice.below(3);
                totals.add(&Tally {
                    requests,
                    failed: failed.to_vec(),
                    timed: requests,
                    slow,
                    piled: Vec::new(),
                });
                let said = Said::Totals(totals.clone());
                Entry { at, input: Input::Look { service, readings: vec![Reading { target: 0, said }] } }
            })
            .collect();
        bytes += write(state, &entries);
    }
    bytes * 86_400 / SECONDS as usize
}

fn installation() -> Plan {
    let services = (0..SERVICES).map(|at| {
        let mut service = service(&format!("service-{at}"));
        let guard = GuardSource::Declared(0.2);
        service.failures = guard.clone();
        service.latency = Some(LatencyObjective { slow: Duration::from_millis(500), guard });
        service
    });
    plan(services.collect())
}

#[test]
fn a_day_of_24_services_at_a_second_is_below_15_megabytes() {
    let mut state = State::default();
    let bytes = rows(&installation(), &mut state);
    assert!(bytes <= 15_000_000, "{bytes} bytes a day");
    assert!(state.services().all(|service| service.health() == Health::Good));
}

#[test]
fn a_test_takes_a_kilobyte_at_most() {
    assert!(size_of::<Trial>() <= 1024, "{} bytes", size_of::<Trial>());
    assert!(size_of::<Phase>() + size_of::<Target>() <= 1024);
    let mut state = State::default();
    let plan = installation();
    rows(&plan, &mut state);
    let tests: usize = state.services().map(|service| service.tests().count()).sum();
    let saved = checkpoint::save(&state, &Coder::default()).len();
    assert!(saved <= 1024 * tests, "{saved} bytes for {tests} tests");
}
