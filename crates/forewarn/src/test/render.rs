//! From outcomes of tests to bytes. Takes no decision: what is said is settled before.

mod github;
mod junit;
mod service;
#[cfg(test)]
mod tests;
mod text;

pub(super) use github::github;
pub(super) use junit::junit;
pub(crate) use text::trouble;
pub(super) use text::{summary, text, warning};
