//! What is to be said about how findings are set aside: a suppression that hides nothing, that has
//! expired or that is misspelt, an entry of the baseline that no longer occurs. No rule over the
//! fleet, so no finding; shown, counted and re-rated like one.

use model::{Level, Span};

/// The page about suppressions, the baseline and what is said about them.
pub const SUPPRESSIONS: &str = include_str!("suppressions.md");

/// What kind of notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoticeKind {
    /// A comment or a table meant as a suppression that is none.
    SuppressionUnknown,
    /// A suppression past its day: it hides nothing any more.
    SuppressionExpired,
    /// A suppression in force that hides nothing.
    SuppressionUnused,
    /// Entries of the baseline that no longer occur.
    BaselineGone,
}

impl NoticeKind {
    /// All kinds.
    pub const ALL: [Self; 4] =
        [Self::SuppressionUnknown, Self::SuppressionExpired, Self::SuppressionUnused, Self::BaselineGone];

    /// Its name, as printed and as `[rules]` of `forewarn.toml` knows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::SuppressionUnknown => "suppression-unknown",
            Self::SuppressionExpired => "suppression-expired",
            Self::SuppressionUnused => "suppression-unused",
            Self::BaselineGone => "baseline-gone",
        }
    }

    /// One line about it.
    pub fn summary(self) -> &'static str {
        match self {
            Self::SuppressionUnknown => "A comment that is meant to suppress a finding is not understood",
            Self::SuppressionExpired => "A suppression is past its day and no longer acts",
            Self::SuppressionUnused => "A suppression hides nothing",
            Self::BaselineGone => "An entry of the baseline no longer occurs",
        }
    }

    /// Its level where nobody states another. What its author believes to act and does not is a
    /// warning. The others only ask to be tidied up: who repairs a fault shall not see a red build
    /// for it, and an expired suppression speaks through the findings that it no longer hides.
    pub fn level(self) -> Level {
        match self {
            Self::SuppressionUnknown => Level::Warning,
            Self::SuppressionExpired | Self::SuppressionUnused | Self::BaselineGone => Level::Note,
        }
    }
}

/// One notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What kind.
    pub kind: NoticeKind,
    /// What it costs.
    pub level: Level,
    /// Where.
    pub span: Span,
    /// What is the matter.
    pub title: String,
    /// What to do.
    pub help: String,
}

impl Notice {
    /// A notice at the level of its kind.
    pub fn new(kind: NoticeKind, span: Span, title: impl Into<String>, help: impl Into<String>) -> Self {
        Self { kind, level: kind.level(), span, title: title.into(), help: help.into() }
    }
}
