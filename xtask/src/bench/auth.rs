//! `cargo xtask bench auth`: sign-ins per second of the whole chain (client, front, directory, SQLite, each a
//! process of its own) against bare argon2id with the same parameters on the same cores in the same run,
//! taking turns; refresh and verification; memory.

use std::process::{Command, ExitCode};
use std::time::Duration;

use rig::http::Request;
use serde_json::json;

use super::service::{PASSWORD, Service, closed_loop, expect, for_each, told};
use super::{locked_version, median_of};
use crate::{print, say};

/// argon2id as the OWASP Password Storage Cheat Sheet has it at least: KiB and passes, one lane.
const MEMORY_KIB: &str = "19456";
const ITERATIONS: &str = "2";
/// Turns of each side; the median counts.
const ROUNDS: usize = 5;
/// How long one turn takes, in seconds.
const TURN: u64 = 8;
/// Sign-ins under way for each core: as many as keep it busy while answers travel.
const PER_CORE: usize = 4;
/// The least share of bare argon2id that sign-ins reach.
const BAR: f64 = 0.90;
/// Clients of the measurements that compute no password hash.
const CLIENTS: usize = 4;
const ACCOUNTS: usize = 100_000;
const SESSIONS: usize = 10_000;

/// A front whose hashes cost nothing, to fill the directory by.
const CHEAP: &str = "[passwords]\nmemory_kib = 8\niterations = 1\n[limits]\naddress_burst = 0\n";

/// libargon2 from C by Python's `ctypes`, which lets go of its lock while C computes.
const LIBARGON2: &str = r#"
import ctypes, sys, threading, time
threads, seconds, memory, passes = (int(word) for word in sys.argv[1:])
hash_raw = ctypes.CDLL("libargon2.so.1").argon2id_hash_raw
word, size = ctypes.c_uint32, ctypes.c_size_t
hash_raw.argtypes = [word, word, word, ctypes.c_char_p, size, ctypes.c_char_p, size, ctypes.c_char_p, size]
rates = []
def work():
    out = ctypes.create_string_buffer(32)
    def once():
        if hash_raw(passes, memory, 1, b"correct horse", 13, b"7" * 16, 16, out, 32) != 0:
            sys.exit("argon2id_hash_raw failed")
    once()
    begun, count = time.monotonic(), 0
    while time.monotonic() - begun < seconds:
        once()
        count += 1
    rates.append(count / (time.monotonic() - begun))
all = [threading.Thread(target=work) for _ in range(threads)]
for thread in all: thread.start()
for thread in all: thread.join()
print(f"{sum(rates):.3f}")
"#;

pub(super) fn run() -> Result<ExitCode, String> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let real = format!(
        "[passwords]\nmemory_kib = {MEMORY_KIB}\niterations = {ITERATIONS}\nhash_threads = {cores}\n\
         [limits]\naddress_burst = 0\n"
    );
    let mut service = Service::start(&real, "")?;
    say("building the bare sides");
    bare(&[])?;
    print(&versions(cores));
    let met = sign_ins(&service, cores)?;
    others(&mut service, &real)?;
    Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn versions(cores: usize) -> String {
    let of = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output();
        output.map_or_else(
            |_| String::new(),
            |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        )
    };
    let model = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    format!(
        "date: {}\nversions: authd {}; argon2 {}; {}; {}\nhost: {cores} cores, {}",
        of("date", "+%F"),
        env!("CARGO_PKG_VERSION"),
        locked_version("argon2"),
        libargon2_version(),
        of("rustc", "--version"),
        model.map_or("of an unknown kind", |(_, model)| model),
    )
}

fn libargon2_version() -> String {
    let output = Command::new("dpkg-query").args(["-W", "-f", "${Version}", "libargon2-1"]).output();
    let version =
        output.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).into_owned());
    if version.is_empty() {
        "libargon2 of unknown version".to_owned()
    } else {
        format!("libargon2 {version}")
    }
}

