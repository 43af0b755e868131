//! What other tools read of this repository: it is well formed, and what it runs is there.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use text::{FileId, Node, Source, Syntax, Tree};

use crate::runs::SIGN_IN;
use crate::workbench::Workbench;

const HOOKS: &str = include_str!("../../../../.pre-commit-hooks.yaml");
const ACTION: &str = include_str!("../../../../action.yml");
const README: &str = include_str!("../../../../README.md");

/// Hands the only document of a YAML text to a function.
fn in_yaml<T>(name: &str, text: &str, look: impl FnOnce(Node<'_>) -> T) -> T {
    let source = Source::new(FileId(0), name, text);
    let tree = Tree::parse(Syntax::Yaml, &source);
    assert!(tree.problems().is_empty(), "{name}: {:?}", tree.problems());
    let mut documents = tree.documents();
    assert_eq!(documents.len(), 1, "{name}");
    look(documents.next().expect("one"))
}

fn word(node: Node<'_>, key: &str) -> String {
    node.get(key).and_then(Node::text).unwrap_or_else(|| panic!("no `{key}`")).to_owned()
}

#[test]
fn the_hook_runs_forewarn_without_names_of_files() {
    in_yaml(".pre-commit-hooks.yaml", HOOKS, |hooks| {
        for hook in hooks.items() {
            for key in ["id", "name", "description"] {
                assert!(!word(hook, key).is_empty());
            }
            assert_eq!(
                (word(hook, "language"), word(hook, "pass_filenames")),
                ("system".into(), "false".into())
            );
            let entry = word(hook, "entry");
            let arguments: Vec<&str> = entry.strip_prefix("forewarn ").expect("ours").split(' ').collect();
            assert_eq!(Workbench::with(SIGN_IN).run(&arguments).code, 1);
            assert_eq!(Workbench::with(&[("a.yaml", "a: 1\n")]).run(&arguments).code, 0);
        }
    });
}

/// Every name of an example in the pages of dialects and rules, which each reader and rule has.
fn names_of_examples() -> Vec<String> {
    let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a folder of crates");
    let mut names = Vec::new();
    for folder in ["readers/src", "rules/src"] {
        for entry in std::fs::read_dir(crates.join(folder)).expect("there") {
            let path = entry.expect("readable").path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let page = std::fs::read_to_string(path).expect("text");
                let words =
                    page.lines().filter(|line| line.starts_with("```")).flat_map(str::split_whitespace);
                names.extend(words.filter_map(|word| word.strip_prefix("file=")).map(str::to_owned));
            }
        }
    }
    names
}

#[test]
fn the_hook_looks_at_what_forewarn_reads() {
    let files =
        in_yaml(".pre-commit-hooks.yaml", HOOKS, |hooks| word(hooks.items().next().expect("one"), "files"));
    let files = regex::Regex::new(&files).expect("an expression");
    let mut names = names_of_examples();
    assert!(names.len() > 50);
    names.extend(
        [".env", "a/.env.production", "forewarn.toml", "A.YAML", "nginx.conf.template", "x.env"]
            .map(str::to_owned),
    );
    names.extend(
        ["a.rs", "README.md", "a.yaml.j2", "logo.svg", "Makefile", ".environment"].map(str::to_owned),
    );
    for name in names {
        let is_ours = !matches!(
            readers::reading_by_name(&name),
            Some(readers::Reading::NotOurs(_) | readers::Reading::Template(_))
        );
        assert_eq!(files.is_match(&name), is_ours, "{name}");
    }
}

/// The inputs of the action with their defaults, and its steps' scripts with their variables.
#[derive(Debug)]
struct Action {
    inputs: BTreeMap<String, String>,
    steps: Vec<(String, BTreeMap<String, String>)>,
}

