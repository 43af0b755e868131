//! Variables of a service's environment that set keys of its layered configuration: such a variable goes
//! before every file, and binds by its letters alone (`SPRING_MAIL_HOST` is `spring.mail.host`; Spring Boot
//! reference, Externalized Configuration). Finds them; which value then holds is `precedence`'s affair.

use std::collections::BTreeMap;

use model::{Knob, Setting};

use super::Part;
use super::precedence::Source;

/// The variables that set keys of layers, by the letters of those keys.
pub(super) struct Bound<'a>(BTreeMap<String, Option<&'a Setting>>);

impl<'a> Bound<'a> {
    pub(super) fn of(parts: &[Part<'a>], sources: &[Source]) -> Self {
        let layered = sources.iter().filter(|source| source.layered);
        let keys: BTreeMap<String, Knob> = layered
            .flat_map(|source| &source.get(parts).settings)
            .filter(|setting| !setting.key.contains(['[', '?']))
            .map(|setting| (letters(&setting.key), setting.knob))
            .collect();
        let mut bound: BTreeMap<String, Option<&Setting>> = BTreeMap::new();
        if keys.is_empty() {
            return Self(bound);
        }
        // Variables with an address of their own are a client by themselves.
        let others = sources.iter().map(|source| (source, source.get(parts)));
        for (_, group) in others.filter(|(source, group)| !source.layered && group.targets.is_empty()) {
            for setting in group.settings.iter().filter(|setting| !setting.value.origin.is_default()) {
                let Some(name) = variable(&setting.key).map(letters) else { continue };
                if keys.get(&name) != Some(&setting.knob) {
                    continue;
                }
                // Two containers of a pod may each have it; which of them reads the layers is not known.
                let is_same = |known: &&Setting| known.key == setting.key;
                let held = bound.get(&name).is_none_or(|known| known.as_ref().is_some_and(is_same));
                bound.insert(name, held.then_some(setting));
            }
        }
        Self(bound)
    }

    /// The variable that sets a key of a layer.
    pub(super) fn over(&self, setting: &Setting) -> Option<&'a Setting> {
        if self.0.is_empty() {
            return None;
        }
        let bound = self.0.get(&letters(&setting.key)).copied().flatten();
        bound.filter(|bound| bound.knob == setting.knob)
    }

    /// Whether a variable is one of them.
    pub(super) fn holds(&self, setting: &Setting) -> bool {
        self.0.values().flatten().any(|bound| bound.key == setting.key)
    }
}

/// The name of a variable at the end of a key: capitals, digits and `_`.
fn variable(key: &str) -> Option<&str> {
    let name = key.rsplit('.').next()?;
    let is_of_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    (name.contains('_') && name.chars().all(is_of_name)).then_some(name)
}

/// What is compared of a name.
fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}
