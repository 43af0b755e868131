//! Help is read more often than documentation.

use crate::workbench::Workbench;

#[test]
fn the_short_help_fits_on_a_screen() {
    let ran = Workbench::with(&[]).run(&["-h"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(ran.stdout, @r"
    Says which configuration can take a service down, before it does

    Usage: forewarn [OPTIONS] [PATH]...
           forewarn <COMMAND>

    Commands:
      check        Audit configuration (what happens without a verb)
      explain      Tell what a rule finds, why that breaks, and what to do
      baseline     Accept the findings of today in forewarn-baseline.json; an existing one only shrinks
      init         Write a forewarn.toml with every option, commented out
      show         Show what was read: files, services, calls, settings, time budgets, rules
      watch        Watch services, and tell at once when requests fail, slow down or stay away
      silence      Keep a running watch from telling alerts for a while
      observe      Measure on this host what configuration cannot say
      test         Run test files: a service under a new configuration, or the watch on given series
      export       Write what other tools take
      drill        Tell an outage anew here: what is kept out, and how soon the rest is told
      authd        Run the authentication service that Forewarn guards in its examples
      completions  Print the completions of a shell
      man          Print a manual page, for `man -l`

    Arguments:
      [PATH]...  Files and directories; several are joined into one fleet [default: the current
                 directory]

    Options:
      -h, --help     Print help (see more with '--help')
      -V, --version  Print version

    What is read:
          --env <NAME>      Judge only this environment; may be repeated
          --exclude <GLOB>  Leave out files that match; may be repeated
          --config <FILE>   Use this forewarn.toml [default: the nearest one from the first path upward]
          --no-config       Use no forewarn.toml
          --threads <N>     Read files with this many threads [default: one for each processor]

    What is judged:
          --rule <NAME>      Run only this rule; may be repeated
          --skip <NAME>      Do not run this rule; may be repeated
          --baseline <FILE>  Hide findings that this file holds [default: the forewarn-baseline.json
                             beside forewarn.toml]
          --no-baseline      Show what a baseline would hide
          --level <LEVEL>    The lowest level to show; what is hidden is counted [default: note]
                             [possible values: error, warning, note]
          --fail-on <LEVEL>  Exit with 1 from this level up [default: warning] [possible values: error,
                             warning, note]
          --exit-zero        Exit with 0 whatever is found

    Output:
          --format <FORMAT>         How findings are written to stdout, unless a file gets them in that
                                    format [default: text] [possible values: text, short, json, sarif,
                                    github, junit]
          --output <[FORMAT=]FILE>  Write findings to a file, in the format named or that of its ending;
                                    may be repeated
          --color <WHEN>            When to use colour; NO_COLOR and CLICOLOR_FORCE are respected
                                    [default: auto] [possible values: auto, always, never]
      -q, --quiet                   No summary, no progress
      -v, --verbose                 Everything that was not evaluated, and the time taken
    ");
}

#[test]
fn the_help_of_show_says_what_can_be_shown() {
    let ran = Workbench::with(&[]).run(&["show", "--help"]);
    insta::assert_snapshot!(ran.stdout.split("What is read:").next().expect("a first part"), @r"
    Show what was read: files, services, calls, settings, time budgets, rules

    Usage: forewarn show [OPTIONS] <WHAT> [PATH]...

    Arguments:
      <WHAT>
              What to show

              Possible values:
              - files:    Every file found that nothing tells to ignore, and what became of it
              - services: Every service, and where it is introduced
              - calls:    Who calls whom, and where that is written
              - settings: Every setting in effect, what it controls, and where its value comes from
              - budget:   How long a request may take: from each edge, or those before SERVICE, to the
                last dependency
              - alerts:   Every alert of the monitoring, and how long after a fault it reaches a person
                at worst
              - rules:    Every rule; no file is read for it

      [PATH]...
              Files and directories [default: the current directory]; of `budget` the first may be a
              SERVICE

    Options:
      -h, --help
              Print help (see a summary with '-h')

    What is shown:
          --service <NAME>
              The service whose chains `budget` shows, where a path has the same name
    ");
}

#[test]
fn the_long_help_tells_exit_codes_and_examples() {
    let ran = Workbench::with(&[]).run(&["--help"]);
    for expected in ["Exit codes:", "Examples:", "forewarn init", "--fail-on <LEVEL>"] {
        assert!(ran.stdout.contains(expected), "{expected}\n{}", ran.stdout);
    }
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 100));
}
