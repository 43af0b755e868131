//! `cargo xtask bench detect`: how long it takes from the onset of a fault to the notice of it, of
//! Forewarn and of Prometheus with Alertmanager, on the same source in the same run; what each says when
//! the source dies in mid-incident; and what each costs. One machine, one clock. Writes
//! `docs/bench/detect.md`.
//!
//! `--quick` is for those who work on it: debug builds, two minutes, and nothing is written.

pub(super) mod groups;
mod history;
mod ours;
mod peers;
mod report;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rig::http::{Client, Request};
use rig::process::Process;
use rig::receiver::{Received, Receiver};
use rig::scratch::{Scratch, free_address};
use rig::source::Source;
use rig::{metrics, until};

use super::service::told;
use super::{succeed, target_directory};
use crate::{print, say};
use groups::{GROUPS, Service};
use ours::Ours;
pub(super) use ours::configuration;
use peers::{Pair, Rule, SETTINGS};
use report::{Cost, Kind, Notice, Run, System};

/// Everything that is drawn follows from it.
pub(super) const SEED: u64 = 77;
/// How often memory and time of all processes are read.
const SAMPLE: Duration = Duration::from_secs(5);
/// When the cost of what runs begins to count, in seconds after the source began: what is read and learnt
/// once at the start is over.
const SETTLED: f64 = 180.0;

/// When what happens, in seconds after the source began.
#[derive(Debug, Clone, Copy)]
struct Times {
    onsets: (f64, f64),
    kill: f64,
    end: f64,
}

/// Before the first onset all guards are learnt; the slowest rule, at 15 s, needs about 305 s after the
/// last.
const FULL: Times = Times { onsets: (200.0, 330.0), kill: 640.0, end: 760.0 };
const QUICK: Times = Times { onsets: (200.0, 220.0), kill: 280.0, end: 300.0 };

/// Where the report is.
const PAGE: &str = "docs/bench/detect.md";

pub(super) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    match arguments {
        [] => bench(&FULL, true),
        [quick] if quick == "--quick" => bench(&QUICK, false),
        _ => Err("`bench detect` takes nothing or --quick".into()),
    }
}

/// `cargo xtask bench source ADDRESS BEGIN FROM TO`: the source of the benchmark, as a process of its
/// own, until it is killed.
pub(super) fn source(arguments: &[String]) -> Result<ExitCode, String> {
    let [address, begin, from, to] = arguments else {
        return Err("bench source ADDRESS BEGIN FROM TO".into());
    };
    let number = |text: &String| text.parse::<f64>().map_err(|error| format!("{text}: {error}"));
    let services = services((number(from)?, number(to)?));
    let targets = services.into_iter().flatten().flat_map(|service| service.targets).collect();
    let begin = UNIX_EPOCH + Duration::from_secs_f64(number(begin)?);
    let address = address.parse().map_err(|error| format!("{address}: {error}"))?;
    let _source = Source::start(address, targets, history::BEGUN, begin, SEED).map_err(told)?;
    loop {
        std::thread::park();
    }
}

/// The services of all groups.
fn services(onsets: (f64, f64)) -> Vec<Vec<Service>> {
    GROUPS.iter().map(|group| group.services(SEED, onsets)).collect()
}

/// All processes of a run.
struct Stage {
    source: Process,
    shows: SocketAddr,
    receiver: Receiver,
    pairs: Vec<Pair>,
    ours: Vec<Ours>,
    begin: u64,
}

