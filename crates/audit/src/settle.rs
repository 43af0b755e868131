//! The only place where a finding is hidden or re-rated: by levels that people state, by suppressions,
//! by the baseline, and into another finding. Nothing is dropped: what is not shown is set aside with
//! its reason and counted. Pure; which day it is, is an argument.

mod used;

use std::collections::BTreeMap;

use model::{FileId, Finding, Level};

use crate::Globs;
use crate::allow::Allow;
use crate::baseline::Baseline;
use crate::config::Config;
use crate::date::Date;
use crate::fold::{Reported, fold, place};
use crate::identity::Identities;
use crate::notice::Notice;
use used::Used;

/// Findings as they will be shown.
#[derive(Debug, Default)]
pub struct Settled {
    /// Worst first, then by path, line and rule.
    pub findings: Vec<Reported>,
    /// What is not shown, and why.
    pub set_aside: Vec<SetAside>,
    /// What is to be said about suppressions and the baseline; worst first, then by place.
    pub notices: Vec<Notice>,
    /// Notices that are not shown, because a level says so.
    pub hidden_notices: usize,
    /// The worst level of all that are neither `off` nor set aside by a suppression or the baseline,
    /// those below the level asked for included: what is shown decides no exit code.
    pub worst: Option<Level>,
}

/// A finding that is not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// The finding, in the environments in which it is not shown.
    pub reported: Reported,
    /// Why.
    pub why: Aside,
}

/// Why a finding is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aside {
    /// A level says `off`, or it lies below the one asked for.
    Level,
    /// The suppression with this number hides it.
    Allowed(usize),
    /// The baseline holds it.
    Baseline,
}

/// What people state about findings, and what was looked at.
pub struct Terms<'a> {
    /// Levels.
    pub config: &'a Config,
    /// Findings below it are not shown.
    pub min_level: Level,
    /// Suppressions, wherever they are written.
    pub allows: &'a [Allow],
    /// Comments that were meant as suppressions.
    pub slips: Vec<Notice>,
    /// Findings that are accepted.
    pub baseline: Option<&'a Baseline>,
    /// Which day it is; where nobody says, nothing expires.
    pub today: Option<Date>,
    /// A file's path relative to `forewarn.toml`, for globs.
    pub path: &'a dyn Fn(FileId) -> String,
    /// Whether a rule was run in all environments. Of the others nothing can be said to hide nothing.
    pub ran: &'a dyn Fn(&str) -> bool,
    /// Whether all was looked at that `forewarn.toml` speaks of.
    pub whole: bool,
}

/// Settles which findings are shown, and at which level.
///
/// An assumed finding stays a warning at most, whatever is stated: it rests on a guess.
pub fn settle(findings: Vec<Finding>, identities: &Identities<'_>, terms: Terms<'_>) -> Settled {
    let levels = Levels::of(terms.config);
    let mut cases: Vec<Case> =
        findings.into_iter().map(|finding| Case::new(finding, &levels, terms.path)).collect();
    cases.sort_by(|a, b| {
        let start = |case: &Case| place(&case.finding).map(|span| span.start);
        let (a_finding, b_finding) = (&a.finding, &b.finding);
        b_finding
            .level
            .cmp(&a_finding.level)
            .then_with(|| a.path.cmp(&b.path))
            .then_with(|| start(a).cmp(&start(b)))
            .then_with(|| a_finding.rule.cmp(b_finding.rule))
            .then_with(|| a_finding.subject.cmp(&b_finding.subject))
            .then_with(|| a_finding.title.cmp(&b_finding.title))
            .then_with(|| a_finding.environments.cmp(&b_finding.environments))
    });

    let mut used = Used::default();
    let mut accepted = terms.baseline.cloned().unwrap_or_default();
    let mut shown: Vec<Finding> = Vec::new();
    let mut aside: BTreeMap<Aside, Vec<Finding>> = BTreeMap::new();
    let mut worst = None;
    for Case { finding, path, is_off } in cases {
        let mut rest = Some(finding);
        let mut set_aside = |rest: &mut Option<Finding>, why, takes: &mut Takes<'_>| {
            let Some(finding) = rest.take() else { return };
            let (taken, left) = divide(finding, takes);
            aside.entry(why).or_default().extend(taken);
            *rest = left;
        };
        // A suppression counts as used even where another one or a level hides the finding before it.
        let covering = rest.as_ref().map(|finding| {
            let key = identities.key(finding);
            used.covering(terms.allows, finding, &path, key, terms.today)
        });
        for number in covering.into_iter().flatten() {
            let allow = &terms.allows[number];
            let mut holds = |_: &Finding, environment: Option<&str>| allow.holds_in(environment);
            set_aside(&mut rest, Aside::Allowed(number), &mut holds);
        }
        set_aside(&mut rest, Aside::Level, &mut |_, _| is_off);
        set_aside(&mut rest, Aside::Baseline, &mut |finding, environment| {
            accepted.take(&identities.identity(finding, environment), finding.level)
        });
        worst = worst.max(rest.as_ref().map(|finding| finding.level));
        set_aside(&mut rest, Aside::Level, &mut |finding, _| finding.level < terms.min_level);
        shown.extend(rest);
    }

    let mut notices = terms.slips;
    notices.extend(used.notices(terms.allows, terms.today, terms.ran, terms.whole));
    if terms.whole {
        notices.extend(used::gone(&accepted, terms.ran));
    }
    let all = notices.len();
    notices.retain_mut(|notice| {
        let path = (terms.path)(notice.span.file);
        let level = match levels.stated(notice.kind.name(), &path) {
            Some(None) => return false,
            Some(Some(level)) => level,
            None => notice.level,
        };
        notice.level = level;
        worst = worst.max(Some(level));
        level >= terms.min_level
    });
    notices.sort_by_cached_key(|notice| {
        let path = (terms.path)(notice.span.file);
        (std::cmp::Reverse(notice.level), path, notice.span.start, notice.kind, notice.title.clone())
    });
    let set_aside = aside.into_iter().flat_map(|(why, findings)| {
        fold(findings).into_iter().map(move |reported| SetAside { reported, why })
    });
    Settled {
        findings: fold(shown),
        set_aside: set_aside.collect(),
        hidden_notices: all - notices.len(),
        notices,
        worst,
    }
}

