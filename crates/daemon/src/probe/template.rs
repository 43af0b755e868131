//! Texts with `${name}` in them: a name in capitals is a variable of the environment, any other is what
//! an earlier step kept.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::step::Names;

/// A text with names to be replaced.
#[derive(Debug)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(String),
    Kept(String),
}

/// What stands for the names.
pub(super) struct Values<'a> {
    pub(super) kept: BTreeMap<String, String>,
    pub(super) environment: &'a BTreeMap<String, String>,
}

impl Names for Values<'_> {
    fn fill(&self, text: &str, escape: Escape) -> Result<String, String> {
        Template::new(text)?.fill(self, escape)
    }

    fn is_answered(&self, text: &str) -> bool {
        Template::new(text).is_ok_and(|text| text.keeps())
    }

    fn keep(&mut self, name: &str, value: String) {
        self.kept.insert(name.to_owned(), value);
    }
}

/// How a value is written, so that it means itself where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// As it is.
    No,
    /// In a string of JSON.
    Json,
    /// In a form.
    Form,
    /// In a URL. A variable of the environment is taken as it is: it may hold the host.
    Url,
}

impl Escape {
    /// By the kind of body that the headers state, else by how it begins.
    pub(super) fn of_body(kind: Option<&str>, body: &str) -> Self {
        let kind = kind.unwrap_or_default().to_ascii_lowercase();
        if kind.contains("json") || kind.is_empty() && body.trim_start().starts_with(['{', '[']) {
            Self::Json
        } else if kind.starts_with("application/x-www-form-urlencoded") {
            Self::Form
        } else {
            Self::No
        }
    }

    /// Writes a value, of the environment or of an answer, behind what is there.
    pub fn write(self, value: &str, of_environment: bool, to: &mut String) {
        match self {
            Self::No => to.push_str(value),
            Self::Url if of_environment => to.push_str(value),
            Self::Url | Self::Form => {
                for byte in value.bytes() {
                    // RFC 3986, section 2.3: unreserved.
                    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                        to.push(char::from(byte));
                    } else {
                        // A text takes whatever is written.
                        let _ = write!(to, "%{byte:02X}");
                    }
                }
            }
            Self::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                to.push_str(quoted.get(1..quoted.len() - 1).unwrap_or_default());
            }
        }
    }
}

impl Template {
    /// # Errors
    ///
    /// Says what is wrong with its form.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${") {
            let (name, behind) = behind.split_once('}').ok_or("`${` without `}`")?;
            parts.push(Part::Text(before.to_owned()));
            let capital = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
            let part = if name.bytes().all(capital) { Part::Variable } else { Part::Kept };
            parts.push(part(name.to_owned()));
            rest = behind;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    /// The variables of the environment that it names.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Variable(name) => Some(name.as_str()),
            Part::Text(_) | Part::Kept(_) => None,
        })
    }

    /// Whether something of an answer stands in it.
    fn keeps(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Kept(_)))
    }

    /// Whether, as a URL, it has its scheme and host before anything of an answer.
    pub(super) fn has_its_host(&self) -> bool {
        let mut before = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => before.push_str(text),
                // A variable can hold scheme and host, or a part of them; a path has to follow.
                Part::Variable(_) => before.push_str(if before.is_empty() { "x://x" } else { "x" }),
                Part::Kept(_) => break,
            }
        }
        let host = before.split_once("://").map(|(_, host)| host);
        !self.keeps() || host.is_some_and(|host| host.contains(['/', '?']))
    }

    /// The text with the values in it.
    ///
    /// # Errors
    ///
    /// Says which name has no value.
    fn fill(&self, values: &Values<'_>, escape: Escape) -> Result<String, String> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Variable(name) => {
                    let value = values.environment.get(name);
                    let value = value.ok_or_else(|| format!("the environment variable {name} is not set"))?;
                    escape.write(value, true, &mut text);
                }
                Part::Kept(name) => {
                    let value = values.kept.get(name);
                    let value = value.ok_or_else(|| format!("no step before keeps `{name}`"))?;
                    escape.write(value, false, &mut text);
                }
            }
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fill(text: &str, escape: Escape) -> Result<String, String> {
        let kept = BTreeMap::from([("token".to_owned(), "a \"b\"&c/é".to_owned())]);
        let environment = BTreeMap::from([("BASE_1".to_owned(), "http://auth:80".to_owned())]);
        Values { kept, environment: &environment }.fill(text, escape)
    }

    #[test]
    fn names_are_replaced_so_that_values_mean_themselves() {
        assert_eq!(
            fill("${BASE_1}/u?t=${token}", Escape::Url).unwrap(),
            "http://auth:80/u?t=a%20%22b%22%26c%2F%C3%A9"
        );
        assert_eq!(fill("{\"t\": \"${token}\"}", Escape::Json).unwrap(), "{\"t\": \"a \\\"b\\\"&c/é\"}");
        assert_eq!(fill("t=${token}", Escape::Form).unwrap(), "t=a%20%22b%22%26c%2F%C3%A9");
        assert_eq!(fill("Bearer ${token} $5 {}", Escape::No).unwrap(), "Bearer a \"b\"&c/é $5 {}");
    }

    #[test]
    fn a_name_without_a_value_is_named() {
        assert_eq!(fill("${NONE}", Escape::No).unwrap_err(), "the environment variable NONE is not set");
        assert_eq!(fill("${none}", Escape::No).unwrap_err(), "no step before keeps `none`");
        assert_eq!(fill("${none", Escape::No).unwrap_err(), "`${` without `}`");
    }

    #[test]
    fn an_answer_cannot_choose_the_host() {
        let has = |text: &str| Template::new(text).unwrap().has_its_host();
        assert!(
            has("http://auth/u/${id}")
                && has("${BASE}/u/${id}")
                && has("http://${HOST}/${id}")
                && has("${BASE}")
        );
        assert!(
            !has("${next}")
                && !has("http://${host}/")
                && !has("http://auth.${domain}/")
                && !has("${BASE}${id}")
        );
    }

    #[test]
    fn a_body_is_escaped_by_its_kind() {
        let of = |kind: Option<&str>, body| Escape::of_body(kind, body);
        assert_eq!(of(Some("application/JSON; charset=utf-8"), ""), Escape::Json);
        assert_eq!(of(Some("application/x-www-form-urlencoded"), ""), Escape::Form);
        assert_eq!(
            (of(None, " {}"), of(None, "a=b"), of(Some("text/plain"), "{}")),
            (Escape::Json, Escape::No, Escape::No)
        );
    }

    proptest! {
        #[test]
        fn a_value_in_json_is_read_back(value: String) {
            let mut text = "\"".to_owned();
            Escape::Json.write(&value, false, &mut text);
            text.push('"');
            prop_assert_eq!(serde_json::from_str::<String>(&text).unwrap(), value);
        }
    }
}
