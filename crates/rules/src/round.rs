//! Round lengths of time, for advice: nobody writes 637 ms into a file.

use std::time::Duration;

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

/// The longest round length that something allows.
pub(crate) fn longest(allows: impl Fn(Duration) -> bool) -> Option<Duration> {
    ladder().rev().find(|&round| allows(round))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_round_to_what_people_write() {
        let ms = Duration::from_millis;
        assert_eq!(up(ms(637)), ms(650));
        assert_eq!(up(ms(900)), ms(900));
        assert_eq!(up(ms(63_000)), ms(65_000));
        assert!(ladder().is_sorted_by(|a, b| a < b));
    }
}
