//! Borders between deployments that lie in one tree: two directories that both define a workload
//! `auth` are alternatives (two examples, two projects, two ways to deploy), and no name in one is
//! looked up in the other.
//!
//! A territory is a directory without the parts of it in which a workload is defined a second time
//! for the same environment; each such part is a territory of its own. Nothing is known here of what
//! a name leads to.

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

    /// The territory that a place lies in: itself where it is one, else the nearest border upward.
    pub(crate) fn of(&self, place: &str) -> &str {
        let mut path = place;
        loop {
            if let Some(border) = self.borders.get(path) {
                return border;
            }
            if path.is_empty() {
                return "";
            }
            path = parent(path);
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

/// Draws the borders inside a directory. Only what contradicts something gets a border: the rest of
/// the directory stays one territory.
fn split(directory: &str, claims: &[&Claim<'_>], borders: &mut BTreeSet<String>) {
    borders.insert(directory.to_owned());
    if conflicts(claims).is_empty() {
        return;
    }
    let mut children: BTreeMap<&str, Vec<&Claim<'_>>> = BTreeMap::new();
    for claim in claims {
        children.entry(child(directory, claim.place)).or_default().push(claim);
    }
    // A child that contradicts itself is split, and stands apart.
    let mut apart: BTreeSet<&str> = BTreeSet::new();
    for (path, claims) in &children {
        if !conflicts(claims).is_empty() {
            split(path, claims, borders);
            apart.insert(path);
        }
    }
    // Of the others those directories stand apart that contradict something, and those files that
    // contradict each other: what lies at the top speaks for the whole directory else.
    let rest: Vec<&Claim<'_>> =
        claims.iter().copied().filter(|claim| !apart.contains(child(directory, claim.place))).collect();
    let (files, _): (Vec<&Claim<'_>>, Vec<_>) =
        rest.iter().partition(|claim| parent(claim.place) == directory);
    let below = conflicts(&rest).into_iter().filter(|place| parent(place) != directory);
    borders.extend(below.chain(conflicts(&files)).map(|place| child(directory, place).to_owned()));
}

/// The path one step below a directory that a place goes through: a directory, or the place itself.
fn child<'p>(directory: &str, place: &'p str) -> &'p str {
    let start = if directory.is_empty() { 0 } else { directory.len() + 1 };
    let step = place[start..].find('/').unwrap_or(place.len() - start);
    &place[..start + step]
}

/// The places that define what another place defines too.
fn conflicts<'c>(claims: &[&'c Claim<'c>]) -> BTreeSet<&'c str> {
    let mut by_name: BTreeMap<(&str, Option<&str>), BTreeSet<&'c str>> = BTreeMap::new();
    for claim in claims {
        by_name.entry((claim.name, claim.environment)).or_default().insert(claim.place);
    }
    by_name.into_values().filter(|places| places.len() > 1).flatten().collect()
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
        assert_eq!(territories.of("a/proxy.conf"), "a");
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

    #[test]
    fn a_conflict_among_examples_leaves_the_rest_together() {
        let territories = Territories::new(&[
            claim("examples/a/compose.yaml", "proxy"),
            claim("examples/b/compose.yaml", "proxy"),
            claim("deploy/auth.yaml", "auth"),
        ]);
        assert_eq!(territories.of("deploy/auth.yaml"), "");
        assert_eq!(territories.of("auth/auth.toml"), "");
        assert_eq!(territories.of("examples/a/compose.yaml"), "examples/a");
    }

    #[test]
    fn files_of_one_directory_that_define_the_same_are_alternatives() {
        let territories = Territories::new(&[
            claim("t/one.yaml", "auth"),
            claim("t/two.yaml", "auth"),
            claim("t/web.yaml", "web"),
        ]);
        assert_eq!(territories.of("auth/auth.toml"), "");
        assert_eq!(territories.of("t/one.yaml"), "t/one.yaml");
        assert_eq!(territories.of("t/web.yaml"), "t");
    }

    #[test]
    fn what_lies_at_the_top_speaks_for_all_but_what_contradicts_it() {
        let territories =
            Territories::new(&[claim("compose.yaml", "auth"), claim("examples/compose.yaml", "auth")]);
        assert_eq!(territories.of("compose.yaml"), "");
        assert_eq!(territories.of("auth/auth.toml"), "");
        assert_eq!(territories.of("examples/auth.toml"), "examples");
    }
}
