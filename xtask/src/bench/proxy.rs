//! `cargo xtask bench proxy`: what the proxy of configuration tests adds to a conversation, beside HAProxy
//! in TCP mode on the same server and with the same client in the same run; and how far what is observed
//! through it lies from what it was asked to replay. Writes `docs/bench/proxy.md`.
//!
//! `--only added` or `--only replayed` measures one of the two, and `--turns N` says how many turns are
//! replayed; with either of them nothing is written. What converses is `crates/prove/benches/through.rs`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use rig::process::Process;
use rig::scratch::{Scratch, free_address};

use super::{first_line, median_of, optimised};
use crate::{print, say};

/// Rounds, in which the three ways take turns; the median counts.
const ROUNDS: usize = 9;
/// At most so many times what HAProxy adds to the slowest of a hundred turns.
const TIMES: f64 = 2.0;
/// The medians that are replayed, in milliseconds; 99 % take at most five times as long.
const MEDIANS: [u32; 2] = [5, 100];
/// The distance from what was asked.
const DISTANCE: f64 = 0.02;
/// Turns of each replay.
const TURNS: u32 = 20_000;
/// The mean distance of draws from their own distribution, times the root of how many there are: that of
/// Kolmogorov's distribution, the root of pi/2 times ln 2.
const MEAN_DISTANCE: f64 = 0.8687;
/// Seeds of each replay; the farthest counts.
const SEEDS: u64 = 3;

const PAGE: &str = "docs/bench/proxy.md";

/// What is measured.
struct Asked {
    added: bool,
    replayed: bool,
    turns: u32,
}

impl Asked {
    const ALL: Self = Self { added: true, replayed: true, turns: TURNS };

    fn of(arguments: &[String]) -> Result<Self, String> {
        let mut asked = Self::ALL;
        for option in arguments.chunks(2) {
            match option {
                [name, value] if name == "--only" && value == "added" => asked.replayed = false,
                [name, value] if name == "--only" && value == "replayed" => asked.added = false,
                [name, value] if name == "--turns" => {
                    asked.turns = value.parse().map_err(|error| format!("--turns {value}: {error}"))?;
                }
                _ => return Err("bench proxy takes --only added|replayed and --turns N".to_owned()),
            }
        }
        Ok(asked)
    }
}

pub(super) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let asked = Asked::of(arguments)?;
    let told = |error: std::io::Error| error.to_string();
    let program = optimised("prove", "through")?;
    let scratch = Arc::new(Scratch::new("proxy").map_err(told)?);
    let mut echo = Process::new("echo", &program, &["echo"], &scratch);
    echo.start().map_err(told)?;
    let patience = Duration::from_secs(10);
    let log = scratch.path().join("echo.log");
    let where_it_is = || std::fs::read_to_string(&log).unwrap_or_default();
    echo.when("listening", patience, || where_it_is().ends_with('\n')).map_err(told)?;
    let server = where_it_is().trim().to_owned();

    let rounds = if asked.added { rounds(&program, &server, &scratch)? } else { Vec::new() };
    let mut replays = Vec::new();
    for median in MEDIANS.into_iter().filter(|_| asked.replayed) {
        say(&format!("replaying a median of {median} ms"));
        replays.push(Replay::farthest(&program, &server, median, asked.turns)?);
    }
    let (page, met) = page(&rounds, &replays, asked.turns);
    if arguments.is_empty() {
        std::fs::write(PAGE, &page).map_err(|error| format!("{PAGE}: {error}"))?;
    }
    print(&page);
    Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is added, beside HAProxy.
fn rounds(program: &Path, server: &str, scratch: &Arc<Scratch>) -> Result<Vec<Round>, String> {
    let told = |error: std::io::Error| error.to_string();
    let listen = free_address().map_err(told)?;
    let configuration = scratch.file("haproxy.cfg", &haproxy(&listen.to_string(), server)).map_err(told)?;
    let configuration = configuration.display().to_string();
    let mut peer =
        Process::new("haproxy", &PathBuf::from("haproxy"), &["-db", "-q", "-f", &configuration], scratch);
    peer.start().map_err(told)?;
    let listening = || std::net::TcpStream::connect(listen).is_ok();
    peer.when("listening", Duration::from_secs(10), listening).map_err(told)?;
    let run = |round| {
        say(&format!("round {} of {ROUNDS}", round + 1));
        Round::run(program, server, &listen.to_string(), round)
    };
    (0..ROUNDS).map(run).collect()
}

