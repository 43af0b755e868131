//! What a plain scalar means to its consumer: numbers, booleans and nulls of YAML 1.1 (Kubernetes,
//! Compose, Ansible) and of YAML 1.2's core schema. Pure functions over text; must not know units
//! or products, and must not be asked about quoted scalars, which are strings.

/// Which rules a consumer types its plain scalars by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// yaml.org's type repository: `010` is 8, `1_000` is 1000, `1:30` is 90, `yes` is true.
    Yaml11,
    /// The core schema: `010` is 10, `0o10` is 8, and the other three are strings.
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

/// The number that a text means, whole or not.
pub fn float(schema: Schema, text: &str) -> Option<f64> {
    if let Some(whole) = integer(schema, text) {
        return Some(whole as f64);
    }
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    match unsigned {
        ".inf" | ".Inf" | ".INF" => return Some(sign * f64::INFINITY),
        ".nan" | ".NaN" | ".NAN" if unsigned == text => return Some(f64::NAN),
        _ => {}
    }
    let magnitude = match schema {
        Schema::Yaml11 if unsigned.starts_with('_') => return None,
        Schema::Yaml11 if unsigned.contains(':') => {
            let (whole, fraction) = unsigned.split_once('.')?;
            sexagesimal(whole)? as f64 + decimal(&format!("0.{}", fraction.replace('_', "")))?
        }
        Schema::Yaml11 => decimal(&unsigned.replace('_', ""))?,
        Schema::Yaml12 => decimal(unsigned)?,
    };
    Some(sign * magnitude)
}

/// The truth value that a text means.
pub fn boolean(schema: Schema, text: &str) -> Option<bool> {
    match (text, schema) {
        ("true" | "True" | "TRUE", _) => Some(true),
        ("false" | "False" | "FALSE", _) => Some(false),
        ("y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON", Schema::Yaml11) => Some(true),
        ("n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF", Schema::Yaml11) => Some(false),
        _ => None,
    }
}

/// Whether a text means that there is no value; both schemas agree.
pub fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
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

fn decimal(text: &str) -> Option<f64> {
    // Rust reads `inf` and `nan` too, which YAML writes with a dot.
    let plain = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'-' | b'+'));
    let unsigned = !text.starts_with(['-', '+']);
    (plain && unsigned).then(|| text.parse().ok()).flatten()
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

    #[test]
    fn floats() {
        // The first four are the examples of yaml.org/type/float.html.
        for (text, yaml11, yaml12) in [
            ("6.8523015e+5", Some(685_230.15), Some(685_230.15)),
            ("685.230_15e+03", Some(685_230.15), None),
            ("685_230.15", Some(685_230.15), None),
            ("190:20:30.15", Some(685_230.15), None),
            ("-.inf", Some(f64::NEG_INFINITY), Some(f64::NEG_INFINITY)),
            (".INF", Some(f64::INFINITY), Some(f64::INFINITY)),
            ("0.5", Some(0.5), Some(0.5)),
            (".5", Some(0.5), Some(0.5)),
            ("5.", Some(5.0), Some(5.0)),
            ("-1e3", Some(-1000.0), Some(-1000.0)),
            ("010", Some(8.0), Some(10.0)),
            ("12", Some(12.0), Some(12.0)),
            ("1.2.3", None, None),
            ("inf", None, None),
            ("nan", None, None),
            ("infinity", None, None),
            ("-.nan", None, None),
            ("-+1.0", None, None),
            (".", None, None),
            ("e5", None, None),
            ("1.5s", None, None),
        ] {
            assert_eq!(float(Schema::Yaml11, text), yaml11, "{text} in YAML 1.1");
            assert_eq!(float(Schema::Yaml12, text), yaml12, "{text} in YAML 1.2");
        }
        assert!(BOTH.iter().all(|&schema| float(schema, ".NaN").is_some_and(f64::is_nan)));
    }

    #[test]
    fn booleans() {
        // All of yaml.org/type/bool.html.
        let yes = ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"];
        let no = ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"];
        for (texts, value) in [(yes, true), (no, false)] {
            for text in texts {
                assert_eq!(boolean(Schema::Yaml11, text), Some(value), "{text} in YAML 1.1");
                let core = text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false");
                assert_eq!(boolean(Schema::Yaml12, text), core.then_some(value), "{text} in YAML 1.2");
            }
        }
        for text in ["", "1", "0", "tRUE", "yEs", "oN", "null"] {
            assert!(BOTH.iter().all(|&schema| boolean(schema, text).is_none()), "{text}");
        }
    }

    #[test]
    fn nulls() {
        assert!(["", "~", "null", "Null", "NULL"].into_iter().all(is_null));
        assert!(!["nULL", "nil", "none", "0", "~ "].into_iter().any(is_null));
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
                let whole = integer(schema, &text);
                prop_assert!(whole.is_none() || float(schema, &text).is_some());
                boolean(schema, &text);
            }
        }
    }
}
