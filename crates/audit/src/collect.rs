//! Finds and reads the files of an audit, always in the same order; `load` reads `forewarn.toml` and
//! what it names through it. Never follows a symbolic link below a root (a root, and a file named in
//! the configuration, may be one: who names it means its target), never opens what is no regular
//! file, never reads a file above the set size.

#![expect(clippy::disallowed_methods, reason = "the one module that reads the disk")]

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::WalkBuilder;
use readers::Reading;
use text::{FileId, Source, Syntax};

use crate::Globs;
use crate::baseline::BASELINE_NAME;
use crate::load::CONFIG_NAME;
use crate::outcome::{FileReport, FileStatus};
use crate::plain;
use crate::proof::RecordFile;
use crate::record::{RECORD_NAME, Record, sha256};

/// Files above this many bytes are not read. Configuration written by people stays far below; the
/// largest file in the corpora we measured has 1.4 MB.
pub(crate) const MAX_FILE_BYTES: u64 = 10 * 1024 * 1024;

/// How much of a file decides whether it is binary.
const SNIFFED_BYTES: usize = 8 * 1024;

/// Files that say what to leave out. The walk opens them by itself, before anything else of their
/// directory.
const IGNORE_FILES: [&str; 2] = [".gitignore", ".ignore"];

/// A file that is ours to read, and where it lies.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Its number among the sources of the audit.
    pub(crate) id: FileId,
    /// Its path relative to the directory of `forewarn.toml`, or to its root where there is none,
    /// with `/`: what globs, environments and distances look at.
    pub(crate) place: String,
    /// The syntax to read it as.
    pub(crate) syntax: Syntax,
    /// Where it lies, every link resolved.
    pub(crate) real: PathBuf,
}

/// What a walk found.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// The sources to read.
    pub(crate) sources: Vec<Source>,
    /// Where each lies, in the same order.
    pub(crate) places: Vec<Place>,
    /// What became of the files that are not among them, by path.
    pub(crate) left_out: Vec<FileReport>,
    /// Records of configuration tests.
    pub(crate) records: Vec<RecordFile>,
}

/// A file found on disk or handed in, before it is looked at.
#[derive(Debug)]
struct Candidate {
    shown: String,
    place: String,
    /// What tells it from every other file, whichever root it was found below.
    identity: PathBuf,
    content: Result<Vec<u8>, FileStatus>,
}

impl Collected {
    /// Collects from memory: pairs of a relative path and a text. For tests and for
    /// fuzzing. See [`collect`] for `own`.
    pub(crate) fn of_texts<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>, own: &[Source]) -> Self {
        let candidates = files
            .into_iter()
            .map(|(path, text)| Candidate {
                shown: plain::name(OsStr::new(path)),
                place: path.to_owned(),
                identity: PathBuf::from(path),
                content: Ok(text.as_bytes().to_vec()),
            })
            .collect();
        Self::sort_out(candidates, own)
    }

    fn sort_out(mut candidates: Vec<Candidate>, own: &[Source]) -> Self {
        candidates.retain(|candidate| !own.iter().any(|source| source.path() == candidate.shown));
        candidates.sort_by(|a, b| (&a.shown, &a.place).cmp(&(&b.shown, &b.place)));
        let mut known = HashSet::new();
        candidates.retain(|candidate| known.insert(candidate.identity.clone()));
        let mut sources = Vec::new();
        let mut places = Vec::new();
        let mut left_out = Vec::new();
        let mut records = Vec::new();
        for Candidate { shown, place, content, identity } in candidates {
            let (directory, name) = place.rsplit_once('/').unwrap_or(("", &place));
            if name == RECORD_NAME {
                match content.and_then(|bytes| record(&shown, bytes)) {
                    Ok(record) => {
                        let real = identity.parent().unwrap_or(Path::new("")).to_path_buf();
                        let (directory, hashes) = (directory.to_owned(), BTreeMap::new());
                        records.push(RecordFile { directory, real, record, hashes });
                    }
                    Err(status) => left_out.push(FileReport { path: shown, status }),
                }
                continue;
            }
            match content.and_then(|bytes| look_at(&place, bytes)) {
                Ok((syntax, text)) => {
                    let id = FileId((own.len() + sources.len()) as u32);
                    sources.push(Source::new(id, shown, text));
                    places.push(Place { id, place, syntax, real: identity });
                }
                Err(status) => left_out.push(FileReport { path: shown, status }),
            }
        }
        Self { sources, places, left_out, records }
    }

    /// Looks at the files that records name.
    pub(crate) fn look_at_inputs(&mut self, hash: impl Fn(&RecordFile, &str) -> Option<String>) {
        for record in &mut self.records {
            let hashed = |path: &str| (path.to_owned(), hash(record, path));
            record.hashes = record.record.inputs().map(hashed).collect();
        }
    }
}

