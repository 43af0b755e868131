//! What `${NAME}` stands for in a run. A name that stands for nothing is a mistake, never an empty text.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Names and what they stand for.
#[derive(Debug, Clone, Default)]
pub struct Words {
    known: BTreeMap<String, String>,
    /// Those that a step kept of an answer.
    kept: BTreeSet<String>,
    secret: Vec<String>,
    redact: Option<Redact>,
}

/// Hides what looks like a secret.
type Redact = fn(&str) -> Cow<'_, str>;

/// A name that stands for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The name.
    pub name: String,
    /// What to do.
    pub help: String,
}

/// The variables of the environment that a text names: `${IN_CAPITALS}`.
pub fn variables(text: &str) -> impl Iterator<Item = &str> {
    names(text).filter(|name| is_variable(name))
}

/// All names that a text wants replaced; `$${` stands for `${` itself.
pub(crate) fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split("${")
        .zip(text.split("${").skip(1))
        .filter(|(before, _)| !before.ends_with('$'))
        .filter_map(|(_, from)| from.split_once('}'))
        .map(|(name, _)| name)
}

/// Whether a name is one of a variable of the environment: it stands in capitals.
pub(crate) fn is_variable(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_uppercase() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

impl Words {
    /// Lets a name stand for a text.
    pub fn set(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.known.insert(name.into(), text.into());
    }

    /// The same, for a text that is never shown.
    pub fn set_secret(&mut self, name: impl Into<String>, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.secret.push(text.clone());
        }
        self.set(name, text);
    }

    /// Lets a name stand for what a step kept of an answer. A token lets one in: it is never shown.
    pub(crate) fn keep(&mut self, name: &str, text: String) {
        self.kept.insert(name.to_owned());
        self.set_secret(name, text);
    }

    /// Whether a name stands for what a step kept.
    pub(crate) fn is_kept(&self, name: &str) -> bool {
        self.kept.contains(name)
    }

    /// Besides the texts that are known to be secret, hides what looks like one wherever a text is covered.
    pub fn redact(&mut self, redact: Redact) {
        self.redact = Some(redact);
    }

    /// A text with its names replaced; `$${` stands for `${` itself.
    ///
    /// # Errors
    /// A name stands for nothing.
    pub fn fill(&self, text: &str) -> Result<String, Unknown> {
        self.fill_with(text, |_, value, filled| filled.push_str(value))
    }

    /// The same; `write` puts the value of a name behind what is there.
    ///
    /// # Errors
    /// A name stands for nothing.
    pub(crate) fn fill_with(
        &self,
        text: &str,
        write: impl Fn(&str, &str, &mut String),
    ) -> Result<String, Unknown> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            if let Some(before) = before.strip_suffix('$') {
                filled.push_str(before);
                filled.push_str("${");
                rest = &from[2..];
                continue;
            }
            filled.push_str(before);
            let Some(end) = from.find('}') else {
                filled.push_str(from);
                return Ok(filled);
            };
            let name = &from[2..end];
            write(name, self.known.get(name).ok_or_else(|| self.unknown(name))?, &mut filled);
            rest = &from[end + 1..];
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// A text in which every secret is covered.
    pub fn cover(&self, text: &str) -> String {
        let text = self.redact.map_or(Cow::Borrowed(text), |redact| redact(text));
        self.secret.iter().fold(text.into_owned(), |text, secret| text.replace(secret.as_str(), "(secret)"))
    }

    fn unknown(&self, name: &str) -> Unknown {
        if is_variable(name) {
            let help = format!("it is no variable of the environment here: export {name}");
            return Unknown { name: name.to_owned(), help };
        }
        let names: Vec<&str> = self.known.keys().map(String::as_str).collect();
        Unknown { name: name.to_owned(), help: model::did_you_mean(name, "known here", &names) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words {
        let mut words = Words::default();
        words.set("port.front", "20001");
        words.set_secret("env.PASSWORD", "hunter2");
        words
    }

    #[test]
    fn names_are_replaced_and_unknown_ones_refused() {
        let words = words();
        assert_eq!(words.fill("http://h:${port.front}/${port.front}").unwrap(), "http://h:20001/20001");
        assert_eq!(words.fill("$${port.front} $5 ${open").unwrap(), "${port.front} $5 ${open");
        let unknown = words.fill("${port.fornt}").unwrap_err();
        assert_eq!(unknown.name, "port.fornt");
        assert!(unknown.help.starts_with("did you mean `port.front`?"), "{}", unknown.help);
    }

    #[test]
    fn only_names_in_capitals_are_variables_of_the_environment() {
        let text = "a = \"${PASSWORD}@${port.front}\" # ${user} ${A1_B}${Mixed}${}";
        assert_eq!(variables(text).collect::<Vec<_>>(), ["PASSWORD", "A1_B"]);
    }

    #[test]
    fn secrets_are_covered() {
        assert_eq!(words().cover("password hunter2 refused"), "password (secret) refused");
    }
}