/// Runs the bench target `bare` of the service; its figure.
fn bare(arguments: &[&str]) -> Result<f64, String> {
    let mut command = Command::new("cargo");
    command.args(["bench", "--quiet", "--locked", "-p", "authd", "--bench", "bare", "--"]).args(arguments);
    figure(&mut command, arguments.is_empty())
}

fn libargon2(threads: &str, seconds: &str) -> Result<f64, String> {
    let words = [LIBARGON2, threads, seconds, MEMORY_KIB, ITERATIONS];
    figure(Command::new("python3").arg("-c").args(words), false)
}

fn figure(command: &mut Command, may_be_none: bool) -> Result<f64, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    match String::from_utf8_lossy(&output.stdout).trim() {
        "" if may_be_none => Ok(0.0),
        text => text.parse().map_err(|_| format!("no figure: {text}")),
    }
}

/// Sign-ins per second against bare hashes.
fn sign_ins(service: &Service, cores: usize) -> Result<bool, String> {
    let login = |number: usize| json!({ "login": format!("p{number}@x.example"), "password": PASSWORD });
    let clients = cores * PER_CORE;
    for number in 0..clients {
        expect(&mut service.client(), &Request::json("/register", &login(number)), 201)?;
    }
    let turn = || -> Result<(f64, f64), String> {
        let before = service.front.computed().map_err(told)? + service.directory.computed().map_err(told)?;
        let times = closed_loop(clients, Duration::from_secs(TURN), |number| {
            let (mut client, request) = (service.client(), Request::json("/login", &login(number)));
            move || expect(&mut client, &request, 200).map(|reply| reply.took)
        })?;
        let after = service.front.computed().map_err(told)? + service.directory.computed().map_err(told)?;
        Ok((times.len() as f64 / TURN as f64, after - before))
    };
    let (threads, seconds) = (cores.to_string(), TURN.to_string());
    let (mut chains, mut crates, mut libraries) = (vec![], vec![], vec![]);
    let mut without = None;
    for round in 1..=ROUNDS {
        say(&format!("round {round} of {ROUNDS}"));
        chains.push(turn()?.0);
        crates.push(bare(&["argon2id", &threads, &seconds, MEMORY_KIB, ITERATIONS])?);
        match libargon2(&threads, &seconds) {
            Ok(rate) => libraries.push(rate),
            Err(why) => without = Some(why),
        }
    }
    let (chain, ours) = (median_of(&mut chains), median_of(&mut crates));
    let library = without.is_none().then(|| median_of(&mut libraries));
    let faster = library.map_or(ours, |library| library.max(ours));
    print(&format!(
        "argon2id: m={MEMORY_KIB} t={ITERATIONS} p=1; {ROUNDS} turns of {TURN} s for each side, the median"
    ));
    print("| side | per second | of the faster bare side | bar |");
    print("|---|---:|---:|---:|");
    print(&format!(
        "| bare argon2id, crate argon2, {threads} threads | {ours:.1} | {:.1} % | |",
        100.0 * ours / faster
    ));
    match (library, without) {
        (Some(library), _) => print(&format!(
            "| bare argon2id, libargon2, {threads} threads | {library:.1} | {:.1} % | |",
            100.0 * library / faster
        )),
        (None, why) => {
            print(&format!("| bare argon2id, libargon2: skipped: {} | | | |", why.unwrap_or_default()))
        }
    }
    print(&format!(
        "| sign-ins, client to SQLite and back, {clients} clients | {chain:.1} | {:.1} % | {:.0} % |",
        100.0 * chain / faster,
        100.0 * BAR
    ));
    Ok(chain >= BAR * faster)
}