/// The record of tests that a file is.
fn record(shown: &str, bytes: Vec<u8>) -> Result<Record, FileStatus> {
    let unusable = |why: String| FileStatus::NotEvaluated(format!("record of tests: {why}"));
    let text = String::from_utf8(bytes).map_err(|_| unusable("not UTF-8".to_owned()))?;
    let source = Source::new(FileId(0), shown, text);
    Record::parse(&source).map_err(|mistakes| {
        let told = mistakes.first().map(|first| {
            format!("line {}: {}; {}", source.position(first.span.start).line, first.what, first.help)
        });
        unusable(told.unwrap_or_default())
    })
}

/// What a file is to be read as, or why it is left out.
fn read_as(reading: Reading) -> Result<Syntax, FileStatus> {
    match reading {
        Reading::As(syntax) => Ok(syntax),
        Reading::Template(why) => Err(FileStatus::NotEvaluated(format!("template: {why}"))),
        Reading::NotOurs(why) => Err(FileStatus::NotOurs(why.into())),
    }
}

/// Why a file is left out whatever it holds.
fn left_out_by_name(place: &str) -> Option<FileStatus> {
    readers::reading_by_name(place).and_then(|reading| read_as(reading).err())
}

/// Decides whether a file is ours, by its name and content.
fn look_at(place: &str, bytes: Vec<u8>) -> Result<(Syntax, String), FileStatus> {
    if let Some(status) = left_out_by_name(place) {
        return Err(status);
    }
    if bytes[..bytes.len().min(SNIFFED_BYTES)].contains(&0) {
        return Err(match bytes.as_slice() {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
                FileStatus::Unreadable("UTF-16; save it as UTF-8 to have it audited".into())
            }
            _ => FileStatus::Unreadable("binary: it holds NUL bytes".into()),
        });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let line =
            1 + error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|&&b| b == b'\n').count();
        FileStatus::Unreadable(format!("not UTF-8 at line {line}"))
    })?;
    Ok((read_as(readers::syntax_of(place, &text))?, text))
}

