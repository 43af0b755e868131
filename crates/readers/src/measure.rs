//! From the text of a value to a value with a unit: numbers, suffixes, words, ISO 8601, and what a
//! bare number and a zero mean to the key's product. Pure; must not know any key or product.

use std::time::Duration;

use model::{HashField, Knob, Limit, ProbeField, TimeUnit, Topic, Unit, Value, Written};

use crate::Reason;

/// What 0 (or a negative number) means for a time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zero {
    /// No limit: disabled or infinite.
    Never,
    /// Exactly zero.
    Literal,
}

/// What a key means to its product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Meaning {
    /// What it controls.
    pub knob: Knob,
    /// The unit of a bare number; `None` where the product does not define one or is not known.
    pub bare: Option<TimeUnit>,
    /// What 0 means.
    pub zero: Zero,
    /// The unit that a well-known other product gives a bare number at a key of this name.
    pub elsewhere: Option<TimeUnit>,
}

/// A value read.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The value.
    pub value: Value,
    /// How its unit is known.
    pub unit: Unit,
    /// The number and units as written, if it is a number.
    pub written: Option<Written>,
}

/// Reads a value.
///
/// `name` is the unit that the key's name states (`timeout_ms`). A unit in the value wins over the
/// product's, the product's over the name's; where all are silent the value is
/// [`Value::UnitUnknown`] and the caller may know more (comments, siblings). A zero needs no unit.
/// A negative time is no limit whatever [`Zero`] says: products whose 0 is literal spell "none" so.
/// A negative count is a [`Value::Number`], because its meaning differs from product to product.
///
/// # Errors
///
/// The reason why the text is no value of this knob.
pub fn measure(text: &str, meaning: &Meaning, name: Option<TimeUnit>) -> Result<Measured, Reason> {
    let text = text.trim();
    if text.is_empty() || matches!(text, "~" | "null" | "Null" | "NULL" | "nil") {
        return Err(Reason::Empty);
    }
    if text.contains("{{") || text.contains("{%") || text.contains("<%") {
        return Err(Reason::Template);
    }
    if text.contains("${") || text.contains("$(") || text.contains("%(") || text.starts_with('$') {
        return Err(Reason::Reference);
    }
    let plain = |value| Ok(Measured { value, unit: Unit::None, written: None });
    let kind = Kind::of(meaning.knob);
    if kind == Kind::Text {
        return plain(Value::Text(text.to_owned()));
    }
    if let Some(word) = Word::of(text) {
        return match (word, kind) {
            (Word::Never | Word::Off, Kind::Time) => plain(Value::Time(Limit::Never)),
            (Word::Never, Kind::Count) => plain(Value::Text(text.to_owned())),
            (Word::Never, _) => plain(Value::Time(Limit::Never)),
            (Word::On, _) => plain(Value::Flag(true)),
            (Word::Off | Word::False, _) => plain(Value::Flag(false)),
        };
    }
    if meaning.knob == Knob::Hash(HashField::Memory)
        && let Some(kib) = kib(text)
    {
        return plain(Value::Count(kib));
    }
    let amount = Amount::parse(text).ok_or(Reason::NotAnAmount)?;
    let written = Written {
        number: amount.number,
        suffix: amount.suffix,
        name,
        bare: meaning.bare,
        elsewhere: meaning.elsewhere,
    };
    let measured = |value, unit| Ok(Measured { value, unit, written: Some(written) });
    let time = |unit: TimeUnit| Value::Time(amount.limit(unit, meaning.zero));
    let known = match (amount.suffix, meaning.bare, name) {
        (Some(unit), _, _) => Some((unit, Unit::InValue)),
        (_, Some(unit), _) => Some((unit, Unit::Product)),
        (_, _, Some(unit)) => Some((unit, Unit::InName)),
        _ => None,
    };
    match (kind, known) {
        (Kind::Count | Kind::Factor, _) if amount.suffix.is_some() => Err(Reason::NotAnAmount),
        (Kind::Count, _) => measured(amount.count(), Unit::None),
        (Kind::Factor, _) => measured(Value::Number(amount.number), Unit::None),
        (Kind::Time | Kind::Either, Some((unit, how))) => measured(time(unit), how),
        (Kind::Time, None) if amount.number <= 0.0 => measured(time(TimeUnit::Seconds), Unit::None),
        (Kind::Time, None) => measured(Value::UnitUnknown(amount.number), Unit::Unknown),
        (Kind::Either, None) => measured(amount.count(), Unit::None),
        (Kind::Text, _) => Err(Reason::NotAnAmount),
    }
}

