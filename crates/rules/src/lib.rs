//! Rules: each takes a fleet and says what in it can break, with the numbers.
//!
//! One `.rs` and one `.md` a rule; the Markdown is the rule's page, its `explain` text and an
//! executed test. A rule sees values, units and what they cover; no syntax tree, no dialect's name,
//! no disk. Where evidence is missing it says so ([`Found::needs`]) and never passes silently.

mod client;
mod drift_between_defaults;
mod drift_between_environments;
#[cfg(test)]
mod fixture;
mod keepalive_above_middlebox;
mod keepalive_ping_too_fast;
mod keepalive_race;
mod kept;
mod labels;
mod margins;
mod monitor_alert_late;
mod monitor_range_too_short;
mod monitor_ratio_flaps;
mod monitor_target_unwatched;
mod monitor_threshold_unreachable;
mod monitored;
mod owners;
mod patience;
mod plausible;
mod pool_acquire_above_request;
mod pool_below_workers;
mod pool_connect_above_acquire;
mod pool_connections_above_limit;
mod pool_idle_inert;
mod pool_lifetime_above_server;
mod pool_lifetime_too_short;
mod pool_validation_above_wait;
mod probe_default_timeout;
mod probe_liveness_tighter;
mod probe_timeout_above_period;
mod retry_amplification;
mod retry_exceeds_overall;
mod retry_non_idempotent;
mod retry_own_deadline;
mod retry_try_above_overall;
mod retry_try_without_overall;
mod retry_without_backoff;
mod round;
mod shutdown_drain_window;
mod shutdown_grace_below_prestop;
mod stage;
mod sums;
mod timeout_above_proxy;
mod timeout_below_hash_cost;
mod timeout_below_latency;
mod timeout_below_nested_sum;
mod timeout_connect_above_request;
mod timeout_connect_only;
mod timeout_cuts_statement;
mod timeout_cuts_stream;
mod timeout_missing;
mod timeout_shorter_than_callee;
mod timeout_statement_above_request;
mod token_refresh_after_expiry;
mod unit_driver;
mod unit_name_mismatch;
mod unit_too_large;
mod unit_too_small;
mod value_against_comment;
mod value_ignored;

use std::borrow::Cow;

use model::{Environment, FailureMode, Finding, Fleet, Level, NotEvaluated, Subject};

pub use margins::{MarginSet, Margins};

/// One rule.
pub struct Rule {
    /// Its name, topic first: `timeout-below-latency`.
    pub name: &'static str,
    /// What it finds, in one line.
    pub summary: &'static str,
    /// How that breaks.
    pub mode: FailureMode,
    /// The highest level it gives.
    pub level: Level,
    /// The version it came with.
    pub since: &'static str,
    /// Its page.
    pub docs: &'static str,
    /// The check.
    pub check: Check,
}

impl Rule {
    /// Whether it speaks about what is written; the others reckon with what the values mean.
    fn is_about_writing(&self) -> bool {
        matches!(
            self.mode,
            FailureMode::UnitConfusion | FailureMode::ConfigurationDrift | FailureMode::InertSetting
        )
    }
}

/// A fleet as rules see it.
pub struct Seen<'f> {
    written: &'f Fleet,
    trusted: Cow<'f, Fleet>,
}

impl<'f> Seen<'f> {
    /// Looks once at which values can be meant.
    pub fn of(fleet: &'f Fleet) -> Self {
        Self { written: fleet, trusted: plausible::trusted(fleet) }
    }

    /// What a rule sees: all values, or those alone that no rule about units reports. Environments
    /// and numbers are the same in both.
    pub fn by(&self, rule: &Rule) -> &Fleet {
        if rule.is_about_writing() { self.written } else { &self.trusted }
    }
}

/// What a rule looks at.
pub enum Check {
    /// One environment at a time; the same finding in several is reported once.
    Environment(fn(&Fleet, &Environment, &Margins, &mut Found)),
    /// All environments together.
    Fleet(fn(&Fleet, &Margins, &mut Found)),
}

/// Where rules put what they find.
#[derive(Debug, Default)]
pub struct Found {
    /// The findings.
    pub findings: Vec<Finding>,
    /// What could not be judged.
    pub not_evaluated: Vec<NotEvaluated>,
}

impl Found {
    /// Reports a finding. Assumptions make its basis `assumed` and cap its level at warning.
    pub fn report(&mut self, mut finding: Finding) {
        finding.assume([]);
        self.findings.push(finding);
    }

    /// Says that a rule could not judge something, and what it would need.
    pub fn needs(&mut self, rule: &'static str, subject: Subject, needs: impl Into<String>) {
        self.not_evaluated.push(NotEvaluated { rule, subject, needs: needs.into() });
    }
}

/// Rules whose findings say what people who come would notice at once, so that a run of the service under the
/// latency that was observed settles them: calls that are cut, and pools that run dry. What takes many
/// instances, a long time or a shutdown to be seen is not among them.
const SETTLED_BY_A_RUN: &[&str] = &[
    "pool-acquire-above-request",
    "pool-below-workers",
    "pool-connect-above-acquire",
    "pool-validation-above-wait",
    "timeout-below-hash-cost",
    "timeout-below-latency",
    "timeout-below-nested-sum",
    "timeout-shorter-than-callee",
];

/// Whether a run of the service would settle the findings of a rule.
#[must_use]
pub fn settled_by_a_run(rule: &str) -> bool {
    SETTLED_BY_A_RUN.contains(&rule)
}

/// All rules, by name.
pub static RULES: &[&Rule] = &[
    &drift_between_defaults::RULE,
    &drift_between_environments::RULE,
    &keepalive_above_middlebox::RULE,
    &keepalive_ping_too_fast::RULE,
    &keepalive_race::RULE,
    &monitor_alert_late::RULE,
    &monitor_range_too_short::RULE,
    &monitor_ratio_flaps::RULE,
    &monitor_target_unwatched::RULE,
    &monitor_threshold_unreachable::RULE,
    &pool_acquire_above_request::RULE,
    &pool_below_workers::RULE,
    &pool_connect_above_acquire::RULE,
    &pool_connections_above_limit::RULE,
    &pool_idle_inert::RULE,
    &pool_lifetime_above_server::RULE,
    &pool_lifetime_too_short::RULE,
    &pool_validation_above_wait::RULE,
    &probe_default_timeout::RULE,
    &probe_liveness_tighter::RULE,
    &probe_timeout_above_period::RULE,
    &retry_amplification::RULE,
    &retry_exceeds_overall::RULE,
    &retry_non_idempotent::RULE,
    &retry_own_deadline::RULE,
    &retry_try_above_overall::RULE,
    &retry_try_without_overall::RULE,
    &retry_without_backoff::RULE,
    &shutdown_drain_window::RULE,
    &shutdown_grace_below_prestop::RULE,
    &timeout_above_proxy::RULE,
    &timeout_below_hash_cost::RULE,
    &timeout_below_latency::RULE,
    &timeout_below_nested_sum::RULE,
    &timeout_connect_above_request::RULE,
    &timeout_connect_only::RULE,
    &timeout_cuts_statement::RULE,
    &timeout_cuts_stream::RULE,
    &timeout_missing::RULE,
    &timeout_shorter_than_callee::RULE,
    &timeout_statement_above_request::RULE,
    &token_refresh_after_expiry::RULE,
    &unit_driver::RULE,
    &unit_name_mismatch::RULE,
    &unit_too_large::RULE,
    &unit_too_small::RULE,
    &value_against_comment::RULE,
    &value_ignored::RULE,
];