/// What hashes no password; and memory.
fn others(service: &mut Service, real: &str) -> Result<(), String> {
    print("");
    print("| what | per second | median | 99 % | 99.9 % |");
    print("|---|---:|---:|---:|---:|");
    print(&format!(
        "| access token verified by signature, 1 thread, no socket | {:.0} | | | |",
        bare(&["verify", "1", "3"])?
    ));
    service.front(CHEAP)?;
    let login = |number: usize| json!({ "login": format!("s{number}@x.example"), "password": PASSWORD });
    for number in 0..CLIENTS {
        expect(&mut service.client(), &Request::json("/register", &login(number)), 201)?;
    }
    let window = Duration::from_secs(TURN);
    let signed_in = |number: usize| {
        let mut client = service.client();
        let reply = expect(&mut client, &Request::json("/login", &login(number)), 200);
        (client, reply)
    };
    let introspected = closed_loop(CLIENTS, window, |number| {
        let (mut client, reply) = signed_in(number);
        let token = reply.map(|reply| reply.text("access_token"));
        move || {
            let token = token.clone()?;
            let request = Request::form("/introspect", &[("token", &token)]).bearer(&token);
            expect(&mut client, &request, 200).map(|reply| reply.took)
        }
    })?;
    print(&quantiles("introspection (front, directory, SQLite)", introspected));
    let refreshed = closed_loop(CLIENTS, window, |number| {
        let (mut client, reply) = signed_in(number);
        let mut token = reply.map(|reply| reply.text("refresh_token"));
        move || {
            let request = Request::json("/refresh", &json!({ "refresh_token": token.clone()? }));
            let reply = expect(&mut client, &request, 200)?;
            token = Ok(reply.text("refresh_token"));
            Ok(reply.took)
        }
    })?;
    print(&quantiles("refresh, each written to disk", refreshed));
    print(&format!(
        "{CLIENTS} clients that ask again when they are answered; quantiles of what they waited."
    ));
    memory(service, real)
}

fn quantiles(what: &str, mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at =
        |share: usize| times.get(times.len() * share / 1000).map_or(0.0, |time| time.as_secs_f64() * 1e3);
    let rate = times.len() as f64 / TURN as f64;
    format!("| {what} | {rate:.0} | {:.2} ms | {:.2} ms | {:.2} ms |", at(500), at(990), at(999))
}

fn memory(service: &mut Service, real: &str) -> Result<(), String> {
    say(&format!("writing {ACCOUNTS} accounts and {SESSIONS} sessions"));
    let empty = service.directory.resident().map_err(told)?;
    // The directory knows hashes as texts: one that was computed serves for all.
    let template = Request::json("/v1/accounts/lookup", &json!({ "login": "s0@x.example", "device": null }));
    let found = expect(&mut service.ask(), &template, 200)?.json();
    let hash = found["account"]["hash"].clone();
    for_each(CLIENTS * 4, ACCOUNTS, || {
        let mut client = service.ask();
        let hash = &hash;
        move |number| {
            let account = json!({ "id": format!("{number:032x}"), "login": format!("m{number}@x.example"), "hash": hash });
            expect(&mut client, &Request::json("/v1/accounts/register", &account), 200).map(drop)
        }
    })?;
    for_each(CLIENTS * 2, SESSIONS, || {
        let mut client = service.client();
        move |number| {
            let login = json!({ "login": format!("m{number}@x.example"), "password": PASSWORD });
            let token = expect(&mut client, &Request::json("/login", &login), 200)?.text("refresh_token");
            let refresh = Request::json("/refresh", &json!({ "refresh_token": token }));
            expect(&mut client, &refresh, 200).map(drop)
        }
    })?;
    service.front(real)?;
    // A front that has signed in on all its threads: each keeps the memory of one hash.
    for_each(CLIENTS * 2, CLIENTS * 8, || {
        let mut client = service.client();
        move |number| {
            let login = json!({ "login": format!("m{number}@x.example"), "password": PASSWORD });
            expect(&mut client, &Request::json("/login", &login), 200).map(drop)
        }
    })?;
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    print("");
    print("| resident memory | |");
    print("|---|---:|");
    print(&format!("| directory, nearly empty | {:.1} MB |", megabytes(empty)));
    let full = service.directory.resident().map_err(told)?;
    print(&format!(
        "| directory, {ACCOUNTS} accounts and {SESSIONS} live sessions | {:.1} MB |",
        megabytes(full)
    ));
    let front = service.front.resident().map_err(told)?;
    print(&format!(
        "| front, hash threads with {MEMORY_KIB} KiB each included | {:.1} MB |",
        megabytes(front)
    ));
    Ok(())
}
