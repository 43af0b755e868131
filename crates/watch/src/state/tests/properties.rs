//! What holds of every journal: of random ones here.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::audits::KnownSetting;
use crate::checkpoint;
use crate::guard::{Guard, Learnt, Signal};
use crate::journal::{Coder, Fault, Phases, Walk, decode, encode, is_key};
use crate::plan::{LatencyObjective, Objective, Probe, Schedule, Step, When};

/// What happens to a small installation.
#[derive(Debug, Clone)]
enum Happening {
    /// So many looks at a service, a second apart, with so many failures of a hundred requests at each
    /// target; a target that is named says nothing.
    Looks {
        service: u16,
        looks: u8,
        failed: u8,
        silent: Option<u16>,
    },
    /// A target counts from zero again.
    Restart {
        service: u16,
        target: u16,
    },
    /// A service's targets are so many from now on.
    Targets {
        service: u16,
        targets: u16,
    },
    /// Walks of the probe.
    Walks {
        walks: u8,
        fault: Option<Fault>,
    },
    /// Time without anything.
    Silence {
        seconds: u16,
    },
    Audit {
        finding: u8,
        value: u8,
        stopped: bool,
    },
    /// What was handed out is delivered, or not.
    Deliver {
        fails: bool,
    },
    Hush {
        id: u64,
        seconds: u16,
    },
    Unhush {
        id: u64,
    },
    Learnt {
        service: u16,
        level: f32,
    },
    Clock {
        moved: i64,
    },
    Begin,
}

fn happening() -> impl Strategy<Value = Happening> {
    use Happening as H;
    let fault = prop_oneof![Just(None), Just(Some(Fault::Timeout)), Just(Some(Fault::Ours))];
    prop_oneof![
        8 => (0..3_u16, 1..40_u8, prop_oneof![Just(0_u8), Just(1), Just(30), 0..100_u8], prop::option::of(0..4_u16))
            .prop_map(|(service, looks, failed, silent)| H::Looks { service, looks, failed, silent }),
        1 => (0..2_u16, 0..3_u16).prop_map(|(service, target)| H::Restart { service, target }),
        1 => (0..2_u16, 0..4_u16).prop_map(|(service, targets)| H::Targets { service, targets }),
        2 => (1..40_u8, fault).prop_map(|(walks, fault)| H::Walks { walks, fault }),
        1 => (1..3000_u16).prop_map(|seconds| H::Silence { seconds }),
        1 => (0..4_u8, 0..3_u8, any::<bool>())
            .prop_map(|(finding, value, stopped)| H::Audit { finding, value, stopped }),
        4 => any::<bool>().prop_map(|fails| H::Deliver { fails }),
        1 => (0..3_u64, 1..600_u16).prop_map(|(id, seconds)| H::Hush { id, seconds }),
        1 => (0..3_u64).prop_map(|id| H::Unhush { id }),
        1 => (0..2_u16, 0.001..0.1_f32).prop_map(|(service, level)| H::Learnt { service, level }),
        1 => (-10_000_000..10_000_000_i64).prop_map(|moved| H::Clock { moved }),
        1 => Just(H::Begin),
    ]
}

/// Two services with everything, and one that has a probe alone.
fn everything() -> Plan {
    let mut auth = service("auth");
    auth.latency =
        Some(LatencyObjective { slow: Duration::from_millis(500), guard: GuardSource::Declared(0.05) });
    auth.pile_up = vec![Duration::from_secs(1)];
    auth.traffic = Some(GuardSource::Own);
    auth.objective = Some(Objective { good: 0.99, period: Duration::from_secs(30 * 86_400) });
    auth.intake = scraped();
    let mut directory = service("directory");
    directory.failures = GuardSource::Own;
    directory.intake = scraped();
    let mut front = service("front");
    front.intake = Intake::None;
    let step = Step {
        name: "login".to_owned(),
        method: "POST".to_owned(),
        url: "http://front.example/login".to_owned(),
        headers: Vec::new(),
        body: None,
        expect: Vec::new(),
        keep: Vec::new(),
    };
    front.probe = Some(Probe {
        every: Duration::from_secs(5),
        timeout: Duration::from_secs(4),
        steps: vec![step],
        access: Access::default(),
        guard: GuardSource::Declared(0.05),
    });
    let mut plan = plan(vec![auth, directory, front]);
    plan.channels.push(alertmanager());
    plan.audit = Some(Schedule {
        when: When::Every(Duration::from_secs(600)),
        on_change: true,
        roots: Vec::new(),
        overdue: Duration::from_secs(1200),
    });
    plan
}

