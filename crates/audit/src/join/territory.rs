//! Borders between deployments that lie in one tree: two directories that both define a workload
//! `auth` are alternatives (two examples, two projects, two ways to deploy), and no name in one is
//! looked up in the other.
//!
//! A territory is the largest directory under which no workload is defined twice for the same
//! environment. Nothing is known here of what a name leads to.

use std::collections::{BTreeMap, BTreeSet};

/// A definition of a workload: in which file, for which environment.
#[derive(Debug, Clone)]
pub(crate) struct Claim<'a> {
    /// The file's place.
    pub(crate) place: &'a str,
    /// The workload's name.
    pub(crate) name: &'a str,
    /// The environment the file belongs to.
    pub(crate) environment: Option<&'a str>,
}

/// The directories at which territories begin, each without a trailing `/`; the whole tree is `""`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Territories {
    borders: BTreeSet<String>,
}

impl Territories {
    pub(crate) fn new(claims: &[Claim<'_>]) -> Self {
        let mut borders = BTreeSet::new();
        let all: Vec<&Claim<'_>> = claims.iter().collect();
        split("", &all, &mut borders);
        Self { borders }
    }

    /// The territory that a place lies in: the nearest border upward. What lies directly in a
    /// split directory, or in a child of it that defines nothing, is a territory of its own.
    pub(crate) fn of(&self, place: &str) -> &str {
        let mut directory = parent(place);
        loop {
            if let Some(border) = self.borders.get(directory) {
                return border;
            }
            if directory.is_empty() {
                return "";
            }
            directory = parent(directory);
        }
    }
}

/// Whether `path` lies below `directory`.
pub(crate) fn is_below(path: &str, directory: &str) -> bool {
    directory.is_empty() || path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

/// The directory of a path; `""` at the top.
pub(crate) fn parent(path: &str) -> &str {
    path.rfind('/').map_or("", |slash| &path[..slash])
}

/// How many leading directories two places share.
pub(crate) fn common_directories(a: &str, b: &str) -> usize {
    parent(a).split('/').zip(parent(b).split('/')).take_while(|(x, y)| x == y && !x.is_empty()).count()
}

fn split(directory: &str, claims: &[&Claim<'_>], borders: &mut BTreeSet<String>) {
    borders.insert(directory.to_owned());
    if !has_conflict(claims) {
        return;
    }
    let mut children: BTreeMap<&str, Vec<&Claim<'_>>> = BTreeMap::new();
    for claim in claims {
        let below = claim.place[directory.len()..].trim_start_matches('/');
        if let Some((child, _)) = below.split_once('/') {
            children.entry(child).or_default().push(claim);
        }
    }
    for (child, claims) in children {
        let path = if directory.is_empty() { child.to_owned() } else { format!("{directory}/{child}") };
        split(&path, &claims, borders);
    }
}

fn has_conflict(claims: &[&Claim<'_>]) -> bool {
    let mut seen: BTreeMap<(&str, Option<&str>), &str> = BTreeMap::new();
    claims.iter().any(|claim| {
        let directory = parent(claim.place);
        *seen.entry((claim.name, claim.environment)).or_insert(directory) != directory
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim<'a>(place: &'a str, name: &'a str) -> Claim<'a> {
        Claim { place, name, environment: None }
    }

    #[test]
    fn one_deployment_is_one_territory() {
        let territories =
            Territories::new(&[claim("k8s/auth.yaml", "auth"), claim("k8s/web/web.yaml", "web")]);
        assert_eq!(territories.of("k8s/auth.yaml"), "");
        assert_eq!(territories.of("auth/auth.toml"), "");
    }

    #[test]
    fn two_examples_with_the_same_service_are_two_territories() {
        let territories = Territories::new(&[
            claim("a/compose.yaml", "proxy"),
            claim("b/x/compose.yaml", "proxy"),
            claim("b/y/compose.yaml", "db"),
        ]);
        assert_eq!(territories.of("a/compose.yaml"), "a");
        assert_eq!(territories.of("b/x/deep/file.toml"), "b");
        assert_eq!(territories.of("readme/file.toml"), "");
    }

    #[test]
    fn the_same_service_in_two_environments_is_no_conflict() {
        let claims = [
            Claim { place: "prod/auth.yaml", name: "auth", environment: Some("production") },
            Claim { place: "staging/auth.yaml", name: "auth", environment: Some("staging") },
        ];
        assert_eq!(Territories::new(&claims).of("prod/auth.yaml"), "");
    }
}
