//! `cargo xtask bench intake [--lines N]`: how fast lines of an access log become counts. Forewarn's
//! follower, mtail with a program that counts the same, and `wc -l`, which only counts lines, each a process
//! that reads the same file, taking turns. The counts are compared too.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use rig::scratch::Scratch;
use serde_json::Value;

use super::{first_line, median, ms, optimised};
use crate::{print, say};

/// Turns of each side; the median counts.
const ROUNDS: usize = 5;
const LINES: u64 = 2_000_000;
/// At least so many times as fast as mtail.
const TIMES_MTAIL: f64 = 20.0;
/// At least so much of the speed of `wc -l`.
const OF_WC: f64 = 0.1;

/// The predefined format with times, as it is often written.
const FORMAT: &str = r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" $request_time $upstream_response_time"#;

/// The same for mtail: requests by status, and how many took longer than half a second.
const PROGRAM: &str = r#"counter requests by status
counter slow

/^\S+ - \S+ \[[^\]]+\] "[^"]*" (?P<status>\d{3}) \d+ "[^"]*" "[^"]*" (?P<time>\d+\.\d+) / {
  requests[$status]++
  $time > 0.5 {
    slow++
  }
}
"#;

/// What a side counted: requests, failed ones (5xx), slow ones.
type Counts = (u64, u64, u64);

