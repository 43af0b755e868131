//! What an environment is for, by its name. Knows words of the trade, no project's names.

/// What an environment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It serves users.
    Production,
    /// It stands for production before a release, so it should be configured like it.
    Rehearsal,
    /// It is meant to differ: development, tests, one person's machine.
    Apart,
    /// Its name does not say.
    Unknown,
}

impl Stage {
    /// The stage that a name tells. A word that sets an environment apart wins: `prod-test` is for
    /// tests, whatever it resembles.
    pub(crate) fn of(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let words = || {
            name.split(|c: char| !c.is_ascii_alphanumeric())
                .map(|word| word.trim_end_matches(char::is_numeric))
        };
        let any = |known: &[&str]| words().any(|word| known.contains(&word));
        if any(&[
            "dev",
            "develop",
            "development",
            "test",
            "tests",
            "testing",
            "local",
            "localhost",
            "ci",
            "sandbox",
            "demo",
            "qa",
            "perf",
            "load",
            "loadtest",
            "bench",
            "e2e",
            "integration",
            "example",
            "examples",
            "minikube",
            "kind",
        ]) {
            Self::Apart
        } else if any(&["preprod", "preproduction", "staging", "stage", "stg"])
            || any(&["pre"]) && any(&["prod", "production"])
        {
            Self::Rehearsal
        } else if any(&["prod", "production", "prd", "live"]) {
            Self::Production
        } else {
            Self::Unknown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Stage;

    #[test]
    fn the_words_of_a_name_say_what_an_environment_is_for() {
        for (name, stage) in [
            ("prod", Stage::Production),
            ("production-eu1", Stage::Production),
            ("eu_west.live", Stage::Production),
            ("staging", Stage::Rehearsal),
            ("pre-prod", Stage::Rehearsal),
            ("Preprod2", Stage::Rehearsal),
            ("dev", Stage::Apart),
            ("prod-test", Stage::Apart),
            ("ci", Stage::Apart),
            ("default", Stage::Unknown),
            ("product", Stage::Unknown),
            ("eu-west-1", Stage::Unknown),
        ] {
            assert_eq!(Stage::of(name), stage, "{name}");
        }
    }
}
