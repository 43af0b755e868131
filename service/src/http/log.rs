//! The log: one JSON object a line, for requests and for events of the process. Whoever logs never
//! waits: lines go through a bounded queue to a thread that writes them, and what does not fit is
//! dropped and counted. Secrets, bodies and queries are never handed in.

use std::fmt;
use std::io::{BufWriter, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use serde::Serialize;

use crate::clock::{Clock, SystemClock};
use crate::metrics::Metrics;

/// Lines that may wait to be written: some 3 MB, several seconds of full load on one processor.
const QUEUE: usize = 8192;

/// Where lines go; clones write to the same place.
#[derive(Clone)]
pub struct Log {
    sender: SyncSender<Message>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
}

enum Message {
    Line(Vec<u8>),
    /// Everything before it shall be written; then the sender is told.
    Flush(SyncSender<()>),
}

/// How urgent a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As expected.
    Info,
    /// Something was refused or did not hold; the service goes on.
    Warning,
    /// A mistake of our own, or something that an operator has to mend.
    Error,
}

/// A request and its answer. `route` is the pattern that matched, never the path that was asked for.
#[derive(Debug, Serialize)]
pub(super) struct Access<'a> {
    pub(super) request_id: &'a str,
    pub(super) trace_id: &'a str,
    pub(super) method: &'a str,
    pub(super) route: &'a str,
    pub(super) status: u16,
    pub(super) duration_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<&'a str>,
    pub(super) upstream_ms: f64,
    pub(super) retries: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<&'a str>,
    pub(super) client: &'a str,
}

#[derive(Serialize)]
struct Line<'a, T> {
    time: String,
    level: Level,
    event: &'a str,
    #[serde(flatten)]
    rest: T,
}

#[derive(Serialize)]
struct Detail<'a> {
    detail: &'a str,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log")
    }
}

impl Log {
    /// A log that a thread of its own writes to `out`.
    pub fn to(out: impl Write + Send + 'static, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        let (sender, receiver) = sync_channel(QUEUE);
        let counted = metrics.clone();
        // The thread ends with the last clone of the sender.
        std::thread::spawn(move || write(&receiver, out, &counted));
        Self { sender, clock, metrics }
    }

    /// The log on standard output.
    #[must_use]
    pub fn stdout(metrics: Arc<Metrics>) -> Self {
        Self::to(std::io::stdout(), Arc::new(SystemClock), metrics)
    }

    /// A log that nobody reads, for routers in tests.
    #[must_use]
    pub fn nowhere() -> Self {
        Self::to(std::io::sink(), Arc::new(SystemClock), Arc::new(Metrics::new()))
    }

    /// Something happened to the process.
    pub fn event(&self, level: Level, event: &str, detail: &str) {
        self.line(level, event, &Detail { detail });
    }

    pub(super) fn access(&self, access: &Access<'_>) {
        let level = match access.status {
            500 => Level::Error,
            501.. => Level::Warning,
            _ => Level::Info,
        };
        self.line(level, "request", access);
    }

    fn line<T: Serialize>(&self, level: Level, event: &str, rest: &T) {
        let line = Line { time: format!("{:#}", self.clock.now()), level, event, rest };
        let mut text = serde_json::to_vec(&line).expect("bug: a line of the log is JSON");
        text.push(b'\n');
        if self.sender.try_send(Message::Line(text)).is_err() {
            self.metrics.log_dropped.inc();
        }
    }

    /// Waits until what was logged so far is written, at most so long. Blocks its thread: for the end
    /// of the program.
    pub fn flush(&self, within: Duration) {
        let (done, written) = sync_channel(1);
        if self.sender.try_send(Message::Flush(done)).is_ok() {
            let _: Result<(), RecvTimeoutError> = written.recv_timeout(within);
        }
    }
}

/// Writes what comes, and flushes whenever nothing more is there.
fn write(receiver: &Receiver<Message>, out: impl Write, metrics: &Metrics) {
    let mut out = BufWriter::new(out);
    while let Ok(first) = receiver.recv() {
        for message in std::iter::once(first).chain(std::iter::from_fn(|| receiver.try_recv().ok())) {
            match message {
                Message::Line(line) => {
                    // A reader that went away is no reason to stop serving.
                    if out.write_all(&line).is_err() {
                        metrics.log_dropped.inc();
                    }
                }
                Message::Flush(done) => {
                    let _ = out.flush();
                    let _ = done.try_send(());
                }
            }
        }
        let _ = out.flush();
    }
}

/// Milliseconds with three decimals.
pub(super) fn milliseconds(length: Duration) -> f64 {
    let micros = u32::try_from(length.as_micros()).unwrap_or(u32::MAX);
    f64::from(micros) / 1000.0
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Condvar, Mutex};

    use super::*;
    use crate::clock::{Timestamp, VirtualClock};

    /// A log that tests read.
    #[derive(Clone, Default)]
    pub(crate) struct Page(Arc<Mutex<Vec<u8>>>);

    impl Page {
        /// What was written so far.
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_event_is_a_line_of_json_with_its_time() {
        let page = Page::default();
        let clock = Arc::new(VirtualClock::at(Timestamp(1_792_000_000_123)));
        let log = Log::to(page.clone(), clock, Arc::new(Metrics::new()));
        log.event(Level::Warning, "reload refused", "a \"quoted\"\nline");
        log.flush(Duration::from_secs(5));
        insta::assert_snapshot!(page.text(), @r#"{"time":"2026-10-14T17:46:40.123Z","level":"warning","event":"reload refused","detail":"a \"quoted\"\nline"}"#);
    }

    /// A place that takes nothing until it is opened.
    #[derive(Clone, Default)]
    struct Stuck(Arc<(Mutex<bool>, Condvar)>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let (open, opened) = &*self.0;
            let _guard = opened.wait_while(open.lock().unwrap(), |open| !*open).unwrap();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_log_that_is_stuck_stops_nobody_and_counts_what_it_dropped() {
        let stuck = Stuck::default();
        let metrics = Arc::new(Metrics::new());
        let log = Log::to(stuck.clone(), Arc::new(SystemClock), metrics.clone());
        let detail = "x".repeat(1000);
        for _ in 0..3 * QUEUE {
            log.event(Level::Info, "filling", &detail);
        }
        assert!(metrics.log_dropped.get() >= QUEUE as u64);
        *stuck.0.0.lock().unwrap() = true;
        stuck.0.1.notify_all();
    }
}
