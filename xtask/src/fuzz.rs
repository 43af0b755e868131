//! Coverage-guided fuzzing with libFuzzer on the stable compiler: builds a target of the `fuzz`
//! package with LLVM's coverage counters and runs it on the seeds. The targets and what they check
//! live in that package; this only builds and runs.
//!
//! `fuzz TARGET [--seconds N]` runs for ten minutes or as long as is said, `fuzz TARGET --replay FILE`
//! feeds one file, for instance one that broke a promise.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::print;

/// The targets: a binary in `fuzz/src/bin`, seeds in `fuzz/seeds/NAME`, and where it helps a
/// dictionary in `fuzz/dictionaries/NAME.dict`.
const TARGETS: &[&str] =
    &["yaml", "json", "toml", "properties", "ini", "env", "nginx", "haproxy", "readers", "token", "request"];

/// Those of the authentication service; they are built with the feature `service`.
const SERVICE: &[&str] = &["token", "request"];

/// How long a run lasts when nothing is said.
const SECONDS: u32 = 600;

/// What `cargo-fuzz` passes, without what needs a nightly compiler: LLVM's counters per edge, the
/// table libFuzzer names them by, the operands of comparisons, and the depth of the stack.
const COVERAGE: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-sanitizer-coverage-stack-depth",
    "--cfg=fuzzing",
];

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let Some(order) = Order::read(arguments)? else {
        for target in TARGETS {
            print(target);
        }
        return Ok(ExitCode::SUCCESS);
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask stands in no repository")?;
    let binary = build(root, &order.target)?;
    match order.replay {
        Some(file) => execute(Command::new(binary).arg(file))?,
        None => fuzz(root, &binary, &order.target, order.seconds)?,
    }
    Ok(ExitCode::SUCCESS)
}

struct Order {
    target: String,
    seconds: u32,
    replay: Option<PathBuf>,
}

impl Order {
    /// `None` where no target is named.
    fn read(arguments: &[String]) -> Result<Option<Self>, String> {
        let Some((target, options)) = arguments.split_first() else { return Ok(None) };
        if !TARGETS.contains(&target.as_str()) {
            return Err(format!("`{target}` is no target; the targets are {}", TARGETS.join(", ")));
        }
        let mut order = Self { target: target.clone(), seconds: SECONDS, replay: None };
        let mut options = options.iter();
        while let Some(option) = options.next() {
            let value = options.next().ok_or_else(|| format!("`{option}` needs a value"))?;
            match option.as_str() {
                "--seconds" => {
                    order.seconds =
                        value.parse().map_err(|_| format!("`{value}` is no number of seconds"))?;
                }
                "--replay" => order.replay = Some(PathBuf::from(value)),
                _ => return Err(format!("`{option}` is no option; there are `--seconds` and `--replay`")),
            }
        }
        Ok(Some(order))
    }
}

/// Builds the target and gives its binary. A build for a named platform keeps the counters out of
/// build scripts, which have no runtime for them.
fn build(root: &Path, target: &str) -> Result<PathBuf, String> {
    let platform = platform()?;
    let directory = root.join("target/fuzz");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--locked", "--bin", target, "--target", &platform]);
    cargo.arg("--manifest-path").arg(root.join("fuzz/Cargo.toml"));
    cargo.arg("--target-dir").arg(&directory);
    if SERVICE.contains(&target) {
        cargo.args(["--features", "service"]);
    }
    cargo.env("RUSTFLAGS", COVERAGE.join(" "));
    execute(&mut cargo)?;
    Ok(directory.join(platform).join("release").join(target))
}

/// The platform of the compiler in use.
fn platform() -> Result<String, String> {
    let output = Command::new("rustc").arg("-vV").output().map_err(|e| format!("cannot run rustc: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "`rustc -vV` names no host".to_owned())
}

fn fuzz(root: &Path, binary: &Path, target: &str, seconds: u32) -> Result<(), String> {
    let work = root.join("target/fuzz");
    let corpus = work.join("corpus").join(target);
    let crashes = work.join("crashes").join(target);
    for directory in [&corpus, &crashes] {
        let made = std::fs::create_dir_all(directory);
        made.map_err(|e| format!("cannot make {}: {e}", directory.display()))?;
    }
    let mut libfuzzer = Command::new(binary);
    // New inputs go into the first directory; the seeds are only read.
    libfuzzer.arg(&corpus).arg(root.join("fuzz/seeds").join(target));
    libfuzzer.arg(format!("-artifact_prefix={}/", crashes.display()));
    libfuzzer.arg(format!("-max_total_time={seconds}"));
    // An input of this size is read in well under a millisecond: ten seconds mean that the time
    // grows faster than the text.
    libfuzzer.args(["-max_len=8192", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"]);
    let dictionary = root.join("fuzz/dictionaries").join(format!("{target}.dict"));
    if dictionary.exists() {
        libfuzzer.arg(format!("-dict={}", dictionary.display()));
    }
    execute(&mut libfuzzer).map_err(|error| {
        format!(
            "{error}\nthe input that broke a promise is the newest file in {}\n\
             to see it again: cargo xtask fuzz {target} --replay FILE",
            crashes.display()
        )
    })
}

fn execute(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program}: {status}")),
        Err(error) => Err(format!("cannot run {program}: {error}")),
    }
}
