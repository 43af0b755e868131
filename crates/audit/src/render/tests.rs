//! One outcome of our own making in every format.

use std::path::Path;

use ::text::Source;
use model::{
    Basis, Environment, FailureMode, FileId, Finding, Fleet, Label, Level, NotEvaluated, Origin, Span,
    Subject,
};

use super::*;
use crate::{
    Allow, Aside, Date, FileReport, FileStatus, Notice, NoticeKind, Outcome, Reported, Repository, Scope,
    SetAside, Sources,
};

const PATHS: [&str; 3] = ["auth/auth.toml", "directory/app.yaml", "directory/min.json"];
const AUTH: &str = "[directory]\nurl = \"http://auth:hunter2@directory:8080\"\nrequest_timeout = \"300ms\"\n";
const DIRECTORY: &str = "server:\n  handler: 2s # its own limit\n";

fn span(source: &str, file: u32, of: &str) -> Span {
    let start = source.find(of).expect("the fixture has it") as u32;
    Span { file: FileId(file), start, end: start + of.len() as u32 }
}

fn finding(rule: &'static str, level: Level, title: &str, labels: Vec<Label>) -> Finding {
    Finding {
        rule,
        level,
        basis: Basis::AcrossFiles,
        mode: FailureMode::TimeoutInversion,
        environments: vec!["production".into(), "staging".into()],
        subject: Subject::Call("auth".into(), "directory".into()),
        title: title.into(),
        labels,
        arithmetic: Vec::new(),
        help: String::new(),
        assumptions: Vec::new(),
    }
}

fn written(source: &str, file: u32, of: &str, text: &str) -> Label {
    Label { origin: Origin::Written(span(source, file, of)), text: text.into() }
}

