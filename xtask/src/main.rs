//! The project's own tasks: `cargo xtask TASK`. A normal build needs none of this.

#![expect(clippy::disallowed_methods, reason = "the developer's side reads, measures and runs")]

mod bench;
mod corpus;
mod fuzz;
mod generate;
mod precision;
mod test;
#[cfg(test)]
mod tidy;

use std::process::ExitCode;

/// A task: its name, what it does, and the function that does it with the arguments behind the name.
struct Task {
    name: &'static str,
    usage: &'static str,
    run: fn(&[String]) -> Result<ExitCode, String>,
}

static TASKS: &[Task] = &[
    Task {
        name: "bench",
        usage: "bench NAME [DIR]  check DIR: speed and memory of an audit, as ratios; build: build times;
                                auth: the service's speed; auth-timing: what its times tell;
                                detect: how soon a fault is told, beside Prometheus;
                                false-alarms: how often the watch cries wolf; watch: what a watch costs;
                                intake: lines of a log; proxy: what it adds, beside HAProxy;
                                search: the smallest safe value by seed, and what mutations show",
        run: bench::run,
    },
    Task {
        name: "corpus",
        usage: "corpus DIR        audit a corpus, compare with its facts.tsv",
        run: corpus::run,
    },
    Task {
        name: "fuzz",
        usage: "fuzz [TARGET]     feed a reader of files with generated input; alone, list the targets",
        run: fuzz::run,
    },
    Task {
        name: "gen",
        usage: "gen               write the files made from code: schema/, docs/budget.svg",
        run: generate::run,
    },
    Task {
        name: "precision",
        usage: "precision DIR     draw findings of a corpus for a reader to judge; what the verdicts come to",
        run: precision::run,
    },
    Task {
        name: "test",
        usage: "test [--all]      all tests; with --all also those that take minutes",
        run: test::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let task = arguments.first().and_then(|name| TASKS.iter().find(|task| task.name == *name));
    let outcome = match task {
        Some(task) => (task.run)(&arguments[1..]),
        None => Err(format!("name a task:\n{}", usage())),
    };
    outcome.unwrap_or_else(|problem| {
        say(&format!("xtask: {problem}"));
        ExitCode::from(2)
    })
}

fn usage() -> String {
    TASKS.iter().map(|task| format!("  cargo xtask {}\n", task.usage)).collect()
}

/// A line on stderr: what goes on, not what came out.
#[expect(clippy::print_stderr, reason = "xtask talks to its developer; nothing reads this")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}

/// A line of result on stdout.
#[expect(clippy::print_stdout, reason = "a task's result is its standard output")]
pub(crate) fn print(line: &str) {
    println!("{line}");
}
