//! A real PostgreSQL for tests: found where it is installed, started once for this program in a
//! directory of its own, and gone with it, however it ends.
//!
//! A shell watches over it: it waits for the end of a pipe whose other end this program holds, which
//! the kernel closes even when the program is killed, and then stops the server and removes the
//! directory. PostgreSQL refuses to run as root; then it runs as `postgres` or `nobody`.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use authd::config::directory::DatabaseConfig;
use tokio_postgres::{Client, Config, NoTls};

/// Makes a directory and a database in it, starts the server, says where, and ends both at the end of
/// the pipe. `$1`: where the programs are, `$2`: the port.
const WATCH: &str = r#"
trap '' INT TERM HUP
bin=$1 port=$2 as=
if [ "$(id -u)" = 0 ]; then
    user=nobody; if id postgres >/dev/null 2>&1; then user=postgres; fi
    as="setpriv --reuid=$user --regid=$(id -g $user) --clear-groups"
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/authd-postgres.XXXXXX") || exit 1
if [ -n "$as" ]; then chown "$user" "$dir"; fi
cd "$dir" || exit 1
(umask 077; echo s3cret > password; if [ -n "$as" ]; then chown "$user" password; fi)
$as "$bin/initdb" -D "$dir/data" -U authd --pwfile="$dir/password" -A scram-sha-256 -E UTF8 --locale=C \
    --no-sync --no-instructions > log 2>&1 &&
cat >> "$dir/data/postgresql.conf" <<END &&
fsync = off
port = $port
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
END
$as "$bin/pg_ctl" -D "$dir/data" -l "$dir/data/log" -w start >> log 2>&1 && echo "$dir" ||
    { cat log data/log >&2; echo; }
exec 2> /dev/null
cat > /dev/null
$as "$bin/pg_ctl" -D "$dir/data" -m immediate stop > /dev/null 2>&1
cd / && rm -rf "$dir"
"#;

/// The server of this program.
pub(crate) struct Server {
    directory: PathBuf,
    bin: PathBuf,
    port: u16,
    /// Holds the end of the pipe that the shell waits for.
    _watch: Child,
}

/// The server, started where it is not yet; nothing where PostgreSQL is not installed. Then says so,
/// naming the test, to the developer and to `cargo xtask test`.
pub(crate) fn server(test: &str) -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    installed(test, SERVER.get_or_init(|| programs().map(start)).as_ref())
}

fn installed<T>(test: &str, server: Option<T>) -> Option<T> {
    if server.is_none() {
        rig::skip::skipped(test, "PostgreSQL is not installed (needs initdb)");
    }
    server
}

/// The directory with PostgreSQL's programs: on the path, or where Debian puts them.
#[expect(clippy::disallowed_methods, reason = "the search path of this machine")]
fn programs() -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).collect::<Vec<_>>();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut installed: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    installed.sort();
    let all = on_path.into_iter().chain(installed.into_iter().rev());
    all.map(|directory| directory.join("initdb"))
        .filter_map(|initdb| initdb.canonicalize().ok())
        .filter_map(|initdb| initdb.parent().map(Path::to_path_buf))
        .find(|directory| directory.join("pg_ctl").exists())
}

fn start(bin: PathBuf) -> Server {
    // The port is free when it is asked for; when another program takes it meanwhile, the next is tried.
    for _ in 0..3 {
        let port = rig::scratch::free_address().unwrap().port();
        let mut watch = Command::new("sh");
        watch.args(["-c", WATCH, "sh"]).arg(&bin).arg(port.to_string());
        // A group of its own: what ends the tests must not end the watch before it has cleaned up.
        watch.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut watch = watch.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(watch.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if !line.trim().is_empty() {
            return Server { directory: PathBuf::from(line.trim()), bin, port, _watch: watch };
        }
        drop(watch.stdin.take());
        watch.wait().unwrap();
    }
    panic!("PostgreSQL is installed in {} but does not start", bin.display());
}

impl Server {
    /// A server for one test, which may stop it.
    pub(crate) fn alone(test: &str) -> Option<Self> {
        installed(test, programs().map(start))
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// A new database on it.
    pub(crate) async fn database(&self) -> DatabaseConfig {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("authd_{}", MADE.fetch_add(1, Ordering::Relaxed));
        let config = |name: &str| DatabaseConfig {
            url: format!("postgres://authd@{}/{name}", self.address()),
            password_file: Some(self.directory.join("password")),
            ..super::store::patient()
        };
        let admin = self.client(&config("postgres")).await;
        admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        config(&name)
    }

    /// A connection of its own to a database on it.
    pub(crate) async fn client(&self, config: &DatabaseConfig) -> Client {
        let mut driver: Config = config.url.parse().unwrap();
        driver.password("s3cret");
        let (client, connection) = driver.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Stops it the way a crash would.
    pub(crate) fn stop(&self) {
        self.control(&["-m", "immediate", "stop"]);
    }

    /// Starts it again.
    pub(crate) fn start(&self) {
        let log = self.directory.join("data/log");
        self.control(&["-l", log.to_str().unwrap(), "start"]);
    }

    /// Kills its first process with SIGKILL. The others notice that it is gone and end by themselves.
    pub(crate) fn kill(&self) {
        let lock = std::fs::read_to_string(self.directory.join("data/postmaster.pid")).unwrap();
        let process = lock.lines().next().unwrap();
        assert!(Command::new("kill").args(["-9", process]).status().unwrap().success());
    }

    /// Starts it again after it was killed. That fails for as long as processes of before use its memory.
    pub(crate) fn revive(&self, limit: Duration) {
        let log = self.directory.join("data/log");
        let start = ["-l", log.to_str().unwrap(), "start"];
        let revived = rig::until(limit, || self.controlled(&start));
        assert!(revived.is_some(), "PostgreSQL does not start within {limit:?} of its death");
    }

    fn control(&self, arguments: &[&str]) {
        assert!(self.controlled(arguments), "pg_ctl {arguments:?}");
    }

    /// Whether it could be done.
    fn controlled(&self, arguments: &[&str]) -> bool {
        let script = r#"
            if [ "$(id -u)" = 0 ]; then
                user=nobody; if id postgres >/dev/null 2>&1; then user=postgres; fi
                exec setpriv --reuid=$user --regid=$(id -g $user) --clear-groups "$@"
            fi
            exec "$@""#;
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh"]).arg(self.bin.join("pg_ctl")).arg("-w").arg("-D");
        command.arg(self.directory.join("data")).args(arguments);
        // A server that inherits a pipe of ours would keep it open.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().unwrap().success()
    }
}
