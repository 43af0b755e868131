//! Steady or hostile sign-ins as many people would make them: arrivals that do not wait for answers
//! (Poisson), users drawn by Zipf's law, mixes of requests. What is measured begins when a request was
//! due, not when it was sent, so that a slow service cannot hide its own queue.
//!
//! `plan` says what is due when and is a function of its seed; `people` knows what requests look like and
//! remembers tokens; `client` carries them; `run` keeps the time; `report` and `histogram` hold what came
//! of it.

pub mod client;
pub mod histogram;
pub mod people;
pub mod plan;
pub mod report;
pub mod run;
