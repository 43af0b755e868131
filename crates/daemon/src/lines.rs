//! Lines of access logs as counts of one service: what a line says of a request, and which reason,
//! objective and timeout that concerns.
//!
//! Works on bytes, since logs hold what clients send, and allocates nothing for a line. Opens no file: see
//! [`crate::follow`].

mod envoy;
mod haproxy;
mod json;
mod judge;
mod nginx;
mod program;

use std::time::Duration;

use memchr::memchr;
use watch::plan::{Log, LogFormat, Watched};
use watch::tally::Tally;

use judge::Judge;
use program::Program;

/// A line that is longer is malformed. NGINX lets a request line have 8 KiB (`large_client_header_buffers`)
/// and writes a byte as up to four; referer and user agent come on top.
pub const LONGEST: usize = 64 << 10;

/// Reads lines in one format for one service.
#[derive(Debug)]
pub struct Reader {
    format: Format,
    judge: Judge,
}

#[derive(Debug)]
enum Format {
    Text(Program),
    HaProxy,
    Json(json::Fields),
}

/// What lines came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counted {
    /// The requests of the service.
    pub tally: Tally,
    /// All lines.
    pub lines: u64,
    /// Those of them that are not of the format, or longer than [`LONGEST`].
    pub malformed: u64,
    /// Those of them that are of requests with another path than the log's `under` names.
    pub elsewhere: u64,
    /// Those of them that are of no request.
    pub notices: u64,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line<'l> {
    /// Of a request.
    Request(Heard<'l>),
    /// Of something else: a server went down, a program began.
    Notice,
    /// Not of the format.
    Malformed,
}

/// What a line says of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Heard<'l> {
    /// The status; 0 where there was no answer.
    status: u16,
    /// How long it took, in microseconds.
    micros: Option<u64>,
    /// The path, from `/` on, perhaps with a query.
    path: &'l [u8],
    /// Why it ended as it did, in the words of the format.
    why: &'l [u8],
}

/// What lines of a format say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Says {
    status: bool,
    time: bool,
    path: bool,
    why: bool,
}

impl Counted {
    /// Adds what other lines of the same log came to.
    pub fn add(&mut self, other: &Self) {
        self.tally.add(&other.tally);
        self.lines += other.lines;
        self.malformed += other.malformed;
        self.elsewhere += other.elsewhere;
        self.notices += other.notices;
    }
}

impl Reader {
    /// Reads lines of a service's log.
    ///
    /// # Errors
    ///
    /// Where the format cannot be told apart by its text, or lacks what the service is watched by.
    pub fn new(log: &Log, service: &Watched) -> Result<Self, String> {
        let (format, says) = Format::of(log)?;
        lacks(log, service, says)?;
        Ok(Self { format, judge: Judge::new(log, service) })
    }

    /// No request, in the shape of the service's counts.
    #[must_use]
    pub fn nothing(&self) -> Counted {
        Counted { tally: self.judge.nothing(), ..Counted::default() }
    }

    /// Reads whole lines, each with its line feed, and adds what they say.
    pub fn read(&mut self, lines: &[u8], to: &mut Counted) {
        let mut rest = lines;
        while let Some(end) = memchr(b'\n', rest) {
            self.line(&rest[..end], to);
            rest = &rest[end + 1..];
        }
    }

    fn line(&mut self, line: &[u8], to: &mut Counted) {
        to.lines += 1;
        if line.len() > LONGEST {
            to.malformed += 1;
            return;
        }
        match self.format.read(line) {
            Line::Request(heard) => to.elsewhere += u64::from(!self.judge.count(&heard, &mut to.tally)),
            Line::Notice => to.notices += 1,
            Line::Malformed => to.malformed += 1,
        }
    }
}

