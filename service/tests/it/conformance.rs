//! The whole service in one process: a front with all its layers, a directory, a store. Time stands
//! still unless nothing but timers is waited for, randomness is a seeded stream, so that every answer
//! and every time is the same in every run. The same scenarios run over every store.
//!
//! Every answer is held against `openapi.json`: its status is documented there, its body is valid.

mod accounts;
mod faults;
mod interface;
mod requests;
mod service;
mod sign_in;
mod stage;
mod tokens;

/// Makes a test of each scenario and each store, and a function that plays them all.
macro_rules! over_every_store {
    ($($scenario:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test(start_paused = true)]
            async fn $scenario() {
                super::$scenario(&super::Stage::in_memory()).await;
            })*
        }
        pub(super) async fn play(seen: &super::stage::Seen) {
            $($scenario(&super::Stage::in_memory().noting(seen)).await;)*
        }
    };
}
use over_every_store;

use service::{Answer, Service};
use stage::{Stage, Weather};
