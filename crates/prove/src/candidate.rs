//! The file that is put to the test, as a text in which values are looked up and set.

use std::path::Path;

use text::edit::{self, NotSet};
use text::{FileId, Source, Syntax, last_step};
use wire::tested::Change;

use crate::difference;
use crate::file::Candidate;
use crate::trial::{Kind, Trouble};
use crate::words::Words;

/// The syntaxes by the names that a test file gives them.
pub(crate) const SYNTAXES: &[(&str, Syntax)] = &[
    ("toml", Syntax::Toml),
    ("yaml", Syntax::Yaml),
    ("json", Syntax::Json),
    ("properties", Syntax::Properties),
    ("ini", Syntax::Ini),
    ("env", Syntax::Env),
    ("nginx", Syntax::Nginx),
    ("haproxy", Syntax::Haproxy),
];

impl Candidate {
    /// The value that a configuration has for a key; `None` where it has none, or keys are not known.
    #[must_use]
    pub fn get(&self, configuration: &str, key: &str) -> Option<String> {
        edit::get(self.syntax?, &self.source(configuration), key)
    }

    /// A configuration with the value of a key set.
    ///
    /// # Errors
    /// There is no such key, or it cannot be set.
    pub fn set(&self, configuration: &str, key: &str, value: &str) -> Result<String, Trouble> {
        let syntax = self.syntax.ok_or_else(|| {
            let what = "is in no syntax whose keys are known".to_owned();
            self.trouble(what, "name its `syntax` in [candidate], or write [candidate.replace]".to_owned())
        })?;
        edit::set(syntax, &self.source(configuration), key, value).map_err(|why| self.not_set(key, &why))
    }

    /// Where one configuration says something else than another, by the keys that the test file itself writes
    /// where it writes them; `asked` is one of those too. What the test writes over comes last. See
    /// [`difference::between`].
    #[must_use]
    pub fn changes(&self, asked: Option<&str>, current: &Source, candidate: &Source) -> Vec<Change> {
        let mut changes = difference::between(self.syntax, current, candidate);
        let Some(syntax) = self.syntax else { return changes };
        let places = |key: &str| [candidate, current].map(|source| edit::place(syntax, source, key));
        for key in self.set.iter().map(|edit| edit.key.as_str()).chain(asked) {
            let written = places(key);
            let same = |change: &&mut Change| written != [None, None] && places(&change.key) == written;
            changes.iter_mut().filter(same).for_each(|change| key.clone_into(&mut change.key));
        }
        changes.sort_by_key(|change| self.writes(&change.key));
        changes
    }

    /// What the copy that is made of it is called in the directory of a run.
    #[must_use]
    pub fn copy(&self) -> &str {
        self.file.rsplit('/').next().unwrap_or_default()
    }

    /// Whether a text of the test names that copy.
    pub(crate) fn is_named_in(&self, text: &str) -> bool {
        let copy = self.copy();
        let paths = text.split(|c: char| c.is_whitespace() || "='\"`:;,|&()<>".contains(c));
        let mut names = paths.filter_map(|path| path.strip_prefix("${work}/").or(Some(path)));
        text.contains("${candidate}") || names.any(|path| path.trim_start_matches("./") == copy)
    }

    /// A configuration as the service is given it.
    pub(crate) fn written(&self, configuration: &str, words: &Words) -> Result<String, Trouble> {
        self.with_edits(configuration, |place, text| {
            words.fill(text).map_err(|unknown| Trouble::of_unknown(place, unknown))
        })
    }

    /// Whether everything that the test writes over stands in a configuration.
    ///
    /// # Errors
    /// What does not.
    pub fn takes(&self, configuration: &str) -> Result<(), Trouble> {
        self.with_edits(configuration, |_, text| Ok(text.to_owned())).map(drop)
    }

    /// Whether the test itself writes what a key says.
    #[must_use]
    pub fn writes(&self, key: &str) -> bool {
        self.set.iter().any(|edit| edit.key == key)
    }

