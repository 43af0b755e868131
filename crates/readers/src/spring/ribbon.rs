//! Ribbon's two counts of retries, which multiply: on the same server, and on the next one; and where
//! Zuul makes none of them. Counts, and judges nothing.

use model::{Knob, Origin, Setting, Sourced, Value};
use text::Span;

use super::blocks::{Block, RIBBON, RIBBON_RETRIES};
use super::properties::Property;
use crate::{Group, Way};

const SAME: &str = "MaxAutoRetries";
const NEXT: &str = "MaxAutoRetriesNextServer";
const VERSION: &str =
    "Ribbon 2.x, DefaultClientConfigImpl.java: MaxAutoRetries 0, MaxAutoRetriesNextServer 1";
/// What no file says. Spring Cloud's own check of the limit around them counts the retries either way
/// (AbstractRibbonCommand.java).
const ACTIVE: &str = "that Ribbon's retries act: Spring Retry is on the class path, and what Zuul passes on is `retryable`, \
     which it is only where asked for since Spring Cloud Netflix 1.3";
const GET_ALONE: &str =
    "Ribbon 2.x, DefaultClientConfigImpl.java: OkToRetryOnAllOperations false, so that GET alone is repeated";

/// Puts the attempts that both counts give in the place of the counts.
pub(super) fn count_retries(block: &Block, prefix: &str, near: Span, settings: &mut Vec<Setting>) {
    if block.governs != Some(RIBBON) {
        return;
    }
    let is_all = block.at == RIBBON;
    let of = |leaf: &str, settings: &[Setting]| {
        let found = settings.iter().find(|setting| setting.key.rsplit('.').next() == Some(leaf))?;
        Some((found.count()?, found.value.origin.clone()))
    };
    let (same, next) = (of(SAME, settings), of(NEXT, settings));
    settings.retain(|setting| setting.knob != Knob::Retries);
    if let Some(all) = settings.iter_mut().find(|setting| setting.knob == Knob::RetryOn) {
        // The words that rules know it by.
        let is_on = matches!(&all.value.value, Value::Text(text) if text == "true");
        all.value.value = Value::Text(if is_on { "GET, POST and all others" } else { "GET" }.to_owned());
    }
    // What is set for one client alone leaves the rest as it is set for all.
    if is_all || same.is_some() || next.is_some() {
        settings.push(attempts(prefix, near, same, next));
    }
    if is_all && !settings.iter().any(|setting| setting.knob == Knob::RetryOn) {
        settings.push(methods(prefix, near));
    }
}

/// Takes what a group says about retries into a group of its own, for calls that Ribbon may repeat.
pub(super) fn apart(group: &mut Group) -> Option<Group> {
    let governs = Some(retries_of(group.governs.as_ref()?)?);
    let (retries, rest) = std::mem::take(&mut group.settings)
        .into_iter()
        .partition(|setting| matches!(setting.knob, Knob::Attempts | Knob::RetryOn));
    group.settings = rest;
    Some(Group { settings: retries, targets: Vec::new(), governs, ..group.clone() })
}

/// The way of the retries beside Ribbon's way.
pub(super) fn retries_of(way: &Way) -> Option<Way> {
    (way.name == RIBBON).then(|| Way { name: RIBBON_RETRIES, to: way.to.clone() })
}

/// The one attempt that Zuul makes on a route that is not to be `retryable`, by what the route itself says
/// or else what all routes are given. `None` where Ribbon's retries may act.
pub(super) fn once(key: String, written: Option<&Property<'_>>) -> Option<Setting> {
    let value = written.and_then(Property::value)?;
    let is_retryable = value.text().trim().eq_ignore_ascii_case("true");
    let once = Sourced::written(Value::Count(1), value.span());
    (!is_retryable).then(|| Setting::new(key, Knob::Attempts, once))
}

/// What holds for calls by Ribbon where nothing is set.
pub(super) fn defaults(near: Span) -> [Setting; 2] {
    [attempts(RIBBON, near, None, None), methods(RIBBON, near)]
}

fn methods(prefix: &str, near: Span) -> Setting {
    let origin = Origin::Default { near, of: "Ribbon OkToRetryOnAllOperations", version: GET_ALONE };
    let value = Sourced { value: Value::Text("GET".to_owned()), origin };
    Setting::new(format!("{prefix}.OkToRetryOnAllOperations"), Knob::RetryOn, value)
}

fn attempts(prefix: &str, near: Span, same: Option<(u64, Origin)>, next: Option<(u64, Origin)>) -> Setting {
    let default = |of| Origin::Default { near, of, version: VERSION };
    let is_assumed = next.is_none();
    let (next, next_at) = next.unwrap_or((1, default("Ribbon MaxAutoRetriesNextServer")));
    let is_same_set = same.is_some();
    let (same, same_at) = same.unwrap_or((0, default("Ribbon MaxAutoRetries")));
    let count = same.saturating_add(1).saturating_mul(next.saturating_add(1));
    let origin = match (is_same_set, is_assumed) {
        (true, true) => Origin::Derived(vec![same_at, next_at]),
        (true, false) => Origin::Derived(vec![next_at, same_at]),
        (false, _) => next_at,
    };
    let key = format!("{prefix}.{NEXT}");
    let mut setting = Setting::new(key, Knob::Attempts, Sourced { value: Value::Count(count), origin });
    setting.assumptions.push(ACTIVE.to_owned());
    setting
}
