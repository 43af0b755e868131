//! Values that HikariCP does not take as they are written. What holds instead is the setting's value;
//! whether that matters is for a rule to say.

use std::time::Duration;

use model::{Limit, Origin, Setting, Unheeded, Value};

use super::properties::is_same;

/// What HikariCP does with a time that is too short.
struct Range {
    key: &'static str,
    /// The shortest time that is taken; 0 means none and is taken too.
    least: Duration,
    /// What holds instead.
    instead: Limit,
    why: &'static str,
}

/// From `HikariConfig.validateNumerics`, 4.x to 6.x.
const RANGES: [Range; 3] = [
    Range {
        key: "keepaliveTime",
        least: Duration::from_secs(30),
        instead: Limit::Never,
        why: "less than 30 s switches the keep-alive off (HikariCP, HikariConfig)",
    },
    Range {
        key: "maxLifetime",
        least: Duration::from_secs(30),
        instead: Limit::After(Duration::from_secs(1_800)),
        why: "less than 30 s is taken as the default, 30 min (HikariCP, HikariConfig)",
    },
    Range {
        key: "leakDetectionThreshold",
        least: Duration::from_secs(2),
        instead: Limit::Never,
        why: "less than 2 s switches the detection off (HikariCP, HikariConfig)",
    },
];

/// Puts what holds in the place of what is not taken; `text` is what is written.
pub(super) fn heed(setting: &mut Setting, text: &str) {
    let mut names = setting.key.rsplit('.');
    let leaf = names.next().unwrap_or_default();
    if names.next() != Some("hikari") {
        return;
    }
    let Some(range) = RANGES.iter().find(|range| is_same(range.key, leaf)) else { return };
    let (Some(length), Origin::Written(at)) = (setting.length(), setting.value.origin.clone()) else {
        return;
    };
    if !length.is_zero() && length < range.least {
        setting.value.value = Value::Time(range.instead);
        setting.unheeded = Some(Unheeded { at, text: text.trim().to_owned(), why: range.why.to_owned() });
    }
}
