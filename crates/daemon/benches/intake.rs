//! The measured side of `cargo xtask bench intake`: follows a log of NGINX with times from its beginning to
//! its end, and prints what it counted.
//!
//! `FILE FORMAT`: the log, and the text of its `log_format`.

use std::path::Path;
use std::time::Duration;

use daemon::follow::{Follower, Start};
use text::{FileId, Span};
use watch::journal::Said;
use watch::plan::{GuardSource, Intake, LatencyObjective, Log, LogFormat, Outcome, Reason, Watched};
use watch::time::At;

fn main() {
    // Cargo adds an argument of its own.
    let all: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    // As `cargo bench` alone runs it.
    let [file, format] = &all[..] else { return };
    let log = Log {
        paths: vec![file.clone()],
        format: LogFormat::Nginx(Some(format.clone())),
        under: Vec::new(),
        failed: vec![(0, Outcome { status: vec![(500, 599)], flags: Vec::new() })],
    };
    let service = Watched {
        name: "measured".to_owned(),
        span: Span { file: FileId(0), start: 0, end: 0 },
        intake: Intake::None,
        reasons: vec![Reason { name: "server".to_owned(), counts: true }],
        failures: GuardSource::Own,
        by_reason: Vec::new(),
        latency: Some(LatencyObjective { slow: Duration::from_millis(500), guard: GuardSource::Own }),
        pile_up: vec![Duration::from_secs(1)],
        traffic: None,
        objective: None,
        probe: None,
    };
    let mut follower = Follower::new(&service, &log, Path::new("/"), Start::Beginning, None)
        .expect("bug: `cargo xtask bench intake` gives a format");
    let (mut requests, mut failed, mut slow) = (0, 0, 0);
    for look in 0.. {
        let Said::Since { tally, .. } = follower.look(At(look)) else { break };
        if tally.requests == 0 {
            break;
        }
        requests += tally.requests;
        failed += tally.failed.iter().sum::<u64>();
        slow += tally.slow;
    }
    #[expect(clippy::print_stdout, reason = "the figures are read from here")]
    {
        println!("{requests} {failed} {slow} {}", follower.counters().malformed);
    }
}
