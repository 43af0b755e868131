//! Names for services of which only a file is known. Pure.

use std::collections::BTreeSet;

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

/// Words that say nothing alone, and are part of a name beside one that does: `auth-service`.
const KINDS: &[&str] = &["service", "services", "server", "servers"];

/// What a file's name says before its role and environment (`auth-config-prod.yaml` is `auth`), else
/// the nearest directory that says something (`auth/values-eu.yaml`); `None` where neither does.
pub(crate) fn name_of_file(place: &str) -> Option<String> {
    // `conf.d`, `sites-enabled`: directories of parts, of whatever it is.
    let is_of_parts = |word: &str| word.ends_with(".d") || word.starts_with("sites-");
    let says_nothing =
        |word: &str| NAMELESS.contains(&word) || is_surely_environment(word) || is_of_parts(word);
    let names = |word: &str| !says_nothing(word) && !KINDS.contains(&word);
    place.rsplit('/').enumerate().find_map(|(up, segment)| {
        if up > 0 {
            return names(segment).then(|| segment.to_owned());
        }
        let words: Vec<&str> = stem(segment).split('-').collect();
        let words = &words[..words.iter().rposition(|word| !says_nothing(word))? + 1];
        let is_name = !says_nothing(words[0]) && words.iter().any(|word| names(word));
        is_name.then(|| words.join("-"))
    })
}

/// A file's name without leading dots and endings: `auth` of `auth.prod.toml`, `env` of `.env`.
pub(crate) fn stem(file: &str) -> &str {
    file.split('.').find(|part| !part.is_empty()).unwrap_or(file)
}

/// The end of a path that tells it from all others, as short as can be.
pub(crate) fn telling<'p>(path: &'p str, others: &BTreeSet<&str>) -> &'p str {
    let ends_so = |other: &str, end: &str| {
        other.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    };
    let ends = path.rmatch_indices('/').map(|(slash, _)| &path[slash + 1..]);
    let mut ends = ends.filter(|end| !others.iter().any(|other| *other != path && ends_so(other, end)));
    ends.next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_by_the_shortest_end_that_no_other_has() {
        let all = BTreeSet::from(["", "k8s", "deploy/k8s", "deploy/mesh", "old/mesh", "deploy/quick/start"]);
        let told: Vec<&str> = all.iter().map(|path| telling(path, &all)).collect();
        assert_eq!(told, ["", "deploy/k8s", "deploy/mesh", "start", "k8s", "old/mesh"]);
    }

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
            ("edge/conf.d/default.conf", "edge"),
            ("edge/sites-enabled/default", "edge"),
            ("deploy/auth/prod-eu/config.json", "auth"),
            ("config/auth-service.yaml", "auth-service"),
            ("config/service-auth.yaml", "service-auth"),
            ("shop/config/service-config.json", "shop"),
            ("shop/services/config.json", "shop"),
        ] {
            assert_eq!(name_of_file(place).as_deref(), Some(name), "{place}");
        }
        for place in [".env", "config/services.json", "service-config.yaml"] {
            assert_eq!(name_of_file(place), None, "{place}");
        }
    }
}
