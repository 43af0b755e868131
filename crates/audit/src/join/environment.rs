//! Which environment a file belongs to, by its path: `overlays/production/...`,
//! `values-staging.yaml`, `.env.prod`; or by `[environments]` in `forewarn.toml`. A file of no
//! environment is shared by all.

use std::collections::BTreeSet;

use crate::Globs;

/// Words that name an environment wherever they stand, with the name we give it.
const STRONG: &[(&str, &str)] = &[
    ("dev", "development"),
    ("development", "development"),
    ("preprod", "preprod"),
    ("preproduction", "preprod"),
    ("prd", "production"),
    ("prod", "production"),
    ("production", "production"),
    ("qa", "qa"),
    ("sandbox", "sandbox"),
    ("stage", "staging"),
    ("staging", "staging"),
    ("stg", "staging"),
    ("uat", "uat"),
];

/// Words that name an environment only beside one that certainly is: `values-local.yaml` next to
/// `values-prod.yaml`. Alone they may be anything: a directory of tests, a demo.
const WEAK: &[(&str, &str)] = &[
    ("ci", "ci"),
    ("demo", "demo"),
    ("integration", "integration"),
    ("live", "live"),
    ("local", "local"),
    ("test", "test"),
    ("testing", "test"),
];

/// Words that name an environment with anything behind a `-` too, as the name of a directory:
/// `production-eu`. Others begin names of things: `dev-tools`.
const LEADING: &[&str] = &["preprod", "prd", "prod", "production", "staging", "stg", "uat"];

/// Names that mean what serves real users.
const PRODUCTION_LIKE: &[&str] = &["production", "live"];

/// Environments of files, by declared globs first and by path words else.
pub(crate) struct Environments {
    declared: Vec<(String, Globs)>,
    /// Path patterns (the word replaced by `*`) in which a strong word was seen.
    seen: BTreeSet<String>,
}

impl Environments {
    /// Learns from all places which patterns carry environments.
    pub(crate) fn new<'a>(declared: Vec<(String, Globs)>, places: impl Iterator<Item = &'a str>) -> Self {
        let mut seen = BTreeSet::new();
        for place in places {
            for word in words(place) {
                if lookup(STRONG, word.text).is_some() {
                    seen.insert(word.pattern(place));
                }
            }
        }
        Self { declared, seen }
    }

    /// The environment of a file; `None` where all share it.
    pub(crate) fn of(&self, place: &str) -> Option<String> {
        if let Some((name, _)) = self.declared.iter().find(|(_, globs)| globs.matches(place)) {
            return Some(name.clone());
        }
        words(place)
            .into_iter()
            .rev()
            .find_map(|word| {
                environment_of_directory(word.text)
                    .or_else(|| lookup(WEAK, word.text).filter(|_| self.seen.contains(&word.pattern(place))))
            })
            .map(str::to_owned)
    }

    /// The environments to build a fleet for, given those that files name: with no production among
    /// them, what they share runs by itself and is an environment too.
    pub(crate) fn to_build(mut names: BTreeSet<String>) -> BTreeSet<String> {
        if !names.iter().any(|name| PRODUCTION_LIKE.contains(&name.as_str())) {
            names.insert(super::SHARED.to_owned());
        }
        names
    }
}

/// A word of a path that may name an environment.
struct Word<'p> {
    text: &'p str,
    start: usize,
}

impl Word<'_> {
    /// The path up to the end of the segment that holds the word, with the word replaced.
    fn pattern(&self, place: &str) -> String {
        let end = self.start + self.text.len();
        let rest = &place[end..];
        let segment_end = rest.find('/').unwrap_or(rest.len());
        format!("{}*{}", &place[..self.start], &rest[..segment_end])
    }
}

/// Whole directory names, and the parts of a file's name between `-`, `_` and `.`.
fn words(place: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut start = 0;
    for segment in place.split('/') {
        let is_file = start + segment.len() == place.len();
        if is_file {
            let mut at = start;
            for part in segment.split(['-', '_', '.']) {
                words.push(Word { text: part, start: at });
                at += part.len() + 1;
            }
        } else {
            words.push(Word { text: segment, start });
        }
        start += segment.len() + 1;
    }
    words
}

/// The environment that a directory's name certainly means.
fn environment_of_directory(name: &str) -> Option<&'static str> {
    let leading = name.split_once('-').map(|(word, _)| word);
    let leading = leading.filter(|word| LEADING.iter().any(|known| known.eq_ignore_ascii_case(word)));
    lookup(STRONG, leading.unwrap_or(name))
}

/// Whether a word, or a directory's name, means an environment wherever it stands.
pub(crate) fn is_surely_environment(word: &str) -> bool {
    environment_of_directory(word).is_some()
}

/// The environment that a word names; one that may mean anything else counts only beside one that
/// certainly names an environment.
pub(crate) fn of_word(word: &str, is_beside_one: bool) -> Option<&'static str> {
    lookup(STRONG, word).or_else(|| lookup(WEAK, word).filter(|_| is_beside_one))
}

/// Whether a word names an environment.
pub(crate) fn is_environment(word: &str) -> bool {
    lookup(STRONG, word).or_else(|| lookup(WEAK, word)).is_some()
}

fn lookup(table: &[(&str, &'static str)], word: &str) -> Option<&'static str> {
    table.iter().find(|(text, _)| text.eq_ignore_ascii_case(word)).map(|&(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(places: &[&str], place: &str) -> Option<String> {
        Environments::new(Vec::new(), places.iter().copied()).of(place)
    }

    #[test]
    fn directories_and_parts_of_file_names_name_environments() {
        for (place, name) in [
            ("overlays/staging/auth.yaml", Some("staging")),
            ("deploy/values-prod.yaml", Some("production")),
            ("docker-compose.dev.yml", Some("development")),
            ("app/.env.production", Some("production")),
            ("reproduce/auth.yaml", None),
            ("production-eu/auth.yaml", Some("production")),
            ("deploy/prod-1az/auth.yaml", Some("production")),
            ("dev-tools/auth.yaml", None),
            ("products-prod/auth.yaml", None),
            ("auth/auth.toml", None),
        ] {
            assert_eq!(of(&[place], place).as_deref(), name, "{place}");
        }
    }

    #[test]
    fn a_weak_word_counts_only_beside_a_strong_one() {
        assert_eq!(of(&["values-local.yaml"], "values-local.yaml"), None);
        assert_eq!(
            of(&["values-local.yaml", "values-prod.yaml"], "values-local.yaml").as_deref(),
            Some("local")
        );
        assert_eq!(of(&["test/auth.yaml", "src/prod/a.yaml"], "test/auth.yaml"), None);
        assert_eq!(of(&["env/test/a.yaml", "env/prod/a.yaml"], "env/test/a.yaml").as_deref(), Some("test"));
    }
}
