//! The nouns of the product: what runs, who calls whom, which settings bound it, and what can go
//! wrong. With them the arithmetic that needs nothing else: worst case of a call, attempts, share
//! of calls above a limit.
//!
//! Holds no serde, no disk, no clock, no async, and no product's name: what a product means by a
//! key arrives here as data ([`Covers`], [`Unit`], [`Limit`]).

mod budget;
pub mod declared;
mod figures;
mod finding;
mod fleet;
mod hash;
mod latency;
pub mod monitor;
mod nearest;
mod normal;
mod retry_on;
mod setting;
mod sourced;
mod time;

pub use budget::{Attempts, Backoff, Budget, patience, worst_case};
pub use figures::{grouped, in_a_row, percent, stated_percent};
pub use finding::{Basis, FailureMode, Finding, Label, Level, NotEvaluated, Subject};
pub use fleet::{
    Call, CallId, CallView, Environment, Fleet, Group, GroupId, GroupKind, GroupView, Service, ServiceId,
    ServiceView, in_effect,
};
pub use hash::{HashOf, HashSpec, HashTime};
pub use latency::{Latency, Replay, Share};
pub use nearest::{did_you_mean, nearest};
pub use normal::{normal_score, normal_share, wilson};
pub use retry_on::{Methods, RetryOn};
pub use setting::{
    Covers, HashField, Knob, Probe, ProbeField, Relation, Setting, SettingId, Side, Topic, Unheeded, Unit,
    Value, Written,
};
pub use sourced::{Origin, Sourced};
pub use text::{FileId, Span};
pub use time::{Limit, TimeUnit, pretty};
