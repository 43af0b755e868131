//! Names for services of which only a file is known. Pure.

use super::environment::is_surely_environment;

/// Words of file names and directories that say nothing about whose configuration they hold.
const NAMELESS: &[&str] = &[
    "app",
    "application",
    "appsettings",
    "base",
    "bootstrap",
    "chart",
    "charts",
    "conf",
    "config",
    "configs",
    "configuration",
    "default",
    "defaults",
    "deploy",
    "env",
    "etc",
    "index",
    "local",
    "main",
    "resources",
    "settings",
    "src",
    "templates",
    "values",
];

/// What a file's name says before its role and environment (`auth-config-prod.yaml` is `auth`), else
/// the nearest directory that says something (`auth/values-eu.yaml`).
pub(crate) fn name_of_file(place: &str) -> String {
    let says_nothing = |word: &str| NAMELESS.contains(&word) || is_surely_environment(word);
    place
        .rsplit('/')
        .enumerate()
        .find_map(|(up, segment)| {
            if up > 0 {
                return (!says_nothing(segment)).then(|| segment.to_owned());
            }
            let words: Vec<&str> = stem(segment).split('-').collect();
            let end = words.iter().rposition(|word| !says_nothing(word))? + 1;
            (!says_nothing(words[0])).then(|| words[..end].join("-"))
        })
        .unwrap_or_else(|| place.to_owned())
}

/// A file's name without leading dots and endings: `auth` of `auth.prod.toml`, `env` of `.env`.
pub(crate) fn stem(file: &str) -> &str {
    file.split('.').find(|part| !part.is_empty()).unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::name_of_file;

    #[test]
    fn a_file_is_named_by_what_says_something() {
        for (place, name) in [
            ("auth/auth.toml", "auth"),
            ("config/mall-admin-prod.yaml", "mall-admin"),
            ("services/tiles/values-eu.yaml", "tiles"),
            ("gateway/src/main/resources/application.yml", "gateway"),
            ("auth/config/production/settings.json", "auth"),
            ("charts/test-kitchen/values.yaml", "test-kitchen"),
            ("nginx.conf", "nginx"),
            (".env", ".env"),
        ] {
            assert_eq!(name_of_file(place), name, "{place}");
        }
    }
}