/// Whether a finding is taken in an environment; `None` for a finding that holds in none in particular.
type Takes<'a> = dyn FnMut(&Finding, Option<&str>) -> bool + 'a;

/// Divides a finding into what is taken of it and what is left, environment by environment.
fn divide(finding: Finding, takes: &mut Takes<'_>) -> (Option<Finding>, Option<Finding>) {
    if finding.environments.is_empty() {
        return if takes(&finding, None) { (Some(finding), None) } else { (None, Some(finding)) };
    }
    let (taken, left): (Vec<String>, Vec<String>) =
        finding.environments.iter().cloned().partition(|name| takes(&finding, Some(name)));
    if taken.is_empty() {
        return (None, Some(finding));
    }
    if left.is_empty() {
        return (Some(finding), None);
    }
    let taken = Finding { environments: taken, ..finding.clone() };
    (Some(taken), Some(Finding { environments: left, ..finding }))
}

/// A finding at the level that holds for it.
struct Case {
    finding: Finding,
    /// The file of its first place.
    path: String,
    /// A level says `off`.
    is_off: bool,
}

impl Case {
    fn new(mut finding: Finding, levels: &Levels<'_>, path: &dyn Fn(FileId) -> String) -> Self {
        let path = place(&finding).map(|span| path(span.file)).unwrap_or_default();
        let stated = levels.stated(finding.rule, &path);
        if let Some(Some(level)) = stated {
            finding.level = level.min(finding.most());
        }
        Self { finding, path, is_off: stated == Some(None) }
    }
}

/// The levels that `forewarn.toml` states.
struct Levels<'a> {
    everywhere: &'a [StatedLevel],
    /// Of a part of the tree; the last that matches wins.
    parts: Vec<(Globs, &'a [StatedLevel])>,
}

/// A rule or a kind of notice, and its level; `None` is `off`.
type StatedLevel = (String, Option<Level>);

impl<'a> Levels<'a> {
    fn of(config: &'a Config) -> Self {
        let parts = config.overrides.iter().filter(|part| !part.levels.is_empty());
        Self {
            everywhere: &config.levels,
            parts: parts.map(|part| (Globs::new(&part.paths), part.levels.as_slice())).collect(),
        }
    }