fn outcome() -> Outcome {
    let minified =
        format!("{{{}\"timeout\": 300, {}}}", "\"filler\": 1, ".repeat(4000), "\"more\": 2, ".repeat(4000));
    let mut first = finding(
        "timeout-shorter-than-callee",
        Level::Error,
        "auth gives up after 300 ms while directory works for up to 2 s",
        vec![
            written(AUTH, 0, "\"300ms\"", "covers the whole call, 1 attempt"),
            written(DIRECTORY, 1, "2s", "covers the handler"),
        ],
    );
    first.arithmetic = vec!["300 ms < 2 s + 100 ms".into()];
    first.help = "let the handler end first: at most 200 ms, or wait 2.1 s.".into();
    let mut second = finding(
        "timeout-missing",
        Level::Warning,
        "nothing ends a call to http://auth:hunter2@directory:8080",
        vec![
            Label {
                origin: Origin::Default {
                    near: Span { file: FileId(0), start: 0, end: AUTH.len() as u32 },
                    of: "client attempt_timeout",
                    version: "since 1.0, client manual",
                },
                text: "no `attempt_timeout`: no limit".into(),
            },
            written(AUTH, 0, "\"http://auth:hunter2@directory:8080\"", "the call"),
        ],
    );
    second.basis = Basis::Assumed;
    second.assumptions = vec!["that `url` is called".into()];
    second.environments = vec!["staging".into()];
    let third = finding(
        "unit-too-large",
        Level::Note,
        "300 is read as 300 s",
        vec![Label { origin: Origin::Written(span(&minified, 2, "300")), text: "no unit".into() }],
    );
    let caller = |from: &str, rule, labels| {
        let mut folded = finding(rule, Level::Warning, "another path", labels);
        folded.subject = Subject::Call(from.into(), "directory".into());
        folded
    };
    let place = || vec![first.labels[0].clone(), written(DIRECTORY, 1, "server", "")];
    let also = vec![
        caller("edge", "timeout-shorter-than-callee", place()),
        caller("mail", "timeout-shorter-than-callee", vec![first.labels[0].clone()]),
        caller("batch", "timeout-shorter-than-callee", place()),
        caller("jobs", "timeout-shorter-than-callee", place()),
        caller("auth", "timeout-above-proxy", place()),
    ];
    let first = Reported { finding: first, also };
    let environment = |name: &str| Environment { name: name.into(), ..Environment::default() };
    Outcome {
        margins: rules::Margins::default(),
        watched: None,
        fleet: Fleet {
            environments: vec![environment("production"), environment("staging")],
            ..Fleet::default()
        },
        set_aside: [Aside::Level, Aside::Level, Aside::Allowed(0), Aside::Baseline]
            .map(|why| SetAside { reported: third.clone().into(), why })
            .to_vec(),
        findings: vec![first, second.into(), third.into()],
        notices: vec![Notice::new(
            NoticeKind::SuppressionUnused,
            span(DIRECTORY, 1, "# its own limit"),
            "this suppression of `timeout-missing` hides nothing",
            "remove it",
        )],
        allows: vec![Allow {
            span: span(DIRECTORY, 1, "# its own limit"),
            rules: vec![("unit-too-large".into(), span(DIRECTORY, 1, "its"))],
            scope: Scope::Part(span(DIRECTORY, 1, "handler: 2s")),
            until: Date::parse("2027-03-01"),
            reason: "agreed with password=hunter2".into(),
        }],
        not_evaluated: vec![
            NotEvaluated {
                rule: "timeout-below-latency",
                subject: Subject::Call("auth".into(), "directory".into()),
                needs: "measured latency of the call".into(),
            };
            3
        ],
        files: vec![
            FileReport {
                path: "auth/auth.toml".into(),
                status: FileStatus::Read { dialect: "toml", settings: 2 },
            },
            FileReport {
                path: "directory/app.yaml".into(),
                status: FileStatus::PartlyRead {
                    dialect: "yaml",
                    settings: 1,
                    from_line: Some(3),
                    problem: "a tab in the indentation".into(),
                },
            },
            FileReport { path: "logo.svg".into(), status: FileStatus::NotOurs("no known syntax".into()) },
            FileReport {
                path: "chart/values.yaml".into(),
                status: FileStatus::NotEvaluated("template".into()),
            },
        ],
        problems: vec![(span(DIRECTORY, 1, "handler"), "a tab in the indentation".into())],
        sources: Sources::new(vec![
            Source::new(FileId(0), PATHS[0], AUTH),
            Source::new(FileId(1), PATHS[1], DIRECTORY),
            Source::new(FileId(2), PATHS[2], minified),
        ]),
        rules_run: vec![
            "retry-amplification",
            "timeout-missing",
            "timeout-shorter-than-callee",
            "unit-too-large",
        ],
        repository: Repository::new(Path::new(""), PATHS.map(Path::new)),
        ..Outcome::default()
    }
}