impl Format {
    /// How lines of a log are read, and what they say.
    fn of(log: &Log) -> Result<(Self, Says), String> {
        let with_path = !log.under.is_empty();
        Ok(match &log.format {
            LogFormat::Nginx(text) => text_of(nginx::compile(text.as_deref(), with_path)?),
            LogFormat::Envoy(text) => text_of(envoy::compile(text.as_deref(), with_path)?),
            LogFormat::HaProxy => (Self::HaProxy, Says { status: true, time: true, path: true, why: true }),
            LogFormat::Json { status, duration, path, reason } => {
                let fields = json::Fields::new(status, duration.as_ref(), path.as_deref(), reason.as_deref());
                let (fields, says) = fields?;
                (Self::Json(fields), says)
            }
        })
    }

    fn read<'l>(&'l mut self, line: &'l [u8]) -> Line<'l> {
        let line = without_hole(line.strip_suffix(b"\r").unwrap_or(line));
        match self {
            Self::Text(program) => program.read(line).map_or(Line::Malformed, Line::Request),
            Self::Json(fields) => fields.read(line),
            Self::HaProxy => haproxy::read(line),
        }
    }
}

/// How long the requests of logs took.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Took {
    /// One for each request that says so, in order.
    pub durations: Vec<Duration>,
    /// All lines.
    pub lines: u64,
    /// Those of them that are not of the format, or longer than [`LONGEST`].
    pub malformed: u64,
    /// Those of them that are of requests with another path than the log's `under` names.
    pub elsewhere: u64,
}

impl Took {
    /// Adds the lines of one file of a log.
    ///
    /// # Errors
    ///
    /// Where the format cannot be told apart by its text, or says neither time nor, where it is asked for,
    /// path.
    pub fn read(&mut self, log: &Log, text: &[u8]) -> Result<(), String> {
        let (mut format, says) = Format::of(log)?;
        if !says.time {
            return Err("the log's format has no time: name a format that has it".to_owned());
        }
        if !log.under.is_empty() && !says.path {
            return Err("the log's format has no path, and requests are chosen by it".to_owned());
        }
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            self.lines += 1;
            match if line.len() > LONGEST { Line::Malformed } else { format.read(line) } {
                Line::Request(heard) if !is_under(&log.under, heard.path) => self.elsewhere += 1,
                Line::Request(heard) => self.durations.extend(heard.micros.map(Duration::from_micros)),
                Line::Notice => {}
                Line::Malformed => self.malformed += 1,
            }
        }
        Ok(())
    }
}

fn is_under(under: &[String], path: &[u8]) -> bool {
    under.is_empty() || under.iter().any(|prefix| path.starts_with(prefix.as_bytes()))
}

fn text_of((program, says): (Program, Says)) -> (Format, Says) {
    (Format::Text(program), says)
}

/// A line without the zeros that stand before it where a file was cut under a writer that went on at its
/// old place.
fn without_hole(line: &[u8]) -> &[u8] {
    match line.first() {
        Some(0) => &line[line.iter().position(|byte| *byte != 0).unwrap_or(line.len())..],
        _ => line,
    }
}

/// Whether a service is watched by what lines do not say.
fn lacks(log: &Log, service: &Watched, says: Says) -> Result<(), String> {
    let by_status = log.failed.iter().any(|(_, outcome)| !outcome.status.is_empty());
    let by_flags = log.failed.iter().any(|(_, outcome)| !outcome.flags.is_empty());
    let by_time = service.latency.is_some() || !service.pile_up.is_empty();
    let lacking = [
        (by_status && !says.status, "status", "failures are told by it"),
        (by_flags && !says.why, "field that tells why a request failed", "failures are told by its words"),
        (by_time && !says.time, "time", "slow requests are told by it"),
        (!log.under.is_empty() && !says.path, "path", "requests are chosen by it"),
    ];
    match lacking.iter().find(|(lacks, ..)| *lacks) {
        Some((_, what, why)) => {
            Err(format!("the log's format has no {what}, and {why}: add it to the format"))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
pub(crate) mod tests;
