//! The arithmetic of uncertainty: sequential tests that may be looked at as often as one likes,
//! estimators that tell sampling noise from a rate that moves, intervals.
//!
//! Pure functions of numbers and small states. Knows no clock, no service and no alert; whoever watches
//! something says what a success is and when to look.

pub mod alike;
pub mod bound;
pub mod dispersion;
pub mod interval;
pub mod random;
pub mod rate;
pub mod ratio;
pub mod recovery;
pub mod replay;
pub mod run;

pub use ratio::{Detector, Mixture};
pub use run::Standing;
