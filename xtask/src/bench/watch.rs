//! `cargo xtask bench watch`: what a watch of 24 services costs, alone on the machine: memory and time of
//! one core; how its journal grows; how long it takes to be well again after a kill, with a journal of a
//! day; and whether a replay of that day gives the state that was written down. Writes
//! `docs/bench/watch.md`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rig::draw::Draw;
use rig::http::{Client, Reply, Request};
use rig::metrics::sum;
use rig::process::Process;
use rig::receiver::Receiver;
use rig::scratch::{Scratch, free_address};
use rig::source::{Source, Target, Totals};
use watch::journal::{Entry, Input, Reading, Said};
use watch::plan::Plan;
use watch::tally::Tally;
use watch::time::At;

use super::detect::configuration;
use super::detect::groups::{GROUPS, Service};
use super::service::told;
use super::{succeed, target_directory};
use crate::{print, say};

/// How long it is watched, in seconds, after as long as it takes to settle.
const WATCHED: u64 = 330;
const SETTLED: u64 = 30;
/// Starts after a kill; the median and the longest count.
const STARTS: usize = 7;
/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Looks of a day.
const DAY: u64 = 86_400;
/// Slots of a second that looks are spread over.
const SLOTS: usize = 4;
/// Bytes of a database whose tables are empty: a page each, and one for their list.
const EMPTY: f64 = 20_480.0;
/// The most megabytes of a journal a day, and the longest start in seconds.
const BYTES: f64 = 50.0;
const START: f64 = 2.0;

const PAGE: &str = "docs/bench/watch.md";

struct Figures {
    resident: f64,
    share: f64,
    /// Bytes that the journal grew by in a day, by what it grew by here.
    grows: f64,
    restart: Starts,
    day: Day,
}

/// How long starts took, in seconds.
struct Starts {
    median: f64,
    longest: f64,
}

struct Day {
    bytes: f64,
    rows: u64,
    start: Starts,
    /// How many rows a replay of the whole day went through, and how long it took, in seconds.
    replay: Result<(u64, f64), String>,
}