/// Walks the roots. `base` is the directory of `forewarn.toml`; globs in `exclude` are relative to
/// it, or to each root where there is none; files in `not_read` are left out as well. `own` are the
/// sources that Forewarn itself is configured by: they come first in the numbering and are not audited.
/// What cannot be read, a root itself or something below it, is a line in [`Collected::left_out`].
pub(crate) fn collect(
    roots: &[PathBuf],
    base: Option<&Path>,
    exclude: &Globs,
    not_read: &[PathBuf],
    own: &[Source],
) -> Collected {
    let mut candidates = Vec::new();
    let depth = depth_of_names(roots);
    let not_read: BTreeSet<PathBuf> = not_read.iter().filter_map(|path| real(path)).collect();
    for root in roots {
        let (kind, identity) = match examined(root) {
            Ok(examined) => examined,
            Err(why) => {
                candidates.push(Candidate::unread(root.clone(), FileStatus::Unreadable(why)));
                continue;
            }
        };
        let parents = identity.ancestors().skip(1).all(|above| unreadable_ignore_file(above).is_none());
        let prefix = Prefix::of(root, base, depth);
        let left_closed = Arc::new(Mutex::new(Vec::new()));
        let closing = Arc::clone(&left_closed);
        let walk = WalkBuilder::new(root)
            .hidden(false)
            .require_git(false)
            .git_global(false)
            // Kept in one clone alone: the same commit must give the same audit everywhere.
            .git_exclude(false)
            .parents(parents)
            .follow_links(false)
            .filter_entry(move |entry| {
                if entry.file_name() == ".git" {
                    return false;
                }
                let is_directory = entry.file_type().is_some_and(|kind| kind.is_dir());
                let Some(name) = is_directory.then(|| unreadable_ignore_file(entry.path())).flatten() else {
                    return true;
                };
                closing.lock().unwrap_or_else(PoisonError::into_inner).push((entry.path().to_owned(), name));
                false
            })
            .sort_by_file_name(Ord::cmp)
            .build();
        for entry in walk {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    candidates.push(unwalkable(root, &error));
                    continue;
                }
            };
            let below = entry.path().strip_prefix(root).unwrap_or(Path::new(""));
            if entry.file_type().is_some_and(|kind| kind.is_dir()) {
                continue;
            }
            let place = prefix.place(root, below);
            let is_own = entry.file_name() == CONFIG_NAME || entry.file_name() == BASELINE_NAME;
            if exclude.matches(&place) || is_own {
                continue;
            }
            let identity = identity.join(below);
            if not_read.contains(&identity) {
                continue;
            }
            // Who names a link as a root means its target; below a root none is followed.
            let kind = if entry.depth() == 0 { Some(kind.file_type()) } else { entry.file_type() };
            let content = match left_out_by_name(&place) {
                Some(status) if kind.is_some_and(|kind| kind.is_file()) => Err(status),
                _ => read(entry.path(), kind),
            };
            candidates.push(Candidate { shown: shown(entry.path()), place, identity, content });
        }
        let mut left_closed = left_closed.lock().unwrap_or_else(PoisonError::into_inner);
        for (directory, name) in left_closed.drain(..) {
            let why = FileStatus::NotEvaluated(format!("not entered: {}", closed(name)));
            candidates.push(Candidate::unread(directory, why));
        }
    }
    let mut collected = Collected::sort_out(candidates, own);
    // Wherever they lie: what a test is made of need not be audited.
    collected.look_at_inputs(|record, path| hash_of_file(&record.real.join(path)));
    collected
}

/// The SHA-256 of a file, as records of tests hold it; none of what is no regular file, or a larger one than
/// is audited.
pub fn hash_of_file(path: &Path) -> Option<String> {
    let kind = fs::metadata(path).ok()?.file_type();
    read(path, Some(kind)).ok().map(|bytes| sha256(&bytes))
}

/// What a root is and where it really lies, or why it cannot be audited.
fn examined(root: &Path) -> Result<(fs::Metadata, PathBuf), String> {
    let kind = fs::metadata(root).map_err(|error| reason(&error))?;
    if !kind.is_file() && !kind.is_dir() {
        return Err("is neither a file nor a directory".into());
    }
    if let Some(name) = unreadable_ignore_file(root) {
        return Err(closed(name));
    }
    let identity = fs::canonicalize(root).map_err(|error| reason(&error))?;
    Ok((kind, identity))
}