/// The world that a journal is written of.
struct World {
    plan: Plan,
    at: u64,
    state: State,
    entries: Vec<Entry>,
    /// What each entry brought about.
    effects: Vec<Vec<Effect>>,
    handed: Vec<u64>,
    targets: [u16; 3],
    totals: BTreeMap<(u16, u16), Tally>,
}

impl World {
    fn new() -> Self {
        let plan = everything();
        let mut world = Self {
            plan,
            at: 1_000_000_000,
            state: State::default(),
            entries: Vec::new(),
            effects: Vec::new(),
            handed: Vec::new(),
            targets: [2, 2, 0],
            totals: BTreeMap::new(),
        };
        world.enter(Input::Started(world.plan.outlines()));
        world.list(0);
        world.list(1);
        world
    }

    fn of(happenings: &[Happening]) -> Self {
        let mut world = Self::new();
        for happening in happenings {
            world.live(happening);
        }
        world
    }

    fn enter(&mut self, input: Input) {
        let entry = Entry { at: At(self.at), input };
        let mut effects = Vec::new();
        step(&self.plan, &mut self.state, &entry, &mut effects);
        self.handed.extend(effects.iter().map(|effect| effect.key));
        self.entries.push(entry);
        self.effects.push(effects);
    }

    fn list(&mut self, service: u16) {
        let targets = (0..self.targets[usize::from(service)]).map(|target| format!("10.0.0.{target}:80"));
        self.enter(Input::Targets { service, targets: targets.collect() });
    }

    fn live(&mut self, happening: &Happening) {
        match *happening {
            Happening::Looks { service, looks, failed, silent } => {
                for _ in 0..looks {
                    self.at += 1000;
                    let readings = (0..self.targets[usize::from(service)])
                        .map(|target| Reading { target, said: self.say(service, target, failed, silent) });
                    let readings = readings.collect();
                    self.enter(Input::Look { service, readings });
                }
            }
            Happening::Restart { service, target } => {
                self.totals.remove(&(service, target));
            }
            Happening::Targets { service, targets } => {
                self.targets[usize::from(service)] = targets;
                self.list(service);
            }
            Happening::Walks { walks, fault } => {
                for _ in 0..walks {
                    self.at += 5000;
                    let failed = fault.map(|fault| (0, fault));
                    let walk = Walk { failed, steps: vec![Phases::default()] };
                    self.enter(Input::Walked { service: 2, walk });
                }
            }
            Happening::Silence { seconds } => {
                self.at += u64::from(seconds) * 1000;
                self.enter(Input::Tick);
            }
            Happening::Audit { finding, value, stopped } => {
                self.enter(Input::Audited(audited(finding, value, stopped)));
            }
            Happening::Deliver { fails } => {
                for key in std::mem::take(&mut self.handed) {
                    let outcome = if fails { Err(Refusal::for_now("connection refused")) } else { Ok(()) };
                    self.enter(Input::Delivered { key, outcome });
                }
            }
            Happening::Hush { id, seconds } => {
                let until = At(self.at).after(Duration::from_secs(u64::from(seconds)));
                let service = (id > 0).then(|| "auth".to_owned());
                let (reason, by) = ("a release".to_owned(), "ops".to_owned());
                let from = At(self.at);
                self.enter(Input::Silenced(Silence { id, service, from, until, reason, by }));
            }
            Happening::Unhush { id } => self.enter(Input::Unsilenced(id)),
            Happening::Learnt { service, level } => {
                let guard = Guard { level: vec![level], days: 14.0, dispersion: 1.2, implied: Some(0.5) };
                let traffic = Guard { level: vec![level * 1000.0], ..guard.clone() };
                let guards = vec![
                    Learnt { signal: Signal::Failures, guard },
                    Learnt { signal: Signal::Traffic, guard: traffic },
                ];
                self.enter(Input::Learnt { service, guards });
            }
            Happening::Clock { moved } => {
                self.at += u64::try_from(moved).unwrap_or(0);
                self.enter(Input::ClockSet(moved));
            }
            Happening::Begin => {
                self.at += 3000;
                self.enter(Input::Started(self.plan.outlines()));
            }
        }
    }