    /// The level stated for a name at a path, if there is one; `Some(None)` is `off`.
    fn stated(&self, name: &str, path: &str) -> Option<Option<Level>> {
        let in_list = |levels: &[StatedLevel]| {
            levels.iter().rev().find(|(stated, _)| stated == name).map(|&(_, level)| level)
        };
        self.parts
            .iter()
            .rev()
            .filter(|(globs, _)| globs.matches(path))
            .find_map(|(_, levels)| in_list(levels))
            .or_else(|| in_list(self.everywhere))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allow::{Description, Scope};
    use crate::config::Override;
    use crate::identity::Identity;
    use crate::notice::NoticeKind;
    use model::{Basis, FailureMode, Fleet, Label, Origin, Span, Subject};

    fn finding(rule: &'static str, level: Level, file: u32, start: u32) -> Finding {
        let span = Span { file: FileId(file), start, end: start + 1 };
        Finding {
            rule,
            level,
            basis: Basis::InFile,
            mode: FailureMode::RetryStorm,
            environments: Vec::new(),
            subject: Subject::Service("auth".into()),
            title: String::new(),
            labels: vec![Label { origin: Origin::Written(span), text: String::new() }],
            arithmetic: Vec::new(),
            help: String::new(),
            assumptions: Vec::new(),
        }
    }

    fn path(file: FileId) -> String {
        ["auth/a.toml", "edge/b.yaml"][file.0 as usize].into()
    }

    fn terms(config: &Config) -> Terms<'_> {
        Terms {
            config,
            min_level: Level::Note,
            allows: &[],
            slips: Vec::new(),
            baseline: None,
            today: Date::parse("2026-11-22"),
            path: &path,
            ran: &|_| true,
            whole: true,
        }
    }

    fn run(findings: Vec<Finding>, terms: Terms<'_>) -> Settled {
        settle(findings, &Identities::of(&Fleet::default()), terms)
    }

    fn lines(settled: &Settled) -> Vec<String> {
        let line = |finding: &Finding| {
            let span = place(finding).expect("bug: made with a place");
            let environments = finding.environments.join("+");
            format!("{:?} {} {}:{} {environments}", finding.level, finding.rule, span.file.0, span.start)
                .trim_end()
                .to_owned()
        };
        let also = |reported: &Reported| match reported.also.len() {
            0 => String::new(),
            more => format!(" +{more}"),
        };
        settled.findings.iter().map(|reported| line(&reported.finding) + &also(reported)).collect()
    }

    fn hidden(settled: &Settled) -> usize {
        settled.set_aside.iter().filter(|aside| aside.why == Aside::Level).count()
    }

    fn settled(findings: Vec<Finding>, config: &Config, min_level: Level) -> (Vec<String>, usize) {
        let settled = run(findings, Terms { min_level, ..terms(config) });
        (lines(&settled), hidden(&settled))
    }

    #[test]
    fn findings_come_worst_first_then_by_path_place_and_rule() {
        let findings = vec![
            finding("b", Level::Note, 0, 0),
            finding("b", Level::Error, 1, 5),
            finding("a", Level::Error, 1, 5),
            finding("c", Level::Error, 1, 2),
            finding("c", Level::Error, 0, 9),
        ];
        let (shown, hidden) = settled(findings, &Config::default(), Level::Note);
        assert_eq!(shown, ["Error c 0:9", "Error c 1:2", "Error a 1:5 +1", "Note b 0:0"]);
        assert_eq!(hidden, 0);
    }

    #[test]
    fn what_is_off_or_below_the_level_asked_for_is_counted() {
        let config = Config { levels: vec![("a".into(), None)], ..Config::default() };
        let findings = vec![
            finding("a", Level::Error, 0, 0),
            finding("b", Level::Note, 0, 2),
            finding("b", Level::Warning, 0, 1),
        ];
        let (shown, hidden) = settled(findings, &config, Level::Warning);
        assert_eq!(shown, ["Warning b 0:1"]);
        assert_eq!(hidden, 2);
    }

    #[test]
    fn the_worst_level_counts_what_is_not_shown_but_nothing_that_is_off() {
        let config = Config { levels: vec![("a".into(), None)], ..Config::default() };
        let findings = vec![finding("a", Level::Error, 0, 0), finding("b", Level::Warning, 0, 0)];
        let settled = run(findings, Terms { min_level: Level::Error, ..terms(&config) });
        assert_eq!(settled.findings.len(), 0);
        assert_eq!(settled.worst, Some(Level::Warning));
        assert_eq!(run(Vec::new(), terms(&config)).worst, None);
    }

