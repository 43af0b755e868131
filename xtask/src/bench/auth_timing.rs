//! `cargo xtask bench auth-timing`: whether the time of a refusal tells who has an account. Rounds of
//! refused sign-ins, one of each kind in an order that is drawn anew, from several clients at once: each
//! round has a pair of an unknown login and of every other kind. How well the time tells two kinds apart
//! is the area under the curve (`auc`), 0.5 where it does not. The service runs with its own defaults
//! for passwords.
//!
//! A control runs the same with refusals that do not wait for a common step: there the benchmark must
//! see what it does not see otherwise.

use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::time::Duration;

use rig::http::{Client, Request};
use serde_json::json;

use super::auc::{Area, area};
use super::service::{PASSWORD, Service, expect, for_each, told};
use super::{locked_version, median_of, ms};
use crate::{print, say};

/// Rounds, and those of the control: so many pairs each comparison has.
const ROUNDS: usize = 2_000;
const CONTROL_ROUNDS: usize = 300;
/// Clients at once: with more of them two cores could not answer well within a step of refusals.
const LANES: usize = 5;
/// Where the area must lie.
const BAR: (f64, f64) = (0.47, 0.53);
/// Where the control's must not: a benchmark that cannot see this sees nothing.
const SEEN: f64 = 0.8;
/// Accounts that are locked; asked again and again, since nothing unlocks them within the run.
const LOCKED: usize = 50;

const FRONT: &str = "[limits]\naddress_burst = 0\n";
/// A step so short that refusals are answered as soon as they are computed.
const NAIVE: &str = "[limits]\naddress_burst = 0\n[passwords]\nrefusal_step = \"1ms\"\n";
/// Locks outlast the run; everything else is as by default.
const DIRECTORY: &str = "[lockout]\nduration = \"2h\"\nlongest = \"2h\"\n";
/// Failures that lock, by default.
const THRESHOLD: usize = 10;

/// bcrypt of cost 10, the least that the OWASP Password Storage Cheat Sheet allows and the default of
/// many libraries, of a password that nobody presents.
const BCRYPT: &str = "$2b$10$abcdefghijklmnopqrstuuNnBBpi/2Zs8u8l6bp4E3qjQSNcSDVv6";
/// PBKDF2-HMAC-SHA256 with the 600 000 rounds that the same document asks for.
const PBKDF2: &str = "pbkdf2_sha256$600000$c2FsdHNhbHQ$QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";

/// Who tries to sign in, always with a wrong password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unknown,
    Known,
    Locked,
    Bcrypt,
    Pbkdf2,
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Unknown => "unknown login",
            Self::Known => "wrong password",
            Self::Locked => "locked account",
            Self::Bcrypt => "account with a bcrypt hash (cost 10)",
            Self::Pbkdf2 => "account with a PBKDF2 hash (600 000 rounds)",
        }
    }

    /// The login of a round. Each is tried once, so that no failure counted before changes the answer.
    fn login(self, round: usize, run: &str) -> String {
        match self {
            Self::Unknown => format!("u{round}{run}@x.example"),
            Self::Known => format!("k{round}{run}@x.example"),
            Self::Locked => format!("l{}@x.example", round % LOCKED),
            Self::Bcrypt => format!("b{round}{run}@x.example"),
            Self::Pbkdf2 => format!("p{round}{run}@x.example"),
        }
    }
}

/// What is compared with an unknown login, whose times come first.
const KINDS: [Kind; 5] = [Kind::Unknown, Kind::Known, Kind::Locked, Kind::Bcrypt, Kind::Pbkdf2];

/// Times in milliseconds, for each of [`KINDS`].
type Times = [Vec<f64>; KINDS.len()];

