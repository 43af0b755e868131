//! The watch of an installation on virtual time. Looks go in as the daemon journals them, a slot of services
//! after the other, through the product's own step function; what it wants told is taken at once, and
//! journaled as taken. Reads no state of the watch: what it tells is all that counts.

use std::time::Duration;

use watch::alert::{Effect, Notice};
use watch::guard::Learnt;
use watch::journal::{Entry, Input, Reading, Said};
use watch::plan::{
    Access, Channel, ChannelKind, GuardSource, Intake, Mapping, Plan, Reason, Scrape, Targets, Watched,
};
use watch::tally::Tally;
use watch::time::At;
use watch::{State, step};

/// Services of an installation.
pub(super) const SERVICES: usize = 24;
/// The daemon looks at services in so many slots of a look, each of which is one commit.
const SLOTS: usize = 4;
const SLOT: Duration = Duration::from_millis(250);
/// A Monday, 00:00 UTC, so that the hours of the week are those of the clock.
pub(super) const MONDAY: At = At(4 * 86_400_000);

/// A watch and its services.
pub(super) struct Installation {
    plan: Plan,
    state: State,
    /// The second that comes next.
    next: At,
    /// The looks at each service, made anew in place: an allocation each would cost more than the watch.
    looks: Vec<Entry>,
    effects: Vec<Effect>,
}

impl Installation {
    /// Begins on a Monday at midnight.
    pub(super) fn begin(plan: Plan) -> Self {
        let looks = (0..)
            .zip(&plan.services)
            .map(|(service, watched)| {
                let said = Said::Totals(Tally::empty(watched.reasons.len(), 0));
                let readings = vec![Reading { target: 0, said }];
                Entry { at: MONDAY, input: Input::Look { service, readings } }
            })
            .collect();
        let mut this = Self { plan, state: State::default(), next: MONDAY, looks, effects: Vec::new() };
        this.tell(Input::Started(this.plan.outlines()));
        for (service, _) in (0..).zip(0..this.plan.services.len()) {
            let targets = vec!["10.0.0.1:9000".to_owned()];
            this.tell(Input::Targets { service, targets });
        }
        // The first totals of a target are what later ones are compared with.
        this.second(|_| Counts::default(), |_, _| {});
        this
    }

    /// Hands in guards that were learnt.
    pub(super) fn learn(&mut self, service: usize, guards: Vec<Learnt>) {
        let service = u16::try_from(service).expect("bug: an installation has few services");
        self.tell(Input::Learnt { service, guards });
    }

    /// The second that comes next.
    pub(super) fn next(&self) -> At {
        self.next
    }

    /// Looks at every service once: `count` says what came since the last look, `told` hears of each notice
    /// by the place of its service.
    #[inline]
    pub(super) fn second(
        &mut self,
        mut count: impl FnMut(usize) -> Counts,
        mut told: impl FnMut(usize, &Notice),
    ) {
        let mut at = self.next;
        for slot in 0..SLOTS {
            for place in (slot..self.looks.len()).step_by(SLOTS) {
                let look = &mut self.looks[place];
                look.at = at;
                add(look, count(place));
                step(&self.plan, &mut self.state, look, &mut self.effects);
            }
            while !self.effects.is_empty() {
                self.deliver(at, &mut told);
            }
            at = at.after(SLOT);
        }
        self.next = self.next.after(self.plan.look);
    }

    /// Hears what is told, and journals that it was taken, which may let go of what waited behind it.
    fn deliver(&mut self, at: At, told: &mut impl FnMut(usize, &Notice)) {
        for Effect { key, notice, .. } in std::mem::take(&mut self.effects) {
            let name = &notice.alert().service;
            let place = self.plan.services.iter().position(|watched| watched.name == *name);
            told(place.expect("bug: nothing is told but of services"), &notice);
            let entry = Entry { at, input: Input::Delivered { key, outcome: Ok(()) } };
            step(&self.plan, &mut self.state, &entry, &mut self.effects);
        }
    }

    fn tell(&mut self, input: Input) {
        let entry = Entry { at: self.next, input };
        step(&self.plan, &mut self.state, &entry, &mut self.effects);
    }

    /// What is open, and what nobody took: both would grow if this drove the watch wrongly.
    pub(super) fn is_tidy(&self) -> bool {
        self.state.outbox().next().is_none() && self.state.alerts().count() <= self.plan.services.len()
    }
}

/// What came within a second.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    /// So many failed
    pub(super) k: u64,
    /// of so many.
    pub(super) n: u64,
}

fn add(look: &mut Entry, Counts { k, n }: Counts) {
    if let Input::Look { readings, .. } = &mut look.input
        && let [Reading { said: Said::Totals(total), .. }] = &mut readings[..]
    {
        total.requests += n;
        total.failed[0] += k;
    }
}

/// A plan of services that fail for one reason, with a channel that takes everything.
pub(super) fn plan(false_alarms: f64, failures: impl Fn(usize) -> GuardSource) -> Plan {
    let scrape = Scrape {
        targets: vec![Targets::Url("http://127.0.0.1:9100/metrics".into())],
        access: Access::default(),
        mapping: Mapping::default(),
        timeout: Duration::from_millis(500),
        most: 1 << 20,
    };
    let service = |place: usize| Watched {
        name: format!("service-{place}"),
        span: model::Span { file: model::FileId(0), start: 0, end: 0 },
        intake: Intake::Scrape(scrape.clone()),
        reasons: vec![Reason { name: "error".into(), counts: true }],
        failures: failures(place),
        by_reason: Vec::new(),
        latency: None,
        pile_up: Vec::new(),
        traffic: None,
        objective: None,
        probe: None,
    };
    let channel = Channel {
        name: "receiver".into(),
        kind: ChannelKind::Webhook("http://127.0.0.1:9099/".into()),
        access: Access::default(),
        timeout: Duration::from_secs(1),
    };
    Plan {
        false_alarms,
        look: Duration::from_secs(1),
        services: (0..SERVICES).map(service).collect(),
        channels: vec![channel],
        heartbeat: None,
        audit: None,
        journal: "journal".into(),
        keep: Duration::from_secs(86_400),
        listen: None,
    }
}
