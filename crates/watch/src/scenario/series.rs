//! Series in promtool's shorthand: `0+100x60`, `1x5`, `_x3`, `stale`.

/// One sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Sample {
    /// A count.
    Value(u64),
    /// The target said nothing.
    Missing,
}

/// A series of more samples than these is a slip of the finger: four weeks of seconds.
const MOST: usize = 2_500_000;

/// Reads a series.
///
/// # Errors
///
/// What is wrong with it, in words.
pub(super) fn series(text: &str) -> Result<Vec<Sample>, String> {
    let mut samples = Vec::new();
    for token in text.split_whitespace() {
        let (first, step, times) = token_of(token).ok_or_else(|| {
            format!("`{token}` is none of promtool's forms: `0+100x60`, `100-1x60`, `5x60`, `5`, `_`, `_x60`, `stale`")
        })?;
        if samples.len().saturating_add(times) > MOST {
            return Err(format!("`{token}` makes it longer than {MOST} samples"));
        }
        for at in 0..times {
            let value = first.map(|first| step.mul_add(at as f64, first));
            samples.push(match value {
                None => Sample::Missing,
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "in range, as tested"
                )]
                Some(value) if (0.0..=9e15).contains(&value) => Sample::Value(value as u64),
                Some(value) => {
                    return Err(format!("`{token}` goes to {value}, and a count is never below 0"));
                }
            });
        }
    }
    if samples.is_empty() { Err("it is empty".to_owned()) } else { Ok(samples) }
}

/// What a token begins with (nothing where samples are missing), its step, and how many samples it is.
fn token_of(token: &str) -> Option<(Option<f64>, f64, usize)> {
    if token == "stale" {
        return Some((None, 0.0, 1));
    }
    let (what, times) = match token.split_once('x') {
        Some((what, times)) => (what, Some(times.parse::<usize>().ok()?)),
        None => (token, None),
    };
    if what == "_" {
        return Some((None, 0.0, times.unwrap_or(1)));
    }
    // `axn` and `a+bxn` are the first sample and n more.
    let samples = times.map_or(1, |times| times.saturating_add(1));
    let sign = what.char_indices().skip(1).find(|&(_, c)| c == '+' || c == '-');
    match sign {
        Some((at, sign)) => {
            times?;
            let (first, step) = (number(&what[..at])?, number(&what[at + 1..])?);
            Some((Some(first), if sign == '-' { -step } else { step }, samples))
        }
        None => Some((Some(number(what)?), 0.0, samples)),
    }
}

fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'_');
    plain.then(|| text.replace('_', "").parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let samples = match series(text) {
            Ok(samples) => samples,
            Err(why) => return why,
        };
        let words = samples.iter().map(|sample| match sample {
            Sample::Value(value) => value.to_string(),
            Sample::Missing => "_".to_owned(),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_shorthand_means_what_promtool_says_it_means() {
        for (text, expected) in [
            ("1x4", "1 1 1 1 1"),
            ("2+4x3", "2 6 10 14"),
            ("7-2x3", "7 5 3 1"),
            ("1 _x3 stale", "1 _ _ _ _"),
            ("0+1.5x3", "0 1 3 4"),
            ("1_000", "1000"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_series_says_why() {
        for (text, expected) in [
            ("", "it is empty"),
            ("1-2x4", "`1-2x4` goes to -1, and a count is never below 0"),
            ("0x99999999999", "`0x99999999999` makes it longer than 2500000 samples"),
            (
                "1+1",
                "`1+1` is none of promtool's forms: `0+100x60`, `100-1x60`, `5x60`, `5`, `_`, `_x60`, `stale`",
            ),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
        for text in ["x5", "nan", "1e3", "+", "5x", "_+1x3", "stalex3", "--1"] {
            assert!(series(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,20}", near in "[0-9._+x -]{0,12}") {
            let _ = series(&text);
            let _ = series(&near);
        }
    }
}