    fn with_edits(
        &self,
        configuration: &str,
        fill: impl Fn(&str, &str) -> Result<String, Trouble>,
    ) -> Result<String, Trouble> {
        let mut text = configuration.to_owned();
        for edit in &self.replace {
            if !text.contains(&edit.key) {
                let what = format!("does not say `{}`", edit.key);
                let help = "write in [candidate.replace] what stands there, letter for letter";
                return Err(self.trouble(what, help.to_owned()));
            }
            text = text.replace(&edit.key, &fill("[candidate.replace]", &edit.value)?);
        }
        for edit in &self.set {
            text = self.set(&text, &edit.key, &fill("[candidate.set]", &edit.value)?)?;
        }
        Ok(text)
    }

    fn source(&self, configuration: &str) -> Source {
        Source::new(FileId(0), self.file.as_str(), configuration)
    }

    fn not_set(&self, key: &str, why: &NotSet) -> Trouble {
        let (what, help) = match why {
            NotSet::NoKey(beside) if beside.is_empty() => {
                let help = "no key is there; a candidate is in the syntax of the file in force";
                (format!("has no key `{key}`"), help.to_owned())
            }
            NotSet::NoKey(beside) => {
                let known: Vec<&str> = beside.iter().map(String::as_str).collect();
                // They are whole keys, or what stands beside the last part of one.
                let whole = known.iter().any(|known| known.contains('.'));
                let asked = if whole { key } else { last_step(key) };
                (format!("has no key `{key}`"), model::did_you_mean(asked, "keys there", &known))
            }
            NotSet::Several(keys) => {
                let mut others: Vec<&str> = keys.iter().map(String::as_str).collect();
                others.dedup();
                let help = match others.as_slice() {
                    [_] => "no key tells them apart: write [candidate.replace]".to_owned(),
                    others => format!("name one: {}", others.join(", ")),
                };
                (format!("says `{key}` {} times", keys.len()), help)
            }
            NotSet::NotAScalar(_) if matches!(self.syntax, Some(Syntax::Nginx | Syntax::Haproxy)) => {
                let help = format!("name one by its place: `{key}.0` is the first");
                (format!("`{key}` has not one argument"), help)
            }
            NotSet::NotAScalar(_) => {
                (format!("`{key}` is a table or a list"), "name one of its values".to_owned())
            }
            NotSet::NotWritable(_) => {
                (format!("`{key}` cannot be set so that it is read back"), "use plain text".to_owned())
            }
        };
        self.trouble(what, help)
    }

    fn trouble(&self, what: String, help: String) -> Trouble {
        Trouble::new(Kind::File, self.file.as_str(), what, help)
    }
}

/// The syntax of a file whose name leaves no doubt.
pub(crate) fn by_name(file: &str) -> Option<Syntax> {
    let path = Path::new(file);
    let name = path.file_name()?.to_str()?;
    match path.extension().and_then(|extension| extension.to_str()) {
        _ if name == ".env" || name.ends_with(".env") => Some(Syntax::Env),
        _ if name == "nginx.conf" => Some(Syntax::Nginx),
        _ if name == "haproxy.cfg" => Some(Syntax::Haproxy),
        Some("toml") => Some(Syntax::Toml),
        Some("yaml" | "yml") => Some(Syntax::Yaml),
        Some("json") => Some(Syntax::Json),
        Some("properties") => Some(Syntax::Properties),
        Some("ini") => Some(Syntax::Ini),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_given_the_copy_and_not_the_file_in_force() {
        let candidate =
            Candidate { file: "conf/a.toml".to_owned(), syntax: None, replace: Vec::new(), set: Vec::new() };
        for text in
            ["${candidate}", "--config=${candidate}", "${work}/a.toml", "serve < ./a.toml", "CONFIG=a.toml"]
        {
            assert!(candidate.is_named_in(text), "{text}");
        }
        for text in ["${base}/conf/a.toml", "data.toml", "${work}/a.toml.bak", "${work}", ""] {
            assert!(!candidate.is_named_in(text), "{text}");
        }
    }
}
