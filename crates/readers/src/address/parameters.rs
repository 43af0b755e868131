//! From the parameters of an address to settings, by the table of drivers. Only values that read as
//! an amount or a switch are kept, never a text.

use std::ops::Range;
use std::time::Duration;

use model::{Covers, Knob, Limit, Origin, Setting, Span, TimeUnit, Topic, Value};
use text::Scalar;

use super::drivers::{Absent, Driver, Parameter, Quirk, Reads};
use super::forms::Pair;
use crate::{Meaning, Measured, Zero, measure, setting};

/// The settings of an address. A default points at `near`.
pub(super) fn settings(
    driver: &Driver,
    key: &str,
    value: Scalar<'_>,
    pairs: &[Pair<'_>],
    near: Span,
) -> Vec<Setting> {
    let mut settings = Vec::new();
    for parameter in driver.parameters {
        let same = |name: &str| {
            name == parameter.name || (driver.ignores_case && name.eq_ignore_ascii_case(parameter.name))
        };
        // Drivers take the last of several.
        let place = pairs.iter().rev().find(|(name, _)| same(name.text)).map(|(_, value)| value.place());
        let absent = match place.and_then(|place| parameter.found(value, place)) {
            Some(place) => {
                settings.extend(written(parameter, key, value, place));
                None
            }
            None => parameter.default.as_ref(),
        };
        if let Some(absent) = absent {
            let default = default(parameter, absent, key, driver, near);
            // Two parameters that say the same stand one after the other in the table.
            if settings.iter().all(|setting: &Setting| setting.knob != default.knob) {
                settings.push(default);
            }
        }
    }
    settings
}

fn written(parameter: &Parameter, key: &str, value: Scalar<'_>, place: Range<usize>) -> Option<Setting> {
    let text = value.text().get(place.clone())?;
    let key = format!("{key}?{}", parameter.name);
    match parameter.reads {
        Reads::Amount { meaning, name, quirk } => {
            let measured = measure(text, &meaning, name).ok()?;
            let (measured, assumption) = quirk.applied(measured);
            let mut setting = setting::measured(key, meaning.knob, measured, value.part(place));
            setting.assumptions.extend(assumption.map(str::to_owned));
            Some(setting)
        }
        Reads::Switch(topic) => {
            let flag = Value::Flag(switch(text)?);
            Some(setting::stated(key, Knob::Other(topic), flag, Origin::Written(value.part(place))))
        }
        Reads::OneRetry => {
            let count = Value::Count(u64::from(switch(text)?));
            Some(setting::stated(key, Knob::Retries, count, Origin::Written(value.part(place))))
        }
        Reads::ServerOptions => {
            let meaning = Meaning {
                knob: Knob::Timeout(Covers::Statement),
                bare: Some(TimeUnit::Milliseconds),
                zero: Zero::Never,
                elsewhere: None,
            };
            let measured = measure(text, &meaning, None).ok()?;
            Some(setting::measured(
                format!("{key}.statement_timeout"),
                meaning.knob,
                measured,
                value.part(place),
            ))
        }
    }
}

fn default(parameter: &Parameter, absent: &Absent, key: &str, driver: &Driver, near: Span) -> Setting {
    let (name, knob) = match parameter.reads {
        Reads::Amount { meaning, .. } => (parameter.name.to_owned(), meaning.knob),
        Reads::ServerOptions => {
            (format!("{}.statement_timeout", parameter.name), Knob::Timeout(Covers::Statement))
        }
        Reads::Switch(topic) => (parameter.name.to_owned(), Knob::Other(topic)),
        Reads::OneRetry => (parameter.name.to_owned(), Knob::Other(Topic::Retry)),
    };
    let origin = Origin::Default { near, of: absent.of, version: absent.version };
    Setting {
        assumptions: driver.assumption.map(str::to_owned).into_iter().collect(),
        ..setting::stated(format!("{key}?{name}"), knob, Value::Time(absent.limit), origin)
    }
}

impl Parameter {
    /// Where its value stands, of what stands behind its name.
    fn found(&self, value: Scalar<'_>, place: Range<usize>) -> Option<Range<usize>> {
        if !matches!(self.reads, Reads::ServerOptions) {
            return Some(place);
        }
        let inside = statement_timeout(value.text().get(place.clone())?)?;
        Some(place.start + inside.start..place.start + inside.end)
    }
}

impl Quirk {
    fn applied(self, measured: Measured) -> (Measured, Option<&'static str>) {
        let time = |length| Value::Time(Limit::After(length));
        let instead = |value| Measured { value, ..measured.clone() };
        match (self, &measured.value) {
            (Self::AtLeast(least, why), Value::Time(Limit::After(length))) if *length < least => {
                (instead(time(least)), Some(why))
            }
            (Self::ZeroIsTime(length), Value::Time(Limit::After(Duration::ZERO))) => {
                (instead(time(length)), None)
            }
            (Self::ZeroIsCount(count), Value::Count(0)) => (instead(Value::Count(count)), None),
            // Where 0 is taken, off is written as a negative number.
            (Self::ZeroIsCount(_), Value::Number(number)) if *number < 0.0 => {
                (instead(Value::Count(0)), None)
            }
            _ => (measured, None),
        }
    }
}

fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// Where the value of `statement_timeout` stands in `-c statement_timeout=5s`, percent-encoded or not.
fn statement_timeout(options: &str) -> Option<Range<usize>> {
    const NAME: &str = "statement_timeout";
    let after = options.rfind(NAME)? + NAME.len();
    let rest = options.get(after..)?;
    let sign = ["=", "%3D", "%3d"].into_iter().find(|sign| rest.starts_with(sign))?;
    let start = after + sign.len();
    let value = options.get(start..)?;
    let end = value.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(value.len());
    Some(start..start + end)
}
