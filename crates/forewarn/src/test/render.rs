//! From outcomes of tests to bytes. Takes no decision: what is said is settled before.

mod junit;
mod text;

pub(super) use junit::junit;
pub(crate) use text::trouble;
pub(super) use text::{summary, text, warning};
