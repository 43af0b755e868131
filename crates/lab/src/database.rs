//! Where the directory of a drill keeps its accounts: SQLite as in the example, or a PostgreSQL that is made
//! for each run with the programs of this machine, and goes with the directory of the run.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use prove::trial::{Kind, Trouble};

/// Makes and runs a PostgreSQL.
pub(crate) const SCRIPT: &str = include_str!("postgres.sh");
/// What the script is called beside the test file.
pub(crate) const SCRIPT_NAME: &str = "postgres.sh";
/// Where Debian puts the programs, by version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// What the example says of its database.
const SQLITE: &str = r#"AUTHD_DATABASE__URL = "sqlite:${work}/directory.db""#;
/// What is said in its place. A connection and a statement have to fit into the directory's 800 ms.
const POSTGRES: &str = r#"AUTHD_DATABASE__URL = "postgres://authd@127.0.0.1:${port.database}/postgres", AUTHD_DATABASE__PASSWORD_FILE = "${work}/database/password", AUTHD_DATABASE__CONNECT_TIMEOUT = "200ms""#;
/// Where the first process of the example begins.
const FIRST: &str = "[[process]]\n";

/// Which database the directory uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// A file.
    Sqlite,
    /// A PostgreSQL of its own, from the programs in this directory.
    Postgres(PathBuf),
}

impl Database {
    /// A PostgreSQL with the programs of this machine.
    ///
    /// # Errors
    /// There are none.
    pub fn postgres() -> Result<Self, Trouble> {
        Self::postgres_of(&std::env::var_os("PATH").unwrap_or_default(), Path::new(DEBIAN))
    }

    fn postgres_of(path: &OsStr, debian: &Path) -> Result<Self, Trouble> {
        programs(path, debian).map(Self::Postgres).ok_or_else(|| {
            let what =
                format!("is not installed: no `initdb` and `postgres` in PATH or {}/*/bin", debian.display());
            let help = "install it (Debian, Ubuntu: postgresql; Fedora: postgresql-server; Homebrew: postgresql, \
                        with its bin in PATH), or run the drill without --postgres";
            Trouble::new(Kind::Host, "PostgreSQL", what, help)
        })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// The test file of the example with this database.
    pub(crate) fn in_test(&self, text: &str) -> String {
        let Self::Postgres(programs) = self else { return text.to_owned() };
        let programs = programs.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
        let process = format!(
            r#"[[process]]
name = "database"
command = ["sh", "${{base}}/{SCRIPT_NAME}", "{programs}", "${{port.database}}"]
ready = {{ tcp = "127.0.0.1:${{port.database}}" }}
ready_within = "60s"

"#
        );
        text.replacen(FIRST, &format!("{process}{FIRST}"), 1).replacen(SQLITE, POSTGRES, 1)
    }
}

/// The directory with both programs: on the path, else the newest where Debian puts them.
fn programs(path: &OsStr, debian: &Path) -> Option<PathBuf> {
    let version = |directory: &PathBuf| -> Option<u32> { directory.file_name()?.to_str()?.parse().ok() };
    let entries = std::fs::read_dir(debian).into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    versions.sort_by_key(|directory| std::cmp::Reverse(version(directory)));
    let installed = versions.into_iter().map(|version| version.join("bin"));
    // A link on the path leads to one of the two alone, as a rule.
    std::env::split_paths(path)
        .chain(installed)
        .filter_map(|directory| directory.join("initdb").canonicalize().ok())
        .filter_map(|initdb| initdb.parent().map(Path::to_path_buf))
        .find(|directory| directory.join("postgres").is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;

    #[test]
    fn the_directory_is_told_of_the_database_and_nothing_else_differs() {
        let postgres = Database::Postgres("/opt/pg \"15\"".into()).in_test(scenario::TEST);
        assert_eq!(Database::Sqlite.in_test(scenario::TEST), scenario::TEST);
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let (before, after) = (lines(scenario::TEST), lines(&postgres));
        let added: Vec<&String> = after.iter().filter(|line| !before.contains(line)).collect();
        assert_eq!(before.iter().filter(|line| !after.contains(line)).count(), 1);
        insta::assert_snapshot!(added.into_iter().map(|line| format!("{line}\n")).collect::<String>(), @r#"
        name = "database"
        command = ["sh", "${base}/postgres.sh", "/opt/pg \"15\"", "${port.database}"]
        ready = { tcp = "127.0.0.1:${port.database}" }
        ready_within = "60s"
        environment = { AUTHD_SERVER__LISTEN = "127.0.0.1:${port.directory}", AUTHD_DATABASE__URL = "postgres://authd@127.0.0.1:${port.database}/postgres", AUTHD_DATABASE__PASSWORD_FILE = "${work}/database/password", AUTHD_DATABASE__CONNECT_TIMEOUT = "200ms" }
        "#);
    }

    #[test]
    fn both_programs_are_found_on_the_path_or_the_newest_where_debian_puts_them() {
        let home = std::env::temp_dir().join(format!("forewarn-programs-{}", std::process::id()));
        let debian = home.join("debian");
        let directory = |name: &str, programs: &[&str]| {
            let directory = home.join(name);
            std::fs::create_dir_all(&directory).unwrap();
            for program in programs {
                std::fs::write(directory.join(program), "").unwrap();
            }
            directory.canonicalize().unwrap()
        };
        let alone = directory("alone", &["initdb"]);
        assert_eq!(programs(alone.as_os_str(), &debian), None);
        let trouble = Database::postgres_of(alone.as_os_str(), Path::new("/nowhere")).unwrap_err();
        insta::assert_snapshot!(format!("{}: {}\n{}", trouble.place, trouble.what, trouble.help), @r"
        PostgreSQL: is not installed: no `initdb` and `postgres` in PATH or /nowhere/*/bin
        install it (Debian, Ubuntu: postgresql; Fedora: postgresql-server; Homebrew: postgresql, with its bin in PATH), or run the drill without --postgres
        ");
        directory("debian/9/bin", &["initdb", "postgres"]);
        let newest = directory("debian/15/bin", &["initdb", "postgres"]);
        directory("debian/16/bin", &["postgres"]);
        assert_eq!(programs(alone.as_os_str(), &debian), Some(newest.clone()));
        let linked = directory("linked", &[]);
        std::os::unix::fs::symlink(newest.join("initdb"), linked.join("initdb")).unwrap();
        assert_eq!(programs(linked.as_os_str(), Path::new("/nowhere")), Some(newest));
        let whole = directory("whole", &["initdb", "postgres"]);
        assert_eq!(programs(whole.as_os_str(), &debian), Some(whole));
        std::fs::remove_dir_all(home).unwrap();
    }
}
