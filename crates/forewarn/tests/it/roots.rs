//! Several trees as one fleet, and several environments in one tree.

use crate::workbench::Workbench;

/// A caller's repository and the one that deploys it with its callee.
const REPOSITORIES: &[(&str, &str)] = &[
    (
        "forewarn.toml",
        "[[setting]]\nfiles = [\"**\"]\nkey = \"server.request_timeout\"\ncovers = \"handler\"\n",
    ),
    (
        "auth-repo/config/auth.toml",
        "[directory]\nurl = \"http://directory:8080\"\nrequest_timeout = \"300ms\"\n",
    ),
    ("infra-repo/directory/directory.toml", "[server]\nport = 8080\nrequest_timeout = \"2s\"\n"),
    (
        "infra-repo/compose.yaml",
        "services:\n  auth:\n    image: auth\n    volumes: [\"../auth-repo/config:/etc/auth\"]\n  directory:\n    image: directory\n    volumes: [\"./directory:/etc/directory\"]\n",
    ),
];

#[test]
fn two_roots_are_joined_and_a_fault_across_them_is_found() {
    let bench = Workbench::with(REPOSITORIES);
    let question = ["check", "-q", "--rule", "timeout-shorter-than-callee"];
    let joined = bench.run(&[question.as_slice(), &["auth-repo", "infra-repo"]].concat());
    insta::assert_snapshot!(joined.whole(), @r#"
    exit 1
    --- stdout
    warning[timeout-shorter-than-callee]: auth gives up on directory after 300 ms, directory works for up to 2 s
     --> auth-repo/config/auth.toml:3:19
      |
    3 | request_timeout = "300ms"
      |                   ^^^^^^^ covers the whole call, 1 attempt
      |
     ::: infra-repo/directory/directory.toml:3:19
      |
    3 | request_timeout = "2s"
      |                   ---- directory may work this long on one request
      |
      = sum: 300 ms < 2 s + 100 ms margin
      = assumed: that `request_timeout` covers the whole call
      = help: raise `directory.request_timeout` to at least 2.2 s, or lower `server.request_timeout` of directory to at most 200 ms; see `forewarn explain timeout-shorter-than-callee`

    --- stderr
    "#);
    let turned = bench.run(&[question.as_slice(), &["infra-repo", "auth-repo"]].concat());
    assert_eq!(turned.whole(), joined.whole());
    for alone in ["auth-repo", "infra-repo"] {
        let ran = bench.run(&[question.as_slice(), &[alone]].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.whole());
    }
}

#[test]
fn roots_of_the_same_name_stay_apart() {
    let client = "directory:\n  url: http://directory:8080\n  timeout: 0\n";
    let bench = Workbench::with(&[
        ("one/deploy/app.yaml", client),
        ("two/deploy/app.yaml", "directory:\n  url: http://directory:8080\n  timeout: 3s\n"),
    ]);
    let ran = bench.run(&["check", "-q", "--format", "short", "one/deploy", "two/deploy"]);
    assert_eq!(ran.code, 1, "{}", ran.whole());
    assert!(ran.stdout.starts_with("one/deploy/app.yaml:3:12: "), "{}", ran.whole());
    let files = bench.run(&["show", "files", "one/deploy", "two/deploy"]).stdout;
    assert_eq!(files.matches(" read ").count(), 2, "{files}");
}

/// A deployment of both services, the callee with this limit on its handler.
fn deployed(environment: &str, wait: &str, work: &str) -> Vec<(String, String)> {
    let workload = |name: &str, key: &str, value: &str, url: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    \
             spec:\n      containers:\n      - name: {name}\n        image: {name}\n        env:\n{url}        \
             - {{name: {key}, value: \"{value}\"}}\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{selector: {{app: {name}}}}}\n"
        )
    };
    let url = "        - {name: DIRECTORY_URL, value: \"http://directory:8080\"}\n";
    vec![
        (format!("deploy/{environment}/auth.yaml"), workload("auth", "DIRECTORY_REQUEST_TIMEOUT", wait, url)),
        (
            format!("deploy/{environment}/directory.yaml"),
            workload("directory", "SERVER_REQUEST_TIMEOUT", work, ""),
        ),
    ]
}

#[test]
fn environments_are_fleets_of_their_own() {
    let bench = Workbench::with(&[(
        "forewarn.toml",
        "[[setting]]\nfiles = [\"**\"]\nkey = \"containers[directory].env.SERVER_REQUEST_TIMEOUT\"\ncovers = \"handler\"\n",
    )]);
    // Production waits less than its callee works. Staging's limits are sound; its
    // callee joined with production's caller would be a second fault.
    for (path, text) in
        deployed("production", "300ms", "2s").into_iter().chain(deployed("staging", "9s", "1s"))
    {
        bench.write(&path, &text);
    }
    insta::assert_snapshot!(bench.run(&["show", "calls"]).stdout, @r#"
    ENVIRONMENT  FROM  TO         ATTEMPTS  AT WORST  MEASURED  WHERE                              ASSUMED
    production   auth  directory  1         300 ms              deploy/production/auth.yaml:12:48
    staging      auth  directory  1         9 s                 deploy/staging/auth.yaml:12:48
    "#);
    let question = ["check", "-q", "--rule", "timeout-shorter-than-callee"];
    let ran = bench.run(&question);
    insta::assert_snapshot!(ran.whole(), @r#"
    exit 1
    --- stdout
    warning[timeout-shorter-than-callee]: auth gives up on directory after 300 ms, directory works for up to 2 s
      --> deploy/production/auth.yaml:13:52
       |
    13 |         - {name: DIRECTORY_REQUEST_TIMEOUT, value: "300ms"}
       |                                                    ^^^^^^^ covers the whole call, 1 attempt
       |
      ::: deploy/production/directory.yaml:12:49
       |
    12 |         - {name: SERVER_REQUEST_TIMEOUT, value: "2s"}
       |                                                 ---- directory may work this long on one request
       |
       = sum: 300 ms < 2 s + 100 ms margin
       = assumed: that `DIRECTORY_REQUEST_TIMEOUT` covers the whole call
       = in: production
       = help: raise `containers[auth].env.DIRECTORY_REQUEST_TIMEOUT` to at least 2.2 s, or lower `containers[directory].env.SERVER_REQUEST_TIMEOUT` of directory to at most 200 ms; see `forewarn explain timeout-shorter-than-callee`

    --- stderr
    "#);
    let production =
        bench.run(&[question.as_slice(), &["--env", "production", "--format", "short"]].concat());
    assert_eq!((production.code, production.stdout.lines().count()), (1, 1), "{}", production.whole());
    let staging = bench.run(&[question.as_slice(), &["--env", "staging"]].concat());
    assert_eq!((staging.code, staging.stdout.as_str()), (0, ""), "{}", staging.whole());
}
