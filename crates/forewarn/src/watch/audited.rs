//! From the outcome of an audit to what the watch keeps of it: findings that are open, and what is set
//! where. Secrets are hidden before anything leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use audit::{ConfigChoice, Date, Error, FileStatus, Identities, Outcome, Request, redact};
use model::{Finding, Fleet, Subject};
use watch::audits::{Audited, KnownSetting, OpenFinding};

/// What stands for a value that may be a secret.
const SECRET: &str = "(secret)";

/// Audits the roots, and says what it found and which files it looked at.
pub(super) fn audit(base: &Path, roots: &[String], config: &Path, today: Date) -> daemon::Audit {
    let roots: Vec<PathBuf> = match roots {
        [] => vec![base.to_path_buf()],
        roots => roots.iter().map(|root| base.join(root)).collect(),
    };
    let request = Request {
        roots: roots.clone(),
        config: ConfigChoice::File(config.to_path_buf()),
        today: Some(today),
        ..Request::default()
    };
    match audit::audit(&request) {
        Ok(outcome) => {
            let files = files(&outcome, &roots, config);
            let stopped = outcome.unread.as_ref().map(|error| redact(&error.to_string()).into_owned());
            let audited = match stopped {
                Some(_) => Audited { stopped, ..Audited::default() },
                None => audited(&outcome),
            };
            daemon::Audit { audited, files }
        }
        Err(error) => stopped(&error, config),
    }
}

/// An audit that could not be done.
pub(super) fn stopped(error: &Error, config: &Path) -> daemon::Audit {
    let stopped = Some(redact(&error.to_string()).into_owned());
    daemon::Audit { audited: Audited { stopped, ..Audited::default() }, files: vec![config.to_path_buf()] }
}

/// Every file that may be configuration, and the directories they are in: what comes new changes those.
/// What is none is left out: a log or the journal of the watch itself changes all the time.
fn files(outcome: &Outcome, roots: &[PathBuf], config: &Path) -> Vec<PathBuf> {
    let ours = outcome.files.iter().filter(|file| !matches!(file.status, FileStatus::NotOurs(_)));
    let named = ours.map(|file| PathBuf::from(&file.path));
    let mut files: BTreeSet<PathBuf> = named.chain(roots.iter().cloned()).collect();
    let directories: Vec<PathBuf> =
        files.iter().filter_map(|file| file.parent()).map(Path::to_path_buf).collect();
    files.extend(directories.into_iter().filter(|directory| !directory.as_os_str().is_empty()));
    files.insert(config.to_path_buf());
    files.into_iter().collect()
}

fn audited(outcome: &Outcome) -> Audited {
    let identities = Identities::of(&outcome.fleet);
    let mut findings: Vec<OpenFinding> =
        outcome.findings.iter().map(|reported| open(outcome, &identities, &reported.finding)).collect();
    // Findings of one identity, such as the same key in two files of a service, are told once.
    let mut known = BTreeSet::new();
    findings.retain(|finding| known.insert(finding.hash.clone()));
    Audited { stopped: None, findings, settings: settings(outcome) }
}

fn open(outcome: &Outcome, identities: &Identities<'_>, finding: &Finding) -> OpenFinding {
    let services = match &finding.subject {
        Subject::Service(name) => vec![name.clone()],
        Subject::Call(from, to) => vec![from.clone(), to.clone()],
        Subject::Setting(_) => Vec::new(),
    };
    let place = finding.labels.iter().find_map(|label| label.origin.span()).map(|span| {
        let source = outcome.sources.get(span.file);
        let at = source.position(span.start);
        format!("{}:{}:{}", source.path(), at.line, at.column)
    });
    OpenFinding {
        hash: identities.fingerprint(finding).to_string(),
        rule: finding.rule.to_owned(),
        level: finding.level.name().to_owned(),
        services: services.iter().map(|name| redact(name).into_owned()).collect(),
        place: place.unwrap_or_default(),
        title: redact(&finding.title).into_owned(),
    }
}

/// What is written somewhere. A default has no line that somebody could have changed.
fn settings(outcome: &Outcome) -> Vec<KnownSetting> {
    let services = owners(&outcome.fleet);
    let mut settings = Vec::new();
    for (place, setting) in outcome.fleet.settings.iter().enumerate() {
        let origin = &setting.value.origin;
        let Some(span) = origin.span().filter(|_| origin.default_of().is_none()) else { continue };
        let source = outcome.sources.get(span.file);
        let value = setting.value.value.to_string();
        // A key tells what its value is: only both together are known to be harmless.
        let shown = redact(&format!("{} = {value}", setting.key)) == format!("{} = {value}", setting.key);
        settings.push(KnownSetting {
            services: services.get(&place).map(|names| names.iter().cloned().collect()).unwrap_or_default(),
            key: redact(&setting.key).into_owned(),
            value: if shown { value } else { SECRET.to_owned() },
            path: source.path().to_owned(),
            line: source.position(span.start).line,
        });
    }
    settings.sort_by(|a, b| (&a.path, a.line, &a.key).cmp(&(&b.path, b.line, &b.key)));
    settings.dedup();
    settings
}

/// The services that a setting belongs to, by the setting's place: its owner, and whom it is called with.
fn owners(fleet: &Fleet) -> BTreeMap<usize, BTreeSet<String>> {
    let mut owners: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    let mut own = |groups: &[model::GroupId], names: &[&str]| {
        for group in groups {
            for setting in &fleet.groups[group.0 as usize].settings {
                let known = owners.entry(setting.0 as usize).or_default();
                known.extend(names.iter().map(|name| redact(name).into_owned()));
            }
        }
    };
    for environment in &fleet.environments {
        for service in &environment.services {
            own(&service.groups, &[&service.name]);
        }
        for call in &environment.calls {
            let name = |id: model::ServiceId| environment.services[id.0 as usize].name.as_str();
            own(&call.groups, &[name(call.from), name(call.to)]);
        }
    }
    owners
}
