//! The journal: everything that the watch has ever been told, in the order it was told. The state is a
//! function of it and of nothing else.

pub(crate) mod bytes;
mod codec;

use serde::{Deserialize, Serialize};

pub use bytes::Unreadable;
pub use codec::{Coder, decode, encode, is_key};

use crate::audits::Audited;
use crate::tally::Tally;
use crate::time::At;

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When it came in. Never before the entry above it: whoever writes the journal sees to that.
    pub at: At,
    /// What came in.
    pub input: Input,
}

/// What can come in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// The watch began or began again, with these services; later entries name them by their place here
    /// ([`crate::plan::Plan::outlines`]). What it last heard of running totals still holds.
    Started(Vec<Outline>),
    /// The wall clock was set by so many milliseconds; `at` goes on from the new time if it is later.
    ClockSet(i64),
    /// Which targets a service has from now on, in the order that readings name them.
    Targets {
        /// The service's place in the last [`Input::Started`].
        service: u16,
        /// The targets, by address.
        targets: Vec<String>,
    },
    /// One look at a service: what each of its targets said. A target that is not named was not asked.
    Look {
        /// The service's place in the last [`Input::Started`].
        service: u16,
        /// What was said.
        readings: Vec<Reading>,
    },
    /// A walk of a service's probe ended.
    Walked {
        /// The service's place in the last [`Input::Started`].
        service: u16,
        /// How it ended.
        walk: Walk,
    },
    /// A guard was learnt.
    Learnt {
        /// The service's place in the last [`Input::Started`].
        service: u16,
        /// Which test it is of, and what was learnt.
        guards: Vec<crate::guard::Learnt>,
    },
    /// The configuration was audited.
    Audited(Audited),
    /// Carrying an effect out was attempted, once.
    Delivered {
        /// Its key.
        key: u64,
        /// Whether the channel took it; else why not, and whether it is handed out again.
        outcome: Result<(), crate::alert::Refusal>,
    },
    /// Somebody silenced alerts.
    Silenced(crate::alert::Silence),
    /// Somebody ended a silence.
    Unsilenced(u64),
    /// Forewarn itself is hindered, or is so no longer: the journal's disk takes nothing. Opens and ends an
    /// alert of [`crate::alert::Symptom::Hindered`]; a fact, not a test.
    Hindered {
        /// By what, in words; the same words when it is over.
        what: String,
        /// It is over.
        over: bool,
    },
    /// Time went by; sent about once a second when nothing else comes.
    Tick,
}

/// What readings of a service are made of. The journal holds it so that an entry keeps its meaning when
/// services come, go or change places in `forewarn.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// The service's name.
    pub name: String,
    /// The names of its reasons, in the order of [`Tally::failed`].
    pub reasons: Vec<String>,
    /// The timeouts of [`Tally::piled`], in milliseconds.
    pub pile_up: Vec<u64>,
    /// What is slow, in milliseconds.
    pub slow: Option<u64>,
    /// The names of the steps of its probe.
    pub steps: Vec<String>,
}

impl Outline {
    /// Whether readings of both are made of the same things.
    #[must_use]
    pub fn same_readings(&self, other: &Self) -> bool {
        self.reasons == other.reasons && self.pile_up == other.pile_up && self.slow == other.slow
    }
}

/// What one target said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The target's place in the last [`Input::Targets`] of its service.
    pub target: u16,
    /// What it said.
    pub said: Said,
}

/// What a target can say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Said {
    /// Running totals.
    Totals(Tally),
    /// What came since the last reading, from an input that is read once: a log. `position` is where the
    /// reading ended; the input goes on from there after a restart.
    Since {
        /// The counts.
        tally: Tally,
        /// Opaque to the core; kept for the input.
        position: Vec<u8>,
    },
    /// Nothing that can be used.
    Nothing(Why),
}

/// Why a target gave nothing that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Why {
    /// Its name did not resolve.
    Dns,
    /// It took no connection.
    Connect,
    /// TLS failed.
    Tls,
    /// It did not answer in time.
    Timeout,
    /// It answered with another status than 200.
    Status,
    /// Its answer was cut, endless or larger than allowed.
    Body,
    /// Its answer was not the format.
    Format,
    /// The series of the mapping were not in it.
    Absent,
    /// A count was no number, below zero or beyond what can be counted.
    Number,
    /// The file is not there.
    NoFile,
    /// Forewarn itself could not: no socket, a secret that cannot be read. Says nothing about the target.
    Ours,
    /// The file is there and may not be read, or is no regular file.
    Unreadable,
}

impl Why {
    /// All of them, in order.
    pub const ALL: [Self; 12] = [
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::Timeout,
        Self::Status,
        Self::Body,
        Self::Format,
        Self::Absent,
        Self::Number,
        Self::NoFile,
        Self::Ours,
        Self::Unreadable,
    ];
}

/// How a walk of a probe ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Walk {
    /// The place of the step that failed, and how; nothing where all went well.
    pub failed: Option<(u16, Fault)>,
    /// Times of each step that was begun.
    pub steps: Vec<Phases>,
}

/// How a step of a probe can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Fault {
    /// The name did not resolve.
    Dns,
    /// No connection.
    Connect,
    /// TLS failed.
    Tls,
    /// No answer in time.
    Timeout,
    /// The connection broke in the middle.
    Broken,
    /// Another status than expected.
    Status(u16),
    /// The answer lacks what a later step needs.
    Answer,
    /// Forewarn itself could not: no socket, a variable that is not set. Says nothing about the service.
    Ours,
}

/// How long the phases of a request took, in microseconds; `None` for what did not happen (a name that
/// is an address, a connection that was open) or did not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Phases {
    /// Looking up the name.
    pub dns: Option<u32>,
    /// Connecting.
    pub connect: Option<u32>,
    /// TLS.
    pub tls: Option<u32>,
    /// From the request to the first byte of the answer.
    pub first_byte: Option<u32>,
    /// All of it.
    pub whole: Option<u32>,
}