    /// Counts and tells; who says nothing has counted all the same.
    fn say(&mut self, service: u16, target: u16, failed: u8, silent: Option<u16>) -> Said {
        let failed = u64::from(failed.min(100));
        let empty = || Tally::empty(3, if service == 0 { 1 } else { 0 });
        let totals = self.totals.entry((service, target)).or_insert_with(empty);
        totals.requests += 100;
        totals.timed += 100;
        totals.failed[0] += failed;
        totals.slow += failed / 2;
        if silent == Some(target) { Said::Nothing(Why::Timeout) } else { Said::Totals(totals.clone()) }
    }
}

fn audited(finding: u8, value: u8, stopped: bool) -> Audited {
    let services = vec!["auth".to_owned(), "directory".to_owned()];
    let findings = (0..finding).map(|at| OpenFinding {
        hash: format!("{at}"),
        rule: "timeout-inversion".to_owned(),
        level: if at == 1 { "note" } else { "error" }.to_owned(),
        services: services.clone(),
        place: "auth/auth.toml:14:19".to_owned(),
        title: "auth waits longer than its caller".to_owned(),
    });
    let setting = KnownSetting {
        services: services.clone(),
        key: "request_timeout".to_owned(),
        value: format!("{value}00ms"),
        path: "auth/auth.toml".to_owned(),
        line: 14,
    };
    if stopped {
        let stopped = Some("auth/auth.toml cannot be read".to_owned());
        return Audited { stopped, ..Audited::default() };
    }
    Audited { stopped: None, findings: findings.collect(), settings: vec![setting] }
}

fn replayed(plan: &Plan, mut state: State, entries: &[Entry]) -> State {
    for entry in entries {
        step(plan, &mut state, entry, &mut Vec::new());
    }
    state
}

