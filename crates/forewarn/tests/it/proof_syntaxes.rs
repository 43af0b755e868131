//! Candidates that are no tables of keys: NGINX, HAProxy, and a file in no known syntax, each before the same
//! dependency, which answers some requests late.

use crate::workbench::{Ran, Workbench};

/// Three in ten wait for more than 300 ms, none for more than 1 s.
const TEST: &str = r#"
kind = "service"
name = "request"

[candidate]
file = "FILE"
EDITS

[[process]]
name = "accounts"
command = ["${forewarn}", "authd", "directory", "--config", "${base}/accounts.toml"]
environment = { AUTHD_SERVER__LISTEN = "127.0.0.1:${port.accounts}", AUTHD_DATABASE__URL = "sqlite:${work}/accounts.db" }
ready = { http = "http://127.0.0.1:${port.accounts}/readyz" }

[[process]]
name = "edge"
command = COMMAND
ready = { tcp = "127.0.0.1:${port.edge}" }

[[dependency]]
name = "accounts"
address = "127.0.0.1:${port.accounts}"
answer = { quantiles = { p50 = "200ms", p70 = "300ms", "p99.9" = "700ms" }, calls = 1000 }

[[step]]
name = "ask"
url = "http://127.0.0.1:${port.edge}/readyz"

[load]
rate = 50

[objective]
good = "90%"

[search]
key = "KEY"
UNIT
"#;

const ACCOUNTS: &str = "[server]\nlisten = \"127.0.0.1:8081\"\nrequest_timeout = \"5s\"\n\n[database]\nurl = \"sqlite:accounts.db\"\n";

/// What an edge is put to the test as.
struct Edge<'e> {
    /// Its file, with `LIMIT` where the limit is written,
    text: &'e str,
    /// and how it is called.
    file: &'e str,
    edits: &'e str,
    command: &'e str,
    key: &'e str,
    unit: &'e str,
}

impl Edge<'_> {
    /// What `forewarn test` says of a limit in the place of another one.
    fn tested(&self, limit: &str, before: &str) -> Ran {
        let test = TEST
            .replace("FILE", self.file)
            .replace("EDITS", self.edits)
            .replace("COMMAND", self.command)
            .replace("KEY", self.key)
            .replace("UNIT", self.unit);
        let test = if self.key.is_empty() { test.replace("[search]\nkey = \"\"\n", "") } else { test };
        let (new, old) = (self.text.replace("LIMIT", limit), self.text.replace("LIMIT", before));
        let bench = Workbench::with(&[
            ("edge.test.toml", &test),
            ("accounts.toml", ACCOUNTS),
            ("front.toml", "[directory]\nurl = \"http://127.0.0.1:8081\"\n"),
            (self.file, &old),
            ("new", &new),
        ]);
        let path = std::env::var("PATH").expect("a search path");
        let mut command = bench.command(&["test", "edge.test.toml", "--candidate", "new"]);
        let output = command.env("PATH", path).output().expect("the binary starts");
        Ran {
            code: output.status.code().expect("it ends by itself"),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

fn is_installed(program: &str, test: &str) -> bool {
    let there = std::process::Command::new(program).arg("-v").output().is_ok();
    if !there {
        rig::skip::skipped(test, &format!("{program} is not installed"));
    }
    there
}

/// The first words of the first line, up to the share, which a run draws.
fn verdict(ran: &Ran) -> &str {
    ran.stdout.split(" fails ").next().unwrap_or_default()
}

#[test]
fn a_limit_of_nginx_is_found_by_the_key_that_an_audit_prints() {
    if !is_installed("nginx", "a_limit_of_nginx_is_found_by_the_key_that_an_audit_prints") {
        return;
    }
    let edge = Edge {
        text: "\
worker_processes 1;
pid nginx.pid;
events { worker_connections 64; }
http {
  access_log off;
  upstream accounts { server 127.0.0.1:8081; }
  server {
    listen 127.0.0.1:8080;
    location / {
      proxy_pass http://accounts;
      proxy_read_timeout LIMIT;
      proxy_next_upstream off;
    }
  }
}
",
        file: "edge.conf",
        edits: "[candidate.set]\n\"server.listen\" = \"127.0.0.1:${port.edge}\"\n\
                \"upstream[accounts].server\" = \"${proxy.accounts}\"",
        command: r#"["nginx", "-p", "${work}", "-c", "${candidate}", "-g", "daemon off;", "-e", "stderr"]"#,
        key: "server[127.0.0.1:8080].location[/].proxy_read_timeout",
        unit: "",
    };
    let ran = edge.tested("300ms", "1s");
    assert_eq!(
        verdict(&ran),
        "FAILED  edge.test.toml: new:11: server[127.0.0.1:8080].location[/].proxy_read_timeout = 300ms",
        "{}",
        ran.whole()
    );
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("the latency alone would fail 30 %"), "{}", ran.stdout);
    assert_eq!(edge.tested("1s", "2s").code, 0);
}

#[test]
fn a_limit_of_haproxy_is_found_by_the_key_that_an_audit_prints() {
    if !is_installed("haproxy", "a_limit_of_haproxy_is_found_by_the_key_that_an_audit_prints") {
        return;
    }
    let edge = Edge {
        text: "\
defaults
    mode http
    retries 0
    timeout connect 1s
    timeout client 5s
    timeout server LIMIT
frontend edge
    bind 127.0.0.1:8080
    default_backend accounts
backend accounts
    server one 127.0.0.1:8081 maxconn 50
",
        file: "haproxy.cfg",
        edits: "[candidate.set]\n\"frontend[edge].bind\" = \"127.0.0.1:${port.edge}\"\n\
                \"backend[accounts].server.1\" = \"${proxy.accounts}\"",
        command: r#"["haproxy", "-db", "-f", "${candidate}"]"#,
        key: "defaults.timeout server",
        unit: "unit = \"ms\"",
    };
    let ran = edge.tested("300", "1000");
    let expected = "FAILED  edge.test.toml: new:6: defaults.timeout server = 300";
    assert_eq!(verdict(&ran), expected, "{}", ran.whole());
    assert_eq!(ran.code, 1);
}

#[test]
fn of_a_file_in_no_known_syntax_texts_are_replaced_and_lines_compared() {
    let edge = Edge {
        text: "\
export AUTHD_SERVER__LISTEN=127.0.0.1:8080
export AUTHD_DIRECTORY__URL=http://127.0.0.1:8081
AUTHD_DIRECTORY__REQUEST_TIMEOUT=LIMIT exec \"$FOREWARN\" authd serve --config \"$FRONT\"
",
        file: "start.sh",
        edits: "[candidate.replace]\n\"127.0.0.1:8080\" = \"127.0.0.1:${port.edge}\"\n\
                \"127.0.0.1:8081\" = \"${proxy.accounts}\"",
        command: "[\"sh\", \"${candidate}\"]\n\
                  environment = { FOREWARN = \"${forewarn}\", FRONT = \"${base}/front.toml\" }",
        key: "",
        unit: "",
    };
    let ran = edge.tested("300ms", "1s");
    let expected = "FAILED  edge.test.toml: new:3: line 3 = AUTHD_DIRECTORY__REQUEST_TIMEOUT=300ms";
    assert_eq!(verdict(&ran), expected, "{}", ran.whole());
    assert_eq!(ran.code, 1);
}