pub(super) fn run() -> Result<ExitCode, String> {
    let mut service = Service::start(FRONT, DIRECTORY)?;
    say("making accounts");
    accounts(&service)?;
    print(&format!("date: {}", word_of(Command::new("date").arg("+%F"))));
    print(&format!(
        "versions: authd {}; argon2 {}; bcrypt {}; ring {}",
        env!("CARGO_PKG_VERSION"),
        locked_version("argon2"),
        locked_version("bcrypt"),
        locked_version("ring")
    ));
    print(&format!("{LANES} clients at once from this host; passwords and refusals as by default"));
    print("| pairs | against an unknown login | medians | AUC | 95 % | bar |");
    print("|---:|---|---:|---:|---:|---:|");
    let times = measured(&service, ROUNDS, "")?;
    let mut met = true;
    for kind in 1..KINDS.len() {
        let area = area(&times[kind], &times[0]);
        met &= (BAR.0..=BAR.1).contains(&area.value);
        print(&row(&times, kind, area, "", "0.47-0.53"));
    }
    service.front(NAIVE)?;
    let times = measured(&service, CONTROL_ROUNDS, "c")?;
    for (kind, bar) in [(3, "above 0.8"), (4, "")] {
        let area = area(&times[kind], &times[0]);
        met &= area.value > SEEN;
        print(&row(&times, kind, area, "control, answered as soon as computed: ", bar));
    }
    Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn word_of(command: &mut Command) -> String {
    let output = command.output();
    output.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn row(times: &Times, kind: usize, area: Area, note: &str, bar: &str) -> String {
    let Area { value, margin } = area;
    let median = |kind: usize| median_of(&mut times[kind].clone());
    format!(
        "| {} | {note}{} | {:.1} / {:.1} ms | {value:.3} | {:.3}-{:.3} | {bar} |",
        times[kind].len(),
        KINDS[kind].words(),
        median(kind),
        median(0),
        value - margin,
        value + margin,
    )
}

/// Accounts of every kind, written into the directory as a front would; and the locked ones locked.
fn accounts(service: &Service) -> Result<(), String> {
    let sample = json!({ "login": "sample@x.example", "password": PASSWORD });
    expect(&mut service.client(), &Request::json("/register", &sample), 201)?;
    let asked = Request::json("/v1/accounts/lookup", &json!({ "login": "sample@x.example", "device": null }));
    let found = expect(&mut service.ask(), &asked, 200)?.json();
    let argon2id = found["account"]["hash"].as_str().unwrap_or_default().to_owned();
    let mut rows: Vec<(String, &str)> = Vec::new();
    for (kind, hash) in [(Kind::Known, argon2id.as_str()), (Kind::Bcrypt, BCRYPT), (Kind::Pbkdf2, PBKDF2)] {
        rows.extend((0..ROUNDS).map(|round| (kind.login(round, ""), hash)));
        rows.extend((0..CONTROL_ROUNDS).map(|round| (kind.login(round, "c"), hash)));
    }
    rows.extend((0..LOCKED).map(|round| (Kind::Locked.login(round, ""), argon2id.as_str())));
    for_each(LANES, rows.len(), || {
        let (mut client, rows) = (service.ask(), &rows);
        move |number| {
            let (login, hash) = &rows[number];
            let account = json!({ "id": format!("{number:032x}"), "login": login, "hash": hash });
            expect(&mut client, &Request::json("/v1/accounts/register", &account), 200).map(drop)
        }
    })?;
    let mut client = service.ask();
    for number in 0..LOCKED {
        let attempt = json!({ "login": Kind::Locked.login(number, ""), "device": null });
        for _ in 0..THRESHOLD {
            expect(&mut client, &Request::json("/v1/attempts/failed", &attempt), 200)?;
        }
    }
    Ok(())
}

/// Rounds of one refusal of each kind. A round in which anything else was answered, as by a service
/// that is short of time for once, is left out as a whole, so that pairs stay pairs.
fn measured(service: &Service, rounds: usize, run: &str) -> Result<Times, String> {
    say(&format!("{rounds} rounds of {} refusals", KINDS.len()));
    let times: Mutex<Times> = Mutex::default();
    for_each(LANES, rounds, || {
        let (mut client, times) = (service.client(), &times);
        move |round| {
            let mut took = [0.0; KINDS.len()];
            for kind in order(round) {
                match refused(&mut client, &KINDS[kind].login(round, run))? {
                    Some(time) => took[kind] = ms(time),
                    None => return Ok(()),
                }
            }
            let mut times = times.lock().map_err(|_| "a client panicked".to_owned())?;
            times.iter_mut().zip(took).for_each(|(times, took)| times.push(took));
            Ok(())
        }
    })?;
    let times = times.into_inner().map_err(|_| "a client panicked".to_owned())?;
    let left_out = rounds - times[0].len();
    if left_out * 100 > rounds {
        return Err(format!("{left_out} of {rounds} rounds were not refused throughout: too busy a machine"));
    }
    Ok(times)
}

/// How long a refusal took; `None` where something else was answered.
fn refused(client: &mut Client, login: &str) -> Result<Option<Duration>, String> {
    let credentials = json!({ "login": login, "password": "not the right one at all" });
    let reply = client.send(&Request::json("/login", &credentials)).map_err(told)?;
    Ok((reply.status == 401).then_some(reply.took))
}

/// The order within a round: as good as random, and the same in every run (SplitMix64's mixing).
fn order(round: usize) -> [usize; KINDS.len()] {
    let mut order = std::array::from_fn(|kind| kind);
    for end in (1..order.len()).rev() {
        let mut z = ((round * KINDS.len() + end) as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        order.swap(end, ((z ^ (z >> 31)) % (end as u64 + 1)) as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::{KINDS, order};

    #[test]
    fn every_kind_stands_at_every_place_about_as_often() {
        for kind in 0..KINDS.len() {
            for place in 0..KINDS.len() {
                let count = (0..2000).filter(|&round| order(round)[place] == kind).count();
                assert!((320..480).contains(&count), "kind {kind} at {place}: {count}");
            }
        }
    }
}
