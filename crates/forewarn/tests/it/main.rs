//! The binary as people meet it: whole runs on small trees, with a scrubbed environment.

#![allow(clippy::disallowed_methods, reason = "these tests read and write the trees they make")]

mod authd;
#[cfg(unix)]
mod bad_input;
mod configurations;
mod determinism;
#[cfg(target_os = "linux")]
mod drill;
mod export;
mod help;
mod integrations;
mod living;
mod login_stack;
mod monitoring;
mod observe;
mod outputs;
#[cfg(target_os = "linux")]
mod proof_bad_input;
#[cfg(target_os = "linux")]
mod proof_beyond;
mod proof_record;
#[cfg(target_os = "linux")]
mod proof_refusals;
#[cfg(target_os = "linux")]
mod proof_stage;
#[cfg(target_os = "linux")]
mod proof_syntaxes;
mod proofs;
mod roots;
mod runs;
mod scenarios;
mod schema;
#[cfg(unix)]
mod watch_hostile;
#[cfg(unix)]
mod watch_kill;
#[cfg(unix)]
mod watch_stage;
mod workbench;
