//! Damaged examples: whatever a file contains, reading it gives a fragment whose places exist.

use model::Origin;
use proptest::prelude::*;
use readers::{Context, DIALECTS, Fragment, read};
use text::{FileId, Source, Span, Tree};

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

/// Reads the last input; panics where a place of the fragment is none.
fn check(inputs: &[Input]) {
    let sources = inputs.iter().enumerate();
    let sources = sources.map(|(id, (_, path, text))| Source::new(FileId(id as u32), path, text.as_str()));
    let site = Site(sources.collect());
    let (source, syntax) = (site.0.last().expect("an input"), inputs.last().expect("an input").0);
    let tree = Tree::parse(syntax, source);
    let fragment = read(&Context { source, neighbours: &site, declared: &[] }, &tree);
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
