//! Protobuf messages written as JSON or YAML: fields under either of their names, lists, lengths of
//! time and counts, by the JSON mapping of protobuf.dev. Must not know any message.

use std::borrow::Cow;
use std::time::Duration;

use model::{Knob, Limit, Origin, Setting, Value};
use text::{Entry, Node, NodeKind, Scalar, Span};

use crate::embedded::place;
use crate::setting::{self, placeholder_default};
use crate::{Ignored, Meaning, Measured, Reason, Zero, measure};

/// A value that a product has built in.
#[derive(Clone, Copy)]
pub(crate) enum Constant {
    Length(Duration),
    /// No limit.
    Never,
    Count(u64),
    Number(f64),
    On,
}

/// What holds where a field is absent.
#[derive(Clone, Copy)]
pub(crate) struct Default {
    pub(crate) value: Constant,
    /// Whose default of what.
    pub(crate) of: &'static str,
    /// The versions it holds for, and the document.
    pub(crate) version: &'static str,
}

impl Default {
    /// The setting near the place where its field is absent.
    pub(crate) fn setting(&self, key: String, knob: Knob, near: Span) -> Setting {
        let origin = Origin::Default { near, of: self.of, version: self.version };
        let value = match self.value {
            Constant::Length(length) => Value::Time(Limit::After(length)),
            Constant::Never => Value::Time(Limit::Never),
            Constant::Count(count) => Value::Count(count),
            Constant::Number(number) => Value::Number(number),
            Constant::On => Value::Flag(true),
        };
        setting::stated(key, knob, value, origin)
    }
}

/// A field that is a setting.
#[derive(Clone, Copy)]
pub(crate) struct Field {
    /// Its name as the message declares it, in snake case.
    pub(crate) name: &'static str,
    pub(crate) knob: Knob,
    pub(crate) zero: Zero,
    pub(crate) default: Option<Default>,
}

/// The entry of a field, under its own name or that of the JSON mapping (`connect_timeout`,
/// `connectTimeout`). A null is no value.
pub(crate) fn entry<'t>(message: Node<'t>, field: &str) -> Option<Entry<'t>> {
    let found = message.entry(field).or_else(|| match camel(field) {
        Cow::Owned(name) => message.entry(&name),
        Cow::Borrowed(_) => None,
    })?;
    (!is_null(found.value)).then_some(found)
}

/// The value of a field.
pub(crate) fn get<'t>(message: Node<'t>, field: &str) -> Option<Node<'t>> {
    entry(message, field).map(|entry| entry.value)
}

/// The value at the end of a path of fields.
pub(crate) fn at<'t>(message: Node<'t>, path: &[&str]) -> Option<Node<'t>> {
    path.iter().try_fold(message, |message, field| get(message, field))
}

/// The text of a field.
pub(crate) fn text<'t>(message: Node<'t>, field: &str) -> Option<&'t str> {
    get(message, field)?.text().filter(|text| !text.is_empty())
}

/// The items of a repeated field. One message in place of the list is taken for a list of one, as
/// protobuf's own readers do.
pub(crate) fn repeated<'t>(message: Node<'t>, field: &str) -> impl Iterator<Item = Node<'t>> + use<'t> {
    let value = get(message, field);
    let single = value.filter(|value| value.kind() == NodeKind::Map);
    value.into_iter().flat_map(Node::items).chain(single)
}

/// `snake_case` as `snakeCase`.
fn camel(field: &str) -> Cow<'_, str> {
    if !field.contains('_') {
        return Cow::Borrowed(field);
    }
    let mut name = String::with_capacity(field.len());
    let mut upper = false;
    for letter in field.chars() {
        match letter {
            '_' => upper = true,
            letter if upper => {
                name.push(letter.to_ascii_uppercase());
                upper = false;
            }
            letter => name.push(letter),
        }
    }
    Cow::Owned(name)
}

fn is_null(node: Node<'_>) -> bool {
    node.scalar().is_some_and(|scalar| {
        scalar.style() == text::Style::Plain && matches!(scalar.text(), "" | "~" | "null" | "Null" | "NULL")
    })
}

/// Reads the value of a field that is a length of time or a number.
///
/// # Errors
///
/// The key and why its value is none.
pub(crate) fn setting(key: String, knob: Knob, zero: Zero, value: Node<'_>) -> Result<Setting, Ignored> {
    let at = place(value);
    let meaning = Meaning { knob, bare: None, zero, elsewhere: None };
    let read = value.scalar().ok_or(Reason::NotAnAmount).and_then(|scalar| amount(scalar, &meaning));
    match read {
        Ok((measured, within)) => {
            let span = if value.via().is_some() { at } else { within };
            Ok(setting::measured(key, knob, measured, span))
        }
        Err(reason) => Err(Ignored { key, span: at, reason }),
    }
}

/// What a scalar says, and which part of it.
fn amount(scalar: Scalar<'_>, meaning: &Meaning) -> Result<(Measured, Span), Reason> {
    let (text, span) = match placeholder_default(scalar.text()) {
        Some(range) => (&scalar.text()[range.clone()], scalar.part(range)),
        None => (scalar.text(), scalar.span()),
    };
    let measured = measure(text, meaning, None)?;
    let is_length = matches!(measured.value, Value::Time(_) | Value::UnitUnknown(_));
    if is_length && !is_duration(text) {
        return Err(Reason::NotAnAmount);
    }
    Ok((measured, span))
}

/// Whether a text is a `google.protobuf.Duration`: seconds with a fraction, and `s`.
pub(crate) fn is_duration(text: &str) -> bool {
    let digits = text.trim().strip_suffix('s').unwrap_or("");
    let digits = digits.strip_prefix('-').unwrap_or(digits);
    digits.bytes().any(|b| b.is_ascii_digit()) && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_two_names() {
        assert_eq!(camel("connect_timeout"), "connectTimeout");
        assert_eq!(camel("timeout"), "timeout");
        assert_eq!(camel("http2_protocol_options"), "http2ProtocolOptions");
    }

    #[test]
    fn a_duration_is_seconds_with_their_letter() {
        for (text, is) in [
            ("0.25s", true),
            ("5s", true),
            ("0s", true),
            (".1s", true),
            ("-1s", true),
            ("250ms", false),
            ("5", false),
            ("1m", false),
            ("s", false),
            ("1h30s", false),
        ] {
            assert_eq!(is_duration(text), is, "{text}");
        }
    }
}
