//! Variables that override single keys of a configuration: `AUTHD_SERVER__LISTEN` is `server.listen`,
//! `AUTHD_DIRECTORY__POOL__SIZE` is `directory.pool.size`. The only place that asks the environment.

/// What the names of such variables begin with.
pub const PREFIX: &str = "AUTHD_";

/// What stands between a table and its keys, because keys have single underscores of their own.
pub const BETWEEN: &str = "__";

/// Variables that override keys, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment(Vec<(String, String)>);

impl Environment {
    /// The variables of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        Self::of(std::env::vars_os().map(|(name, value)| (text(name), text(value))))
    }

    /// The variables among these that override keys.
    #[must_use]
    pub fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let meant = |name: &str| name.starts_with(PREFIX) && !made_by_kubernetes(name);
        let mut kept: Vec<_> = variables.into_iter().filter(|(name, _)| meant(name)).collect();
        kept.sort();
        Self(kept)
    }

    /// Name, path of the key, value; in the order of names.
    pub fn overrides(&self) -> impl Iterator<Item = (&str, Vec<String>, &str)> {
        self.0.iter().map(|(name, value)| {
            let path = name[PREFIX.len()..].split(BETWEEN).map(str::to_ascii_lowercase).collect();
            (name.as_str(), path, value.as_str())
        })
    }
}

/// The name of the variable that overrides a key.
#[must_use]
pub fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', BETWEEN).to_ascii_uppercase())
}

/// Whether Kubernetes puts such a variable into every container near a Service named `authd` or
/// `authd-...` (kubernetes.io, "Service", "Environment variables"). No key of ours has such a name:
/// each stands in a table, so each variable has a double underscore.
fn made_by_kubernetes(name: &str) -> bool {
    let ending = |end: &str| name.ends_with(end);
    let port = name.contains("_PORT_")
        && ["_TCP", "_UDP", "_SCTP", "_PROTO", "_PORT", "_ADDR"].into_iter().any(ending);
    !name.contains(BETWEEN)
        && (ending("_SERVICE_HOST") || name.contains("_SERVICE_PORT") || ending("_PORT") || port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(given: &[&str]) -> Vec<String> {
        let given = given.iter().map(|name| ((*name).to_owned(), "x".to_owned()));
        Environment::of(given).overrides().map(|(name, ..)| name.to_owned()).collect()
    }

    #[test]
    fn levels_are_split_at_double_underscores() {
        let environment =
            Environment::of([("AUTHD_DIRECTORY__POOL__IDLE_TIMEOUT".to_owned(), "1s".to_owned())]);
        let all: Vec<_> = environment.overrides().collect();
        let path = ["directory", "pool", "idle_timeout"].map(str::to_owned).to_vec();
        assert_eq!(all, [("AUTHD_DIRECTORY__POOL__IDLE_TIMEOUT", path, "1s")]);
        assert_eq!(variable("directory.pool.idle_timeout"), "AUTHD_DIRECTORY__POOL__IDLE_TIMEOUT");
    }

    #[test]
    fn other_programs_and_kubernetes_own_are_left_alone() {
        let kubernetes = [
            "AUTHD_SERVICE_HOST",
            "AUTHD_SERVICE_PORT",
            "AUTHD_SERVICE_PORT_HTTP",
            "AUTHD_PORT",
            "AUTHD_PORT_8080_TCP",
            "AUTHD_PORT_8080_TCP_PROTO",
            "AUTHD_DIRECTORY_PORT_8081_TCP_ADDR",
            "HOME",
        ];
        assert_eq!(names(&kubernetes), [""; 0]);
        assert_eq!(
            names(&["AUTHD_LISTEN", "AUTHD_SERVER__LISTEN"]),
            ["AUTHD_LISTEN", "AUTHD_SERVER__LISTEN"]
        );
    }
}
