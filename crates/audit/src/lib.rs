//! One audit, stage by stage: collect, parse, read, join, check, settle, render.
//!
//! `collect` and `load` alone touch the disk; nothing here opens a connection. Each stage
//! takes values and gives values, so each is tested alone.

mod allow;
mod baseline;
pub mod chain;
mod check;
mod collect;
pub mod config;
mod date;
mod fold;
mod globs;
mod identity;
mod join;
mod load;
mod notice;
mod outcome;
mod place;
mod plain;
mod proof;
mod read;
mod record;
mod redact;
pub mod render;
mod repository;
mod request;
mod settle;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

pub use model::{did_you_mean, nearest};
use rules::{Margins, RULES, Rule};

use collect::Collected;
use load::Loaded;

pub use allow::{Allow, Description, Scope};
pub use baseline::{BASELINE_NAME, Baseline, May, Update};
pub use collect::hash_of_file;
pub use date::Date;
pub use fold::Reported;
pub use globs::Globs;
pub use identity::{Fingerprint, Identities, Identity};
pub use load::{BaselineFile, CONFIG_NAME};
pub use notice::{Notice, NoticeKind, SUPPRESSIONS};
pub use outcome::{FileReport, FileStatus, Outcome, Sources};
pub use proof::{Proof, Proofs, Tested};
pub use record::{RECORD_NAME, Record, sha256};
pub use redact::{redact, redact_part};
pub use repository::Repository;
pub use request::{BaselineChoice, ConfigChoice, Error, Request};
pub use settle::{Aside, SetAside, Settled, Terms, settle};

/// Runs an audit from the disk to what any output format shows.
///
/// # Errors
///
/// What stops it, such as a mistake in `forewarn.toml`. Findings are no errors, and a root that cannot be
/// read is told in [`Outcome::unread`].
pub fn audit(request: &Request<'_>) -> Result<Outcome, Error> {
    let rules = chosen_rules(request)?;
    let first = request.roots.first().map_or(Path::new("."), PathBuf::as_path);
    let loaded = load::load(&request.config, &request.baseline, first)?;
    let exclude: Vec<String> = loaded.config.exclude.iter().chain(&request.exclude).cloned().collect();
    let exclude = Globs::new(&exclude);
    let collected = collect::collect(
        &request.roots,
        loaded.base.as_deref(),
        &exclude,
        &request.not_read,
        &loaded.sources,
    );
    let repository = repository_of(&request.roots, &loaded.sources, &collected.places);
    let whole = loaded.base.as_deref().is_none_or(|base| collect::hold(&request.roots, base));
    let outcome = examine(collected, loaded, whole, &rules, request);
    let unread = unread(&request.roots, &outcome.files);
    Ok(Outcome { repository, exhaustive: outcome.exhaustive && unread.is_none(), unread, ..outcome })
}

/// The roots that are broken themselves. What lies below a root was not named, so nobody relies on it.
fn unread(roots: &[PathBuf], files: &[FileReport]) -> Option<Error> {
    let broken = |root: &PathBuf| {
        let named = collect::shown(root);
        // A link has two reports where it is found below another root too.
        let why = files.iter().filter(|file| file.path == named).find_map(|file| file.status.broken())?;
        Some(Error::stopped(named, why, "name files or directories that exist and can be read"))
    };
    let mut errors: Vec<Error> = roots.iter().filter_map(broken).collect();
    if errors.len() > 1 { Some(Error::Several(errors)) } else { errors.pop() }
}

/// What the sources of an audit from the disk are called in the repository.
fn repository_of(roots: &[PathBuf], own: &[text::Source], places: &[collect::Place]) -> Repository {
    let Some(top) = collect::repository(roots) else { return Repository::default() };
    let own: Vec<PathBuf> = own
        .iter()
        .map(|source| collect::real(Path::new(source.path())).unwrap_or_else(|| source.path().into()))
        .collect();
    Repository::new(&top, own.iter().chain(places.iter().map(|place| &place.real)).map(PathBuf::as_path))
}

