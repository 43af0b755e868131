//! `forewarn observe hash`: what is measured is written in the form that a check then takes. How long
//! a hash takes differs from run to run, so no test looks at the numbers.

use crate::workbench::Workbench;

const AUTH: (&str, &str) = (
    "auth/auth.toml",
    "[server]\nlisten = \"0.0.0.0:9000\"\nhandler_timeout = \"50us\"\n\n[password]\nbcrypt_cost = 8\n",
);

#[test]
fn a_measurement_becomes_the_ground_of_a_finding() {
    let bench = Workbench::with(&[
        AUTH,
        (
            "forewarn.toml",
            "[[service]]\nname = \"auth\"\nfiles = [\"auth/**\"]\n\n[[hash]]\nfile = \"observed/hash.toml\"\n",
        ),
        ("observed/.keep", ""),
    ]);
    let ran = bench.run(&["observe", "hash", "--cost", "7", "--runs", "3", "--output", "observed/hash.toml"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.whole());
    assert!(ran.stderr.starts_with("measured bcrypt with cost 7: median "), "{}", ran.stderr);
    let written = bench.read("observed/hash.toml").expect("written");
    let keys: Vec<&str> =
        written.lines().map(|line| line.split(" = ").next().expect("a first part")).collect();
    assert_eq!(keys, ["[[hash]]", "algorithm", "cost", "host", "measured", "runs", "median", "p99"]);
    let ran = bench.run(&["check", "--rule", "timeout-below-hash-cost"]);
    assert_eq!(ran.code, 1, "{}", ran.whole());
    for expected in [
        "error[timeout-below-hash-cost]: sign-ins at auth will time out",
        "observed/hash.toml:7:",
        "bcrypt with cost 8 is 2 times the work of bcrypt with cost 7",
    ] {
        assert!(ran.stdout.contains(expected), "{expected}\n{}", ran.whole());
    }
}

#[test]
fn a_file_that_cannot_be_written_is_told_before_anything_is_measured() {
    let bench = Workbench::with(&[AUTH]);
    for file in ["nowhere/hash.toml", "auth"] {
        // A hash of this cost takes days: that the run ends shows that it began none.
        let ran = bench.run(&["observe", "hash", "--cost", "31", "--output", file]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.whole());
        assert!(ran.stderr.starts_with(&format!("error: {file}: cannot be written: ")), "{}", ran.stderr);
    }
    assert_eq!(bench.names(), ["auth"]);
}

#[test]
fn only_a_measurement_of_the_run_before_is_replaced() {
    let bench = Workbench::with(&[AUTH, ("forewarn.toml", ""), ("notes.txt", "mine")]);
    bench.write("commented.toml", "[[hash]] # the slowest host\n");
    for file in ["forewarn.toml", "auth/auth.toml", "notes.txt", "commented.toml"] {
        let before = bench.read(file);
        let ran = bench.run(&["observe", "hash", "--cost", "31", "--output", file]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.whole());
        assert!(ran.stderr.starts_with(&format!("error: --output {file}: ")), "{}", ran.stderr);
        assert!(ran.stderr.contains("never replaced\nhelp: name another file, "), "{}", ran.stderr);
        assert_eq!(bench.read(file), before);
    }
    for _ in 0..2 {
        let ran = bench.run(&["observe", "hash", "--cost", "4", "--runs", "1", "--output", "hash.toml"]);
        assert_eq!(ran.code, 0, "{}", ran.whole());
    }
}

#[test]
fn parameters_of_the_other_algorithm_are_refused() {
    let bench = Workbench::with(&[]);
    for (arguments, expected) in [
        (&["--cost", "10", "--memory", "64"][..], "error: --memory: is no parameter of bcrypt\n"),
        (&["--algorithm", "argon2id", "--cost", "10"], "error: --cost: is no parameter of argon2id\n"),
        (&["--memory", "8", "--lanes", "4"], "error: --memory, --iterations, --lanes: cannot be computed: "),
        (&["--cost", "3"], "error: invalid value '3' for '--cost <N>'"),
        (&["--runs", "0"], "error: invalid value '0' for '--runs <N>'"),
    ] {
        let ran = bench.run(&[&["observe", "hash"], arguments].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.whole());
        assert!(ran.stderr.starts_with(expected), "{expected}{}", ran.whole());
    }
}

#[test]
fn a_measured_hash_that_nothing_computes_is_named() {
    let bench = Workbench::with(&[
        ("app.yaml", "directory:\n  url: http://directory:8080\n  timeout: 5s\n"),
        (
            "forewarn.toml",
            "[[hash]]\nalgorithm = \"bcrypt\"\ncost = 12\nhost = \"a host\"\nmeasured = \"2026-11-22\"\nruns = 20\n\
             median = \"250ms\"\np99 = \"271ms\"\n",
        ),
    ]);
    let ran = bench.run(&["check", "-v"]);
    assert!(ran.stderr.contains("a file that sets the parameters of a password hash"), "{}", ran.whole());
}