/// A size in KiB, where it is written with a unit of bytes. As everywhere where memory is meant, all of
/// them are powers of two.
fn kib(text: &str) -> Option<u64> {
    let (number, unit) = Decimal::prefix(text)?;
    let bytes = match unit.trim().to_ascii_lowercase().as_str() {
        "b" => 1,
        "k" | "kb" | "kib" | "ki" => 1 << 10,
        "m" | "mb" | "mib" | "mi" => 1 << 20,
        "g" | "gb" | "gib" | "gi" => 1_u128 << 30,
        _ => return None,
    };
    u64::try_from(number.times(bytes) >> 10).ok()
}

/// What kind of value a knob takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A length of time.
    Time,
    /// A whole number.
    Count,
    /// A number that is neither.
    Factor,
    /// A length where a unit is known, else a number.
    Either,
    /// Words.
    Text,
}

impl Kind {
    fn of(knob: Knob) -> Self {
        match knob {
            Knob::Timeout(_) | Knob::BackoffBase | Knob::BackoffMax => Self::Time,
            Knob::Probe(_, ProbeField::Failures) => Self::Count,
            Knob::Probe(_, ProbeField::Action | ProbeField::Mark) => Self::Text,
            Knob::Probe(..) | Knob::Grace | Knob::PreStop | Knob::Interval => Self::Time,
            Knob::PingInterval | Knob::PingFloor | Knob::ClockSkew => Self::Time,
            Knob::TokenLife | Knob::TokenRefresh | Knob::TokenLead => Self::Time,
            Knob::Attempts | Knob::Retries => Self::Count,
            Knob::PoolSize | Knob::PoolIdle | Knob::PoolFloor => Self::Count,
            Knob::ConnectionLimit | Knob::ConnectionsReserved => Self::Count,
            Knob::Instances | Knob::Workers | Knob::Processes => Self::Count,
            Knob::Hash(HashField::Algorithm) => Self::Text,
            Knob::Hash(_) => Self::Count,
            Knob::BackoffFactor => Self::Factor,
            Knob::Jitter | Knob::KeepAlive | Knob::Streams | Knob::Upgrades => Self::Either,
            Knob::RetryOn => Self::Text,
            Knob::Other(Topic::Timeout | Topic::Backoff | Topic::Lifecycle) => Self::Time,
            Knob::Other(_) => Self::Either,
        }
    }
}

/// The words that stand where a number could.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// Without limit.
    Never,
    On,
    /// Switched off: for a limit, that there is none.
    Off,
    /// A boolean, so the key is a switch.
    False,
}

impl Word {
    fn of(text: &str) -> Option<Self> {
        const WORDS: &[(&str, Word)] = &[
            ("none", Word::Never),
            ("never", Word::Never),
            ("infinite", Word::Never),
            ("infinity", Word::Never),
            ("inf", Word::Never),
            (".inf", Word::Never),
            ("unlimited", Word::Never),
            ("off", Word::Off),
            ("disabled", Word::Off),
            ("disable", Word::Off),
            ("no", Word::False),
            ("false", Word::False),
            ("on", Word::On),
            ("yes", Word::On),
            ("true", Word::On),
            ("enabled", Word::On),
        ];
        WORDS.iter().find(|(word, _)| text.eq_ignore_ascii_case(word)).map(|&(_, meaning)| meaning)
    }
}

/// A number with the units written behind it.
#[derive(Debug, Clone, Copy)]
struct Amount {
    /// In the unit of `suffix` (of several, the last), or bare.
    number: f64,
    negative: bool,
    /// The bare number, exact.
    decimal: Decimal,
    /// The length, exact to the nanosecond, where units are written.
    nanos: u128,
    suffix: Option<TimeUnit>,
}