pub(super) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let quick = match arguments {
        [] => false,
        [quick] if quick == "--quick" => true,
        _ => return Err("`bench watch` takes nothing or --quick".into()),
    };
    let profile = if quick { "dev" } else { "release" };
    say(&format!("building forewarn, profile {profile}"));
    succeed(Command::new("cargo").args([
        "build",
        "--quiet",
        "--locked",
        "-p",
        "forewarn",
        "--profile",
        profile,
    ]))?;
    let program = target_directory().join(if quick { "debug" } else { "release" }).join("forewarn");
    let program = program.canonicalize().map_err(told)?;
    let stage = Stage::set(&program)?;
    let (resident, share, grows, restart) = alone(&stage, if quick { 60 } else { WATCHED })?;
    let day = day(&stage, if quick { DAY / 24 } else { DAY })?;
    let figures = Figures { resident, share, grows, restart, day };
    let (page, met) = page(&figures);
    if !quick {
        std::fs::write(PAGE, &page).map_err(told)?;
    }
    print(&page);
    Ok(if met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A source in which nothing fails more than it should, and what is needed to watch it.
struct Stage {
    program: PathBuf,
    services: Vec<Service>,
    source: Source,
    pager: Receiver,
    scratch: Arc<Scratch>,
}

impl Stage {
    fn set(program: &Path) -> Result<Self, String> {
        let scratch = Arc::new(Scratch::new("watch").map_err(told)?);
        let services = GROUPS[0].services(super::detect::SEED, (0.0, 1.0));
        let well = |target: &Target| Target { fault: None, ..target.clone() };
        let targets = services.iter().flat_map(|service| &service.targets).map(well).collect();
        let address = free_address().map_err(told)?;
        let source =
            Source::start(address, targets, Totals::default(), SystemTime::now(), 1).map_err(told)?;
        let pager = Receiver::start(free_address().map_err(told)?).map_err(told)?;
        Ok(Self { program: program.to_path_buf(), services, source, pager, scratch })
    }

    /// A watch with a directory of its own; not started yet.
    fn watch(&self, name: &str) -> Result<Watch, String> {
        let home = self.scratch.path().join(name);
        std::fs::create_dir(&home).map_err(told)?;
        let listen = free_address().map_err(told)?;
        let webhook = format!("http://{}/", self.pager.address());
        // What is read for the guards is read once; here it would only be in the way of the figures.
        let text = configuration(&self.services, self.source.address(), &webhook, listen, &|service| {
            format!("guard = {}\n", 2.0 * service.base)
        });
        std::fs::write(home.join("forewarn.toml"), &text).map_err(told)?;
        let source = text::Source::new(text::FileId(0), "forewarn.toml", text);
        let plan = watch::config::parse(&source).map_err(|mistakes| format!("{mistakes:?}"))?;
        let process = Process::new(name, &self.program, &["watch"], &self.scratch).within(&home);
        Ok(Watch { process, home, plan, listen })
    }
}

struct Watch {
    process: Process,
    home: PathBuf,
    plan: Plan,
    listen: SocketAddr,
}

impl Watch {
    /// Starts it; how long it took until it said that it is well, in seconds.
    fn start(&mut self) -> Result<f64, String> {
        let begun = Instant::now();
        self.process.start().map_err(told)?;
        let well = || self.ask("/healthz").is_some_and(|reply| reply.status == 200);
        match rig::until(PATIENCE, well) {
            Some(_) => Ok(begun.elapsed().as_secs_f64()),
            None => Err(self.process.trouble("is not well").to_string()),
        }
    }

    /// Kills and starts it, again and again.
    fn starts(&mut self) -> Result<Starts, String> {
        let mut times = Vec::new();
        for _ in 0..STARTS {
            self.process.kill().map_err(told)?;
            times.push(self.start()?);
        }
        times.sort_unstable_by(f64::total_cmp);
        Ok(Starts { median: times[STARTS / 2], longest: times[STARTS - 1] })
    }

    fn ask(&self, path: &str) -> Option<Reply> {
        Client::new(self.listen, Duration::from_secs(5)).send(&Request::get(path)).ok()
    }

    fn metric(&self, name: &str) -> Option<f64> {
        Some(sum(&String::from_utf8_lossy(&self.ask("/metrics")?.body), name, ""))
    }

    fn journal(&self) -> PathBuf {
        self.home.join(&self.plan.journal)
    }
}

/// Memory in bytes, share of a core, growth of the journal in bytes a day, and starts after kills.
fn alone(stage: &Stage, seconds: u64) -> Result<(f64, f64, f64, Starts), String> {
    let mut watch = stage.watch("alone")?;
    watch.start()?;
    say(&format!("watching {} services for {seconds} s", stage.services.len()));
    std::thread::sleep(Duration::from_secs(SETTLED));
    let (begun, computed) = (Instant::now(), watch.process.computed().map_err(told)?);
    std::thread::sleep(Duration::from_secs(seconds.saturating_sub(SETTLED)));
    let share = (watch.process.computed().map_err(told)? - computed) / begun.elapsed().as_secs_f64();
    let resident = watch.process.peak().map_err(told)? as f64;
    // What the database had at the last minute: it is measured every minute, from the start on.
    let pages = watch.metric("forewarn_journal_bytes").ok_or("`/metrics` does not answer")?;
    let minutes = ((seconds - 1) / 60).max(1) as f64;
    let grown = (pages - EMPTY) / (minutes * 60.0);
    let starts = watch.starts()?;
    watch.process.terminate().map_err(told)?;
    Ok((resident, share, grown * DAY as f64, starts))
}

/// Bytes of the database of a journal, without its log.
fn bytes(journal: &Path) -> f64 {
    let files = std::fs::read_dir(journal).into_iter().flatten().flatten();
    let kept = files.filter(|file| !file.file_name().to_string_lossy().contains("-wal"));
    kept.filter_map(|file| file.metadata().ok()).map(|file| file.len() as f64).sum()
}

/// A journal of a day, made by the product's own code, and what becomes of it.
fn day(stage: &Stage, length: u64) -> Result<Day, String> {
    let mut watch = stage.watch("day")?;
    say(&format!("writing a journal of {length} s"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?.as_secs();
    let slots = slots(stage, &watch.plan, now - length, length);
    let rows =
        daemon::rehearse(&watch.journal(), &watch.plan, slots).map_err(|stopped| stopped.to_string())?;
    let bytes = bytes(&watch.journal()) * DAY as f64 / length as f64;
    say("starting on it");
    watch.start()?;
    let start = watch.starts()?;
    watch.process.terminate().map_err(told)?;
    say("replaying it");
    let begun = Instant::now();
    let replay = daemon::verify(&watch.journal(), &watch.plan);
    let replay =
        replay.map(|rows| (rows, begun.elapsed().as_secs_f64())).map_err(|stopped| stopped.to_string());
    Ok(Day { bytes, rows, start, replay })
}

/// What comes in together, slot by slot: each service is looked at once a second.
fn slots<'a>(
    stage: &'a Stage,
    plan: &'a Plan,
    begin: u64,
    length: u64,
) -> impl Iterator<Item = Vec<Entry>> + use<'a> {
    let mut totals = vec![Tally { failed: vec![0], ..Tally::default() }; stage.services.len()];
    let mut draw = Draw(3);
    let first = At(begin * 1000);
    let targets = stage.services.iter().enumerate().map(|(place, service)| Input::Targets {
        service: u16::try_from(place).unwrap_or(u16::MAX),
        targets: service
            .targets
            .iter()
            .map(|target| format!("http://{}/m/{}", stage.source.address(), target.name))
            .collect(),
    });
    let started = std::iter::once(Input::Started(plan.outlines())).chain(targets);
    let started = started.map(|input| Entry { at: first, input }).collect();
    let looks = (0..length).flat_map(move |second| (0..SLOTS).map(move |slot| (second, slot)));
    let looks = looks.map(move |(second, slot)| {
        // Looks come a little late, as on a machine.
        let late = draw.below(20);
        let at = At((begin + second) * 1000 + slot as u64 * 250 + late);
        let places = (slot..stage.services.len()).step_by(SLOTS);
        let look = |place: usize| {
            let (service, tally) = (&stage.services[place], &mut totals[place]);
            let failed = draw.poisson(service.rate() * service.base);
            tally.requests += failed + draw.poisson(service.rate() * (1.0 - service.base));
            tally.failed[0] += failed;
            let readings = vec![Reading { target: 0, said: Said::Totals(tally.clone()) }];
            Entry { at, input: Input::Look { service: u16::try_from(place).unwrap_or(u16::MAX), readings } }
        };
        places.map(look).collect()
    });
    std::iter::once(started).chain(looks)
}

fn page(figures: &Figures) -> (String, bool) {
    let Figures { resident, share, grows, restart, day } = figures;
    let mut met = true;
    let mut row = |what: &str, figure: String, bar: String, holds: bool| {
        met &= holds;
        format!("| {what} | {figure} | {bar} | {} |\n", if holds { "met" } else { "missed" })
    };
    let megabytes = |bytes: f64| bytes / 1e6;
    let mut text = format!(
        "# What a watch costs\n\nWhat `cargo xtask bench watch` wrote: 24 services at 100 requests a second each, one target each,\n\
         looked at every second for {WATCHED} s, nothing else on the machine but the source. The journal of a day\n\
         is written by the watch's own code on virtual time and ends just before a checkpoint is due; starts are\n\
         kills and starts until `/healthz` says 200.\n\n{}\n\n\
         | what | figure | bar | |\n|---|---:|---:|---|\n",
        super::detect::circumstances()
    );
    text += &row(
        "memory at most",
        format!("{:.1} MB", megabytes(*resident)),
        "<= 40 MB".into(),
        *resident <= 40e6,
    );
    text += &row("of one core", format!("{:.2} %", 100.0 * share), "<= 1 %".into(), *share <= 0.01);
    text += &row(
        "journal of a day, on virtual time",
        format!("{:.1} MB, {} rows", megabytes(day.bytes), day.rows),
        format!("<= {BYTES} MB"),
        megabytes(day.bytes) <= BYTES,
    );
    text += &row(
        "journal a day, by what it grew here",
        format!("{:.1} MB", megabytes(*grows)),
        format!("<= {BYTES} MB"),
        megabytes(*grows) <= BYTES,
    );
    let starts = |starts: &Starts| format!("{:.2} s / {:.2} s", starts.median, starts.longest);
    text += &row(
        "start after a kill, journal of a day: median / longest",
        starts(&day.start),
        format!("<= {START} s"),
        day.start.longest <= START,
    );
    text += &row(
        "start after a kill, journal of minutes: median / longest",
        starts(restart),
        format!("<= {START} s"),
        restart.longest <= START,
    );
    let replay = match &day.replay {
        Ok((rows, seconds)) => format!("yes: {rows} rows in {seconds:.1} s"),
        Err(why) => why.clone(),
    };
    text += &row(
        "a replay of the day gives the state that was written down",
        replay,
        "yes".into(),
        day.replay.is_ok(),
    );
    (text, met)
}
