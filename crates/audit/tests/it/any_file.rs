//! What the fuzz target `readers` checks, for its seeds and for every place where one can be cut.

#[path = "../../../../fuzz/src/whole.rs"]
mod whole;

/// The seeds: a byte that picks the name, then the text.
const SEEDS: &[&str] = &[
    include_str!("../../../../fuzz/seeds/readers/appsettings"),
    include_str!("../../../../fuzz/seeds/readers/compose"),
    include_str!("../../../../fuzz/seeds/readers/env"),
    include_str!("../../../../fuzz/seeds/readers/forewarn"),
    include_str!("../../../../fuzz/seeds/readers/ini"),
    include_str!("../../../../fuzz/seeds/readers/kubernetes"),
    include_str!("../../../../fuzz/seeds/readers/kustomize"),
    include_str!("../../../../fuzz/seeds/readers/nginx"),
    include_str!("../../../../fuzz/seeds/readers/properties"),
    include_str!("../../../../fuzz/seeds/readers/spring"),
    include_str!("../../../../fuzz/seeds/readers/toml"),
    include_str!("../../../../fuzz/seeds/readers/values"),
];

#[test]
fn every_promise_holds_for_every_seed_under_every_name() {
    for seed in SEEDS {
        for name in 0..12 {
            whole::check(&[&[name], &seed.as_bytes()[1..]].concat());
        }
    }
}

#[test]
fn every_promise_holds_for_a_seed_cut_anywhere() {
    for seed in SEEDS {
        for end in (1..seed.len()).step_by(7) {
            whole::check(&seed.as_bytes()[..end]);
        }
    }
}