/// The top of the repository that is audited, every link resolved: of the one around the working
/// directory if any root lies in it, else of the one around the first root. Where neither is in one,
/// the directories themselves are taken for tops.
pub(crate) fn repository(roots: &[PathBuf]) -> Option<PathBuf> {
    let roots: Vec<PathBuf> = roots.iter().filter_map(|root| real(root)).collect();
    let here = real(Path::new("."))?;
    let first = roots.first()?;
    let first = if first.is_dir() { first } else { first.parent()? };
    let top = |directory: &Path| {
        let is_top = |above: &&Path| above.join(".git").symlink_metadata().is_ok();
        directory.ancestors().find(is_top).map(Path::to_path_buf)
    };
    let holds_one = |top: &PathBuf| roots.iter().any(|root| root.starts_with(top));
    top(&here)
        .filter(holds_one)
        .or_else(|| top(first))
        .or_else(|| Some(here).filter(holds_one))
        .or_else(|| Some(first.to_path_buf()))
}

/// Where a path really leads.
pub(crate) fn real(path: &Path) -> Option<PathBuf> {
    fs::canonicalize(path).ok()
}

/// The ignore file of a directory that must not be opened: a FIFO or a device need not end.
fn unreadable_ignore_file(directory: &Path) -> Option<&'static str> {
    IGNORE_FILES.into_iter().find(|name| {
        fs::metadata(directory.join(name))
            .is_ok_and(|kind| !kind.is_dir() && (!kind.is_file() || kind.len() > MAX_FILE_BYTES))
    })
}

fn closed(name: &str) -> String {
    format!("its `{name}` is no regular file, or above {} MiB", MAX_FILE_BYTES / 1024 / 1024)
}

/// How many last names of their paths tell the roots apart; none are needed for a single root.
fn depth_of_names(roots: &[PathBuf]) -> usize {
    let paths: BTreeSet<PathBuf> = roots.iter().filter_map(|root| absolute(root)).collect();
    if paths.len() < 2 {
        return 0;
    }
    let longest = paths.iter().map(|path| path.components().count()).max().unwrap_or(1);
    let differ = |depth: &usize| {
        let names: BTreeSet<String> = paths.iter().map(|path| last_names(path, *depth)).collect();
        names.len() == paths.len()
    };
    (1..=longest).find(differ).unwrap_or(longest)
}

/// The last names of a path, so many of them, with `/`.
fn last_names(path: &Path, depth: usize) -> String {
    let names: Vec<_> = path.components().filter(|part| matches!(part, Component::Normal(_))).collect();
    shown(&names[names.len().saturating_sub(depth)..].iter().collect::<PathBuf>())
}

/// Whether one of the roots holds a directory, or is it.
pub(crate) fn hold(roots: &[PathBuf], directory: &Path) -> bool {
    let directory = absolute(directory);
    let holds = |root: &PathBuf| matches!((absolute(root), &directory), (Some(root), Some(directory)) if directory.starts_with(&root));
    roots.iter().any(holds)
}

/// The directory that a root is or lies in.
pub(crate) fn directory_of(root: &Path) -> PathBuf {
    match root.parent() {
        Some(parent) if root.is_file() => parent.to_path_buf(),
        _ => root.to_path_buf(),
    }
}

/// The text of a file that need not be there.
///
/// # Errors
///
/// What is wrong with a file that is there.
pub(crate) fn read_text_if_there(path: &Path) -> Result<Option<String>, String> {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    match path.symlink_metadata() {
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(None),
        _ => read_text(path).map(Some),
    }
}

fn absolute(path: &Path) -> Option<PathBuf> {
    std::path::absolute(path).ok().map(|path| without_dots(&path))
}

/// What stands before a path below a root to make its place.
enum Prefix {
    /// The root's path relative to the base.
    BelowBase(String),
    /// The last names of the root's path that tell several roots apart; empty for a single root.
    Root(String),
}

impl Prefix {
    fn of(root: &Path, base: Option<&Path>, depth: usize) -> Self {
        if let Some(base) = base
            && let (Some(root), Some(base)) = (absolute(root), absolute(base))
            && let Ok(below) = root.strip_prefix(&base)
        {
            return Self::BelowBase(shown(below));
        }
        Self::Root(absolute(root).map(|path| last_names(&path, depth)).unwrap_or_default())
    }