impl Amount {
    fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (nanos, suffix) = match rest.as_bytes().first()? {
            b'P' | b'p' => iso8601(&rest[1..])?,
            b'0'..=b'9' | b'.' => {
                if let Some(decimal) = Decimal::whole(rest) {
                    let sign = if negative { -1.0 } else { 1.0 };
                    let number = sign * decimal.to_f64();
                    return Some(Self { number, negative, decimal, nanos: 0, suffix: None });
                }
                clock(rest).or_else(|| suffixed(rest))?
            }
            _ => return None,
        };
        let number = nanos as f64 / suffix.nanos() as f64;
        let number = if negative { -number } else { number };
        Some(Self { number, negative, decimal: Decimal::default(), nanos, suffix: Some(suffix) })
    }

    fn limit(&self, unit: TimeUnit, zero: Zero) -> Limit {
        let nanos =
            if self.suffix.is_some() { self.nanos } else { self.decimal.times(u128::from(unit.nanos())) };
        if nanos == 0 {
            return match zero {
                Zero::Never => Limit::Never,
                Zero::Literal => Limit::After(Duration::ZERO),
            };
        }
        if self.negative {
            return Limit::Never;
        }
        Limit::After(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }

    fn count(&self) -> Value {
        match self.decimal.integer() {
            Some(count) if !self.negative => Value::Count(count),
            _ => Value::Number(self.number),
        }
    }
}

/// A decimal number without sign: `digits * 10^-scale`.
#[derive(Debug, Clone, Copy, Default)]
struct Decimal {
    digits: u128,
    scale: u32,
}

impl Decimal {
    /// The most digits kept; more would not fit the arithmetic below and no configuration means them.
    const MOST_DIGITS: u32 = 20;

    /// Reads a number at the start of a text; gives it and the rest.
    fn prefix(text: &str) -> Option<(Self, &str)> {
        let (mut number, mut seen, mut point) = (Self::default(), 0, false);
        let mut end = 0;
        for (i, byte) in text.bytes().enumerate() {
            match byte {
                b'0'..=b'9' => {
                    seen += 1;
                    if seen > Self::MOST_DIGITS {
                        return None;
                    }
                    number.digits = number.digits * 10 + u128::from(byte - b'0');
                    number.scale += u32::from(point);
                }
                b'.' if !point => point = true,
                b'_' if seen > 0 => {}
                _ => break,
            }
            end = i + 1;
        }
        let ends_well = !text[..end].ends_with('_');
        (seen > 0 && ends_well).then_some((number, &text[end..]))
    }

    /// Reads a text that is nothing but a number; Java's `L` behind it is allowed.
    fn whole(text: &str) -> Option<Self> {
        let (number, rest) = Self::prefix(text)?;
        matches!(rest, "" | "L" | "l").then_some(number)
    }

    fn to_f64(self) -> f64 {
        self.digits as f64 / 10f64.powi(self.scale as i32)
    }

    /// So many of a unit, rounded to the nearest whole.
    fn times(self, unit: u128) -> u128 {
        let divisor = 10u128.pow(self.scale);
        let product = self.digits.saturating_mul(unit);
        product / divisor + u128::from(product % divisor * 2 >= divisor)
    }

    fn integer(self) -> Option<u64> {
        let divisor = 10u128.pow(self.scale);
        self.digits.is_multiple_of(divisor).then(|| u64::try_from(self.digits / divisor).ok()).flatten()
    }
}

/// One or more pairs of number and unit: `1m30s`, `5 seconds`, `1 day, 2 hours`.
fn suffixed(text: &str) -> Option<(u128, TimeUnit)> {
    let (mut rest, mut nanos, mut last) = (text, 0u128, None);
    while !rest.is_empty() {
        let (number, behind) = Decimal::prefix(rest)?;
        let behind = behind.trim_start();
        let end = behind.find(|c: char| !c.is_alphabetic()).unwrap_or(behind.len());
        let (unit, times) = unit_of_suffix(&behind[..end])?;
        nanos = nanos.checked_add(number.times(u128::from(unit.nanos()) * times))?;
        last = Some(unit);
        rest = behind[end..].trim_start_matches([' ', ',']);
        rest = rest.strip_prefix("and ").unwrap_or(rest);
    }
    last.map(|unit| (nanos, unit))
}

