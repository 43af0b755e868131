//! Damaged examples: whatever a file contains, reading it gives a fragment whose places exist.

use model::{Origin, Setting};
use proptest::prelude::*;
use readers::{Context, DIALECTS, Fragment, read};
use text::{FileId, Source, Span, Syntax, Tree};

use crate::page::{self, Input};
use crate::site::Site;

/// Every span of a fragment.
fn spans(fragment: &Fragment) -> Vec<Span> {
    fn of(origin: &Origin, into: &mut Vec<Span>) {
        match origin {
            Origin::Derived(parts) => parts.iter().for_each(|part| of(part, into)),
            other => into.extend(other.span()),
        }
    }
    let mut spans = Vec::new();
    for component in &fragment.components {
        spans.push(component.extent);
        of(&component.name.origin, &mut spans);
    }
    for group in &fragment.groups {
        spans.push(group.at);
        spans.extend(group.targets.iter().map(|target| target.span));
        group.settings.iter().for_each(|setting| of(&setting.value.origin, &mut spans));
    }
    spans.extend(fragment.mounts.iter().map(|mount| mount.span));
    spans.extend(fragment.ignored.iter().map(|ignored| ignored.span));
    spans.extend(fragment.problems.iter().map(|problem| problem.span));
    spans
}

/// What the last input is read as, and all of them.
fn fragment(inputs: &[Input]) -> (Fragment, Site) {
    let sources = inputs.iter().enumerate();
    let sources = sources.map(|(id, (_, path, text))| Source::new(FileId(id as u32), path, text.as_str()));
    let site = Site(sources.collect());
    let (source, syntax) = (site.0.last().expect("an input"), inputs.last().expect("an input").0);
    let tree = Tree::parse(syntax, source);
    let fragment = read(&Context { source, neighbours: &site, declared: &[] }, &tree);
    (fragment, site)
}

/// Reads the last input; panics where a place of the fragment is none.
fn check(inputs: &[Input]) {
    let (fragment, site) = fragment(inputs);
    for span in spans(&fragment) {
        let text = site.0[span.file.0 as usize].text();
        assert!(
            span.start <= span.end && text.get(span.start as usize..span.end as usize).is_some(),
            "{span:?} is no place of {} bytes",
            text.len()
        );
    }
}

fn examples() -> Vec<Vec<Input>> {
    DIALECTS.iter().flat_map(|dialect| page::inputs(dialect.docs)).collect()
}

/// The settings of a fragment.
fn settings(fragment: &Fragment) -> impl Iterator<Item = &Setting> {
    fragment.groups.iter().flat_map(|group| &group.settings)
}

/// A key without what separates its words, which Spring and protobuf read past.
fn plain(key: &str) -> String {
    key.chars().filter(|c| !matches!(c, '-' | '_')).collect::<String>().to_lowercase()
}

#[test]
fn no_default_stands_in_for_a_value_that_is_written_and_refused() {
    let mut found = String::new();
    for inputs in examples() {
        let last = FileId(inputs.len() as u32 - 1);
        let (whole, _) = fragment(&inputs);
        for setting in settings(&whole) {
            let Origin::Written(span) = setting.value.origin else { continue };
            if span.file != last {
                continue;
            }
            for refused in ["abc", "${UNKNOWN}"] {
                let mut damaged = inputs.clone();
                let (syntax, _, text) = damaged.last_mut().expect("an input");
                let refused =
                    if *syntax == Syntax::Json { format!("\"{refused}\"") } else { refused.to_owned() };
                text.replace_range(span.start as usize..span.end as usize, &refused);
                let (fragment, _) = fragment(&damaged);
                let of_its_key = |other: &&Setting| plain(&other.key) == plain(&setting.key);
                let by_default =
                    |other: &&Setting| other.value.origin.is_default() && other.unheeded.is_none();
                let count =
                    |fragment: &Fragment| settings(fragment).filter(of_its_key).filter(by_default).count();
                if count(&fragment) > count(&whole) {
                    let text = &damaged.last().expect("an input").2;
                    found += &format!("`{}: {refused}` counts as absent in\n{text}\n", setting.key);
                }
            }
        }
    }
    assert!(found.is_empty(), "{found}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damaged_examples_are_read_to_places_that_exist(
        example in any::<prop::sample::Index>(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0usize..40), 0..4),
        scraps in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::sample::select(vec![
                "\n", " ", ":", "- ", "{", "}", "\"", "'", "|", "&a ", "*a", "${", "$", "é", "\t", "#", "~", "=", "[", ",",
            ])),
            0..4,
        ),
    ) {
        let examples = examples();
        let mut inputs = example.get(&examples).clone();
        let text = &mut inputs.last_mut().expect("an input").2;
        for (at, length) in cuts {
            let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            if starts.is_empty() {
                break;
            }
            let from = at.index(starts.len());
            let to = starts.get(from + length).copied().unwrap_or(text.len());
            text.replace_range(starts[from]..to, "");
        }
        for (at, scrap) in scraps {
            let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            text.insert_str(*at.get(&starts), scrap);
        }
        check(&inputs);
    }
}

#[test]
fn keys_are_unique_in_their_owner() {
    for inputs in examples() {
        let sources = inputs.iter().enumerate();
        let site = Site(
            sources
                .map(|(id, (_, path, text))| Source::new(FileId(id as u32), path, text.as_str()))
                .collect(),
        );
        let source = site.0.last().expect("an input");
        let tree = Tree::parse(inputs.last().expect("an input").0, source);
        let fragment = read(&Context { source, neighbours: &site, declared: &[] }, &tree);
        let mut keys: Vec<_> = fragment
            .groups
            .iter()
            .flat_map(|group| {
                let place = |setting: &model::Setting| setting.value.origin.clone();
                group.settings.iter().map(move |setting| (group.owner, setting.key.clone(), place(setting)))
            })
            .collect();
        keys.sort();
        // Blocks that inherit a setting hold the same one: same key, same place.
        keys.dedup();
        let mut keys: Vec<_> = keys.into_iter().map(|(owner, key, _)| (owner, key)).collect();
        let before = keys.len();
        keys.dedup();
        assert_eq!(keys.len(), before, "in {}", source.path());
    }
}
