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
            $(#[test]
            fn $scenario() {
                super::run(async { super::$scenario(&super::Stage::in_memory()).await });
            })*
        }
        mod sqlite {
            $(#[test]
            fn $scenario() {
                super::run(async { super::$scenario(&super::Stage::on_sqlite()).await });
            })*
        }
        mod postgres {
            $(#[test]
            fn $scenario() {
                super::run(async {
                    let test = concat!(module_path!(), "::", stringify!($scenario));
                    if let Some(stage) = super::Stage::on_postgres(test).await {
                        super::$scenario(&stage).await;
                    }
                });
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

/// Plays scenarios on a clock that stands still.
fn run(scenarios: impl Future<Output = ()>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    // The same snapshots hold over every store.
    insta::allow_duplicates! { runtime.block_on(scenarios) }
}
