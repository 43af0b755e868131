//! Kills a watch at random moments, again and again, while faults come. The source's own totals are the
//! ledger: nothing is counted twice and nothing is left out. Every fault that lasts reaches the pager, at
//! least once and under one key; and the journal, replayed, gives the state that lived through it all.
//! Real processes and real time; the choices are drawn from a seed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use rig::draw::Draw;
use rig::scratch::free_address;
use rig::source::{Fault, Source, Target, Totals};
use rig::until;

use crate::watch_stage::{Stage, scraped};

/// Kills between two replays of the whole journal.
const ROUND: u32 = 20;
/// The longest life of a watch before it is killed, in milliseconds: some are killed as they start, some
/// have looked a few times.
const LIFE: u64 = 2_500;
/// How long a fault may take to be told once nobody kills any more, on a busy machine.
const TOLD: Duration = Duration::from_secs(30);

#[test]
fn kills_count_nothing_twice_and_lose_no_alert() {
    run(6, 1, &[2.0, 5.0, 8.0]);
}

#[test]
#[ignore = "some minutes: `cargo xtask test --all` runs it"]
fn a_hundred_kills_count_nothing_twice_and_lose_no_alert() {
    let onsets: Vec<f64> = (0..12).map(|number| 5.0 + 12.0 * f64::from(number)).collect();
    run(120, 2, &onsets);
}

fn targets(onsets: &[f64]) -> Vec<Target> {
    let target = |(number, onset): (usize, &f64)| Target {
        name: format!("s{number}"),
        rate: 200.0,
        base: 0.01,
        fault: Some(Fault { onset: *onset, rises: 0.0, to: 0.3, until: f64::INFINITY }),
    };
    let well = Target { name: "well".to_owned(), rate: 200.0, base: 0.01, fault: None };
    onsets.iter().enumerate().map(target).chain([well]).collect()
}

fn run(kills: u32, seed: u64, onsets: &[f64]) {
    let mut draw = Draw(seed);
    let address = free_address().unwrap();
    let targets = targets(onsets);
    let names: Vec<String> = targets.iter().map(|target| target.name.clone()).collect();
    let services: String =
        names.iter().map(|name| scraped(name, &format!("http://{address}/m/{name}"))).collect();
    let mut stage = Stage::new("kill", &services);
    // The first look finds totals of zero, so that all that is ever counted is the watch's to count.
    let far = SystemTime::now() + Duration::from_secs(3600);
    let idle = Source::start(address, targets.clone(), Totals::default(), far, seed).unwrap();
    stage.start();
    let heard = || names.iter().all(|name| stage.lost(name, "first") > 0.0);
    until(TOLD, heard).unwrap_or_else(|| panic!("not every service was looked at:\n{}", stage.metrics()));
    drop(idle);
    let source = Source::start(address, targets, Totals::default(), SystemTime::now(), seed).unwrap();

    for number in 1..=kills {
        std::thread::sleep(Duration::from_millis(draw.below(LIFE)));
        stage.watch.kill().unwrap();
        // Now and then it stays away for some looks.
        if draw.below(4) == 0 {
            std::thread::sleep(Duration::from_millis(draw.below(LIFE)));
        }
        if number % ROUND == 0 {
            stage.start();
            stage.end();
            stage.verify();
        }
        stage.watch.start().unwrap();
    }
    let faulty = &names[..onsets.len()];
    until(TOLD, || faulty.iter().all(|name| !stage.told(name, "opened").is_empty()))
        .unwrap_or_else(|| panic!("seed {seed}: not told: {:?}", silent(&stage, faulty)));
    source.freeze(true);
    for (place, name) in names.iter().enumerate() {
        let counted = || stage.metric("forewarn_requests_total", name) as u64;
        let all = || source.totals(place).requests();
        until(Duration::from_secs(10), || counted() == all());
        assert_eq!(counted(), all(), "seed {seed}: requests of {name}, by the watch and by the source");
        let failed = stage.metric("forewarn_failures_total", name) as u64;
        assert_eq!(failed, source.totals(place).failed, "seed {seed}: failures of {name}");
    }
    for name in faulty {
        let keys: BTreeSet<String> =
            stage.told(name, "opened").iter().map(|one| one.body["key"].to_string()).collect();
        assert_eq!(keys.len(), 1, "seed {seed}: {name} was opened once, and told again under the same key");
    }
    assert!(stage.told("well", "opened").is_empty(), "seed {seed}: an alarm where nothing failed");
    stage.end();
    stage.verify();
    #[expect(clippy::print_stderr, reason = "what a run of minutes came to")]
    {
        let notices = stage.pager.received().len();
        eprintln!("{kills} kills, {} faults told by {notices} notices", faulty.len());
    }
}

fn silent<'a>(stage: &Stage, names: &'a [String]) -> Vec<&'a String> {
    names.iter().filter(|name| stage.told(name, "opened").is_empty()).collect()
}
