//! Reads the text of a configuration into a role's type. Says of everything that is wrong at once where
//! it is, what it is and what to do; the values of keys that may hold a secret are not repeated.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::check;
use super::directory::DirectoryConfig;
use super::environment::{Environment, variable};
use super::front::FrontConfig;
use super::mistake::{Mistake, Mistakes, Place};
use super::shape::{Cause, Notes, Reading, Unknown, Unread};
use super::tree::{self, Entry, Node, Parsed};

/// What is said of a key that must be written.
const MISSING: &str = "this key is needed and missing";

/// The configuration of a role.
pub trait Config: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// The role, as the command line names it.
    const ROLE: &'static str;

    /// Keys that are looked at only at the start, or tables of such keys.
    const AT_START: &'static [&'static str];

    /// What is wrong between its keys; the places are filled in by the reader.
    fn check(&self) -> Vec<Mistake>;

    /// What its keys come to, a sum a line.
    fn sums(&self) -> Vec<String>;
}

impl Config for FrontConfig {
    const ROLE: &'static str = "front";
    const AT_START: &'static [&'static str] = &[
        "server.listen",
        "passwords.memory_kib",
        "passwords.iterations",
        "passwords.lanes",
        "passwords.hash_threads",
        "passwords.hash_queue",
        "passwords.breached",
        "directory.url",
        "directory.ca",
        "directory.secret_file",
    ];

    fn check(&self) -> Vec<Mistake> {
        check::front(self)
    }

    fn sums(&self) -> Vec<String> {
        check::front_sums(self)
    }
}

impl Config for DirectoryConfig {
    const ROLE: &'static str = "directory";
    const AT_START: &'static [&'static str] = &["server.listen", "fronts", "database"];

    fn check(&self) -> Vec<Mistake> {
        check::directory(self)
    }

    fn sums(&self) -> Vec<String> {
        check::directory_sums(self)
    }
}

/// A configuration that may be used, and what is to be said of it nevertheless.
#[derive(Debug, Clone)]
pub struct Judged<T> {
    /// The configuration.
    pub config: T,
    /// Warnings.
    pub warnings: Mistakes,
}

/// Reads and checks a configuration; `path` is only what mistakes call it.
///
/// # Errors
/// Everything that is wrong, where anything of it is an error.
pub fn read<T: Config>(path: &str, text: &str, environment: &Environment) -> Result<T, Mistakes> {
    judge(path, text, environment).map(|judged| judged.config)
}

/// The same with its warnings.
///
/// # Errors
/// Everything that is wrong, where anything of it is an error.
pub fn judge<T: Config>(path: &str, text: &str, environment: &Environment) -> Result<Judged<T>, Mistakes> {
    let Parsed { root, malformed, empty } = tree::parse(text, environment);
    let alone = malformed.iter().all(|malformed| malformed.alone);
    let malformed: Vec<Mistake> = malformed.into_iter().map(|malformed| malformed.mistake).collect();
    if !alone {
        return Err(Mistakes::of(path, malformed));
    }
    let (config, mut mistakes) = shape::<T>(&root);
    if !malformed.is_empty() {
        // What is missing may be what a line failed to say.
        let spoilt: Vec<_> = malformed.iter().filter_map(|mistake| line(&mistake.place)).collect();
        let sure = |mistake: &Mistake| line(&mistake.place).is_none_or(|line| !spoilt.contains(&line));
        mistakes.retain(|mistake| mistake.what != MISSING && sure(mistake));
    }
    let config = config.filter(|_| malformed.is_empty() && empty.is_empty());
    mistakes.extend(malformed);
    mistakes.extend(empty);
    if let Some(config) = &config {
        mistakes.extend(config.check().into_iter().map(|mistake| placed(mistake, &root)));
    }
    let mistakes = Mistakes::of(path, mistakes);
    match config {
        Some(config) if !mistakes.refuse() => Ok(Judged { config, warnings: mistakes }),
        _ => Err(mistakes),
    }
}

fn line(place: &Place) -> Option<usize> {
    match place {
        Place::Line { line, .. } => Some(*line),
        Place::File | Place::Variable(_) => None,
    }
}

/// Reads as often as there are values that cannot be read, leaving out one more each time; so that one
/// wrong value does not hide the next.
fn shape<T: DeserializeOwned>(root: &Entry) -> (Option<T>, Vec<Mistake>) {
    let mut notes = Notes::default();
    let mut mistakes = Vec::new();
    let config = loop {
        let unread = match T::deserialize(Reading { entry: root, path: String::new(), notes: &notes }) {
            Ok(config) => break mistakes.is_empty().then_some(config),
            Err(unread) => unread,
        };
        let path = unread.path.clone().unwrap_or_default();
        mistakes.extend(mistake(root, &notes, unread));
        if path.is_empty() || !notes.left_out.insert(path) {
            break None;
        }
    };
    let unknown = notes.unknown.take();
    mistakes.extend(unknown.into_iter().flat_map(|(path, unknown)| strangers(root, &path, &unknown)));
    let fine = mistakes.is_empty();
    (config.filter(|_| fine), mistakes)
}

