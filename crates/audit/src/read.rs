//! Parses and reads every source into its fragment, in parallel. Which thread took which file
//! leaves no trace in the result.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use readers::{Context, Declared, Fragment, Neighbours};
use text::{FileId, Problem, ProblemKind, Source, Syntax, Tree};

use crate::Globs;
use crate::allow::Comments;
use crate::collect::Place;
use crate::config::Config;
use crate::outcome::{FileReport, FileStatus, Sources};
use crate::place::join_paths;

/// What one source gave.
#[derive(Debug)]
pub(crate) struct FileRead {
    pub(crate) fragment: Fragment,
    /// Suppressions that stand in it.
    pub(crate) comments: Comments,
    pub(crate) report: FileReport,
}

/// Reads all places, on so many threads. Gives the results in the order of places.
pub(crate) fn read(
    sources: &Sources,
    places: &[Place],
    config: &Config,
    threads: NonZeroUsize,
    progress: Option<&(dyn Fn(usize, usize) + Sync)>,
) -> Vec<FileRead> {
    let nearby = Nearby::new(sources, places);
    let declared: Vec<(Globs, Declared)> = config
        .settings
        .iter()
        .map(|setting| {
            let declared = Declared {
                key: setting.key.clone(),
                knob: setting.knob,
                unit: setting.unit,
                zero_is_never: setting.zero_is_never,
                span: setting.span,
            };
            (Globs::new(&setting.files), declared)
        })
        .collect();
    let (next, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(place) = places.get(index) else { return done };
            done.push((index, read_one(sources.get(place.id), place, &nearby, &declared)));
            if let Some(progress) = progress {
                progress(finished.fetch_add(1, Ordering::Relaxed) + 1, places.len());
            }
        }
    };
    let mut results: Vec<(usize, FileRead)> = if threads.get() == 1 || places.len() < 2 {
        work()
    } else {
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads.get()).map(|_| scope.spawn(work)).collect();
            workers
                .into_iter()
                .flat_map(|worker| worker.join().expect("bug: a worker catches what its files do"))
                .collect()
        })
    };
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, read)| read).collect()
}

fn read_one(source: &Source, place: &Place, nearby: &Nearby<'_>, declared: &[(Globs, Declared)]) -> FileRead {
    let declared: Vec<Declared> = declared
        .iter()
        .filter(|(globs, _)| globs.matches(&place.place))
        .map(|(_, key)| key.clone())
        .collect();
    let context = Context { source, neighbours: nearby, declared: &declared };
    let attempt = catch_unwind(AssertUnwindSafe(|| {
        let tree = Tree::parse(place.syntax, source);
        let mut fragment = readers::read(&context, &tree);
        fragment.problems.extend(tree.problems().iter().cloned());
        fragment.problems.sort_by(|a, b| (a.span, a.kind, &a.message).cmp(&(b.span, b.kind, &b.message)));
        fragment.problems.dedup();
        (fragment, Comments::of(&tree, source))
    }));
    let (fragment, comments, status) = match attempt {
        Ok((fragment, comments)) => {
            let status = status(source, place.syntax, &fragment);
            (fragment, comments, status)
        }
        Err(_) => (
            Fragment::default(),
            Comments::default(),
            FileStatus::NotEvaluated("Forewarn failed on this file, which is a bug of Forewarn's".into()),
        ),
    };
    FileRead { fragment, comments, report: FileReport { path: source.path().to_owned(), status } }
}

fn status(source: &Source, syntax: Syntax, fragment: &Fragment) -> FileStatus {
    let dialect = if fragment.dialect.is_empty() { syntax_name(syntax) } else { fragment.dialect };
    let written = |setting: &&model::Setting| !setting.value.origin.is_default();
    let settings = fragment.groups.iter().flat_map(|group| group.settings.iter().filter(written)).count();
    let settings = settings + fragment.monitor.len();
    match missing(source, &fragment.problems) {
        Some((from_line, problem)) => FileStatus::PartlyRead { dialect, settings, from_line, problem },
        None => FileStatus::Read { dialect, settings },
    }
}

/// What of a file is not in its tree: from which line on and why, or which part and why.
fn missing(source: &Source, problems: &[Problem]) -> Option<(Option<u32>, String)> {
    let line = |problem: &Problem| source.lines().line(problem.span.start);
    if let Some(stopped) = problems.iter().find(|problem| problem.kind == ProblemKind::Stopped) {
        return Some((Some(line(stopped)), stopped.message.clone()));
    }
    let left_out = |problem: &&Problem| problem.kind != ProblemKind::DuplicateKey;
    let first = problems.iter().find(left_out)?;
    let more = problems.iter().filter(left_out).count() - 1;
    let others = if more == 0 { String::new() } else { format!("; and {more} more; `check -v` shows all") };
    Some((None, format!("line {}: {}{others}", line(first), first.message)))
}

fn syntax_name(syntax: Syntax) -> &'static str {
    match syntax {
        Syntax::Yaml => "yaml",
        Syntax::Json => "json",
        Syntax::Toml => "toml",
        Syntax::Properties => "properties",
        Syntax::Ini => "ini",
        Syntax::Env => "env",
        Syntax::Nginx => "nginx",
        Syntax::Haproxy => "haproxy",
    }
}

/// The sources of an audit by place, for readers whose files name others.
struct Nearby<'a> {
    sources: &'a Sources,
    by_place: BTreeMap<&'a str, FileId>,
    place_of: BTreeMap<FileId, &'a str>,
}

impl<'a> Nearby<'a> {
    fn new(sources: &'a Sources, places: &'a [Place]) -> Self {
        Self {
            sources,
            by_place: places.iter().map(|place| (place.place.as_str(), place.id)).collect(),
            place_of: places.iter().map(|place| (place.id, place.place.as_str())).collect(),
        }
    }

    fn matching(&self, path: &str) -> Vec<&'a Source> {
        if !path.contains(['*', '?', '[', '{']) {
            return self.by_place.get(path).map(|&id| self.sources.get(id)).into_iter().collect();
        }
        let globs = Globs::new(&[path]);
        let literal = &path[..path.find(['*', '?', '[', '{']).unwrap_or(path.len())];
        self.by_place
            .range(literal..)
            .take_while(|(place, _)| place.starts_with(literal))
            .filter(|(place, _)| globs.matches(place))
            .map(|(_, &id)| self.sources.get(id))
            .collect()
    }
}

impl Neighbours for Nearby<'_> {
    fn find(&self, from: FileId, pattern: &str) -> Vec<&Source> {
        let Some(place) = self.place_of.get(&from) else { return Vec::new() };
        let directory = place.rfind('/').map_or("", |slash| &place[..slash]);
        if !pattern.starts_with('/') {
            return self.matching(&join_paths(directory, pattern));
        }
        // `/etc/nginx/conf.d/*.conf` on its machine is `conf.d/*.conf` or deeper here. Of a glob at
        // least the directory must agree.
        let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
        let least = if pattern.contains('*') { 2 } else { 1 };
        (0..parts.len())
            .filter(|skip| parts.len() - skip >= least)
            .map(|skip| self.matching(&join_paths(directory, &parts[skip..].join("/"))))
            .find(|found| !found.is_empty())
            .unwrap_or_default()
    }
}
