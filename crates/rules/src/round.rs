//! Round lengths of time, for advice, as the setting at hand can be written: nobody writes 637 ms into a
//! file, and a key that takes whole seconds cannot hold them.

use std::time::Duration;

use model::{Setting, TimeUnit, pretty};

/// The two digits that count as round.
const ROUND: [u64; 27] = [
    10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 25, 28, 30, 32, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90,
    95,
];

/// All round lengths from 1 ms to about 30 hours, rising.
pub(crate) fn ladder() -> impl DoubleEndedIterator<Item = Duration> {
    (0..7).flat_map(|power| {
        ROUND.iter().filter_map(move |&digits| {
            let tenths = digits * 10_u64.pow(power);
            (tenths.is_multiple_of(10)).then(|| Duration::from_millis(tenths / 10))
        })
    })
}

/// The smallest round length that is not below `length`; `length` itself past the ladder's end.
pub(crate) fn up(length: Duration) -> Duration {
    ladder().find(|&round| round >= length).unwrap_or(length)
}

/// The smallest round length that a setting can hold and that is not below `length`, as to be written.
pub(crate) fn at_least(setting: &Setting, length: Duration) -> String {
    exactly(setting, up(length))
}

/// The shortest length that a setting can hold and that is not below `length`, as to be written.
pub(crate) fn exactly(setting: &Setting, length: Duration) -> String {
    match setting.bare_unit() {
        Some(unit) => bare(unit, length.as_nanos().div_ceil(unit.nanos().into())),
        None => pretty(length),
    }
}

/// The longest round length that a setting can hold and that something allows, as to be written. What is
/// allowed for a length is so for any shorter one.
pub(crate) fn at_most(setting: &Setting, allows: impl Fn(Duration) -> bool) -> Option<String> {
    down(setting, ladder().rev().find(|&round| allows(round))?)
}

/// The longest length that a setting can hold and that is not above `length`, as to be written.
pub(crate) fn down(setting: &Setting, length: Duration) -> Option<String> {
    match setting.bare_unit() {
        Some(unit) => {
            let number = length.as_nanos() / u128::from(unit.nanos());
            (number > 0).then(|| bare(unit, number))
        }
        None => Some(pretty(length)),
    }
}

/// A bare number, and what it means where that is told in another unit.
fn bare(unit: TimeUnit, number: u128) -> String {
    let meant = pretty(unit.times(number as f64));
    if meant.starts_with(&format!("{number} ")) { meant } else { format!("{number} ({meant})") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{FileId, Knob, Sourced, Span, Unit, Value, Written};

    #[test]
    fn lengths_round_to_what_people_write() {
        let ms = Duration::from_millis;
        assert_eq!(up(ms(637)), ms(650));
        assert_eq!(up(ms(900)), ms(900));
        assert_eq!(up(ms(63_000)), ms(65_000));
        assert!(ladder().is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn advice_is_what_the_setting_can_hold_and_how_it_is_written() {
        let of = |unit: Unit, written: Written| Setting {
            unit,
            written: Some(written),
            ..Setting::new(
                "timeout".to_owned(),
                Knob::Grace,
                Sourced::written(Value::Count(0), Span { file: FileId(0), start: 0, end: 0 }),
            )
        };
        let bare = |unit| of(Unit::Product, Written { bare: Some(unit), ..Written::default() });
        let named = of(Unit::InName, Written { name: Some(TimeUnit::Minutes), ..Written::default() });
        let suffix = Some(TimeUnit::Seconds);
        let carried = of(Unit::InValue, Written { suffix, bare: suffix, ..Written::default() });
        let said = |setting: &Setting, ms: u64| {
            let length = Duration::from_millis(ms);
            let ceiling = at_most(setting, |shorter| shorter <= length);
            format!("{}, {}", at_least(setting, length), ceiling.as_deref().unwrap_or("nothing"))
        };
        assert_eq!(said(&bare(TimeUnit::Milliseconds), 3_300), "3500 (3.5 s), 3200 (3.2 s)");
        assert_eq!(said(&bare(TimeUnit::Seconds), 3_300), "4 s, 3 s");
        assert_eq!(said(&bare(TimeUnit::Seconds), 700), "1 s, nothing");
        assert_eq!(said(&named, 100_000), "2 min, 1 (60 s)");
        assert_eq!(said(&carried, 3_300), "3.5 s, 3.2 s");
    }
}
