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
