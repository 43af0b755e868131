//! Endpoints that lie, drip and never end, and a disk that is full: the watch survives them, says so, and
//! goes on watching the others. Real processes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rig::process::Process;
use rig::scratch::free_address;
use rig::server::{Answer, Server, drip};
use rig::until;

use crate::watch_stage::{Stage, scraped};

/// How long a run may take until it shows what it is to show, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// How an endpoint misbehaves, and why its readings are of no use.
const HOSTILE: &[(&str, &str)] = &[
    ("huge", "body"),
    ("endless", "body"),
    ("lines", "format"),
    ("nan", "number"),
    ("negative", "number"),
    ("absent", "absent"),
    ("drip", "timeout"),
    ("silent", "timeout"),
    ("status", "status"),
    ("cut", "body"),
];

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n";

/// Totals that grow by a hundred a request, two of them failures at most.
fn totals(count: u64) -> String {
    format!(
        "login_total{{outcome=\"success\"}} {}\nlogin_total{{outcome=\"failure\"}} {count}\n",
        100 * count
    )
}

fn raw(write: impl FnOnce(&mut TcpStream) -> std::io::Result<()> + 'static) -> Answer {
    Answer::Raw(Box::new(write))
}

/// A server of good and of hostile endpoints, by path.
fn server() -> Server {
    let asked = Arc::new(AtomicU64::new(0));
    let answer = move |path: &str| {
        let count = asked.fetch_add(1, Ordering::Relaxed);
        match path.trim_start_matches('/') {
            "good" => Answer::Text(200, totals(count)),
            // Falls to nothing every fifth time.
            "reset" => Answer::Text(200, totals(count % 50)),
            "lines" => {
                Answer::Text(200, "login_total{outcome=\"success\" 1\n}}}\u{0}\nlogin_total\n".to_owned())
            }
            "nan" => Answer::Text(200, totals(count) + "login_total{outcome=\"success\",x=\"y\"} NaN\n"),
            "negative" => Answer::Text(200, "login_total{outcome=\"success\"} -5\n".to_owned()),
            "absent" => Answer::Text(200, "other_total 5\n".to_owned()),
            "status" => Answer::Text(503, totals(count)),
            "huge" => raw(|stream| {
                let line =
                    "login_total{outcome=\"success\",x=\"".to_owned() + &"x".repeat(65_536) + "\"} 1\n";
                write!(stream, "{HEAD}content-length: 1000000000\r\n\r\n")?;
                drip(stream, line.as_bytes(), Duration::ZERO, PATIENCE)
            }),
            "endless" => raw(|stream| {
                write!(stream, "{HEAD}transfer-encoding: chunked\r\n\r\n")?;
                let chunk = format!("10000\r\n{}\r\n", "#".repeat(65_536));
                drip(stream, chunk.as_bytes(), Duration::ZERO, PATIENCE)
            }),
            "drip" => raw(|stream| {
                write!(stream, "{HEAD}content-length: 100000\r\n\r\n")?;
                drip(stream, b"#", Duration::from_millis(50), PATIENCE)
            }),
            "silent" => raw(|_| {
                std::thread::sleep(PATIENCE);
                Ok(())
            }),
            "cut" => raw(|stream| write!(stream, "{HEAD}content-length: 100000\r\n\r\nlogin_total 1\n")),
            _ => Answer::Text(404, String::new()),
        }
    };
    Server::start(free_address().unwrap(), move |asked| answer(&asked.path)).unwrap()
}

fn service(name: &str, address: SocketAddr) -> String {
    scraped(name, &format!("http://{address}/{name}"))
}

#[test]
fn endpoints_that_lie_drip_or_never_end_are_survived_and_shown() {
    let server = server();
    let names = HOSTILE.iter().map(|(name, _)| *name).chain(["good", "reset"]);
    let services: String = names.map(|name| service(name, server.address())).collect();
    let mut stage = Stage::new("hostile", &services);
    stage.start();
    for (name, why) in HOSTILE {
        until(PATIENCE, || stage.lost(name, why) >= 3.0)
            .unwrap_or_else(|| panic!("{name} is not shown as {why}:\n{}", stage.metrics()));
    }
    until(PATIENCE, || stage.metric("forewarn_requests_total", "good") > 500.0)
        .expect("the good one is counted");
    until(PATIENCE, || stage.lost("reset", "fell") >= 1.0)
        .unwrap_or_else(|| panic!("a fall of totals is not shown:\n{}", stage.metrics()));
    assert_eq!(stage.health(), Some(200));
    let peak = stage.watch.peak().unwrap();
    // Two of ten mebibytes at most under way, the parser's copies, and a debug build.
    assert!(peak < 150_000_000, "{peak} bytes");
    stage.end();
    stage.verify();
}

/// What a disk takes that is full soon.
const SMALL: &str = "4m";

#[test]
fn a_full_disk_is_told_and_alerts_are_sent_all_the_same() {
    const NAME: &str = "a_full_disk_is_told_and_alerts_are_sent_all_the_same";
    let mounts = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
    if !mounts.is_ok_and(|output| output.status.success()) {
        rig::skip::skipped(NAME, "a file system in memory cannot be mounted (needs unshare and its rights)");
        return;
    }
    let failing = Arc::new(AtomicBool::new(false));
    let (fails, asked) = (Arc::clone(&failing), AtomicU64::new(0));
    let failed = AtomicU64::new(0);
    let server = Server::start(free_address().unwrap(), move |_| {
        let count = asked.fetch_add(1, Ordering::Relaxed);
        let more = if fails.load(Ordering::Relaxed) { 50 } else { 0 };
        let failed = more + failed.fetch_add(more, Ordering::Relaxed);
        let success = 100 * count;
        Answer::Text(
            200,
            format!(
                "login_total{{outcome=\"success\"}} {success}\nlogin_total{{outcome=\"failure\"}} {failed}\n"
            ),
        )
    })
    .unwrap();
    // In a namespace of its own, the file system is gone with the watch, however that ends.
    let mut stage = Stage::with("full", &service("a", server.address()), |scratch, home| {
        std::fs::create_dir(home.join("journal")).unwrap();
        let script = format!(
            "mount -t tmpfs -o size={SMALL} tmpfs journal && exec '{}' watch",
            env!("CARGO_BIN_EXE_forewarn")
        );
        Process::new("forewarn", Path::new("unshare"), &["-rm", "sh", "-c", &script], scratch).within(home)
    });
    stage.start();
    let looked = || stage.metric("forewarn_requests_total", "a") > 100.0;
    until(PATIENCE, looked).expect("the service is looked at");

    let number = stage.watch.number().unwrap();
    let filler = stage.home.join("journal/filler");
    let filler = PathBuf::from(format!("/proc/{number}/root{}", filler.display()));
    let full = std::fs::write(&filler, vec![0; 8 << 20]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    until(PATIENCE, || stage.health() == Some(503)).expect("a journal that cannot be written is not well");
    until(PATIENCE, || !stage.told("forewarn", "opened").is_empty()).expect("it is told");
    failing.store(true, Ordering::Relaxed);
    until(PATIENCE, || !stage.told("a", "opened").is_empty()).expect("an alert is told all the same");

    std::fs::remove_file(&filler).unwrap();
    until(PATIENCE, || stage.health() == Some(200)).expect("the journal is written again");
    until(PATIENCE, || !stage.told("forewarn", "ended").is_empty()).expect("that is told, too");
    assert_eq!(stage.told("a", "opened").len(), 1);
}
