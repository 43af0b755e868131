//! Follows the access logs of a service and counts what they say, each line once: over rotation, truncation,
//! deletion and restarts. What cannot be known to have been read is counted as possibly lost, and never read
//! twice.
//!
//! Whoever runs the watch calls [`Follower::look`] once a look and [`Follower::poll`] between, and commits
//! the position in one with the counts; it goes on from there after a restart. Reads no clock. Blocks on the
//! disk: not for a thread that other tasks wait for.

mod disk;
mod file;
mod paths;
mod position;
mod rotated;
mod tail;

use std::path::Path;
use std::time::Duration;

use watch::journal::{Said, Why};
use watch::plan::{Log, Watched};
use watch::time::At;

use crate::lines::{Counted, Reader};
use tail::Tail;

/// How often logs are polled at least, so that little stands between the last line read and a truncation.
pub const POLL: Duration = Duration::from_millis(250);

/// How long no file need be there before its service is said to say nothing: a rotation takes a moment.
const GRACE: Duration = Duration::from_secs(3);

/// A log of so many lines without a request is not one of requests.
const NOTICES: u64 = 100;

/// Where a log that has no position yet is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// What is written from now on.
    #[default]
    End,
    /// All that is there.
    Beginning,
}

/// What happened to the files of a service since it is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Lines read.
    pub lines: u64,
    /// Lines that are not of the format, or too long.
    pub malformed: u64,
    /// Lines of requests that are not the service's, by their path.
    pub elsewhere: u64,
    /// Lines of no request.
    pub notices: u64,
    /// Files that became shorter or begin with something else than they did.
    pub truncated: u64,
    /// Files that another one took the place of.
    pub rotated: u64,
    /// Bytes that are known to have been there, and were not read when their file was cut or went away.
    pub lost_bytes: u64,
    /// Times that something may have been written and not been read, without a way to tell how much.
    pub perhaps_lost: u64,
    /// Zeros of holes that were skipped.
    pub hole_bytes: u64,
    /// Files that are followed now.
    pub files: usize,
    /// Files that are there and may not be read, or are no regular files.
    pub unreadable: usize,
}

/// Follows the logs of one service.
#[derive(Debug)]
pub struct Follower {
    tail: Tail,
    reader: Reader,
    counted: Counted,
    /// All that was counted so far.
    total: Counted,
    counters: Counters,
    /// A line of a request was read.
    requests: bool,
    /// When a file was last there.
    there: Option<At>,
}

impl Follower {
    /// Follows a log, whose paths are relative to a directory, from a position that was committed, or else
    /// from the start that is wanted.
    ///
    /// # Errors
    ///
    /// Where lines of the format cannot be read, a pattern is none, or the position is not one of ours; in
    /// words.
    pub fn new(
        service: &Watched,
        log: &Log,
        directory: &Path,
        start: Start,
        position: Option<&[u8]>,
    ) -> Result<Self, String> {
        let reader = Reader::new(log, service)?;
        let tail = Tail::new(&log.paths, directory, start, position)?;
        let counted = reader.nothing();
        let total = reader.nothing();
        Ok(Self { tail, reader, counted, total, counters: Counters::default(), requests: false, there: None })
    }

    /// Reads what was written to the files that are known.
    pub fn poll(&mut self, at: At) {
        let Self { tail, reader, counted, .. } = self;
        tail.poll(at, &mut |lines| reader.read(lines, counted));
    }

    /// Finds out which files there are, reads what was written, and gives what came since the last look.
    /// A position that is given and not committed is gone on from all the same.
    pub fn look(&mut self, at: At) -> Said {
        let Self { tail, reader, counted, .. } = self;
        tail.look(at, &mut |lines| reader.read(lines, counted));
        let counted = std::mem::replace(&mut self.counted, self.reader.nothing());
        self.total.add(&counted);
        let files = self.tail.counters();
        // The files know of lines that are too long to be handed on.
        self.counters = Counters {
            lines: self.total.lines + files.lines,
            malformed: self.total.malformed + files.malformed,
            elsewhere: self.total.elsewhere,
            notices: self.total.notices,
            ..files
        };
        let there = self.tail.is_there();
        if there || self.there.is_none() {
            self.there = Some(at);
        }
        if counted.malformed > 0 && counted.malformed == counted.lines {
            return Said::Nothing(Why::Format);
        }
        let requests = counted.tally.requests + counted.elsewhere;
        self.requests |= requests > 0;
        if !self.requests && self.total.notices > NOTICES {
            return Said::Nothing(Why::Absent);
        }
        let recently = self.there.is_some_and(|there| at.since(there) < GRACE);
        let known = there || (recently && self.tail.was_there());
        if counted.lines == 0 && !known {
            return Said::Nothing(if files.unreadable > 0 { Why::Unreadable } else { Why::NoFile });
        }
        Said::Since { tally: counted.tally, position: self.tail.position() }
    }

    /// What happened so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }
}

#[cfg(test)]
mod tests;
