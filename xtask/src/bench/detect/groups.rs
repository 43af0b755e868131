//! What is watched in `bench detect`: groups of services, each with its traffic, its fault and the bar
//! for Forewarn. Everything follows from the seed, so that the source, the history and the report each
//! compute it for themselves.

use rig::draw::Draw;
use rig::source::{Fault, Target};

/// The shares of failures while all is well; the services of a group take turns.
pub(super) const BASES: [f64; 2] = [0.01, 0.0005];

/// Services of the same kind, watched by one Forewarn.
#[derive(Debug)]
pub(in super::super) struct Group {
    /// How it is called in names of services and files.
    pub(super) key: &'static str,
    /// What happens to it.
    pub(super) what: &'static str,
    /// How many services it has.
    pub(super) services: usize,
    /// How many targets each of them has.
    pub(super) replicas: usize,
    /// Requests a second at a target.
    pub(super) rate: f64,
    /// The share that fails once the fault is whole.
    pub(super) to: f64,
    /// How long the share rises, in seconds; 0 for a step.
    pub(super) rises: f64,
    /// The longest delays that Forewarn may have, in seconds.
    pub(super) bar: Bar,
}

/// The longest delays from onset to webhook, in seconds, where there is one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bar {
    pub(super) median: Option<f64>,
    pub(super) most: Option<f64>,
}

impl Bar {
    const NONE: Self = Self { median: None, most: None };
}

pub(in super::super) const GROUPS: &[Group] = &[
    Group {
        key: "step100",
        what: "step to 20 %, 100/s",
        services: 24,
        replicas: 1,
        rate: 100.0,
        to: 0.2,
        rises: 0.0,
        bar: Bar { median: Some(2.0), most: Some(4.0) },
    },
    Group {
        key: "step10",
        what: "step to 20 %, 10/s",
        services: 24,
        replicas: 1,
        rate: 10.0,
        to: 0.2,
        rises: 0.0,
        bar: Bar { median: Some(8.0), most: None },
    },
    Group {
        key: "step1",
        what: "step to 20 %, 1/s",
        services: 24,
        replicas: 1,
        rate: 1.0,
        to: 0.2,
        rises: 0.0,
        bar: Bar { median: Some(60.0), most: None },
    },
    Group {
        key: "small100",
        what: "step to 5 %, 100/s",
        services: 24,
        replicas: 1,
        rate: 100.0,
        to: 0.05,
        rises: 0.0,
        bar: Bar { median: None, most: Some(25.0) },
    },
    Group {
        key: "small10",
        what: "step to 5 %, 10/s",
        services: 24,
        replicas: 1,
        rate: 10.0,
        to: 0.05,
        rises: 0.0,
        bar: Bar { median: None, most: Some(180.0) },
    },
    Group {
        key: "ramp100",
        what: "ramp to 20 % in 10 min, 100/s",
        services: 24,
        replicas: 1,
        rate: 100.0,
        to: 0.2,
        rises: 600.0,
        bar: Bar::NONE,
    },
    Group {
        key: "replica",
        what: "one of 20 replicas to 20 %, 5/s each",
        services: 3,
        replicas: 20,
        rate: 5.0,
        to: 0.2,
        rises: 0.0,
        bar: Bar::NONE,
    },
];

/// A service of a group.
#[derive(Debug, Clone)]
pub(in super::super) struct Service {
    /// Its name, unique in the run.
    pub(in super::super) name: String,
    /// The share of failures while all is well.
    pub(in super::super) base: f64,
    /// When its fault begins, in seconds after the source.
    pub(super) onset: f64,
    /// Its targets; the fault is the first one's alone where there are several.
    pub(in super::super) targets: Vec<Target>,
    /// The seed of its history.
    pub(super) seed: u64,
}

impl Service {
    /// Requests a second at all its targets.
    pub(in super::super) fn rate(&self) -> f64 {
        self.targets.iter().map(|target| target.rate).sum()
    }
}

impl Group {
    /// Its services, with onsets between two moments.
    pub(in super::super) fn services(&self, seed: u64, onsets: (f64, f64)) -> Vec<Service> {
        // Each group draws for itself, so that one more does not move the others.
        let mut draw =
            Draw(self.key.bytes().fold(seed, |seed, byte| (seed << 5) ^ (seed >> 3) ^ u64::from(byte)));
        (0..self.services)
            .map(|place| {
                let base = BASES[place % BASES.len()];
                let onset = draw.between(onsets.0, onsets.1);
                let fault = Fault { onset, rises: self.rises, to: self.to, until: f64::INFINITY };
                let name = format!("{}-{place:02}", self.key);
                let targets = (0..self.replicas).map(|replica| Target {
                    name: if self.replicas == 1 { name.clone() } else { format!("{name}-r{replica:02}") },
                    rate: self.rate,
                    base,
                    fault: (replica == 0).then_some(fault),
                });
                Service { base, onset, targets: targets.collect(), seed: draw.next(), name }
            })
            .collect()
    }
}
