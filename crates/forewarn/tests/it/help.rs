//! Help is read more often than documentation.

use crate::workbench::Workbench;

#[test]
fn the_short_help_fits_on_a_screen() {
    let ran = Workbench::with(&[]).run(&["-h"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(ran.stdout, @"");
}

#[test]
fn the_help_of_show_says_what_can_be_shown() {
    let ran = Workbench::with(&[]).run(&["show", "--help"]);
    insta::assert_snapshot!(ran.stdout.split("What is read:").next().expect("a first part"), @"");
}

#[test]
fn the_long_help_tells_exit_codes_and_examples() {
    let ran = Workbench::with(&[]).run(&["--help"]);
    for expected in ["Exit codes:", "Examples:", "forewarn init", "--fail-on <LEVEL>"] {
        assert!(ran.stdout.contains(expected), "{expected}\n{}", ran.stdout);
    }
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 100));
}