/// The unit that a suffix means, and how many of it (weeks and years have no unit of their own).
/// A single `M` is refused: months to some, megabytes to others.
fn unit_of_suffix(suffix: &str) -> Option<(TimeUnit, u128)> {
    const SUFFIXES: &[(&[&str], TimeUnit, u128)] = &[
        (
            &["ms", "msec", "msecs", "milli", "millis", "millisecond", "milliseconds"],
            TimeUnit::Milliseconds,
            1,
        ),
        (&["s", "sec", "secs", "second", "seconds"], TimeUnit::Seconds, 1),
        (&["m", "min", "mins", "minute", "minutes"], TimeUnit::Minutes, 1),
        (&["h", "hr", "hrs", "hour", "hours"], TimeUnit::Hours, 1),
        (&["d", "day", "days"], TimeUnit::Days, 1),
        (&["w", "week", "weeks"], TimeUnit::Days, 7),
        (&["y", "year", "years"], TimeUnit::Days, 365),
        (
            &["us", "µs", "μs", "usec", "usecs", "micros", "microsecond", "microseconds"],
            TimeUnit::Microseconds,
            1,
        ),
        (&["ns", "nsec", "nanos", "nanosecond", "nanoseconds"], TimeUnit::Nanoseconds, 1),
    ];
    if suffix == "M" {
        return None;
    }
    SUFFIXES
        .iter()
        .find(|(names, ..)| names.iter().any(|name| suffix.eq_ignore_ascii_case(name)))
        .map(|&(_, unit, times)| (unit, times))
}

/// An ISO 8601 duration behind its `P`: `T5S`, `1DT2H`, `2W`. Years and months have no fixed
/// length and are refused.
fn iso8601(text: &str) -> Option<(u128, TimeUnit)> {
    let (mut rest, mut in_time, mut nanos, mut last) = (text, false, 0u128, None);
    while !rest.is_empty() {
        if let Some(time) = rest.strip_prefix(['T', 't']).filter(|_| !in_time) {
            (in_time, rest) = (true, time);
            continue;
        }
        let (number, behind) = Decimal::prefix(rest)?;
        let (unit, times) = match (in_time, behind.as_bytes().first()?.to_ascii_uppercase()) {
            (false, b'W') => (TimeUnit::Days, 7),
            (false, b'D') => (TimeUnit::Days, 1),
            (true, b'H') => (TimeUnit::Hours, 1),
            (true, b'M') => (TimeUnit::Minutes, 1),
            (true, b'S') => (TimeUnit::Seconds, 1),
            _ => return None,
        };
        nanos = nanos.checked_add(number.times(u128::from(unit.nanos()) * times))?;
        last = Some(unit);
        rest = &behind[1..];
    }
    last.map(|unit| (nanos, unit))
}