/// Rows of up to so many entries, with a key row now and then.
fn rows(entries: &[Entry], size: usize, coder: &mut Coder) -> Vec<Vec<u8>> {
    let chunks = entries.chunks(size).enumerate();
    let rows = chunks.map(|(place, chunk)| {
        if place % 7 == 6 {
            coder.reset();
        }
        encode(chunk, coder)
    });
    rows.collect()
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    prop::collection::vec(happening(), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_checkpoint_and_the_rest_of_the_journal_are_the_whole_journal(
        happenings in happenings(), cut in any::<prop::sample::Index>(), size in 1..20_usize,
    ) {
        let world = World::of(&happenings);
        let cut = cut.index(world.entries.len());
        let (before, after) = world.entries.split_at(cut);
        let mut coder = Coder::default();
        rows(before, size, &mut coder);
        let state = replayed(&world.plan, State::default(), before);
        let saved = checkpoint::save(&state, &coder);
        let (state, mut reader) = checkpoint::load(&saved).unwrap();
        prop_assert_eq!(&reader, &coder);
        // Entries go through the rows that are written after the checkpoint.
        let mut state = state;
        for row in rows(after, size, &mut coder) {
            let entries = decode(&row, &mut reader).unwrap();
            state = replayed(&world.plan, state, &entries);
        }
        prop_assert_eq!(&state, &world.state);
        prop_assert_eq!(&reader, &coder);
        let coder = Coder::default();
        prop_assert_eq!(checkpoint::save(&state, &coder), checkpoint::save(&world.state, &coder));
    }

    #[test]
    fn rows_are_read_as_they_were_written_from_any_key_row_on(
        happenings in happenings(), size in 1..20_usize,
    ) {
        let world = World::of(&happenings);
        let rows = rows(&world.entries, size, &mut Coder::default());
        for begin in (0..rows.len()).filter(|row| is_key(&rows[*row])) {
            let mut coder = Coder::default();
            let mut read = Vec::new();
            for row in &rows[begin..] {
                read.extend(decode(row, &mut coder).unwrap());
            }
            prop_assert_eq!(&read[..], &world.entries[begin * size..]);
        }
        // A row that is left out is noticed, unless reading can begin after it.
        for gone in 0..rows.len().saturating_sub(1) {
            let mut coder = Coder::default();
            let before: Result<Vec<_>, _> = rows[..gone].iter().map(|row| decode(row, &mut coder)).collect();
            prop_assert!(before.is_ok());
            prop_assert_eq!(decode(&rows[gone + 1], &mut coder).is_ok(), is_key(&rows[gone + 1]));
        }
    }

    #[test]
    fn damaged_rows_and_checkpoints_are_errors(
        happenings in happenings(), byte in any::<prop::sample::Index>(), bits in 1..=255_u8,
    ) {
        let world = World::of(&happenings);
        let mut row = encode(&world.entries, &mut Coder::default());
        let place = byte.index(row.len());
        row[place] ^= bits;
        prop_assert!(decode(&row, &mut Coder::default()).is_err());
        let mut saved = checkpoint::save(&world.state, &Coder::default());
        let place = byte.index(saved.len());
        saved[place] ^= bits;
        prop_assert!(checkpoint::load(&saved).is_err());
        saved.truncate(place);
        prop_assert!(checkpoint::load(&saved).is_err());
    }

    #[test]
    fn any_bytes_are_an_error_or_entries_even_with_a_checksum_that_fits(bytes: Vec<u8>) {
        let mut row = vec![3];
        row.extend(&bytes);
        crate::journal::bytes::seal(&mut row, 0);
        let _ = decode(&row, &mut Coder::default());
        let _ = decode(&bytes, &mut Coder::default());
        let mut saved = vec![1];
        saved.extend(&bytes);
        crate::journal::bytes::seal(&mut saved, 0);
        let _ = checkpoint::load(&saved);
    }

    #[test]
    fn keys_are_handed_out_again_only_after_a_failure_or_a_start(happenings in happenings()) {
        let world = World::of(&happenings);
        let mut seen = BTreeSet::new();
        let mut failed = BTreeSet::new();
        for (entry, effects) in world.entries.iter().zip(&world.effects) {
            if let Input::Delivered { key, outcome: Err(_) } = &entry.input {
                failed.insert(*key);
            }
            let started = matches!(entry.input, Input::Started(_));
            let mut at_once = BTreeSet::new();
            for effect in effects {
                prop_assert!(at_once.insert(effect.key), "twice by one entry");
                let is_new = seen.insert(effect.key);
                prop_assert!(is_new || started || failed.remove(&effect.key));
            }
        }
    }

    #[test]
    fn each_channel_hears_of_an_alert_from_its_opening_to_its_one_end(happenings in happenings()) {
        let mut world = World::of(&happenings);
        // In the end the channels work, and everything is told.
        world.live(&Happening::Unhush { id: 0 });
        for id in 0..3 {
            world.live(&Happening::Unhush { id });
        }
        for _ in 0..200 {
            world.live(&Happening::Silence { seconds: 1 });
            world.live(&Happening::Deliver { fails: false });
        }
        // In the order in which they were delivered, each once.
        let effects: BTreeMap<u64, &Effect> =
            world.effects.iter().flatten().map(|effect| (effect.key, effect)).collect();
        let mut told: BTreeMap<(u16, u64), Vec<u64>> = BTreeMap::new();
        for entry in &world.entries {
            if let Input::Delivered { key, outcome: Ok(()) } = &entry.input {
                let effect = effects[key];
                let keys = told.entry((effect.channel, effect.notice.alert().id)).or_default();
                if !keys.contains(key) {
                    keys.push(*key);
                }
            }
        }
        for ((_, id), keys) in &told {
            let notices: Vec<&Notice> = keys.iter().map(|key| &effects[key].notice).collect();
            prop_assert!(matches!(notices[0], Notice::Opened(_)), "{} {:?}", id, notices);
            for (place, notice) in notices.iter().enumerate() {
                prop_assert_eq!(matches!(notice, Notice::Opened(_)), place == 0);
                prop_assert!(!matches!(notice, Notice::Ended(_)) || place + 1 == notices.len());
            }
            let open = world.state.alerts().any(|alert| alert.id == *id);
            prop_assert_eq!(matches!(notices[notices.len() - 1], Notice::Ended(_)), !open);
        }
        for alert in world.state.alerts() {
            prop_assert!(told.contains_key(&(0, alert.id)), "{:?} was never told", alert);
        }
    }

    #[test]
    fn silence_ends_no_alert(happenings in happenings()) {
        let world = World::of(&happenings);
        let mut state = State::default();
        for entry in &world.entries {
            let open = |state: &State| -> Vec<(u64, Symptom)> {
                state.alerts().map(|alert| (alert.id, alert.symptom.clone())).collect()
            };
            let before = open(&state);
            step(&world.plan, &mut state, entry, &mut Vec::new());
            let after = open(&state);
            let ended = before.iter().filter(|alert| !after.iter().any(|(id, _)| *id == alert.0));
            for (_, symptom) in ended {
                let by = match &entry.input {
                    Input::Look { readings, .. } => {
                        readings.iter().any(|reading| !matches!(reading.said, Said::Nothing(_)))
                    }
                    Input::Walked { walk, .. } => !matches!(walk.failed, Some((_, Fault::Ours))),
                    // Targets that are no longer listed are not silent: they are gone.
                    Input::Targets { .. } => *symptom == Symptom::ReplicaFailing,
                    Input::Audited(audited) => match symptom {
                        Symptom::Hindered(_) | Symptom::AuditOverdue | Symptom::Finding(_) => {
                            audited.stopped.is_none()
                        }
                        _ => false,
                    },
                    Input::Delivered { outcome, .. } => {
                        matches!(symptom, Symptom::Hindered(_)) && outcome.is_ok()
                    }
                    _ => false,
                };
                prop_assert!(by, "{:?} was ended by {:?}", symptom, entry);
            }
        }
    }

    #[test]
    fn nothing_is_counted_twice_and_only_what_cannot_be_known_is_lost(happenings in happenings()) {
        let world = World::of(&happenings);
        // Slowly and plainly: what each target said last, however often Forewarn began anew. A fall of
        // any count tells of a restart.
        let mut last: BTreeMap<(u16, u16), Vec<u64>> = BTreeMap::new();
        let mut counted = [0_u64; 3];
        for entry in &world.entries {
            let Input::Look { service, readings } = &entry.input else { continue };
            for Reading { target, said } in readings {
                let Said::Totals(now) = said else { continue };
                let now = vec![now.requests, now.timed, now.slow, now.failed[0]];
                let before = last.insert((*service, *target), now.clone());
                let Some(before) = before else { continue };
                if now.iter().zip(&before).all(|(now, before)| now >= before) {
                    counted[usize::from(*service)] += now[0] - before[0];
                }
            }
        }
        let seen: Vec<u64> = world.state.services().map(|view| view.total().requests).collect();
        prop_assert_eq!(&seen[..], &counted[..]);
    }
}
