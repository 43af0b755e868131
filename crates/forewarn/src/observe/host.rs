//! Where and when: the processor's name and today's date, as a measurement names them.

use std::time::{SystemTime, UNIX_EPOCH};

/// The processor's name where the system tells it, else its architecture.
#[expect(clippy::disallowed_methods, reason = "it is the host that is measured, not configuration")]
pub(super) fn processor() -> String {
    let listed = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    named(&listed).unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// The first name in a list as Linux has it.
fn named(listed: &str) -> Option<String> {
    listed.lines().find_map(|line| {
        let (key, name) = line.split_once(':')?;
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        (key.trim() == "model name" && !name.is_empty()).then_some(name)
    })
}

/// Today in UTC, as `2026-11-22`.
#[expect(clippy::disallowed_methods, reason = "the clock is read in the binary alone")]
pub(super) fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    date(since.as_secs() / 86_400)
}

/// The date so many days after 1970-01-01, in the proleptic Gregorian calendar: years are counted from
/// March on, so that the leap day is the last (Hinnant, "chrono-compatible low-level date algorithms").
fn date(days: u64) -> String {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        for (days, expected) in
            [(0, "1970-01-01"), (59, "1970-03-01"), (11_016, "2000-02-29"), (20_779, "2026-11-22")]
        {
            assert_eq!(date(days), expected);
        }
    }

    #[test]
    fn the_first_name_of_a_processor_counts() {
        let listed = "processor\t: 0\nmodel name\t: Some  CPU @ 2.50GHz\nmodel name\t: Other\n";
        assert_eq!(named(listed).as_deref(), Some("Some CPU @ 2.50GHz"));
        assert_eq!(named("CPU part : 0xd0c\n"), None);
    }
}
