//! The parts of the service together: one module a topic.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod configuration;
mod conformance;
mod crash;
mod directory;
mod families;
mod limits;
mod load;
mod postgres;
mod reload;
mod sockets;
mod store;
mod temporary;
