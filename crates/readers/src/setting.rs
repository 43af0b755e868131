//! From one key and its value to a setting: what `forewarn.toml` declares, what the product's
//! documentation says, what the key's words say, in this order. Looks at one pair at a time; what
//! stands around it is `sweep`'s and `variables`' affair.

use model::{Covers, Knob, Limit, Origin, Setting, Sourced, TimeUnit, Unheeded, Unit, Value};
use text::scalar::Schema;
use text::{Scalar, Span, Style, Syntax};

use crate::keys::{self, Class};
use crate::products::{self, Product, Row};
use crate::{Declared, Ignored, Meaning, Measured, Reason, Zero, key_matches, measure};

/// Where a key stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The file's path, for what products say about their own file names.
    pub(crate) file: &'a str,
    /// The enclosing keys, the outermost first.
    pub(crate) parents: &'a [&'a str],
    /// The key.
    pub(crate) leaf: &'a str,
    /// The product whose own file it is, where the keys of the file say so.
    pub(crate) product: Option<&'static Product>,
}

impl Place<'_> {
    /// The key as a reader would call it: with the one around it where it is nothing but a unit.
    fn name(&self) -> String {
        match self.parents.last() {
            Some(parent) if keys::is_unit(self.leaf) => format!("{parent}.{}", self.leaf),
            _ => self.leaf.to_owned(),
        }
    }

    /// The key with its path, as settings name it.
    pub(crate) fn key(&self) -> String {
        let mut key = String::new();
        for part in self.parents.iter().chain([&self.leaf]) {
            if !key.is_empty() && !part.starts_with('[') {
                key.push('.');
            }
            key.push_str(part);
        }
        key
    }
}

/// Everything known about a key before its value is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    meaning: Meaning,
    name_unit: Option<TimeUnit>,
    declared: bool,
    /// The product or its owner says what it means: nothing was guessed.
    documented: bool,
    class: Option<Class>,
    /// The row that says what it means.
    row: Option<&'static Row>,
}

impl Known {
    /// What it controls.
    pub(crate) fn knob(&self) -> Knob {
        self.meaning.knob
    }

    /// The same in a section that is a server's, unless more than the words is known.
    pub(crate) fn at_server(self) -> Self {
        let Some(class) = self.class.filter(|class| class.side.is_none() && bounds_requests(class.knob))
        else {
            return self;
        };
        let class = class.at_server();
        let knob = if self.documented { self.meaning.knob } else { class.knob };
        Self { meaning: Meaning { knob, ..self.meaning }, class: Some(class), ..self }
    }

    /// The words' view of the key, where they have one.
    pub(crate) fn class(&self) -> Option<Class> {
        self.class
    }
}

/// Whether a server can have a limit of this kind on what it is asked.
fn bounds_requests(knob: Knob) -> bool {
    matches!(
        knob,
        Knob::Timeout(Covers::WholeCall | Covers::Attempt | Covers::FirstByte | Covers::BetweenBytes)
            | Knob::Timeout(Covers::Unknown | Covers::Handler | Covers::ResponseWrite | Covers::Idle)
            | Knob::KeepAlive
    )
}

/// What is known about a key. `None`: it is not of our topics.
pub(crate) fn known(place: &Place<'_>, declared: &[Declared]) -> Option<Result<Known, Reason>> {
    let said = keys::classify(place.parents, place.leaf);
    if !declared.is_empty()
        && let key = place.key()
        && let Some(declared) = declared.iter().find(|declared| key_matches(&declared.key, &key))
    {
        let zero = if declared.zero_is_never { Zero::Never } else { Zero::Literal };
        let class = said.and_then(Result::ok);
        let meaning = Meaning { knob: declared.knob, bare: declared.unit, zero, elsewhere: None };
        return Some(Ok(Known {
            meaning,
            name_unit: class.and_then(|class| class.name_unit),
            declared: declared.unit.is_some(),
            documented: true,
            class,
            row: None,
        }));
    }
    let class = said.and_then(Result::ok);
    if let Some(row) = products::find(place)
        && let Some(meaning) = row.meaning(class.map(|class| class.knob))
    {
        let documented = row.knob.is_some();
        let name_unit = class.and_then(|class| class.name_unit);
        return Some(Ok(Known { meaning, name_unit, declared: false, documented, class, row: Some(row) }));
    }
    Some(said?.map(|class| Known {
        meaning: Meaning { knob: class.knob, bare: None, zero: class.zero, elsewhere: None },
        name_unit: class.name_unit,
        declared: false,
        documented: false,
        class: Some(class),
        row: None,
    }))
}

/// Reads the value of a key into a setting.
///
/// # Errors
///
/// Why the value is none.
pub(crate) fn read(place: &Place<'_>, known: &Known, value: Scalar<'_>) -> Result<Setting, Reason> {
    let text = value.text();
    let (text, span) = match placeholder_default(text) {
        Some(range) => (&text[range.clone()], value.part(range)),
        None => (text, value.span()),
    };
    match octal(value) {
        Some(number) => {
            let mut setting = read_text(place, known, &number, span)?;
            if text.trim().parse::<i64>().ok().is_none_or(|decimal| decimal.to_string() != number) {
                let text = text.trim();
                let why = "a leading zero makes a number octal (YAML 1.1, yaml.org/type/int.html)";
                setting.unheeded = Some(Unheeded { at: span, text: text.to_owned(), why: why.to_owned() });
                setting
                    .assumptions
                    .push(format!("that its reader follows YAML 1.1, where {text} is {number}"));
            }
            Ok(setting)
        }
        None => read_text(place, known, text, span),
    }
}