fn bench(times: &Times, whole: bool) -> Result<ExitCode, String> {
    if let Some(program) = peers::missing() {
        return Err(format!(
            "{program} is not installed: Debian's packages prometheus and prometheus-alertmanager"
        ));
    }
    let profile = if whole { "release" } else { "dev" };
    say(&format!("building forewarn and xtask, profile {profile}"));
    let packages = ["-p", "forewarn", "-p", "xtask"];
    succeed(
        Command::new("cargo").args(["build", "--quiet", "--locked", "--profile", profile]).args(packages),
    )?;
    let programs = target_directory().join(if whole { "release" } else { "debug" });
    let services = services(times.onsets);
    let mut stage = Stage::set(times, &services, &programs.canonicalize().map_err(told)?)?;
    let mut meter = Meter::default();
    let begin = UNIX_EPOCH + Duration::from_secs(stage.begin);
    let past = |second: f64| begin + Duration::from_secs_f64(second);
    say(&format!(
        "watching; faults from {} s to {} s, the source dies at {} s",
        times.onsets.0, times.onsets.1, times.kill
    ));
    sleep_until(past(SETTLED));
    meter.begin(&stage);
    while SystemTime::now() + SAMPLE < past(times.kill) {
        std::thread::sleep(SAMPLE);
        meter.sample(&stage);
    }
    sleep_until(past(times.kill));
    let costs = meter.end(&stage);
    let fares = fares(&stage);
    stage.source.kill().map_err(told)?;
    let killed = seconds_after(begin, SystemTime::now());
    say("the source is dead");
    sleep_until(past(times.end));
    let mut systems = vec![System { name: "**Forewarn**".to_owned(), ours: true, quiet_only: false }];
    for setting in SETTINGS {
        systems.extend(Rule::ALL.map(|rule| System {
            name: format!("Prometheus {}, {}", setting.name, rule.what()),
            ours: false,
            quiet_only: rule == Rule::Burn,
        }));
    }
    let notices = stage.receiver.received().iter().flat_map(|one| read(one, begin)).collect();
    let run = Run { systems, services, notices, killed, ended: times.end, costs };
    let held = run.bars();
    let page = page(&run, &held, &fares, times);
    if whole {
        std::fs::write(PAGE, &page).map_err(told)?;
    }
    print(&page);
    Ok(if held.iter().all(|one| one.met) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Stage {
    /// Makes the histories, starts everything, and waits until all are ready.
    fn set(times: &Times, services: &[Vec<Service>], programs: &Path) -> Result<Self, String> {
        let scratch = Arc::new(Scratch::new("detect").map_err(told)?);
        let receiver = Receiver::start(free_address().map_err(told)?).map_err(told)?;
        let shows = free_address().map_err(told)?;
        let end = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?.as_secs();
        let hook = |path: &str| format!("http://{}{path}", receiver.address());

        say("drawing the history");
        let (first, others) = services.split_at(1);
        let parts: [(&str, Vec<&Service>); 2] =
            [("one", first.iter().flatten().collect()), ("rest", others.iter().flatten().collect())];
        let mut pairs = Vec::new();
        for (part, services) in &parts {
            let blocks = blocks(part, services, end, &scratch)?;
            for (place, &setting) in SETTINGS.iter().enumerate() {
                let key = format!("peer-{place}-{part}");
                let webhook = hook(&format!("/peer/{place}"));
                pairs.push(Pair::new(&key, setting, services, shows, &webhook, &blocks, &scratch)?);
            }
        }
        let program = programs.join("forewarn");
        let mut ours = Vec::new();
        for (place, (group, services)) in GROUPS.iter().zip(services).enumerate() {
            ours.push(Ours::new(&program, (place, group, services), shows, &hook("/ours"), end, &scratch)?);
        }

        say("starting all sides");
        // Requests come before anybody looks: a service without any would be an alarm of its own.
        let begin =
            SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?.as_secs();
        let (address, from, to) = (shows.to_string(), times.onsets.0.to_string(), times.onsets.1.to_string());
        let arguments = ["bench", "source", &address, &begin.to_string(), &from, &to];
        let mut source = Process::new("source", &programs.join("xtask"), &arguments, &scratch);
        source.start().map_err(told)?;
        let shown = || Client::new(shows, Duration::from_secs(1)).send(&Request::get("/source")).is_ok();
        source.when("ready", Duration::from_secs(10), shown).map_err(told)?;
        for pair in &mut pairs {
            pair.start()?;
        }
        for one in &mut ours {
            one.process.start().map_err(told)?;
        }
        pairs.iter_mut().try_for_each(Pair::ready)?;
        ours.iter_mut().try_for_each(Ours::ready)?;
        Ok(Self { source, shows, receiver, pairs, ours, begin })
    }

    /// All processes, each with what it watches and whether it is held to a bar.
    fn processes(&self) -> Vec<(&Process, String, String, bool)> {
        let count = |services: usize, targets: usize| {
            if services == targets {
                format!("{services} services")
            } else {
                format!("{services} services, {targets} targets")
            }
        };
        let mut all = Vec::new();
        for one in &self.ours {
            let group = &GROUPS[one.group];
            let what =
                format!("{} of \"{}\"", count(group.services, group.services * group.replicas), group.what);
            all.push((&one.process, "Forewarn, looks of 1 s".to_owned(), what, group.replicas == 1));
        }
        let (first, others) = GROUPS.split_at(1);
        for pair in &self.pairs {
            let groups = if pair.key.ends_with("one") { first } else { others };
            let services = groups.iter().map(|group| group.services).sum();
            let targets = groups.iter().map(|group| group.services * group.replicas).sum();
            for (process, name) in pair.processes().into_iter().zip(["Prometheus", "Alertmanager"]) {
                all.push((process, format!("{name} {}", pair.setting.name), count(services, targets), false));
            }
        }
        all.push((&self.source, "the source".to_owned(), String::new(), false));
        all
    }
}

/// The blocks of a history, made once for all settings.
fn blocks(part: &str, services: &[&Service], end: u64, scratch: &Scratch) -> Result<PathBuf, String> {
    let text = history::ranges(services, end);
    let file = scratch.file(&format!("{part}.openmetrics"), &text).map_err(told)?;
    let blocks = scratch.path().join(format!("{part}-blocks"));
    peers::blocks(&file, &blocks)?;
    Ok(blocks)
}

/// What a webhook says, to whom it is put down.
fn read(received: &Received, begin: SystemTime) -> Vec<Notice> {
    let at = seconds_after(begin, received.at);
    let peer = received.path.strip_prefix("/peer/").and_then(|place| place.parse::<usize>().ok());
    let Some(setting) = peer else {
        let told = ours::notice(&received.body).into_iter();
        return told.map(|(kind, service)| Notice { system: 0, service, kind, at }).collect();
    };
    let notice = |(rule, service, resolved)| {
        let place = Rule::ALL.iter().position(|one| *one == rule).unwrap_or_default();
        let kind = if resolved { Kind::Ended } else { Kind::Opened };
        Notice { system: 1 + setting * Rule::ALL.len() + place, service, kind, at }
    };
    peers::notices(&received.body).into_iter().map(notice).collect()
}

fn seconds_after(begin: SystemTime, moment: SystemTime) -> f64 {
    match moment.duration_since(begin) {
        Ok(after) => after.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}

fn sleep_until(moment: SystemTime) {
    until(Duration::from_secs(3600), || {
        let left = moment.duration_since(SystemTime::now()).unwrap_or_default();
        std::thread::sleep(left);
        left.is_zero()
    });
}

/// Memory and time of all processes over a while.
#[derive(Default)]
struct Meter {
    begun: Option<SystemTime>,
    computed: Vec<f64>,
    peaks: Vec<u64>,
}

impl Meter {
    fn begin(&mut self, stage: &Stage) {
        self.begun = Some(SystemTime::now());
        self.computed =
            stage.processes().iter().map(|(process, ..)| process.computed().unwrap_or(0.0)).collect();
        self.peaks = vec![0; self.computed.len()];
        self.sample(stage);
    }

    fn sample(&mut self, stage: &Stage) {
        for (peak, (process, ..)) in self.peaks.iter_mut().zip(stage.processes()) {
            *peak = (*peak).max(process.peak().unwrap_or(0));
        }
    }

    fn end(&mut self, stage: &Stage) -> Vec<Cost> {
        self.sample(stage);
        let while_ =
            self.begun.and_then(|begun| begun.elapsed().ok()).map_or(1.0, |while_| while_.as_secs_f64());
        let each = stage.processes().into_iter().zip(&self.computed).zip(&self.peaks);
        each.map(|(((process, name, what, barred), before), &peak)| {
            let share = (process.computed().unwrap_or(0.0) - before) / while_;
            Cost { name, what, peak, share, barred }
        })
        .collect()
    }
}

/// Whether anybody starved: how late the source was, and how long scrapes took.
fn fares(stage: &Stage) -> String {
    let about = Client::new(stage.shows, Duration::from_secs(5)).send(&Request::get("/source"));
    let about = about.map(|reply| String::from_utf8_lossy(&reply.body).into_owned()).unwrap_or_default();
    let mut text = format!(
        "The source's latest tick was {:.0} ms late; it answered {:.0} scrapes.",
        1e3 * metrics::sum(&about, "source_latest_tick_seconds", ""),
        metrics::sum(&about, "source_answers_total", "")
    );
    let of_all =
        |expression: &str| stage.pairs.iter().filter_map(|pair| pair.query(expression)).collect::<Vec<_>>();
    let longest = of_all("max(max_over_time(scrape_duration_seconds[9m]))").into_iter().fold(0.0, f64::max);
    let up = of_all("min(avg_over_time(up[9m]))").into_iter().fold(1.0, f64::min);
    text += &format!(
        " The longest scrape of any Prometheus took {:.0} ms; of the worst target {:.2} % of the scrapes succeeded.",
        1e3 * longest,
        100.0 * up
    );
    text
}

/// The date, the versions and the host of a run, as its page lists them.
pub(super) fn circumstances() -> String {
    host(&format!("{}; {}", peers::versions(), first(Command::new("rustc").arg("--version"))))
}

/// The same, with versions of whatever else takes part.
pub(super) fn host(versions: &str) -> String {
    let model = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    format!(
        "- date: {}\n- versions: forewarn {}; {versions}\n- host: {cores} cores, {}",
        first(Command::new("date").arg("+%F")),
        env!("CARGO_PKG_VERSION"),
        model.map_or("of an unknown kind", |(_, model)| model),
    )
}

fn first(command: &mut Command) -> String {
    let output = command.output().map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    output.unwrap_or_default()
}

fn page(run: &Run, held: &[report::Held], fares: &str, times: &Times) -> String {
    let mut text = format!(
        "# How soon a fault is told\n\n\
         What `cargo xtask bench detect` wrote: Forewarn and Debian's Prometheus with Alertmanager on the same\n\
         source in the same run, on one machine with one clock. Delays are from the onset in the source to\n\
         the arrival at the webhook. Ratios carry over to other machines, figures do not.\n\n\
         {}\n- seed: {SEED}\n\n## Bars\n\n{}\n",
        circumstances(),
        report::bar_table(held),
    );
    text += &format!(
        "## The source\n\n\
         Each target gets requests that come independently, ten times a second as many as its rate has it;\n\
         half of the services of a group fail with p0 = 1 % while all is well, half with 0.05 %. Each has its\n\
         own onset between {:.0} s and {:.0} s. Forewarn learnt its guards from 14 days of minutes before;\n\
         Prometheus' blocks were filled with the last 6.5 hours. Every group of 24 services has a Forewarn of\n\
         its own, a whole installation with one false alarm a year for all its tests. Each Prometheus has its\n\
         own Alertmanager: the first number is the scrape interval, the second the evaluation interval, the\n\
         third `group_wait`. {fares}\n\n\
         Base load that rises and falls with the day, or is over-dispersed, is measured on virtual time:\n\
         `cargo xtask bench false-alarms`.\n\n## Onset to webhook\n\n\
         \"Too early\": alarms that arrived before the onset, or were about something else than the fault. A\n\
         service whose alarm was open before its onset and did not come again was not seen.\n\n",
        times.onsets.0, times.onsets.1
    );
    for (place, group) in GROUPS.iter().enumerate() {
        text += &run.table(place, group);
        text += "\n";
    }
    text += &format!(
        "## The source dies in mid-incident\n\n\
         It was killed at {:.0} s, with every fault in progress, and {:.0} s were waited.\n\n{}\n## Cost\n\n\
         Read from `/proc`: time from {SETTLED} s to {:.0} s, memory at most from the start.\n\n{}",
        run.killed,
        run.ended - run.killed,
        run.kill_table(),
        run.killed,
        run.cost_table()
    );
    text
}
