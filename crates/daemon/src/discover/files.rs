//! Files of target groups in JSON, as Prometheus' file discovery takes them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::{Target, Trouble};
use crate::access::Reread;

/// The largest file, in bytes: a thousand targets with twenty labels each have about 1 MiB.
const LARGEST_FILE: u64 = 16 * 1024 * 1024;

/// Files whose names match a pattern.
pub(super) struct Files {
    directory: PathBuf,
    /// The last part of the path; `*` and `?` stand for what they stand for in a shell.
    pattern: String,
    shown: String,
    scheme: String,
    path: String,
    known: Mutex<BTreeMap<PathBuf, Listed>>,
}

/// A file, and the targets it last gave.
struct Listed {
    file: Reread<Vec<Target>>,
    last: Arc<Vec<Target>>,
}

impl Files {
    pub(super) fn new(base: &Path, glob: &str, scheme: &str, path: &str) -> Self {
        let whole = base.join(glob);
        let pattern = whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self {
            directory: whole.parent().unwrap_or(base).to_path_buf(),
            pattern,
            shown: glob.to_owned(),
            scheme: scheme.to_owned(),
            path: path.to_owned(),
            known: Mutex::default(),
        }
    }

    /// The targets of all files; on a thread of its own, since a disk may take its time.
    pub(super) async fn look(files: &Arc<Self>) -> (Vec<Target>, Vec<Trouble>) {
        let files = Arc::clone(files);
        // It is only given up when the runtime ends.
        tokio::task::spawn_blocking(move || files.read()).await.unwrap_or_default()
    }

    fn read(&self) -> (Vec<Target>, Vec<Trouble>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut troubles = Vec::new();
        let found = self.matching();
        // A file that is gone takes its targets with it, unless all are gone: then something is wrong.
        let why = match &found {
            Ok(found) if found.is_empty() => Some("no file matches".to_owned()),
            Ok(found) => {
                known.retain(|path, _| found.contains(path));
                None
            }
            Err(why) => Some(why.clone()),
        };
        troubles.push(Trouble { thing: self.shown.clone(), why });
        for path in found.unwrap_or_default() {
            let thing = path.display().to_string();
            let listed = known.entry(path).or_insert_with_key(|path| Listed {
                file: Reread::new(path.clone(), LARGEST_FILE),
                last: Arc::default(),
            });
            let why = match listed.file.get(|bytes| self.targets(&bytes)) {
                Ok(targets) => {
                    listed.last = targets;
                    None
                }
                Err(why) => Some(why.strip_prefix(&format!("{thing}: ")).unwrap_or(&why).to_owned()),
            };
            troubles.push(Trouble { thing, why });
        }
        let targets = known.values().flat_map(|listed| listed.last.iter().cloned()).collect();
        (targets, troubles)
    }

    /// The files that match, in order.
    fn matching(&self) -> Result<Vec<PathBuf>, String> {
        let entries = fs::read_dir(&self.directory).map_err(|error| error.to_string())?;
        let mut found: Vec<PathBuf> = entries
            .filter_map(Result::ok)
            .filter(|entry| matches(self.pattern.as_bytes(), entry.file_name().to_string_lossy().as_bytes()))
            .map(|entry| entry.path())
            .collect();
        found.sort();
        Ok(found)
    }

    fn targets(&self, bytes: &[u8]) -> Result<Vec<Target>, String> {
        let groups: Value = serde_json::from_slice(bytes).map_err(|error| format!("is no JSON: {error}"))?;
        let groups = groups.as_array().ok_or("is no list of target groups")?;
        let mut all = Vec::new();
        for (number, group) in groups.iter().enumerate() {
            let group_says = |why: &str| format!("group {}: {why}", number + 1);
            let label =
                |name: &str| group.get("labels").and_then(|labels| labels.get(name)).and_then(Value::as_str);
            // Prometheus takes both from these labels too.
            let scheme = label("__scheme__").unwrap_or(&self.scheme);
            let path = label("__metrics_path__").unwrap_or(&self.path);
            let targets = group.get("targets").and_then(Value::as_array);
            let targets = targets.ok_or_else(|| group_says("has no list `targets`"))?;
            for (place, target) in (1..).zip(targets) {
                let address = target.as_str().ok_or_else(|| group_says("has a target that is no text"))?;
                let target = Target::new(&format!("{scheme}://{address}{path}"));
                // What is no address may hold a password: it is told by its place.
                all.push(target.map_err(|why| group_says(&format!("target {place} {why}")))?);
            }
        }
        Ok(all)
    }
}

/// Whether a name matches a pattern: `*` is any text, `?` any one byte.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    // Where to go on if the text of the last `*` has to be longer.
    let mut again: Option<(usize, usize)> = None;
    while from < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                again = Some((at, from));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[from] => {
                at += 1;
                from += 1;
            }
            _ => match &mut again {
                Some((star, text)) => {
                    *text += 1;
                    (at, from) = (*star + 1, *text);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_pattern_matches_all_of_a_name() {
        let fits = |pattern: &str, name: &str| matches(pattern.as_bytes(), name.as_bytes());
        assert!(
            fits("auth.json", "auth.json") && fits("*.json", "auth.json") && fits("a*h*.j?on", "auth.json")
        );
        assert!(fits("*", "") && fits("**a", "bca") && !fits("?", ""));
        assert!(!fits("*.json", "auth.json~") && !fits("auth", "auth.json") && !fits("a*b", "acbd"));
    }
}
