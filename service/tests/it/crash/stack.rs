//! Front, directory and database as processes; what can be killed, and what the others must say then.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rig::http::{Client, Request};
use rig::metrics::sum;
use rig::role::Role;
use rig::scratch::{Scratch, free_address};
use rig::until;
use serde_json::json;

use super::client::HANG;
use super::ledger::Broken;
use crate::postgres;

/// How long a process may take to start, on a machine that does much else.
const START: Duration = Duration::from_secs(30);
/// How long others may take to notice that a process is gone, and to say so.
const NOTICE: Duration = Duration::from_secs(5);
/// How long sign-ins may go on failing after what was killed is ready again: nobody restarts the
/// others, nobody tells them.
const RECOVERY: Duration = Duration::from_secs(3);

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Victim {
    Front,
    Directory,
    Database,
}

pub(super) struct Stack {
    pub(super) front: Role,
    directory: Role,
    database: Option<postgres::Server>,
    scratch: Arc<Scratch>,
}

/// Where the directory keeps things in a run.
pub(super) enum Kept {
    /// In a file: killing the directory kills the database.
    Sqlite,
    /// In a server of its own, of which this is the `[database]` of the configuration.
    Postgres(postgres::Server, String),
}

impl Stack {
    pub(super) fn start(kept: Kept) -> Self {
        let program = Path::new(env!("CARGO_BIN_EXE_authd"));
        let scratch = Arc::new(Scratch::new("crash").unwrap());
        let keys = Command::new(program).args(["keys", "new"]).arg(scratch.path().join("keys")).output();
        assert!(keys.unwrap().status.success());
        let (database, section) = match kept {
            Kept::Sqlite => (None, "url = \"sqlite:directory.db\"".to_owned()),
            Kept::Postgres(server, section) => (Some(server), section),
        };
        let (at, front_at) = (free_address().unwrap(), free_address().unwrap());
        let directory = Role::new(program, "directory", at, &directory_toml(at, &section), &scratch).unwrap();
        let front = Role::new(program, "serve", front_at, &front_toml(front_at, at), &scratch).unwrap();
        let mut stack = Self { front, directory, database, scratch };
        stack.directory.start().unwrap();
        stack.directory.ready(START).unwrap();
        stack.front.start().unwrap();
        stack.front.ready(START).unwrap();
        stack
    }

