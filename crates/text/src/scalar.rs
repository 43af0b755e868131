//! What a plain scalar means to its consumer: whole numbers of YAML 1.1 (Kubernetes, Compose,
//! Ansible) and of YAML 1.2's core schema. Pure functions over text; must not know units
//! or products, and must not be asked about quoted scalars, which are strings.

/// Which rules a consumer types its plain scalars by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// yaml.org's type repository: `010` is 8, `1_000` is 1000, `1:30` is 90.
    Yaml11,
    /// The core schema: `010` is 10, `0o10` is 8, and the other two are strings.
    Yaml12,
}

/// The whole number that a text means; `None` where it means none or one past 64 bits.
pub fn integer(schema: Schema, text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = match schema {
        Schema::Yaml11 if digits.contains(':') => sexagesimal(digits)?,
        Schema::Yaml11 => {
            let (radix, digits) = match digits.as_bytes() {
                [b'0', b'b', ..] => (2, &digits[2..]),
                [b'0', b'x', ..] => (16, &digits[2..]),
                [b'0', _, ..] => (8, &digits[1..]),
                [b'_', ..] => return None,
                _ => (10, digits),
            };
            whole(&digits.replace('_', ""), radix)?
        }
        Schema::Yaml12 => match digits.as_bytes() {
            // The core schema writes these two without a sign.
            [b'0', b'o', ..] if digits == text => whole(&digits[2..], 8)?,
            [b'0', b'x', ..] if digits == text => whole(&digits[2..], 16)?,
            _ => whole(digits, 10)?,
        },
    };
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

fn whole(digits: &str, radix: u32) -> Option<i128> {
    // A second sign is no digit.
    let signed = digits.starts_with(['-', '+']);
    (!signed).then(|| i128::from_str_radix(digits, radix).ok()).flatten()
}

/// `190:20:30`: each part behind the first counts up to 59.
fn sexagesimal(digits: &str) -> Option<i128> {
    let (first, rest) = digits.split_once(':')?;
    if !first.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    rest.split(':').try_fold(whole(&first.replace('_', ""), 10)?, |sum, part| {
        let part = whole(part, 10).filter(|&value| value < 60 && part.len() <= 2)?;
        sum.checked_mul(60)?.checked_add(part)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOTH: [Schema; 2] = [Schema::Yaml11, Schema::Yaml12];

    #[test]
    fn integers() {
        // The first seven are the examples of yaml.org/type/int.html.
        for (text, yaml11, yaml12) in [
            ("685230", Some(685_230), Some(685_230)),
            ("+685_230", Some(685_230), None),
            ("02472256", Some(685_230), Some(2_472_256)),
            ("0x_0A_74_AE", Some(685_230), None),
            ("0b1010_0111_0100_1010_1110", Some(685_230), None),
            ("190:20:30", Some(685_230), None),
            ("0", Some(0), Some(0)),
            ("-0", Some(0), Some(0)),
            ("010", Some(8), Some(10)),
            ("08", None, Some(8)),
            ("0o10", None, Some(8)),
            ("0x1F", Some(31), Some(31)),
            ("-0x1F", Some(-31), None),
            ("1_000", Some(1000), None),
            ("1:30", Some(90), None),
            ("-1:30", Some(-90), None),
            ("1:60", None, None),
            ("1:", None, None),
            (":1", None, None),
            ("_1", None, None),
            ("0x", None, None),
            ("--1", None, None),
            ("+-1", None, None),
            ("-", None, None),
            ("", None, None),
            ("1.0", None, None),
            ("1e3", None, None),
            ("30s", None, None),
            (" 1", None, None),
            ("-9223372036854775808", Some(i64::MIN), Some(i64::MIN)),
            ("9223372036854775808", None, None),
            ("99999999999999999999999999999999999999999999", None, None),
        ] {
            assert_eq!(integer(Schema::Yaml11, text), yaml11, "{text} in YAML 1.1");
            assert_eq!(integer(Schema::Yaml12, text), yaml12, "{text} in YAML 1.2");
        }
    }

    proptest! {
        #[test]
        fn every_whole_number_is_read_back(value in any::<i64>()) {
            for schema in BOTH {
                prop_assert_eq!(integer(schema, &value.to_string()), Some(value));
            }
        }

        #[test]
        fn no_text_panics(text in "[-+0-9_.:xobeEa-f]{0,12}|\\PC{0,8}") {
            for schema in BOTH {
                integer(schema, &text);
            }
        }
    }
}
