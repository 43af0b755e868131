//! Drills: an outage that happened is told anew on this machine, with a real service, its watch and the
//! fault, to see whether it would be kept out now, and told within seconds where it is not.
//!
//! Starts the program that carries it along, as its users do, and looks at what that says. Knows no rule
//! and no reader, and does not say how a drill is shown.

#![allow(clippy::disallowed_methods, reason = "a drill runs services by the clock of the machine")]

mod command;
pub mod course;
pub mod database;
pub mod document;
mod house;
mod ledger;
mod notices;
mod people;
pub mod promise;
pub mod record;
pub mod scenario;
mod traces;
