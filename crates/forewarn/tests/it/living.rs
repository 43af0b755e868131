//! Years with `forewarn check`: findings accepted by comment, by `[[allow]]` and by baseline, until they
//! are gone.

use crate::workbench::{Ran, Workbench};

const AUTH: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: auth
spec:
  selector:
    matchLabels: {app: auth}
  template:
    metadata:
      labels: {app: auth}
    spec:
      containers:
        - name: auth
          image: registry.example/auth:7
          livenessProbe:
            httpGet: {path: /healthz, port: 8080}
            timeoutSeconds: 30
            periodSeconds: 10
";

const RULE: &str = "probe-timeout-above-period";

/// `check` of one rule on a day.
fn check(bench: &Workbench, day: &str) -> Ran {
    bench.run(&["check", "--rule", RULE, "--format", "short", "--today", day])
}

fn with_comment(comment: &str) -> String {
    AUTH.replace("          livenessProbe:", &format!("          # {comment}\n          livenessProbe:"))
}

#[test]
fn a_suppression_hides_a_finding_until_its_day_and_then_speaks() {
    let comment =
        "forewarn: allow(probe-timeout-above-period) until 2027-03-01: slow start, see password=hunter2";
    let bench = Workbench::with(&[("auth.yaml", &with_comment(comment))]);
    insta::assert_snapshot!(check(&bench, "2027-03-01").whole(), @r"
    exit 0
    --- stdout
    --- stderr
    0 findings; 1 suppressed
    read 1 file: 1 service, 0 calls, 7 settings; ran 1 rule
    ");
    insta::assert_snapshot!(check(&bench, "2027-03-02").whole(), @r"
    exit 1
    --- stdout
    auth.yaml:18:29: warning[probe-timeout-above-period]: a hanging `auth` is noticed after 90 s, not 30 s: its liveness probe may take longer than its period
    auth.yaml:15:29: note[suppression-expired]: this suppression of `probe-timeout-above-period` ended on 2027-03-01
    --- stderr
    1 finding: 0 errors, 1 warning, 0 notes
    1 notice on suppressions and the baseline: 0 errors, 0 warnings, 1 note
    read 1 file: 1 service, 0 calls, 7 settings; ran 1 rule
    ");
    let verbose = bench.run(&["check", "--rule", RULE, "-v", "--today", "2027-03-01"]);
    assert!(verbose.stderr.contains("slow start, see password=*******"), "{}", verbose.stderr);
    let json = bench.run(&["check", "--rule", RULE, "--format", "json", "--today", "2027-03-01"]);
    assert!(
        !json.stdout.contains("hunter2") && json.stdout.contains("\"until\": \"2027-03-01\""),
        "{}",
        json.stdout
    );
}

#[test]
fn what_was_meant_as_a_suppression_is_told_with_what_to_do() {
    let misspelt = "forewarn: allow(probe-timeout-above-periode): slow start";
    let unreasoned = AUTH.replace(
        "            timeoutSeconds: 30",
        "            timeoutSeconds: 30 # forewarn: allow(probe-timeout-above-period)",
    );
    let bench = Workbench::with(&[("auth.yaml", &with_comment(misspelt)), ("mail/mail.yaml", &unreasoned)]);
    let ran = bench.run(&["check", "--rule", "retry-without-backoff", "--today", "2027-03-01"]);
    let shown = ran.whole();
    // The list of all rules grows.
    let shown: String =
        shown.lines().map(|line| line.split(" rules: `").next().unwrap_or(line).to_owned() + "\n").collect();
    insta::assert_snapshot!(shown, @r"
    exit 1
    --- stdout
    warning[suppression-unknown]: there is no rule `probe-timeout-above-periode`
      --> auth.yaml:15:29
       |
    15 |           # forewarn: allow(probe-timeout-above-periode): slow start
       |                             ^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: did you mean `probe-timeout-above-period`?

    warning[suppression-unknown]: a suppression without a reason
      --> mail/mail.yaml:17:32
       |
    17 |             timeoutSeconds: 30 # forewarn: allow(probe-timeout-above-period)
       |                                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: write `forewarn: allow(rule-name): the reason`, or `forewarn: allow(rule-name) until 2027-03-01: the reason`; see `forewarn explain suppression-unknown`

    --- stderr
    0 findings
    2 notices on suppressions and the baseline: 0 errors, 2 warnings, 0 notes
    read 2 files: 2 services, 0 calls, 14 settings; ran 1 rule
    ");
}

#[test]
fn what_a_table_of_forewarn_toml_describes_is_hidden_and_told_when_it_is_gone() {
    let allow = "[[allow]]\nrule = \"probe-timeout-above-period\"\nservice = \"auth\"\npaths = [\"*.yaml\"]\n\
                 until = 2027-03-01\nreason = \"slow start\"\n";
    let bench = Workbench::with(&[("auth.yaml", AUTH), ("forewarn.toml", allow)]);
    assert_eq!(check(&bench, "2027-03-01").code, 0);
    bench.write("auth.yaml", &AUTH.replace("timeoutSeconds: 30", "timeoutSeconds: 3"));
    insta::assert_snapshot!(check(&bench, "2027-03-01").whole(), @r"
    exit 0
    --- stdout
    forewarn.toml:2:8: note[suppression-unused]: this suppression of `probe-timeout-above-period` hides nothing
    --- stderr
    0 findings
    1 notice on suppressions and the baseline: 0 errors, 0 warnings, 1 note
    read 1 file: 1 service, 0 calls, 7 settings; ran 1 rule
    ");
    bench.write(
        "forewarn.toml",
        &allow.replace("\"probe-", "\"prob-").replace("2027-03-01", "\"March\"").replace("reason", "reasn"),
    );
    let refused = check(&bench, "2027-03-01");
    assert_eq!(refused.code, 2);
    for told in ["did you mean `probe-timeout-above-period`?", "did you mean `reason`?", "is no day"] {
        assert!(refused.stderr.contains(told), "{told}: {}", refused.stderr);
    }
}

#[test]
fn a_baseline_hides_the_findings_of_its_day_and_only_shrinks() {
    let bench = Workbench::with(&[("auth.yaml", AUTH)]);
    let baseline =
        |arguments: &[&str]| bench.run(&[&["baseline", "--today", "2027-03-01"], arguments].concat()).whole();
    insta::assert_snapshot!(baseline(&[]), @r"
    exit 0
    --- stdout
    wrote forewarn-baseline.json: it accepts 1 finding
    --- stderr
    ");
    insta::assert_snapshot!(bench.read("forewarn-baseline.json").expect("written"), @r#"
    {
      "version": 1,
      "findings": [
        {
          "rule": "probe-timeout-above-period",
          "environment": "default",
          "subject": {
            "kind": "service",
            "name": "auth"
          },
          "key": "containers[auth].livenessProbe.timeoutSeconds",
          "level": "warning",
          "count": 1
        }
      ]
    }
    "#);
    // Lines move, values change: the fault stays the same.
    bench.write("auth.yaml", &format!("# moved\n\n{}", AUTH.replace(": 30", ": 40")));
    insta::assert_snapshot!(check(&bench, "2027-03-01").whole(), @r"
    exit 0
    --- stdout
    --- stderr
    0 findings; 1 in the baseline
    read 1 file: 1 service, 0 calls, 7 settings; ran 1 rule
    ");
    bench.write("mail.yaml", &AUTH.replace("auth", "mail"));
    insta::assert_snapshot!(check(&bench, "2027-03-01").whole(), @r"
    exit 1
    --- stdout
    mail.yaml:17:29: warning[probe-timeout-above-period]: a hanging `mail` is noticed after 90 s, not 30 s: its liveness probe may take longer than its period
    --- stderr
    1 finding: 0 errors, 1 warning, 0 notes; 1 in the baseline
    read 2 files: 2 services, 0 calls, 14 settings; ran 1 rule
    ");
    insta::assert_snapshot!(baseline(&[]), @r"
    exit 1
    --- stdout
    forewarn-baseline.json: nothing to take out; it accepts 1 finding
    not added: 1 finding that it does not hold; repair them, or add them with --grow
    --- stderr
    ");
    insta::assert_snapshot!(baseline(&["--grow"]), @r"
    exit 0
    --- stdout
    forewarn-baseline.json: added 1 finding; it accepts 2 findings
    --- stderr
    ");
    bench.write("auth.yaml", &AUTH.replace("timeoutSeconds: 30", "timeoutSeconds: 3"));
    insta::assert_snapshot!(check(&bench, "2027-03-01").whole(), @r"
    exit 0
    --- stdout
    forewarn-baseline.json:5:7: note[baseline-gone]: 1 finding of the baseline no longer occurs
    --- stderr
    0 findings; 1 in the baseline
    1 notice on suppressions and the baseline: 0 errors, 0 warnings, 1 note
    read 2 files: 2 services, 0 calls, 14 settings; ran 1 rule
    ");
    insta::assert_snapshot!(baseline(&[]), @r"
    exit 0
    --- stdout
    forewarn-baseline.json: took out 1 finding no longer there; it accepts 1 finding
    --- stderr
    ");
    let all = bench.run(&["check", "--rule", RULE, "--format", "short", "--no-baseline"]);
    assert!(all.stderr.starts_with("1 finding: "), "{}", all.stderr);
}

#[test]
fn a_look_at_a_part_takes_nothing_out_of_the_baseline() {
    let mail = AUTH.replace("auth", "mail");
    let bench =
        Workbench::with(&[("forewarn.toml", ""), ("auth/auth.yaml", AUTH), ("mail/mail.yaml", &mail)]);
    let baseline = |directory: &str, arguments: &[&str]| {
        bench.run_in(directory, &[&["baseline", "--today", "2027-03-01"], arguments].concat()).whole()
    };
    baseline("", &[]);
    let written = bench.read("forewarn-baseline.json");
    let named = baseline("", &["auth"]);
    let inside = baseline("mail", &[]);
    let excluded = baseline("", &["--exclude", "mail/**"]);
    assert_eq!(bench.read("forewarn-baseline.json"), written);
    insta::assert_snapshot!([named, inside, excluded].concat(), @r"
    exit 0
    --- stdout
    forewarn-baseline.json: nothing taken out; it accepts 2 findings
    kept: 1 finding not seen in this part of the tree; run `forewarn baseline` on all of it, without --exclude, to take out what is gone
    --- stderr
    exit 0
    --- stdout
    ../forewarn-baseline.json: nothing taken out; it accepts 2 findings
    kept: 1 finding not seen in this part of the tree; run `forewarn baseline` on all of it, without --exclude, to take out what is gone
    --- stderr
    exit 0
    --- stdout
    forewarn-baseline.json: nothing taken out; it accepts 2 findings
    kept: 1 finding not seen in this part of the tree; run `forewarn baseline` on all of it, without --exclude, to take out what is gone
    --- stderr
    ");
    // What is new in a part is added as ever; what lies elsewhere stays.
    bench.write("auth/push.yaml", &AUTH.replace("auth", "push"));
    insta::assert_snapshot!(baseline("", &["auth", "--grow"]), @r"
    exit 0
    --- stdout
    forewarn-baseline.json: added 1 finding; it accepts 3 findings
    kept: 1 finding not seen in this part of the tree; run `forewarn baseline` on all of it, without --exclude, to take out what is gone
    --- stderr
    ");
    assert_eq!(check(&bench, "2027-03-01").code, 0);
    bench.write("mail/mail.yaml", &mail.replace("timeoutSeconds: 30", "timeoutSeconds: 3"));
    insta::assert_snapshot!(baseline("", &[]), @r"
    exit 0
    --- stdout
    forewarn-baseline.json: took out 1 finding no longer there; it accepts 2 findings
    --- stderr
    ");
}

#[test]
fn a_baseline_that_is_named_must_be_there_and_in_order() {
    let bench = Workbench::with(&[("auth.yaml", AUTH)]);
    let missing = bench.run(&["check", "--baseline", "old.json"]);
    bench.write("forewarn.toml", "[check]\nbaseline = \"old.json\"\n");
    let named = bench.run(&["check"]);
    bench.write("old.json", "{\"version\": 1, \"findings\": [{\"rule\": \"a\"}]}");
    let damaged = bench.run(&["check"]);
    let told = [missing, named, damaged].map(|ran| ran.whole()).concat();
    insta::assert_snapshot!(told, @r#"
    exit 2
    --- stdout
    --- stderr
    error: old.json: does not exist
    help: `forewarn baseline` writes one
    exit 2
    --- stdout
    --- stderr
    error: the baseline `old.json` does not exist
     --> forewarn.toml:2:12
      |
    2 | baseline = "old.json"
      |            ^^^^^^^^^^
      |
      = help: `forewarn baseline` writes one

    exit 2
    --- stdout
    --- stderr
    error: a finding without `level`
     --> old.json:1:30
      |
    1 | {"version": 1, "findings": [{"rule": "a"}]}
      |                              ^^^^^^
      |
      = help: restore the file, or move it away and run `forewarn baseline` to write it anew

    error: a finding without `subject`
     --> old.json:1:30
      |
    1 | {"version": 1, "findings": [{"rule": "a"}]}
      |                              ^^^^^^
      |
      = help: restore the file, or move it away and run `forewarn baseline` to write it anew
    "#);
}

#[test]
fn a_day_that_is_none_is_refused() {
    let ran = check(&Workbench::with(&[("auth.yaml", AUTH)]), "tomorrow");
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("is no day"), "{}", ran.stderr);
}