/// A clock reading, `hh:mm:ss` with optional `d.` before and fraction behind, as .NET writes a
/// TimeSpan.
fn clock(text: &str) -> Option<(u128, TimeUnit)> {
    let mut parts = text.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let (days, hours) = hours.split_once('.').unwrap_or(("0", hours));
    let part = |text: &str, unit: TimeUnit| Some(Decimal::whole(text)?.times(u128::from(unit.nanos())));
    let nanos = part(days, TimeUnit::Days)?
        + part(hours, TimeUnit::Hours)?
        + part(minutes, TimeUnit::Minutes)?
        + part(seconds, TimeUnit::Seconds)?;
    Some((nanos, TimeUnit::Seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Covers;
    use proptest::prelude::*;

    const CALL: Meaning =
        Meaning { knob: Knob::Timeout(Covers::WholeCall), bare: None, zero: Zero::Never, elsewhere: None };

    fn of(knob: Knob) -> Meaning {
        Meaning { knob, ..CALL }
    }

    fn shown(text: &str, meaning: &Meaning, name: Option<TimeUnit>) -> String {
        match measure(text, meaning, name) {
            Ok(Measured { value: Value::Time(Limit::After(length)), unit, .. }) => {
                format!("{} ns, {unit:?}", length.as_nanos())
            }
            Ok(measured) => format!("{}, {:?}", measured.value, measured.unit),
            Err(reason) => format!("{reason:?}"),
        }
    }

    #[test]
    fn a_unit_in_the_value_is_exact_to_the_nanosecond() {
        for (text, nanos) in [
            ("300ms", 300_000_000u64),
            ("0.250s", 250_000_000),
            ("0.1s", 100_000_000),
            ("1m30s", 90_000_000_000),
            ("1h", 3_600_000_000_000),
            ("5 seconds", 5_000_000_000),
            ("2min", 120_000_000_000),
            ("1 day", 86_400_000_000_000),
            ("7d", 604_800_000_000_000),
            ("1w", 604_800_000_000_000),
            ("1 hour, 30 minutes", 5_400_000_000_000),
            ("15us", 15_000),
            ("15µs", 15_000),
            ("7ns", 7),
            ("1.5s", 1_500_000_000),
            ("1_000ms", 1_000_000_000),
            ("PT5S", 5_000_000_000),
            ("PT0.5S", 500_000_000),
            ("P1DT2H", 93_600_000_000_000),
            ("00:00:30", 30_000_000_000),
            ("1.00:00:00.5", 86_400_500_000_000),
        ] {
            assert_eq!(shown(text, &CALL, None), format!("{nanos} ns, InValue"), "{text}");
        }
    }

    #[test]
    fn a_bare_number_takes_the_products_unit_then_the_names() {
        let seconds = Meaning { bare: Some(TimeUnit::Seconds), ..CALL };
        assert_eq!(shown("30", &seconds, Some(TimeUnit::Milliseconds)), "30000000000 ns, Product");
        assert_eq!(shown("30", &CALL, Some(TimeUnit::Milliseconds)), "30000000 ns, InName");
        assert_eq!(shown("60000L", &CALL, Some(TimeUnit::Milliseconds)), "60000000000 ns, InName");
        assert_eq!(shown("1_000", &CALL, None), "1000, unit unknown, Unknown");
        assert_eq!(shown("1.5", &seconds, None), "1500000000 ns, Product");
        assert_eq!(shown("5s", &seconds, Some(TimeUnit::Milliseconds)), "5000000000 ns, InValue");
    }

    #[test]
    fn zero_needs_no_unit_and_means_what_the_key_says() {
        assert_eq!(shown("0", &CALL, None), "no limit, None");
        assert_eq!(shown("0s", &CALL, None), "no limit, InValue");
        let literal = Meaning { zero: Zero::Literal, ..CALL };
        assert_eq!(shown("0", &literal, None), "0 ns, None");
        assert_eq!(shown("0s", &literal, None), "0 ns, InValue");
        assert_eq!(shown("-1", &literal, None), "no limit, None");
    }

    #[test]
    fn words_mean_no_limit_or_a_switch() {
        for word in ["none", "never", "off", "infinite", "unlimited", "disabled", "Infinity"] {
            assert_eq!(shown(word, &CALL, None), "no limit, None", "{word}");
        }
        assert_eq!(shown("true", &of(Knob::KeepAlive), None), "on, None");
        assert_eq!(shown("off", &of(Knob::KeepAlive), None), "off, None");
        assert_eq!(shown("true", &of(Knob::Other(Topic::Retry)), None), "on, None");
        assert_eq!(shown("unlimited", &of(Knob::PoolSize), None), "unlimited, None");
    }

    #[test]
    fn counts_factors_and_texts() {
        assert_eq!(shown("3", &of(Knob::Retries), None), "3, None");
        assert_eq!(shown("-1", &of(Knob::Retries), None), "-1, None");
        assert_eq!(shown("1.3", &of(Knob::BackoffFactor), None), "1.3, None");
        assert_eq!(shown("5xx,reset", &of(Knob::RetryOn), None), "5xx,reset, None");
        assert_eq!(shown("32", &of(Knob::KeepAlive), None), "32, None");
        assert_eq!(shown("75s", &of(Knob::KeepAlive), None), "75000000000 ns, InValue");
    }

    #[test]
    fn the_memory_of_a_hash_is_counted_in_kib() {
        let memory = of(Knob::Hash(HashField::Memory));
        for (text, kib) in [("65536", "65536"), ("128MB", "131072"), ("64 MiB", "65536"), ("8192b", "8")] {
            assert_eq!(shown(text, &memory, None), format!("{kib}, None"), "{text}");
        }
        assert_eq!(shown("64 apples", &memory, None), "NotAnAmount");
    }

    #[test]
    fn what_is_no_amount_is_refused_with_its_reason() {
        for (text, reason) in [
            ("", "Empty"),
            ("~", "Empty"),
            ("{{ timeout }}s", "Template"),
            ("<%= @timeout %>", "Template"),
            ("${TIMEOUT}", "Reference"),
            ("%(timeout)s", "Reference"),
            ("80%", "NotAnAmount"),
            ("/etc/timeout", "NotAnAmount"),
            ("1.2.3", "NotAnAmount"),
            ("10M", "NotAnAmount"),
            ("5 apples", "NotAnAmount"),
            ("PT", "NotAnAmount"),
            ("P1Y", "NotAnAmount"),
            ("12:30", "NotAnAmount"),
            ("720  # 12 hours", "NotAnAmount"),
        ] {
            assert_eq!(shown(text, &CALL, None), reason, "{text}");
        }
        assert_eq!(shown("10m", &of(Knob::PoolSize), None), "NotAnAmount");
    }

    #[test]
    fn what_was_written_is_kept() {
        let meaning =
            Meaning { bare: Some(TimeUnit::Seconds), elsewhere: Some(TimeUnit::Milliseconds), ..CALL };
        let written = measure("1m30s", &meaning, Some(TimeUnit::Milliseconds)).unwrap().written;
        let expected = Written {
            number: 90.0,
            suffix: Some(TimeUnit::Seconds),
            name: Some(TimeUnit::Milliseconds),
            bare: Some(TimeUnit::Seconds),
            elsewhere: Some(TimeUnit::Milliseconds),
        };
        assert_eq!(written, Some(expected));
    }

    const UNITS: [(&str, TimeUnit); 7] = [
        ("ns", TimeUnit::Nanoseconds),
        ("us", TimeUnit::Microseconds),
        ("ms", TimeUnit::Milliseconds),
        ("s", TimeUnit::Seconds),
        ("m", TimeUnit::Minutes),
        ("h", TimeUnit::Hours),
        ("d", TimeUnit::Days),
    ];

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") {
            let _ = measure(&text, &CALL, None);
            let _ = measure(&text, &of(Knob::Retries), None);
        }

        #[test]
        fn nor_does_what_looks_like_an_amount(text in "[-+]?[PT0-9._:smhdL ]{0,40}") {
            let _ = measure(&text, &CALL, Some(TimeUnit::Days));
        }

        #[test]
        fn printing_and_reading_gives_the_same_length(number in 1u64..100_000, which in 0usize..7) {
            let (suffix, unit) = UNITS[which];
            let length = Duration::from_nanos(number * unit.nanos());
            let read = measure(&format!("{number}{suffix}"), &CALL, None).unwrap();
            prop_assert_eq!(read.value, Value::Time(Limit::After(length)));
            let bare = measure(&number.to_string(), &CALL, Some(unit)).unwrap();
            prop_assert_eq!(bare.value, Value::Time(Limit::After(length)));
        }

        #[test]
        fn several_units_add_up(hours in 0u64..100, minutes in 0u64..60, millis in 1u64..1000) {
            let read = measure(&format!("{hours}h{minutes}m{millis}ms"), &CALL, None).unwrap();
            let length = Duration::from_millis(((hours * 60) + minutes) * 60_000 + millis);
            prop_assert_eq!(read.value, Value::Time(Limit::After(length)));
        }
    }
}