    #[test]
    fn the_last_override_that_matches_the_first_place_wins() {
        let part = |path: &str, level| Override {
            paths: vec![path.into()],
            margins: None,
            levels: vec![("a".into(), level)],
        };
        let config = Config {
            levels: vec![("a".into(), Some(Level::Note))],
            overrides: vec![part("**", Some(Level::Error)), part("edge/**", None), part("none/**", None)],
            ..Config::default()
        };
        let findings = vec![finding("a", Level::Warning, 0, 0), finding("a", Level::Warning, 1, 0)];
        assert_eq!(settled(findings, &config, Level::Note), (vec!["Error a 0:0".into()], 1));
    }

    #[test]
    fn an_assumed_finding_never_becomes_an_error() {
        let mut assumed = finding("a", Level::Note, 0, 0);
        assumed.basis = Basis::Assumed;
        let config = Config { levels: vec![("a".into(), Some(Level::Error))], ..Config::default() };
        assert_eq!(settled(vec![assumed], &config, Level::Note).0, ["Warning a 0:0"]);
    }

    fn allow(rules: &[&str], scope: Scope, until: Option<&str>) -> Allow {
        let span = Span { file: FileId(0), start: 0, end: 0 };
        Allow {
            span,
            rules: rules.iter().map(|&rule| (rule.to_owned(), span)).collect(),
            scope,
            until: until.map(|day| Date::parse(day).expect("a day")),
            reason: "accepted".into(),
        }
    }

    fn part(start: u32, end: u32) -> Scope {
        Scope::Part(Span { file: FileId(0), start, end })
    }

    fn kinds(settled: &Settled) -> Vec<(NoticeKind, &str)> {
        settled.notices.iter().map(|notice| (notice.kind, notice.title.as_str())).collect()
    }

    fn in_environments(mut finding: Finding, names: &[&str]) -> Finding {
        finding.environments = names.iter().map(|&name| name.to_owned()).collect();
        finding
    }

    #[test]
    fn a_suppression_hides_its_rule_where_it_covers_and_nothing_else() {
        let config = Config::default();
        let allows = [allow(&["a"], part(10, 20), Some("2026-11-22"))];
        let findings = vec![
            finding("a", Level::Error, 0, 9),
            finding("a", Level::Error, 0, 10),
            finding("a", Level::Error, 0, 20),
            finding("a", Level::Error, 1, 10),
            finding("b", Level::Error, 0, 11),
        ];
        let settled = run(findings, Terms { allows: &allows, ..terms(&config) });
        assert_eq!(lines(&settled), ["Error a 0:9", "Error b 0:11", "Error a 0:20", "Error a 1:10"]);
        assert_eq!(settled.set_aside.len(), 1);
        assert_eq!(settled.set_aside[0].why, Aside::Allowed(0));
        assert_eq!(settled.notices, []);
    }