fn haproxy(listen: &str, server: &str) -> String {
    format!(
        "global\n  maxconn 4000\ndefaults\n  mode tcp\n  timeout connect 10s\n  timeout client 60s\n  \
         timeout server 60s\nfrontend front\n  bind {listen}\n  default_backend back\nbackend back\n  \
         server echo {server}\n"
    )
}

/// Numbers that the program printed.
fn numbers<const N: usize>(program: &Path, arguments: &[&str]) -> Result<[f64; N], String> {
    let output = Command::new(program).args(arguments).output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let numbers: Vec<f64> = said.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    numbers.try_into().map_err(|_| {
        format!("{arguments:?}: `{}` {}", said.trim(), String::from_utf8_lossy(&output.stderr).trim())
    })
}

/// Microseconds of each way: turns over connections that are kept, p50 and p99, and connections with one
/// turn, p50 and p99.
struct Round {
    direct: [f64; 4],
    ours: [f64; 4],
    peer: [f64; 4],
    /// What Forewarn's proxy said that it added: p50, p99 and the most, one way.
    noted: [f64; 3],
}

impl Round {
    fn run(program: &Path, server: &str, peer: &str, round: usize) -> Result<Self, String> {
        let seed = (round + 1).to_string();
        let mut this = Self { direct: [0.0; 4], ours: [0.0; 4], peer: [0.0; 4], noted: [0.0; 3] };
        // Whoever is first meets another machine than whoever is last.
        for way in (0..3).map(|way| (way + round) % 3) {
            match way {
                0 => this.direct = numbers(program, &["turns", server, &seed])?,
                1 => {
                    let [a, b, c, d, noted @ ..]: [f64; 7] =
                        numbers(program, &["turns", server, &seed, "ours"])?;
                    (this.ours, this.noted) = ([a, b, c, d], noted);
                }
                _ => this.peer = numbers(program, &["turns", peer, &seed])?,
            }
        }
        Ok(this)
    }
}

/// What a replay came to.
struct Replay {
    median: u32,
    distance: f64,
    p50: f64,
    p99: f64,
    connections: f64,
    /// What Forewarn's proxy said that it added: p50, p99 and the most.
    noted: [f64; 3],
}

impl Replay {
    fn farthest(program: &Path, server: &str, median: u32, turns: u32) -> Result<Self, String> {
        let mut farthest: Option<Self> = None;
        for seed in 1..=SEEDS {
            let arguments = ["replay", server, &seed.to_string(), &median.to_string(), &turns.to_string()];
            let [distance, p50, p99, connections, noted @ ..]: [f64; 7] = numbers(program, &arguments)?;
            if farthest.as_ref().is_none_or(|farthest| farthest.distance < distance) {
                farthest = Some(Self { median, distance, p50, p99, connections, noted });
            }
        }
        farthest.ok_or_else(|| "no seed".to_owned())
    }
}

/// The page, and whether every bar on it is met.
fn page(rounds: &[Round], replays: &[Replay], turns: u32) -> (String, bool) {
    let mut text = format!(
        "# What the proxy of configuration tests adds\n\n\
         What `cargo xtask bench proxy` wrote. Forewarn's proxy is a thread of the process in which people's clients\n\
         are, as it is in `forewarn test`. Ratios carry over to other machines, figures do not.\n\n\
         - date: {}\n- versions: forewarn {}; {}; {}\n- host: {} cores\n",
        first_line("date", &["+%F"]),
        env!("CARGO_PKG_VERSION"),
        first_line("haproxy", &["-v"]).split(" - ").next().unwrap_or_default(),
        first_line("rustc", &["--version"]),
        std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
    );
    let added_holds = rounds.is_empty() || added(&mut text, rounds);
    let replayed_holds = replays.is_empty() || replayed(&mut text, replays, turns);
    (text, added_holds && replayed_holds)
}