/// Runs an audit on texts in memory, each with its relative path; a `forewarn.toml` among them is
/// the configuration. Reads nothing.
///
/// # Errors
///
/// Mistakes in `forewarn.toml` or in a rule's name.
pub fn audit_texts(files: &[(&str, &str)], request: &Request<'_>) -> Result<Outcome, Error> {
    let rules = chosen_rules(request)?;
    let text_of =
        |path: &str| files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned());
    let mut loaded = match text_of(CONFIG_NAME) {
        Some(text) if request.config != ConfigChoice::None => load::of_texts(CONFIG_NAME, text, &|path| {
            text_of(path).map(|text| (path.to_owned(), text)).ok_or_else(|| "does not exist".to_owned())
        })?,
        _ => Loaded::default(),
    };
    let name = loaded.config.baseline.as_ref().map_or(BASELINE_NAME, |(name, _)| name).to_owned();
    if request.baseline == BaselineChoice::Find
        && let Some(text) = text_of(&name)
    {
        let held = Some(loaded.take_baseline(&name, text)?);
        loaded.baseline = Some(BaselineFile { path: name.into(), held });
    }
    let exclude: Vec<String> = loaded.config.exclude.iter().chain(&request.exclude).cloned().collect();
    let exclude = Globs::new(&exclude);
    let candidates = files.iter().copied().filter(|(path, _)| !exclude.matches(path));
    let mut collected = Collected::of_texts(candidates, &loaded.sources);
    collected.look_at_inputs(|record, path| {
        text_of(&place::join_paths(&record.directory, path)).map(|text| sha256(text.as_bytes()))
    });
    let own_paths = loaded.sources.iter().map(|source| Path::new(source.path()));
    let real = own_paths.chain(collected.places.iter().map(|place| place.real.as_path()));
    let repository = Repository::new(Path::new(""), real);
    Ok(Outcome { repository, ..examine(collected, loaded, true, &rules, request) })
}

