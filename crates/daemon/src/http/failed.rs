//! Why a request got no answer that can be used.

use std::error::Error;

use watch::journal::Phases;

/// A request that got no answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// What kind of trouble.
    pub trouble: Trouble,
    /// In words; holds neither paths of URLs nor secrets.
    pub why: String,
    /// How long those phases took that ended.
    pub phases: Phases,
}

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The name did not resolve.
    Dns,
    /// No address took a connection.
    Connect,
    /// TLS failed.
    Tls,
    /// The deadline passed.
    Timeout,
    /// The connection broke before the answer was whole.
    Broken,
    /// What came is not HTTP/1.
    Protocol,
    /// The answer is larger than allowed.
    TooLarge,
    /// Forewarn itself could not: out of sockets, a file that cannot be read. Says nothing about the
    /// other side.
    Ours,
}

/// Trouble on the way, before its phases are known.
#[derive(Debug)]
pub(super) struct Broke {
    pub(super) trouble: Trouble,
    pub(super) why: String,
}

impl Broke {
    pub(super) fn new(trouble: Trouble, why: String) -> Self {
        Self { trouble, why }
    }

    /// What hyper says of a connection.
    pub(super) fn hyper(error: &hyper::Error) -> Self {
        let trouble = if error.is_parse() { Trouble::Protocol } else { Trouble::Broken };
        Self::new(trouble, chain(error))
    }

    pub(super) fn with(self, phases: Phases) -> Failed {
        Failed { trouble: self.trouble, why: self.why, phases }
    }
}

/// An error with its causes.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // Some errors already repeat their causes.
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
