//! The same tree gives the same bytes: whatever the number of threads, the order in which files
//! were made or roots are named, and every time.

use crate::runs::SIGN_IN;
use crate::workbench::Workbench;

/// Everything that can be asked of a tree.
const QUESTIONS: &[&[&str]] = &[
    &["check", "--format", "text"],
    &["check", "--format", "short"],
    &["check", "--format", "json"],
    &["check", "--format", "sarif"],
    &["check", "--format", "github"],
    &["check", "--format", "junit"],
    &["check", "--format", "short", "--fail-on", "error"],
    &["show", "files"],
    &["show", "services"],
    &["show", "calls"],
    &["show", "settings"],
    &["show", "files", "--format", "json"],
    &["show", "services", "--format", "json"],
    &["show", "calls", "--format", "json"],
    &["show", "settings", "--format", "json"],
];

/// The sign-in stack with deployments in two environments, a proxy, and files that cannot be read.
fn tree() -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> =
        SIGN_IN.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    let mut add = |path: &str, text: &str| files.push((path.to_owned(), text.to_owned()));
    for environment in ["production", "staging"] {
        for service in ["edge", "users", "audit", "mail"] {
            add(
                &format!("deploy/{environment}/{service}.yaml"),
                &format!(
                    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {service}}}\nspec:\n  template:\n    \
                     spec:\n      containers:\n      - name: {service}\n        image: {service}\n        env:\n        \
                     - {{name: USERS_URL, value: \"http://users:80\"}}\n        \
                     - {{name: USERS_TIMEOUT, value: \"0\"}}\n        \
                     livenessProbe: {{httpGet: {{path: /, port: 80}}, periodSeconds: 1, timeoutSeconds: 9}}\n"
                ),
            );
        }
    }
    add("edge/nginx.conf", "server { location / { proxy_pass http://users:80; proxy_read_timeout 1s; } }\n");
    add("broken/a.yaml", "a: {timeout: 3s\n");
    add("broken/b.json", "{\"timeout\": 3, ");
    add("broken/c.yaml.j2", "{{ a }}\n");
    files
}

fn bench<'f>(files: impl IntoIterator<Item = &'f (String, String)>) -> Workbench {
    let bench = Workbench::with(&[]);
    for (path, text) in files {
        bench.write(path, text);
    }
    bench
}

fn answers(bench: &Workbench, more: &[&str]) -> Vec<String> {
    QUESTIONS.iter().map(|question| bench.run(&[question, more].concat()).whole()).collect()
}

#[test]
fn threads_repetition_and_the_order_of_creation_leave_no_trace() {
    let files = tree();
    let forward = bench(&files);
    let expected = answers(&forward, &["--threads", "1"]);
    assert!(expected[0].starts_with("exit 1\n"), "{}", expected[0]);
    for threads in ["1", "2", "7"] {
        assert_eq!(answers(&forward, &["--threads", threads]), expected, "{threads} threads");
    }
    assert_eq!(answers(&bench(files.iter().rev()), &[]), expected);
}

#[test]
fn the_order_of_roots_leaves_no_trace() {
    let bench = bench(&tree());
    let roots = ["auth", "deploy", "directory", "edge", "broken"];
    let turned = ["broken", "edge", "directory", "deploy", "auth"];
    assert_eq!(answers(&bench, &roots), answers(&bench, &turned));
    // Without a common forewarn.toml roots are told apart by their names.
    let own = |roots: &[&'static str]| [roots, &["--no-config"]].concat();
    assert_eq!(answers(&bench, &own(&roots)), answers(&bench, &own(&turned)));
}

#[test]
fn a_root_inside_another_or_named_twice_adds_nothing() {
    let bench = bench(&tree());
    let expected = answers(&bench, &["."]);
    assert_eq!(answers(&bench, &[".", "auth"]), expected);
    assert_eq!(answers(&bench, &["auth/auth.toml", "."]), expected);
    let absolute = bench.path("auth");
    let twice = [".", absolute.to_str().expect("UTF-8")];
    let calls = bench.run(&[&["show", "calls"], twice.as_slice()].concat()).stdout;
    assert_eq!(calls.lines().count(), bench.run(&["show", "calls"]).stdout.lines().count(), "{calls}");
}