#[test]
fn text_shows_places_sum_defaults_assumptions_environments_and_help() {
    insta::assert_snapshot!(text(&outcome(), Style::default()), @r#"
    error[timeout-shorter-than-callee]: auth gives up after 300 ms while directory works for up to 2 s
     --> auth/auth.toml:3:19
      |
    3 | request_timeout = "300ms"
      |                   ^^^^^^^ covers the whole call, 1 attempt
      |
     ::: directory/app.yaml:2:12
      |
    2 |   handler: 2s # its own limit
      |            -- covers the handler
      |
      = sum: 300 ms < 2 s + 100 ms
      = in: production and staging
      = also reached from: edge (directory/app.yaml:1), mail, batch (directory/app.yaml:1) and 1 more
      = also: timeout-above-proxy: another path (directory/app.yaml:1)
      = help: let the handler end first: at most 200 ms, or wait 2.1 s; see `forewarn explain timeout-shorter-than-callee`

    warning[timeout-missing]: nothing ends a call to http://************@directory:8080
     --> auth/auth.toml:1:1
      |
    1 | [directory]
      | ^^^^^^^^^^^ no `attempt_timeout`: no limit
    2 | url = "http://************@directory:8080"
      |       ------------------------------------ the call
      |
      = default: client attempt_timeout, since 1.0, client manual
      = assumed: that `url` is called
      = in: staging
      = help: see `forewarn explain timeout-missing`

    note[unit-too-large]: 300 is read as 300 s
     --> directory/min.json:1:52013
      |
    1 | ...filler": 1, "filler": 1, "filler": 1, "timeout": 300, "more": 2, "more": 2, "more": 2, "more": 2, "more": 2, "...
      |                                                     ^^^ no unit
      |
      = in: production and staging
      = help: see `forewarn explain unit-too-large`

    note[suppression-unused]: this suppression of `timeout-missing` hides nothing
     --> directory/app.yaml:2:15
      |
    2 |   handler: 2s # its own limit
      |               ^^^^^^^^^^^^^^^
      |
      = help: remove it; see `forewarn explain suppression-unused`
    "#);
}

#[test]
fn short_has_one_line_a_finding() {
    insta::assert_snapshot!(short(&outcome()), @r"
    auth/auth.toml:3:19: error[timeout-shorter-than-callee]: auth gives up after 300 ms while directory works for up to 2 s (and 5 more at this place)
    auth/auth.toml:1:1: warning[timeout-missing]: nothing ends a call to http://************@directory:8080
    directory/min.json:1:52013: note[unit-too-large]: 300 is read as 300 s
    directory/app.yaml:2:15: note[suppression-unused]: this suppression of `timeout-missing` hides nothing
    ");
}

#[test]
fn github_has_one_command_a_finding() {
    insta::assert_snapshot!(github(&outcome()), @r"
    ::error file=auth/auth.toml,line=3,endLine=3,col=19,endColumn=26,title=timeout-shorter-than-callee%3A auth -> directory::auth gives up after 300 ms while directory works for up to 2 s%0Aauth/auth.toml:3:19: covers the whole call, 1 attempt%0Adirectory/app.yaml:2:12: covers the handler%0Asum: 300 ms < 2 s + 100 ms%0Ain: production and staging%0Aalso reached from: edge (directory/app.yaml:1), mail, batch (directory/app.yaml:1) and 1 more%0Aalso: timeout-above-proxy: another path (directory/app.yaml:1)%0Ahelp: let the handler end first: at most 200 ms, or wait 2.1 s; see `forewarn explain timeout-shorter-than-callee`
    ::warning file=auth/auth.toml,line=1,endLine=1,col=1,endColumn=12,title=timeout-missing%3A auth -> directory::nothing ends a call to http://************@directory:8080%0Aauth/auth.toml:1:1: no `attempt_timeout`: no limit%0Aauth/auth.toml:2:7: the call%0Adefault: client attempt_timeout, since 1.0, client manual%0Aassumed: that `url` is called%0Ain: staging%0Ahelp: see `forewarn explain timeout-missing`
    ::notice file=directory/min.json,line=1,endLine=1,col=52013,endColumn=52016,title=unit-too-large%3A auth -> directory::300 is read as 300 s%0Adirectory/min.json:1:52013: no unit%0Ain: production and staging%0Ahelp: see `forewarn explain unit-too-large`
    ::notice file=directory/app.yaml,line=2,endLine=2,col=15,endColumn=30,title=suppression-unused::this suppression of `timeout-missing` hides nothing%0Adirectory/app.yaml:2:15%0Ahelp: remove it; see `forewarn explain suppression-unused`
    ");
}

#[test]
fn junit_has_a_suite_a_rule_and_a_case_a_finding() {
    insta::assert_snapshot!(junit(&outcome(), Level::Warning), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="forewarn" tests="8" failures="2" errors="0">
      <testsuite name="retry-amplification" tests="1" failures="0" errors="0" skipped="0">
        <testcase name="no finding" classname="forewarn.retry-amplification"/>
      </testsuite>
      <testsuite name="suppression-unused" tests="1" failures="0" errors="0" skipped="0">
        <testcase name="directory/app.yaml" classname="forewarn.suppression-unused">
          <system-out>note[suppression-unused]: this suppression of `timeout-missing` hides nothing
     --&gt; directory/app.yaml:2:15
      |
    2 |   handler: 2s # its own limit
      |               ^^^^^^^^^^^^^^^
      |
      = help: remove it; see `forewarn explain suppression-unused`</system-out>
        </testcase>
      </testsuite>
      <testsuite name="timeout-below-latency" tests="3" failures="0" errors="0" skipped="3">
        <testcase name="auth -&gt; directory" classname="forewarn.timeout-below-latency">
          <skipped message="needs measured latency of the call"/>
        </testcase>
        <testcase name="auth -&gt; directory (2)" classname="forewarn.timeout-below-latency">
          <skipped message="needs measured latency of the call"/>
        </testcase>
        <testcase name="auth -&gt; directory (3)" classname="forewarn.timeout-below-latency">
          <skipped message="needs measured latency of the call"/>
        </testcase>
      </testsuite>
      <testsuite name="timeout-missing" tests="1" failures="1" errors="0" skipped="0">
        <testcase name="auth -&gt; directory" classname="forewarn.timeout-missing">
          <failure type="warning" message="nothing ends a call to http://************@directory:8080">warning[timeout-missing]: nothing ends a call to http://************@directory:8080
     --&gt; auth/auth.toml:1:1
      |
    1 | [directory]
      | ^^^^^^^^^^^ no `attempt_timeout`: no limit
    2 | url = &quot;http://************@directory:8080&quot;
      |       ------------------------------------ the call
      |
      = default: client attempt_timeout, since 1.0, client manual
      = assumed: that `url` is called
      = in: staging
      = help: see `forewarn explain timeout-missing`</failure>
        </testcase>
      </testsuite>
      <testsuite name="timeout-shorter-than-callee" tests="1" failures="1" errors="0" skipped="0">
        <testcase name="auth -&gt; directory" classname="forewarn.timeout-shorter-than-callee">
          <failure type="error" message="auth gives up after 300 ms while directory works for up to 2 s">error[timeout-shorter-than-callee]: auth gives up after 300 ms while directory works for up to 2 s
     --&gt; auth/auth.toml:3:19
      |
    3 | request_timeout = &quot;300ms&quot;
      |                   ^^^^^^^ covers the whole call, 1 attempt
      |
     ::: directory/app.yaml:2:12
      |
    2 |   handler: 2s # its own limit
      |            -- covers the handler
      |
      = sum: 300 ms &lt; 2 s + 100 ms
      = in: production and staging
      = also reached from: edge (directory/app.yaml:1), mail, batch (directory/app.yaml:1) and 1 more
      = also: timeout-above-proxy: another path (directory/app.yaml:1)
      = help: let the handler end first: at most 200 ms, or wait 2.1 s; see `forewarn explain timeout-shorter-than-callee`</failure>
        </testcase>
      </testsuite>
      <testsuite name="unit-too-large" tests="1" failures="0" errors="0" skipped="0">
        <testcase name="auth -&gt; directory" classname="forewarn.unit-too-large">
          <system-out>note[unit-too-large]: 300 is read as 300 s
     --&gt; directory/min.json:1:52013
      |
    1 | ...filler&quot;: 1, &quot;filler&quot;: 1, &quot;filler&quot;: 1, &quot;timeout&quot;: 300, &quot;more&quot;: 2, &quot;more&quot;: 2, &quot;more&quot;: 2, &quot;more&quot;: 2, &quot;more&quot;: 2, &quot;...
      |                                                     ^^^ no unit
      |
      = in: production and staging
      = help: see `forewarn explain unit-too-large`</system-out>
        </testcase>
      </testsuite>
    </testsuites>
    "#);
}

#[test]
fn a_result_of_sarif_has_one_place_links_to_the_others_and_a_fingerprint() {
    let log: serde_json::Value = serde_json::from_str(&sarif(&outcome())).expect("JSON");
    let mut result = log["runs"][0]["results"][1].clone();
    let index = result["ruleIndex"].take().as_u64().expect("a number") as usize;
    assert_eq!(log["runs"][0]["tool"]["driver"]["rules"][index]["id"], "timeout-missing");
    insta::assert_snapshot!(serde_json::to_string_pretty(&result).expect("JSON"), @r#"
    {
      "level": "warning",
      "locations": [
        {
          "logicalLocations": [
            {
              "fullyQualifiedName": "auth -> directory",
              "kind": "call"
            }
          ],
          "message": {
            "text": "no `attempt_timeout`: no limit"
          },
          "physicalLocation": {
            "artifactLocation": {
              "uri": "auth/auth.toml",
              "uriBaseId": "%SRCROOT%"
            },
            "region": {
              "endColumn": 12,
              "endLine": 1,
              "startColumn": 1,
              "startLine": 1
            }
          }
        }
      ],
      "message": {
        "text": "nothing ends a call to http://************@directory:8080.\nauth/auth.toml:1:1: no `attempt_timeout`: no limit\n[auth/auth.toml:2:7](1): the call\ndefault: client attempt_timeout, since 1.0, client manual\nassumed: that `url` is called\nin: staging\nhelp: see `forewarn explain timeout-missing`"
      },
      "partialFingerprints": {
        "forewarnFinding/v1": "f5c179637e5371347bb023ce9e54cf75:1"
      },
      "relatedLocations": [
        {
          "id": 1,
          "message": {
            "text": "the call"
          },
          "physicalLocation": {
            "artifactLocation": {
              "uri": "auth/auth.toml",
              "uriBaseId": "%SRCROOT%"
            },
            "region": {
              "endColumn": 43,
              "endLine": 2,
              "startColumn": 7,
              "startLine": 2
            }
          }
        }
      ],
      "ruleId": "timeout-missing",
      "ruleIndex": null
    }
    "#);
}

#[test]
fn the_summary_counts_what_was_read_found_hidden_and_not_evaluated() {
    insta::assert_snapshot!(summary(&outcome(), Detail::Full), @r"
    3 findings: 1 error, 1 warning, 1 note; 5 folded into them; 2 hidden by level; 1 suppressed; 1 in the baseline
    1 notice on suppressions and the baseline: 0 errors, 0 warnings, 1 note
    read 2 files (1 in part, skipped 2): 0 services, 0 calls, 0 settings, 2 environments; ran 4 rules
    suppressed: 1
      1 × directory/app.yaml:2: allow(unit-too-large) until 2027-03-01: agreed with password=*******
    not evaluated: 3
      3 × timeout-below-latency needs measured latency of the call (auth -> directory)
    files not read to their end: 1
      1 × directory/app.yaml: not read from line 3 on: a tab in the indentation
    files not evaluated: 1
      1 × chart/values.yaml: template
      directory/app.yaml:2:3: a tab in the indentation
    ");
}

#[test]
fn all_formats_show_the_same_findings_in_the_same_order() {
    let outcome = outcome();
    let (text, short, json) = (text(&outcome, Style::default()), short(&outcome), json(&outcome));
    let order = |shown: &str, before: &str, behind: &str| -> Vec<usize> {
        outcome
            .findings
            .iter()
            .map(|Reported { finding, .. }| {
                let mark = format!("{before}{}{behind}", finding.rule);
                assert_eq!(shown.matches(&mark).count(), 1, "{mark}");
                shown.find(&mark).expect("counted")
            })
            .collect()
    };
    assert!(order(&text, "[", "]: ").is_sorted());
    assert!(order(&short, "[", "]: ").is_sorted());
    assert!(order(&json, "\n      \"rule\": \"", "\",\n      \"fingerprint").is_sorted());
}

#[test]
fn no_format_shows_a_secret() {
    let mut outcome = outcome();
    // Every name that comes from a file, too.
    let secret = || "token=hunter2".to_owned();
    outcome.fleet.environments[0].name = secret();
    let subjects =
        [Subject::Service(secret()), Subject::Call(secret(), secret()), Subject::Setting(secret())];
    let folded = outcome.findings[1].finding.clone();
    outcome.findings[0].also.push(folded);
    let all =
        outcome.findings.iter_mut().flat_map(|Reported { finding, also }| also.iter_mut().chain([finding]));
    for (finding, subject) in all.zip(subjects.iter().cycle()) {
        finding.environments = vec![secret(), secret()];
        finding.subject = subject.clone();
        finding.title = secret();
        finding.help = secret();
        finding.arithmetic = vec![secret()];
        finding.assumptions = vec![secret()];
        finding.labels.iter_mut().for_each(|label| label.text = secret());
    }
    for (missing, subject) in outcome.not_evaluated.iter_mut().zip(subjects) {
        *missing = NotEvaluated { rule: missing.rule, subject, needs: secret() };
    }
    outcome.problems.iter_mut().for_each(|(_, words)| *words = secret());
    outcome.notices.iter_mut().for_each(|notice| (notice.title, notice.help) = (secret(), secret()));
    outcome.allows[0].reason = secret();
    outcome.allows[0].rules[0].0 = secret();
    outcome.files.push(FileReport { path: "a.yaml".into(), status: FileStatus::NotOurs(secret()) });
    let coloured = Style { colour: true, width: 80 };
    let all = [
        text(&outcome, Style::default()),
        text(&outcome, coloured),
        short(&outcome),
        json(&outcome),
        sarif(&outcome),
        github(&outcome),
        junit(&outcome, Level::Warning),
        junit(&outcome, Level::Error),
        summary(&outcome, Detail::Full),
    ];
    for shown in all {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn a_path_that_looks_like_a_secret_still_leads_to_its_file() {
    let mut outcome = outcome();
    let text = "[directory]\ntimeout = 3\n";
    outcome.files = vec![FileReport {
        path: "h/token.yaml".into(),
        status: FileStatus::NotEvaluated("token=hunter2".into()),
    }];
    outcome.sources = Sources::new(vec![Source::new(FileId(0), "h/token.yaml", text)]);
    outcome.fleet.environments[0].services = vec![model::Service {
        name: "password=hunter2".into(),
        origin: Origin::Written(span(text, 0, "timeout")),
        groups: Vec::new(),
        forwards: false,
        finishes: false,
        external: false,
    }];
    insta::assert_snapshot!(files(&outcome).text() + &services(&outcome).text(), @r"
    PATH          STATUS         READ AS  SETTINGS  REASON
    h/token.yaml  not evaluated                     token=*******
    ENVIRONMENT  SERVICE           KIND  SETTINGS  WHERE
    production   password=*******        0 groups  h/token.yaml:2:1
    ");
    let stopped = crate::Error::stopped("h/token.yaml", "no such file", "name one that exists");
    assert!(error(&stopped, Style::default()).starts_with("error: h/token.yaml: no such file\n"));
}

#[test]
fn colour_changes_no_word() {
    let outcome = outcome();
    let coloured = text(&outcome, Style { colour: true, ..Style::default() });
    let mut plain = String::new();
    let mut inside = false;
    for c in coloured.chars() {
        match (inside, c) {
            (false, '\u{1b}') => inside = true,
            (false, c) => plain.push(c),
            (true, 'm') => inside = false,
            (true, _) => {}
        }
    }
    assert_eq!(plain, text(&outcome, Style::default()));
}

#[test]
fn a_line_of_a_megabyte_is_cut_and_drawn_at_once() {
    let shown = text(&outcome(), Style { width: 80, ..Style::default() });
    assert!(shown.lines().all(|line| line.chars().count() < 200), "{shown}");
}

#[test]
fn mistakes_point_into_the_file_and_stops_name_the_place() {
    let source = Source::new(FileId(9), "forewarn.toml", "[margins]\nchian = \"1s\"\n");
    let mistake = crate::config::Mistake {
        span: Span { file: FileId(9), start: 10, end: 15 },
        what: "[margins] has no key `chian`".into(),
        help: "did you mean `chain`?".into(),
    };
    let mistakes = crate::Error::Mistakes { source, mistakes: vec![mistake] };
    let stopped = crate::Error::stopped("deploy/", "no such directory", "name one that exists");
    let shown = error(&mistakes, Style::default()) + &error(&stopped, Style::default());
    insta::assert_snapshot!(shown, @r#"
    error: [margins] has no key `chian`
     --> forewarn.toml:2:1
      |
    2 | chian = "1s"
      | ^^^^^
      |
      = help: did you mean `chain`?

    error: deploy/: no such directory
    help: name one that exists
    "#);
}