    fn place(&self, root: &Path, below: &Path) -> String {
        let (Self::BelowBase(prefix) | Self::Root(prefix)) = self;
        let below = shown(below);
        match (prefix.is_empty(), below.is_empty()) {
            (true, true) => root.file_name().map(plain::name).unwrap_or_default(),
            (true, false) => below,
            (false, true) => prefix.clone(),
            (false, false) => format!("{prefix}/{below}"),
        }
    }
}

/// `a/./b/../c` as `a/c`, without asking the disk.
fn without_dots(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            part => clean.push(part),
        }
    }
    clean
}

/// A path as shown: with `/`, without a leading `./`, without what a terminal would obey.
pub(crate) fn shown(path: &Path) -> String {
    let mut shown = String::with_capacity(path.as_os_str().len());
    for part in path.components().filter(|part| *part != Component::CurDir) {
        if !shown.is_empty() && shown != "/" {
            shown.push('/');
        }
        plain::push_name(&mut shown, part.as_os_str());
    }
    shown
}

fn unwalkable(root: &Path, error: &ignore::Error) -> Candidate {
    let mut path = root.to_path_buf();
    let mut inner = error;
    while let ignore::Error::WithPath { err, .. } | ignore::Error::WithDepth { err, .. } = inner {
        if let ignore::Error::WithPath { path: there, .. } = inner {
            path.clone_from(there);
        }
        inner = err;
    }
    let what = inner.io_error().map_or_else(|| inner.to_string(), reason);
    Candidate::unread(path, FileStatus::Unreadable(format!("cannot be read: {what}")))
}

impl Candidate {
    /// A file or directory that was found and not opened.
    fn unread(path: PathBuf, why: FileStatus) -> Self {
        let shown = shown(&path);
        Self {
            place: shown.clone(),
            shown,
            identity: fs::canonicalize(&path).unwrap_or(path),
            content: Err(why),
        }
    }
}

/// The text of a file that Forewarn itself is configured by.
pub(crate) fn read_text(path: &Path) -> Result<String, String> {
    let kind = fs::metadata(path).map_err(|error| format!("cannot be read: {}", reason(&error)))?;
    match read(path, Some(kind.file_type())) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned()),
        Err(FileStatus::NotEvaluated(why) | FileStatus::Unreadable(why)) => Err(why),
        Err(_) => Err("cannot be read".to_owned()),
    }
}

/// Reads a file of which it is known what it is.
fn read(path: &Path, kind: Option<fs::FileType>) -> Result<Vec<u8>, FileStatus> {
    let cannot =
        |error: &std::io::Error| FileStatus::Unreadable(format!("cannot be read: {}", reason(error)));
    if kind.is_some_and(|kind| kind.is_symlink()) {
        return Err(FileStatus::NotEvaluated("symbolic link, not followed".into()));
    }
    if !kind.is_some_and(|kind| kind.is_file()) {
        return Err(FileStatus::NotEvaluated("not a regular file".into()));
    }
    let file = fs::File::open(path).map_err(|error| cannot(&error))?;
    let length = file.metadata().map_err(|error| cannot(&error))?.len();
    if length > MAX_FILE_BYTES {
        return Err(too_large(length));
    }
    // The file may grow meanwhile: never read more than the limit.
    let mut bytes = Vec::with_capacity(length as usize + 1);
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| cannot(&error))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(bytes)
}

fn too_large(bytes: u64) -> FileStatus {
    const MIB: f64 = 1024.0 * 1024.0;
    FileStatus::Unreadable(format!(
        "{:.1} MiB, above the limit of {} MiB for one file",
        bytes as f64 / MIB,
        MAX_FILE_BYTES / 1024 / 1024
    ))
}

/// An I/O error in plain words, without the operating system's number.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "does not exist".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => {
            let words = error.to_string();
            words.split(" (os error").next().unwrap_or(&words).to_lowercase()
        }
    }
}