    #[test]
    fn a_suppression_past_its_day_hides_nothing_and_is_told() {
        let config = Config::default();
        let allows =
            [allow(&["a"], part(0, 9), Some("2026-11-21")), allow(&["b"], part(0, 9), Some("2020-01-01"))];
        let findings = || vec![finding("a", Level::Error, 0, 5)];
        let settled = run(findings(), Terms { allows: &allows, ..terms(&config) });
        assert_eq!(lines(&settled), ["Error a 0:5"]);
        insta::assert_debug_snapshot!(settled.notices.iter().map(|n| [&n.title, &n.help]).collect::<Vec<_>>(), @r#"
        [
            [
                "this suppression of `a` ended on 2026-11-21",
                "repair what it hid, or give it a new day and reason",
            ],
            [
                "this suppression of `b` ended on 2020-01-01",
                "remove it: it would hide nothing",
            ],
        ]
        "#);
        let undated = run(findings(), Terms { allows: &allows, today: None, ..terms(&config) });
        assert_eq!(undated.findings, [], "nobody says which day it is");
    }

    #[test]
    fn a_suppression_that_hides_nothing_is_told_rule_by_rule_if_the_rule_ran() {
        let config = Config::default();
        let allows = [allow(&["a", "b", "skipped"], part(0, 9), None)];
        let findings = vec![finding("a", Level::Error, 0, 5)];
        let ran = |rule: &str| rule != "skipped";
        let settled = run(findings, Terms { allows: &allows, ran: &ran, ..terms(&config) });
        assert_eq!(
            kinds(&settled),
            [(NoticeKind::SuppressionUnused, "this suppression of `b` hides nothing")]
        );
        assert_eq!(settled.worst, Some(Level::Note));
    }

    #[test]
    fn what_is_described_is_judged_unused_only_where_everything_was_looked_at() {
        let config = Config::default();
        let allows = [allow(&["a"], Scope::Described(Description::default()), None)];
        let unused =
            |whole| run(Vec::new(), Terms { allows: &allows, whole, ..terms(&config) }).notices.len();
        assert_eq!((unused(true), unused(false)), (1, 0));
    }

    #[test]
    fn a_suppression_for_one_environment_leaves_the_others() {
        let config = Config::default();
        let staging = Description { environment: Some("staging".into()), ..Description::default() };
        let allows = [allow(&["a"], Scope::Described(staging), None)];
        let findings = vec![
            in_environments(finding("a", Level::Error, 0, 5), &["production", "staging"]),
            in_environments(finding("a", Level::Error, 1, 5), &["staging"]),
        ];
        let settled = run(findings, Terms { allows: &allows, ..terms(&config) });
        assert_eq!(lines(&settled), ["Error a 0:5 production"]);
        assert_eq!(settled.set_aside.len(), 2);
        assert!(settled.set_aside.iter().all(|aside| aside.reported.finding.environments == ["staging"]));
    }

    fn baseline(entries: &[(&str, Option<&str>, Level, usize)]) -> Baseline {
        let mut baseline = Baseline::default();
        for &(rule, environment, level, count) in entries {
            let identity = Identity {
                rule: rule.into(),
                environment: environment.map(str::to_owned),
                subject: Subject::Service("auth".into()),
                key: String::new(),
            };
            let span = Span { file: FileId(0), start: 0, end: 0 };
            baseline.add(identity, level, count, Some(span));
        }
        baseline
    }

    #[test]
    fn the_baseline_hides_as_many_as_it_holds_in_the_environments_it_names() {
        let config = Config::default();
        let held = baseline(&[
            ("a", Some("production"), Level::Error, 1),
            ("b", None, Level::Warning, 1),
            ("c", None, Level::Warning, 1),
        ]);
        let findings = vec![
            in_environments(finding("a", Level::Error, 0, 1), &["production", "staging"]),
            finding("b", Level::Warning, 0, 2),
            finding("b", Level::Warning, 0, 3),
            finding("c", Level::Error, 0, 4),
        ];
        let settled = run(findings, Terms { baseline: Some(&held), ..terms(&config) });
        assert_eq!(lines(&settled), ["Error a 0:1 staging", "Error c 0:4", "Warning b 0:3"]);
        assert_eq!(
            kinds(&settled),
            [(NoticeKind::BaselineGone, "1 finding of the baseline no longer occurs")]
        );
    }

    #[test]
    fn a_baseline_is_not_called_stale_after_a_look_at_a_part() {
        let config = Config::default();
        let held = baseline(&[("timeout-missing", None, Level::Error, 1)]);
        let part = Terms { baseline: Some(&held), whole: false, ..terms(&config) };
        assert_eq!(run(Vec::new(), part).notices, []);
        let without =
            Terms { baseline: Some(&held), ran: &|rule| rule != "timeout-missing", ..terms(&config) };
        assert_eq!(run(Vec::new(), without).notices, []);
    }

    #[test]
    fn notices_have_levels_like_rules() {
        let off = Config { levels: vec![("suppression-unused".into(), None)], ..Config::default() };
        let allows = [allow(&["a"], part(0, 9), None)];
        let settled = run(Vec::new(), Terms { allows: &allows, ..terms(&off) });
        assert_eq!((settled.notices.len(), settled.hidden_notices, settled.worst), (0, 1, None));
        let error = Config { levels: vec![("suppression-unused".into(), Some(Level::Error))], ..off };
        assert_eq!(run(Vec::new(), Terms { allows: &allows, ..terms(&error) }).worst, Some(Level::Error));
    }

    #[test]
    fn findings_of_one_mode_at_one_place_are_one_with_the_others_in_it() {
        let config = Config::default();
        let other_mode = Finding { mode: FailureMode::DrainCut, ..finding("a", Level::Error, 0, 5) };
        let other_caller =
            Finding { subject: Subject::Service("mail".into()), ..finding("a", Level::Warning, 0, 5) };
        let findings = vec![
            other_caller.clone(),
            finding("a", Level::Error, 0, 5),
            finding("a", Level::Error, 0, 6),
            other_mode,
        ];
        let settled = run(findings, terms(&config));
        assert_eq!(lines(&settled), ["Error a 0:5 +1", "Error a 0:5", "Error a 0:6"]);
        assert_eq!(settled.findings[0].also, [other_caller]);
    }
}