fn action() -> Action {
    in_yaml("action.yml", ACTION, |action| {
        assert!(!word(action, "name").is_empty() && !word(action, "description").is_empty());
        let runs = action.get("runs").expect("what it runs");
        assert_eq!(word(runs, "using"), "composite");
        let inputs = action.get("inputs").expect("inputs").entries();
        let steps = runs.get("steps").expect("steps").items();
        let variables = |step: Node<'_>| {
            let entries = step.get("env").expect("variables").entries();
            entries
                .iter()
                .map(|entry| (entry.key.text().to_owned(), entry.value.text().expect("a word").to_owned()))
                .collect()
        };
        Action {
            inputs: inputs
                .iter()
                .map(|entry| {
                    assert!(!word(entry.value, "description").is_empty());
                    (entry.key.text().to_owned(), word(entry.value, "default"))
                })
                .collect(),
            steps: steps
                .map(|step| {
                    assert_eq!(word(step, "shell"), "bash");
                    (word(step, "run"), variables(step))
                })
                .collect(),
        }
    })
}

#[test]
fn no_script_of_the_action_takes_an_input_for_its_own_words() {
    let action = action();
    for (script, variables) in &action.steps {
        assert!(!script.contains("${{"), "an input in a script is run by the shell: {script}");
        for expression in variables.values() {
            let name =
                expression.strip_prefix("${{ ").and_then(|rest| rest.strip_suffix(" }}")).expect("one");
            let is_input = name.strip_prefix("inputs.").is_some_and(|name| action.inputs.contains_key(name));
            assert!(is_input || name == "github.action_path", "{name}");
        }
    }
    let (build, _) = &action.steps[0];
    assert!(
        build.contains("/crates/forewarn\"")
            && std::path::Path::new(env!("CARGO_MANIFEST_DIR")).ends_with("crates/forewarn")
    );
}

/// Runs the step that checks, as a runner would, with these inputs over the defaults.
fn step(bench: &Workbench, inputs: &[(&str, &str)]) -> (Option<i32>, String) {
    let action = action();
    let (script, variables) = action.steps.last().expect("a step");
    let mut command = Command::new("bash");
    // As the runner calls `shell: bash`.
    command.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script]);
    command.current_dir(bench.path("")).env_clear().stdin(Stdio::null());
    for (variable, expression) in variables {
        let name = expression.trim_start_matches("${{ inputs.").trim_end_matches(" }}");
        let stated = inputs.iter().find(|(stated, _)| *stated == name).map(|(_, value)| *value);
        command.env(variable, stated.unwrap_or(&action.inputs[name]));
    }
    let output = command.env("BINARY", env!("CARGO_BIN_EXE_forewarn")).output().expect("bash");
    (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
}

#[cfg(unix)]
#[test]
fn the_action_annotates_and_writes_for_code_scanning() {
    let bench = Workbench::with(SIGN_IN);
    let (code, said) = step(&bench, &[("paths", "auth\n\ndirectory\n"), ("sarif", "out file.json")]);
    assert_eq!(code, Some(1));
    assert!(said.lines().count() == 1 && said.starts_with("::"), "{said}");
    assert!(bench.read("out file.json").expect("written").contains("\"$schema\""));
    // Nothing of an input is a word of the shell's or an option of ours.
    assert_eq!(step(&bench, &[("paths", "--help")]).0, Some(2));
    assert_eq!(step(&bench, &[("paths", "$(touch made)")]).0, Some(2));
    assert!(bench.read("made").is_none());
    assert_eq!(step(&bench, &[("paths", "directory")]).0, Some(0));
}

#[test]
fn what_the_readme_says_of_a_team_s_day_names_verbs_and_options_that_are_there() {
    let section = README.split("\n## In a team's day\n").nth(1).expect("the section");
    let section = section.split("\n## ").next().expect("its end");
    let help = Workbench::with(&[]).run(&["check", "--help"]).stdout;
    let commands: Vec<&str> =
        section.lines().filter_map(|line| line.trim().split("forewarn check ").nth(1)).collect();
    assert!(commands.len() >= 2, "{section}");
    for option in
        commands.iter().flat_map(|line| line.split_whitespace()).filter(|word| word.starts_with("--"))
    {
        assert!(help.contains(&format!("{option} ")), "{option}");
    }
    let inputs = action().inputs;
    let with = section
        .split("with:\n")
        .skip(1)
        .flat_map(|part| part.lines().take_while(|line| line.starts_with("          ")));
    let named: Vec<&str> = with.filter_map(|line| line.trim().split(':').next()).collect();
    assert!(named.iter().any(|name| inputs.contains_key(*name)), "{named:?}");
    assert!(named.iter().all(|name| inputs.contains_key(*name) || *name == "sarif_file"), "{named:?}");
}