/// The stages behind collecting: read, join, check, settle. `whole`: nothing that `forewarn.toml` speaks
/// of lies outside the roots.
fn examine(
    collected: Collected,
    loaded: Loaded,
    whole: bool,
    rules: &[&'static Rule],
    request: &Request<'_>,
) -> Outcome {
    let Collected { sources, places, left_out, records } = collected;
    let Loaded { config, sources: own, baseline, .. } = loaded;
    let config = &config;
    let sources = Sources::new(own.into_iter().chain(sources).collect());
    let threads =
        request.threads.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    let proofs = Proofs::of(&sources, &places, &records);
    let mut read = read::read(&sources, &places, config, threads, request.progress);

    let fragments: Vec<_> = places.iter().zip(read.iter().map(|file| &file.fragment)).collect();
    let joined = join::join(&fragments, config, &request.environments);

    let margins = margins(config, &places);
    let checked = check::check(&joined.fleet, rules, &margins, &joined.guesses);
    let path = |file: model::FileId| {
        let found = places.binary_search_by_key(&file, |place| place.id);
        found.map(|index| places[index].place.clone()).unwrap_or_default()
    };
    let mut allows = config.allows.clone();
    let mut slips = Vec::new();
    for file in &mut read {
        allows.append(&mut file.comments.allows);
        slips.append(&mut file.comments.slips);
    }
    let whole = whole && request.exclude.is_empty();
    let ran = |name: &str| request.environments.is_empty() && rules.iter().any(|rule| rule.name == name);
    let settled = settle(
        checked.findings,
        &Identities::of(&joined.fleet),
        Terms {
            config,
            min_level: request.min_level,
            allows: &allows,
            slips,
            baseline: baseline.as_ref().and_then(|file| file.held.as_ref()),
            today: request.today,
            path: &path,
            ran: &ran,
            whole,
        },
    );

    let mut not_evaluated = joined.unmet;
    not_evaluated.extend(units_not_known(&joined.fleet, &sources));
    not_evaluated.extend(checked.not_evaluated);
    let mut files = left_out;
    let mut problems = Vec::new();
    let mut ignored = Vec::new();
    for file in read {
        files.push(file.report);
        problems.extend(file.fragment.problems.into_iter().map(|problem| (problem.span, problem.message)));
        ignored.extend(file.fragment.ignored);
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    not_evaluated.extend(no_amounts(&ignored, &sources));
    Outcome {
        sources,
        files,
        unread: None,
        fleet: joined.fleet,
        margins,
        watched: config.watched.clone(),
        environments: joined.names.into_iter().collect(),
        findings: settled.findings,
        proofs,
        set_aside: settled.set_aside,
        notices: settled.notices,
        hidden_notices: settled.hidden_notices,
        allows,
        baseline,
        worst: settled.worst,
        not_evaluated,
        problems,
        ignored,
        exhaustive: whole && RULES.iter().all(|rule| ran(rule.name)),
        rules_run: rules.iter().map(|rule| rule.name).collect(),
        repository: Repository::default(),
    }
}

/// Values that stand where an amount is read and are none: their consumer refuses them, so that no rule
/// can say what holds.
fn no_amounts(ignored: &[readers::Ignored], sources: &Sources) -> Vec<model::NotEvaluated> {
    let no_amount = |ignored: &&readers::Ignored| ignored.reason == readers::Reason::NotAnAmount;
    let said = |ignored: &readers::Ignored| {
        let source = sources.get(ignored.span.file);
        model::NotEvaluated {
            rule: "values",
            subject: model::Subject::Setting(format!("{} in {}", ignored.key, source.path())),
            needs: "a value in the form that its consumer takes; what is written is no amount to it"
                .to_owned(),
        }
    };
    ignored.iter().filter(no_amount).map(said).collect()
}

/// Numbers that no rule can compare because nothing says their unit.
fn units_not_known(fleet: &model::Fleet, sources: &Sources) -> Vec<model::NotEvaluated> {
    let unknown = |setting: &&model::Setting| matches!(setting.value.value, model::Value::UnitUnknown(_));
    fleet
        .settings
        .iter()
        .filter(unknown)
        .map(|setting| {
            let file = setting.value.origin.span().map_or("", |span| sources.get(span.file).path());
            model::NotEvaluated {
                rule: "units",
                subject: model::Subject::Setting(format!("{} in {file}", setting.key)),
                needs: "the unit of a number; say it with [[setting]] unit in forewarn.toml".to_owned(),
            }
        })
        .collect()
}

/// The rule of a name that somebody gave at `place`.
///
/// # Errors
///
/// There is none; the error says which name is nearest.
pub fn rule_named(name: &str, place: &str) -> Result<&'static Rule, Error> {
    RULES.iter().copied().find(|rule| rule.name == name).ok_or_else(|| {
        let names: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
        let (what, help) = config::no_rule(name, &names);
        Error::stopped(place, what, help)
    })
}

/// The rules a request names.
fn chosen_rules(request: &Request<'_>) -> Result<Vec<&'static Rule>, Error> {
    for (option, names) in [("--rule", &request.only_rules), ("--skip", &request.skip_rules)] {
        for name in names {
            rule_named(name, option)?;
        }
    }
    let asked = |rule: &&&'static Rule| {
        let named = |list: &[String]| list.iter().any(|name| name == rule.name);
        (request.only_rules.is_empty() || named(&request.only_rules)) && !named(&request.skip_rules)
    };
    Ok(RULES.iter().filter(asked).copied().collect())
}

/// The margins of each file.
fn margins(config: &config::Config, places: &[collect::Place]) -> Margins {
    let mut margins = Margins { default: config.margins.clone(), ..Margins::default() };
    for part in &config.overrides {
        let Some(set) = &part.margins else { continue };
        let globs = Globs::new(&part.paths);
        for place in places.iter().filter(|place| globs.matches(&place.place)) {
            margins.files.insert(place.id, set.clone());
        }
    }
    margins
}