/// The decimal text of a plain YAML number with a leading zero. The consumers of our files read it as
/// octal: go-yaml (Kubernetes, Compose) and PyYAML (Ansible), by the int type of YAML 1.1.
fn octal(value: Scalar<'_>) -> Option<String> {
    let text = value.text();
    let is_plain = value.tree().syntax() == Syntax::Yaml && value.style() == Style::Plain;
    let digits = text.trim_start_matches(['-', '+']);
    let is_octal = digits.len() > 1
        && digits.starts_with('0')
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    if !(is_plain && is_octal) {
        return None;
    }
    text::scalar::integer(Schema::Yaml11, text).map(|number| number.to_string())
}

/// Reads the value of a key that a product's documentation explains.
///
/// # Errors
///
/// Why the value is none.
pub(crate) fn documented(key: String, meaning: &Meaning, value: Scalar<'_>) -> Result<Setting, Reason> {
    let text = value.text();
    // `${TIMEOUT-30s}`: what holds where the variable is not set.
    let range = placeholder_default(text).unwrap_or(0..text.len());
    let measured = measure(&text[range.clone()], meaning, None)?;
    Ok(self::measured(key, meaning.knob, measured, value.part(range)))
}

/// A value that was measured where it stands.
pub(crate) fn measured(key: String, knob: Knob, measured: Measured, span: Span) -> Setting {
    Setting {
        unit: measured.unit,
        written: measured.written,
        ..stated(key, knob, measured.value, Origin::Written(span))
    }
}

/// A value that needs no reading: a product's default, a switch, words.
pub(crate) fn stated(key: String, knob: Knob, value: Value, origin: Origin) -> Setting {
    Setting::new(key, knob, Sourced { value, origin })
}

/// Reads a text that stands at `span`.
///
/// # Errors
///
/// Why the value is none.
pub(crate) fn read_text(place: &Place<'_>, known: &Known, text: &str, span: Span) -> Result<Setting, Reason> {
    let mut measured = measure(text, &known.meaning, known.name_unit).map_err(|reason| {
        // `pool: blue` names a pool.
        let names = known.meaning.knob == Knob::PoolSize && known.class.is_some_and(|class| class.guessed);
        if reason == Reason::NotAnAmount && names { Reason::NotOurs } else { reason }
    })?;
    // `drain_graceful: true` switches something on and limits nothing.
    let is_time = matches!(known.meaning.knob, Knob::Timeout(_) | Knob::Grace | Knob::PreStop);
    if is_time && !known.documented && matches!(measured.value, Value::Flag(_)) {
        return Err(Reason::NotOurs);
    }
    let taken = known.row.zip(measured.written).and_then(|(row, written)| row.taken(written.number));
    let mut unheeded = None;
    if let Some(taken) = taken {
        measured.value = taken.holds.value();
        unheeded =
            taken.against.map(|why| Unheeded { at: span, text: text.trim().to_owned(), why: why.to_owned() });
    }
    let unit = if measured.unit == Unit::Product && known.declared { Unit::Declared } else { measured.unit };
    let mut assumptions = Vec::new();
    if !known.documented {
        let is_handler = known.meaning.knob == Knob::Timeout(Covers::Handler);
        let name = if is_handler { place.key() } else { place.name() };
        assumptions.extend(known.class.and_then(|class| class.guess(&name)));
        if measured.value == Value::Time(Limit::Never)
            && let Some(written) = measured.written
        {
            assumptions.push(format!("that {} means no limit at `{name}`", written.number));
        }
    }
    Ok(Setting {
        unit,
        written: measured.written,
        assumptions,
        unheeded,
        ..Setting::new(
            place.key(),
            known.meaning.knob,
            Sourced { value: measured.value, origin: Origin::Written(span) },
        )
    })
}

/// A key of our topics that is no setting.
pub(crate) fn ignored(place: &Place<'_>, span: Span, reason: Reason) -> Ignored {
    Ignored { key: place.key(), span, reason }
}

/// Where in a text the default of a single placeholder stands: `${X:-30s}` (shells, Compose),
/// `${X:30}` (Spring), `${X-30s}`.
pub(crate) fn placeholder_default(text: &str) -> Option<std::ops::Range<usize>> {
    let inner = text.trim_end().strip_prefix("${")?.strip_suffix('}')?;
    let name = inner.find(|c: char| !(c.is_ascii_alphanumeric() || "_.".contains(c)))?;
    let rest = &inner[name..];
    let mark = [":-", ":", "-"].into_iter().find(|mark| rest.starts_with(mark))?;
    let start = 2 + name + mark.len();
    let default = &text[start..2 + inner.len()];
    (!default.is_empty() && !default.contains(['$', '{'])).then(|| start..start + default.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_of_a_placeholder_is_found() {
        for (text, default) in [
            ("${TIMEOUT:-30s}", Some("30s")),
            ("${TIMEOUT:30}", Some("30")),
            ("${TIMEOUT-5}", Some("5")),
            ("${app.timeout:2000}", Some("2000")),
            ("${TIMEOUT}", None),
            ("${TIMEOUT:-}", None),
            ("${A:-${B:-1}}", None),
            ("${TIMEOUT:-30}s", None),
            ("30s", None),
        ] {
            assert_eq!(placeholder_default(text).map(|range| &text[range]), default, "{text}");
        }
    }

    #[test]
    fn list_items_stand_behind_their_list_without_a_dot() {
        let place = Place { file: "", parents: &["routes", "[1]", "retry"], leaf: "max", product: None };
        assert_eq!(place.key(), "routes[1].retry.max");
    }
}
