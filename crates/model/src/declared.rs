//! What an owner declares in TOML: tables whose keys are known, read with the place of every mistake.
//! Whoever reads such a file says which keys there are; here is only how they are read, so that every
//! file refuses an unknown key, a bare number and an empty text in the same words.

mod length;
pub mod measurement;
mod table;

use text::Span;

pub use length::{UNITS, length_of};
pub use table::{Mistakes, Table, kind, length_at, plain, word_of};

/// A mistake in a file that its owner wrote for Forewarn: where, what, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where.
    pub span: Span,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub help: String,
}