fn word(holds: bool) -> &'static str {
    if holds { "met" } else { "missed" }
}

fn added(text: &mut String, rounds: &[Round]) -> bool {
    let of = |figure: &dyn Fn(&Round) -> f64| median_of(&mut rounds.iter().map(figure).collect::<Vec<_>>());
    let _ = write!(
        text,
        "\n## What is added\n\n\
         A message of 64 bytes goes to a server that gives it back, 8 people side by side: over connections that are\n\
         kept, 1000 a second at moments of equal chance; and over a new connection each, 400 a second. Straight,\n\
         through Forewarn's proxy, and through HAProxy in TCP mode, a process of its own, took turns in each of\n\
         {ROUNDS} rounds; what is added is the difference to the straight way of the same round, and the median of the\n\
         rounds is given.\n\n\
         | what is added, in µs | straight | Forewarn | HAProxy | Forewarn against it | bar | |\n\
         |---|---:|---:|---:|---:|---:|---|\n",
    );
    let mut met = true;
    let rows = ["a turn, p50", "a turn, p99", "a connection and a turn, p50", "a connection and a turn, p99"];
    for (place, what) in rows.iter().enumerate() {
        let straight = of(&|round| round.direct[place]);
        let ours = of(&|round| round.ours[place] - round.direct[place]);
        let peer = of(&|round| round.peer[place] - round.direct[place]);
        // Both may be lost in what the machine itself does to one turn in a hundred.
        let holds = ours <= TIMES * peer.max(0.0) || ours <= 0.0;
        let (bar, word) = match what.ends_with("p99") {
            true => (format!("<= {TIMES} x"), word(holds)),
            false => (String::new(), ""),
        };
        met &= bar.is_empty() || holds;
        let _ = writeln!(
            text,
            "| {what} | {straight:.0} | + {ours:.0} | + {peer:.0} | {:.2} x | {bar} | {word} |",
            ours / peer,
        );
    }
    let _ = write!(
        text,
        "\nWhat the proxy noted of itself meanwhile, one way, from when bytes came until they were passed on:\n\
         p50 {:.0} µs, p99 {:.0} µs, the most {:.0} µs.\n",
        of(&|round| round.noted[0]),
        of(&|round| round.noted[1]),
        of(&|round| round.noted[2]),
    );
    met
}

fn replayed(text: &mut String, replays: &[Replay], turns: u32) -> bool {
    let _ = write!(
        text,
        "\n## What is replayed\n\n\
         A lognormal of a median and five times it at p99; {turns} turns, each observed at the client from its\n\
         first byte sent to its last byte received, {SEEDS} seeds, the farthest given. {turns} draws themselves lie\n\
         {:.3} from their distribution in the mean. What the proxy noted of itself is how late it passed answers on;\n\
         of the mean of that and of the ways over loopback each delay is the shorter.\n\n\
         | median | connections | observed p50 | observed p99 | the proxy's own p50 / p99 / most | distance (Kolmogorov-Smirnov) | bar | |\n\
         |---:|---:|---:|---:|---:|---:|---:|---|\n",
        MEAN_DISTANCE / f64::from(turns).sqrt(),
    );
    let mut met = true;
    for replay in replays {
        let holds = replay.distance <= DISTANCE;
        met &= holds;
        let [own_p50, own_p99, own_most] = replay.noted;
        let _ = writeln!(
            text,
            "| {} ms | {:.0} | {:.2} ms | {:.1} ms | {own_p50:.0} / {own_p99:.0} / {own_most:.0} µs | {:.4} | <= {DISTANCE} | {} |",
            replay.median,
            replay.connections,
            replay.p50 / 1e3,
            replay.p99 / 1e3,
            replay.distance,
            word(holds),
        );
    }
    met
}