pub(super) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let lines = match arguments {
        [] => LINES,
        [name, number] if name == "--lines" => {
            number.parse().map_err(|_| format!("--lines takes a number, not `{number}`"))?
        }
        _ => return Err("cargo xtask bench intake [--lines N]".into()),
    };
    let ours = optimised("daemon", "intake")?;
    let scratch = Scratch::new("intake").map_err(|error| error.to_string())?;
    let log = scratch.path().join("access.log");
    let (bytes, counts) = write(&log, lines).map_err(|error| format!("{}: {error}", log.display()))?;
    let mtail = scratch.file("count.mtail", PROGRAM).map_err(|error| error.to_string())?;
    let (mut follower, mut peer, mut wc) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        say(&format!("round {round} of {ROUNDS}"));
        let (time, said) = timed(Command::new("wc").arg("-l").arg(&log))?;
        compare("wc -l", &said.split_whitespace().next(), &Some(lines.to_string().as_str()))?;
        wc.push(time);
        let (time, said) = timed(Command::new(&ours).arg(&log).arg(FORMAT))?;
        compare("forewarn", &said.trim(), &format!("{} {} {} 0", counts.0, counts.1, counts.2).as_str())?;
        follower.push(time);
        let mut command = Command::new("mtail");
        command.args(["--one_shot", "--one_shot_format", "json", "--log_dir"]).arg(scratch.path());
        let (time, said) = timed(command.arg("--progs").arg(&mtail).arg("--logs").arg(&log))?;
        compare("mtail", &counted(&said)?, &counts)?;
        peer.push(time);
    }
    let (follower, peer, wc) = (median(&mut follower), median(&mut peer), median(&mut wc));
    let times_mtail = peer.as_secs_f64() / follower.as_secs_f64();
    let of_wc = wc.as_secs_f64() / follower.as_secs_f64();
    print(&page(lines, bytes, counts, [follower, peer, wc]));
    Ok(if times_mtail >= TIMES_MTAIL && of_wc >= OF_WC { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn page(lines: u64, bytes: u64, counts: Counts, [follower, peer, wc]: [Duration; 3]) -> String {
    #[expect(clippy::cast_precision_loss, reason = "figures of a report")]
    let (lines_in, bytes_in) = (lines as f64, bytes as f64);
    let mut page = String::new();
    let mut row = |side: &str, time: Duration, against: &str, bar: &str| {
        let second = time.as_secs_f64();
        let _ = writeln!(
            page,
            "| {side} | {:.0} ms | {:.2} M | {:.0} MB | {against} | {bar} |",
            ms(time),
            lines_in / second / 1e6,
            bytes_in / second / 1e6
        );
    };
    let ratio = |time: Duration| time.as_secs_f64() / follower.as_secs_f64();
    row("forewarn's follower", follower, "", "");
    row(
        "mtail --one_shot",
        peer,
        &format!("{:.1} times as fast", ratio(peer)),
        &format!("{TIMES_MTAIL} times"),
    );
    row("wc -l", wc, &format!("{:.0} % as fast", 100.0 * ratio(wc)), &format!("{:.0} %", 100.0 * OF_WC));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    format!(
        "- date: {}\n- versions: forewarn {}; {}; {}; {}\n- host: {cores} cores\n\
         - input: {lines} lines, {:.0} MB, in the page cache; {} failed, {} slow; {ROUNDS} turns each, the median\n\n\
         | side | time | lines a second | bytes a second | forewarn against it | bar |\n\
         |---|---:|---:|---:|---:|---:|\n{page}",
        first_line("date", &["+%F"]),
        env!("CARGO_PKG_VERSION"),
        first_line("mtail", &["--version"]).split(" git").next().unwrap_or_default(),
        first_line("wc", &["--version"]),
        first_line("rustc", &["--version"]),
        bytes_in / 1e6,
        counts.1,
        counts.2,
    )
}

/// Writes a log; how many bytes, and what it comes to.
fn write(path: &Path, lines: u64) -> std::io::Result<(u64, Counts)> {
    say("writing the log");
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let (mut bytes, mut counts) = (0, (lines, 0, 0));
    let mut drawn = 0x2545_f491_4f6c_dd1d_u64;
    for line in 0..lines {
        // xorshift64: the same lines in each run.
        drawn ^= drawn << 13;
        drawn ^= drawn >> 7;
        drawn ^= drawn << 17;
        let status = match drawn % 100 {
            0 => 504,
            1 => 502,
            2..=5 => 401,
            _ => 200,
        };
        let millis = if drawn >> 8 & 15 == 0 { 480 + drawn % 600 } else { 3 + drawn % 250 };
        counts.1 += u64::from(status >= 500);
        counts.2 += u64::from(millis > 500);
        let second = line / 500 % 60;
        let text = format!(
            "10.{}.{}.{} - - [22/Nov/2026:22:{:02}:{second:02} +0000] \"POST /login?session={:x} HTTP/1.1\" {status} \
             {} \"https://app.example/sign-in\" \"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 \
             Firefox/145.0\" {}.{:03} {}.{:03}\n",
            drawn >> 40 & 255,
            drawn >> 32 & 255,
            drawn >> 24 & 255,
            line / 30_000 % 60,
            drawn >> 20,
            drawn % 5000,
            millis / 1000,
            millis % 1000,
            (millis - 1) / 1000,
            (millis - 1) % 1000,
        );
        bytes += u64::try_from(text.len()).unwrap_or_default();
        file.write_all(text.as_bytes())?;
    }
    file.flush()?;
    Ok((bytes, counts))
}

fn timed(command: &mut Command) -> Result<(Duration, String), String> {
    let begun = Instant::now();
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let time = begun.elapsed();
    if output.status.success() {
        Ok((time, String::from_utf8_lossy(&output.stdout).into_owned()))
    } else {
        Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim()))
    }
}

fn compare<T: PartialEq + std::fmt::Debug>(side: &str, said: &T, written: &T) -> Result<(), String> {
    if said == written {
        Ok(())
    } else {
        Err(format!("{side} counted {said:?} where {written:?} was written"))
    }
}

/// What mtail counted, of its metrics as JSON.
fn counted(said: &str) -> Result<Counts, String> {
    let metrics: Value = serde_json::from_str(said).map_err(|error| format!("mtail's metrics: {error}"))?;
    let of = |name: &str| {
        let values = metrics[name][0]["LabelValues"].as_array().cloned().unwrap_or_default();
        values.into_iter().map(|value| {
            let count = value["Value"]["Value"].as_u64().unwrap_or_default();
            (value["Labels"][0].as_str().unwrap_or_default().to_owned(), count)
        })
    };
    let failed = of("requests").filter(|(status, _)| status.starts_with('5')).map(|(_, count)| count).sum();
    let counts =
        (of("requests").map(|(_, count)| count).sum(), failed, of("slow").map(|(_, count)| count).sum());
    Ok(counts)
}
