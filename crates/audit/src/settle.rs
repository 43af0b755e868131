//! The only place where levels that people state hide or re-rate a finding. Nothing is dropped: what is not shown is
//! counted. Pure.

use model::{Basis, FileId, Finding, Level};

use crate::Globs;
use crate::config::Config;

/// Findings as they will be shown.
#[derive(Debug, Default)]
pub struct Settled {
    /// Worst first, then by path, line and rule.
    pub findings: Vec<Finding>,
    /// How many are not shown, because a level says `off` or lies below the one asked for.
    pub hidden: usize,
    /// The worst level of all that are not `off`, those below the level asked for included: what is
    /// shown decides no exit code.
    pub worst: Option<Level>,
}

/// Gives every finding the level that `forewarn.toml` states for its rule at its first place, and
/// hides those that are `off` or below `min_level`.
///
/// An assumed finding stays a warning at most, whatever is stated: it rests on a guess. `path` gives
/// a file's path relative to `forewarn.toml`, for the globs of `[[override]]`.
pub fn settle(
    findings: Vec<Finding>,
    config: &Config,
    min_level: Level,
    path: &dyn Fn(FileId) -> String,
) -> Settled {
    let overrides: Vec<_> = config
        .overrides
        .iter()
        .filter(|part| !part.levels.is_empty())
        .map(|part| (Globs::new(&part.paths), part.levels.as_slice()))
        .collect();
    let all = findings.len();
    let mut worst = None;
    let mut shown: Vec<(Finding, String)> = findings
        .into_iter()
        .filter_map(|mut finding| {
            let place = place(&finding).map(|span| path(span.file)).unwrap_or_default();
            let mut stated = stated(&config.levels, finding.rule);
            for (globs, levels) in &overrides {
                if globs.matches(&place) {
                    stated = self::stated(levels, finding.rule).or(stated);
                }
            }
            match stated {
                Some(None) => return None,
                Some(Some(level)) if finding.basis == Basis::Assumed => {
                    finding.level = level.min(Level::Warning);
                }
                Some(Some(level)) => finding.level = level,
                None => {}
            }
            worst = worst.max(Some(finding.level));
            (finding.level >= min_level).then_some((finding, place))
        })
        .collect();
    shown.sort_by(|(a, a_path), (b, b_path)| {
        let start = |finding: &Finding| place(finding).map(|span| span.start);
        b.level
            .cmp(&a.level)
            .then_with(|| a_path.cmp(b_path))
            .then_with(|| start(a).cmp(&start(b)))
            .then_with(|| a.rule.cmp(b.rule))
            .then_with(|| a.subject.cmp(&b.subject))
            .then_with(|| a.title.cmp(&b.title))
            .then_with(|| a.environments.cmp(&b.environments))
    });
    let findings: Vec<Finding> = shown.into_iter().map(|(finding, _)| finding).collect();
    Settled { hidden: all - findings.len(), findings, worst }
}

/// Where a finding points first.
fn place(finding: &Finding) -> Option<model::Span> {
    finding.labels.iter().find_map(|label| label.origin.span())
}

/// The level stated for a rule; the last statement wins.
fn stated(levels: &[(String, Option<Level>)], rule: &str) -> Option<Option<Level>> {
    levels.iter().rev().find(|(name, _)| name == rule).map(|&(_, level)| level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Override;
    use model::{FailureMode, Label, Origin, Span, Subject};

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

    fn settled(findings: Vec<Finding>, config: &Config, min_level: Level) -> (Vec<String>, usize) {
        let settled = settle(findings, config, min_level, &|file| {
            ["auth/a.toml", "edge/b.yaml"][file.0 as usize].into()
        });
        let shown = settled.findings.iter().map(|finding| {
            let span = place(finding).expect("bug: made with a place");
            format!("{:?} {} {}:{}", finding.level, finding.rule, span.file.0, span.start)
        });
        (shown.collect(), settled.hidden)
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
        assert_eq!(shown, ["Error c 0:9", "Error c 1:2", "Error a 1:5", "Error b 1:5", "Note b 0:0"]);
        assert_eq!(hidden, 0);
    }

    #[test]
    fn what_is_off_or_below_the_level_asked_for_is_counted() {
        let config = Config { levels: vec![("a".into(), None)], ..Config::default() };
        let findings = vec![
            finding("a", Level::Error, 0, 0),
            finding("b", Level::Note, 0, 0),
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
        let settled = settle(findings, &config, Level::Error, &|_| String::new());
        assert_eq!(settled.findings.len(), 0);
        assert_eq!(settled.worst, Some(Level::Warning));
        assert_eq!(settle(Vec::new(), &config, Level::Note, &|_| String::new()).worst, None);
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
}
