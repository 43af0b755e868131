//! `forewarn export`: what is written where, and what is never replaced.

use crate::workbench::Workbench;

const PLAN: &str = "[[watch.service]]\nname = \"auth\"\npreset = \"authd\"\nscrape = \"http://auth/metrics\"\n\
    guard = \"2%\"\npile_up = [\"300ms\"]\n";

#[test]
fn rules_go_to_stdout_or_with_their_tests_to_a_directory() {
    let bench = Workbench::with(&[("forewarn.toml", PLAN)]);
    let shown = bench.run(&["export", "prometheus"]);
    assert_eq!((shown.code, shown.stderr.as_str()), (0, ""));
    let ran = bench.run(&["export", "prometheus", "--output", "rules"]);
    insta::assert_snapshot!(ran.whole(), @"
    exit 0
    --- stdout
    --- stderr
    wrote rules/forewarn.rules.yml
    wrote rules/forewarn.rules.test.yml
    not in these rules: durations that pile up of auth
    test them with `promtool test rules rules/forewarn.rules.test.yml`
    ");
    assert_eq!(bench.read("rules/forewarn.rules.yml"), Some(shown.stdout));
    assert_eq!(
        bench.run(&["export", "prometheus", "--output", "rules"]).code,
        0,
        "its own files are replaced"
    );
}

#[test]
fn what_somebody_else_wrote_is_not_replaced() {
    let bench = Workbench::with(&[("forewarn.toml", PLAN), ("rules/forewarn.rules.yml", "groups: []\n")]);
    let ran = bench.run(&["export", "prometheus", "--output", "rules"]);
    assert_eq!(ran.code, 2, "{}", ran.whole());
    assert_eq!(bench.read("rules/forewarn.rules.yml").as_deref(), Some("groups: []\n"));
}

#[test]
fn a_plan_that_watches_nothing_and_an_interval_that_is_none_are_refused() {
    let bench = Workbench::with(&[("forewarn.toml", "")]);
    let ran = bench.run(&["export", "prometheus"]);
    insta::assert_snapshot!(ran.whole(), @"
    exit 2
    --- stdout
    --- stderr
    error: forewarn.toml: watches no service
    help: add a [[watch.service]]; `forewarn init` writes a file with every option
    ");
    bench.write("forewarn.toml", PLAN);
    assert_eq!(bench.run(&["export", "prometheus", "--scrape-interval", "15"]).code, 2);
}

const LEARNS: &str = "[[watch.service]]\nname = \"auth\"\npreset = \"authd\"\nscrape = \"http://auth/metrics\"\n\
    guard = { history = \"history/auth.tsv\" }\n";

/// The reasons of the preset `authd`, in its order.
const REASONS: &[&str] =
    &["timeout", "unreachable", "dependency_error", "internal", "throttled", "bad_credentials", "locked"];

/// Two days of a service that fails once in a hundred, as a file of history for authd's reasons.
fn history(reasons: &[&str]) -> String {
    let mut text = format!("at\trequests\t{}\n", reasons.join("\t"));
    for minute in 0..2 * 1440 {
        let failed = ["6"].into_iter().chain(reasons.iter().skip(1).map(|_| "0"));
        let counts: Vec<&str> = failed.collect();
        text += &format!("{}\t600\t{}\n", 1_763_800_000 + minute * 60, counts.join("\t"));
    }
    text
}

#[test]
fn guards_are_learnt_from_files_of_history() {
    let bench =
        Workbench::with(&[("conf/forewarn.toml", LEARNS), ("conf/history/auth.tsv", &history(REASONS))]);
    let ran = bench.run(&["export", "prometheus", "--config", "conf/forewarn.toml"]);
    assert_eq!(ran.code, 0, "{}", ran.whole());
    assert!(!ran.stdout.contains("Not in these rules: failures"), "{}", ran.stdout);
    assert!(ran.stdout.contains("expr:"), "{}", ran.stdout);
    // Stated, it makes the same rules with another number.
    bench.write("conf/forewarn.toml", &LEARNS.replace("{ history = \"history/auth.tsv\" }", "\"50%\""));
    let stated = bench.run(&["export", "prometheus", "--config", "conf/forewarn.toml"]);
    assert_ne!(stated.stdout, ran.stdout);
    assert_eq!(stated.stdout.matches("alert:").count(), ran.stdout.matches("alert:").count());
}

#[test]
fn mistakes_of_a_history_are_told_with_their_lines() {
    let broken = history(REASONS).replacen("\t600\t", "\tmany\t", 1);
    let bench = Workbench::with(&[("forewarn.toml", LEARNS), ("history/auth.tsv", &broken)]);
    let ran = bench.run(&["export", "prometheus"]);
    insta::assert_snapshot!(ran.whole(), @r#"
    exit 2
    --- stdout
    --- stderr
    error: history/auth.tsv:2: "many" is no count
    help: correct the line: a guard rests on the whole history
    "#);
    let bench = Workbench::with(&[("forewarn.toml", LEARNS)]);
    assert_eq!(bench.run(&["export", "prometheus"]).code, 2, "a history that is not there");
    bench.write("forewarn.toml", &LEARNS.replace("guard = { history = \"history/auth.tsv\" }\n", ""));
    let ran = bench.run(&["export", "prometheus"]);
    assert!(
        ran.stdout.contains("failures of auth, whose guard only the watch itself learns; state one"),
        "{}",
        ran.whole()
    );
}