/// What to say of a value that was not read; nothing where it only lacks a key that was left out.
fn mistake(root: &Entry, notes: &Notes, unread: Unread) -> Option<Mistake> {
    let path = unread.path.unwrap_or_default();
    let found = find(root, &path);
    match unread.cause {
        Cause::Missing(key) => {
            let whole = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            let place = found.map_or(Place::File, |entry| entry.key.clone());
            let help = match path.as_str() {
                "" => format!("write a table [{key}]"),
                _ => format!("write it, or set {}", variable(&whole)),
            };
            (!notes.left_out.contains(&whole)).then(|| Mistake::error(place, whole, MISSING.to_owned(), help))
        }
        Cause::Other(what) => {
            let place = found.map_or(Place::File, |entry| entry.value.clone());
            Some(Mistake::error(place, path, what, String::new()))
        }
    }
}

/// What to say of an unknown key. Where variables made it, each of them is named.
fn strangers(root: &Entry, path: &str, unknown: &Unknown) -> Vec<Mistake> {
    let Some(entry) = find(root, path) else { return Vec::new() };
    let meant = nearest(&unknown.key, unknown.known.iter().copied());
    let parent = path.strip_suffix(unknown.key.as_str()).unwrap_or("");
    let Place::Variable(_) = entry.key else {
        let what = "there is no such key".to_owned();
        let help = match meant {
            Some(meant) => format!("did you mean `{parent}{meant}`?"),
            None => format!("known here: {}", unknown.known.join(", ")),
        };
        return vec![Mistake::error(entry.key.clone(), path, what, help)];
    };
    let mut below = Vec::new();
    variables(entry, path, &mut below);
    let say = |(whole, name): (String, &str)| {
        let rest = whole.strip_prefix(path).unwrap_or("");
        let help = match meant {
            Some(meant) => format!("did you mean {}?", variable(&format!("{parent}{meant}{rest}"))),
            None => {
                let known: Vec<_> =
                    unknown.known.iter().map(|key| variable(&format!("{parent}{key}"))).collect();
                format!("known names begin with {}", known.join(", "))
            }
        };
        Mistake::error(Place::Variable(name.to_owned()), whole, "there is no such key".to_owned(), help)
    };
    below.into_iter().map(say).collect()
}

/// The variables below an entry, each with its path.
fn variables<'a>(entry: &'a Entry, path: &str, found: &mut Vec<(String, &'a str)>) {
    match (&entry.node, &entry.key) {
        (Node::Table(keys), _) => {
            keys.iter().for_each(|(key, entry)| variables(entry, &format!("{path}.{key}"), found));
        }
        (_, Place::Variable(name)) => found.push((path.to_owned(), name)),
        _ => {}
    }
}

/// The entry of a key.
fn find<'a>(root: &'a Entry, path: &str) -> Option<&'a Entry> {
    path.split('.').filter(|key| !key.is_empty()).try_fold(root, |entry, key| match &entry.node {
        Node::Table(keys) => keys.get(key),
        _ => None,
    })
}

/// A check's mistake with its places.
fn placed(mut mistake: Mistake, root: &Entry) -> Mistake {
    let place = |key: &str| find(root, key).map_or(Place::File, |entry| entry.value.clone());
    mistake.place = place(&mistake.key);
    for term in &mut mistake.terms {
        term.place = place(term.key);
    }
    mistake
}

/// The name that was probably meant, by the measure and the threshold of `clap`.
fn nearest<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (strsim::jaro(written, name), name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// Whose configuration a text is: the role whose type knows more of its tables.
#[must_use]
pub fn role(text: &str) -> Option<&'static str> {
    let Parsed { root, .. } = tree::parse(text, &Environment::default());
    match strange_tables::<FrontConfig>(&root).cmp(&strange_tables::<DirectoryConfig>(&root)) {
        Ordering::Less => Some(FrontConfig::ROLE),
        Ordering::Greater => Some(DirectoryConfig::ROLE),
        Ordering::Equal => None,
    }
}

fn strange_tables<T: DeserializeOwned>(root: &Entry) -> usize {
    let notes = Notes::default();
    // Unknown keys of the top are noted before anything is read.
    let _ = T::deserialize(Reading { entry: root, path: String::new(), notes: &notes });
    notes.unknown.take().keys().filter(|path| !path.contains('.')).count()
}

/// Every key that has a value, and the value, as text, secrets and all.
pub(super) fn values<T: Config>(config: &T) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    let tree = serde_json::to_value(config).unwrap_or_default();
    flatten("", &tree, &mut values);
    values
}

fn flatten(path: &str, value: &serde_json::Value, into: &mut BTreeMap<String, String>) {
    match value {
        serde_json::Value::Object(keys) => {
            for (key, value) in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&path, value, into);
            }
        }
        serde_json::Value::Null => {}
        serde_json::Value::String(text) => {
            into.insert(path.to_owned(), text.clone());
        }
        other => {
            into.insert(path.to_owned(), other.to_string());
        }
    }
}

/// A URL without its password and without its parameters, which may hold one too; other text as it is.
#[must_use]
pub fn without_secrets(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (rest, parameters) = match rest.split_once('?') {
        Some((rest, _)) => (rest, "?***"),
        None => (rest, ""),
    };
    let end = rest.find('/').unwrap_or(rest.len());
    // A password may have a slash that nobody escaped: what stands before the last @ is of the user.
    let rest = match rest.rfind('@').or_else(|| rest[..end].rfind('@')) {
        Some(at) => match rest[..at].split_once(':') {
            Some((user, _)) => format!("{user}:***{}", &rest[at..]),
            None => rest.to_owned(),
        },
        None => rest.to_owned(),
    };
    format!("{scheme}://{rest}{parameters}")
}