    /// What there is to kill.
    pub(super) fn victims(&self) -> &'static [Victim] {
        match self.database {
            Some(_) => &[Victim::Front, Victim::Directory, Victim::Database],
            None => &[Victim::Front, Victim::Directory],
        }
    }

    pub(super) fn kill(&mut self, victim: Victim) {
        match victim {
            Victim::Front => self.front.kill().unwrap(),
            Victim::Directory => self.directory.kill().unwrap(),
            Victim::Database => self.database.as_ref().unwrap().kill(),
        }
    }

    /// Removes SQLite's files, which no service can survive.
    pub(super) fn lose_the_database(&self) {
        for name in ["directory.db", "directory.db-wal", "directory.db-shm"] {
            let _ = std::fs::remove_file(self.scratch.path().join(name));
        }
    }

    /// Whether the others say of what is dead what they must.
    pub(super) fn noticed(&self, dead: Victim) -> Result<(), Broken> {
        match dead {
            // Nothing depends on the front.
            Victim::Front => {
                must("the directory is ready without a front", || self.directory.says("/readyz") == Some(200))
            }
            Victim::Directory => {
                must("the front says 503 without a directory", || self.front_says(&["unreachable"]))?;
                must("the front is alive without a directory", || self.front.says("/healthz") == Some(200))?;
                must("the front is not ready without a directory", || self.front.says("/readyz") == Some(503))
            }
            Victim::Database => {
                must("the directory says 503 without its database", || self.directory_says("unreachable"))?;
                must("the directory lives without its database", || {
                    self.directory.says("/healthz") == Some(200)
                })?;
                must("the directory is not ready", || self.directory.says("/readyz") == Some(503))?;
                must("the front says 503 without a database", || self.front_says(&["dependency_error"]))
            }
        }
    }

    /// Starts it again; gives how long it took from its readiness until sign-ins are answered.
    pub(super) fn revive(&mut self, dead: Victim) -> Result<Duration, Broken> {
        match dead {
            Victim::Front => {
                self.front.start().unwrap();
                self.front.ready(START).map_err(|error| Broken(error.to_string()))?;
            }
            Victim::Directory => {
                self.directory.start().unwrap();
                self.directory.ready(START).map_err(|error| Broken(error.to_string()))?;
            }
            Victim::Database => self.database.as_ref().unwrap().revive(START),
        }
        let mut last = String::new();
        let recovered = until(RECOVERY, || {
            let (status, said) = self.sign_in();
            last = format!("{status} {said}");
            status == 401
        });
        recovered
            .ok_or_else(|| Broken(format!("{dead:?} is back, but after {RECOVERY:?} a sign-in says {last}")))
    }

    /// A sign-in as of a stranger: where all is well it is refused, after two calls to the directory.
    fn sign_in(&self) -> (u16, String) {
        let request = Request::json("/login", &json!({ "login": "nobody", "password": "of-no-account" }));
        match Client::new(self.front.address(), HANG).send(&request) {
            Ok(reply) => (reply.status, String::from_utf8_lossy(&reply.body).into_owned()),
            Err(error) => (0, error.to_string()),
        }
    }

    /// Whether a sign-in is answered by 503 and counted for one of some reasons.
    fn front_says(&self, results: &[&str]) -> bool {
        let count = || {
            let text = self.front.metrics().unwrap_or_default();
            results.iter().map(|result| sum(&text, "auth_login_total", &format!("\"{result}\""))).sum::<f64>()
        };
        let before = count();
        self.sign_in().0 == 503 && count() > before
    }

    /// Whether the directory answers by 503 with a reason.
    fn directory_says(&self, reason: &str) -> bool {
        let request = Request::json("/v1/accounts/lookup", &json!({ "login": "nobody", "device": null }));
        let reply = Client::new(self.directory.address(), HANG).send(&request);
        reply.is_ok_and(|reply| reply.status == 503 && reply.text("error") == reason)
    }

    /// Waits until no request is under way: whatever was asked has come to pass by then, or never will.
    pub(super) fn rest(&self) -> Result<(), Broken> {
        for role in [&self.front, &self.directory] {
            // Asking for the metrics is a request itself.
            must("requests come to an end", || {
                role.metrics().is_ok_and(|text| sum(&text, "auth_requests_in_flight", "") <= 1.0)
            })?;
        }
        Ok(())
    }

    /// No sign-in of this front ended by a mistake of its own or for a reason that was not there.
    pub(super) fn blameless(&self) -> Result<(), Broken> {
        let text = self.front.metrics().map_err(|error| Broken(error.to_string()))?;
        for result in ["internal", "locked", "throttled"] {
            let count = sum(&text, "auth_login_total", &format!("\"{result}\""));
            if count > 0.0 {
                return Err(Broken(format!("{count} sign-ins ended as {result}")));
            }
        }
        Ok(())
    }
}

fn must(what: &str, holds: impl FnMut() -> bool) -> Result<(), Broken> {
    until(NOTICE, holds).map(drop).ok_or_else(|| Broken(format!("not within {NOTICE:?}: {what}")))
}

/// Cheap hashes, no limit of addresses, short limits: many requests in little time.
fn front_toml(listen: std::net::SocketAddr, directory: std::net::SocketAddr) -> String {
    format!(
        r#"
[server]
listen = "{listen}"
request_timeout = "2s"

[tokens]
keys = "keys"
access_ttl = "1h"

[passwords]
memory_kib = 8
iterations = 1
min_length = 8
hash_threads = 2
refusal_step = "5ms"

[limits]
address_burst = 0

[directory]
url = "http://{directory}"
request_timeout = "800ms"
max_attempts = 2
backoff = "20ms"
"#
    )
}

/// Nobody is locked out, and a refresh token whose answer was lost gives the same successor for long.
fn directory_toml(listen: std::net::SocketAddr, database: &str) -> String {
    format!(
        r#"
[server]
listen = "{listen}"
request_timeout = "2s"

[database]
{database}

[lockout]
threshold = 1000000

[sessions]
reuse_grace = "1h"
"#
    )
}
