//! What a comment says a value has to be to another key's: "must be greater than `WORKER_TIMEOUT_MS`".
//! Takes clear words alone, about the key they stand at; what else a comment tells is left alone. Does
//! not look for the other key, and compares nothing.

use std::collections::BTreeMap;

use model::{Origin, Relation, Setting, Side};
use text::{Comment, Source, Span, Tree};

use crate::Fragment;

/// Reads the comments at the settings that are alone on their line.
pub(crate) fn mark(source: &Source, tree: &Tree<'_>, fragment: &mut Fragment) {
    if !tree.comments().any(|comment| may_relate(comment.text)) {
        return;
    }
    let written = |setting: &Setting| match setting.value.origin {
        Origin::Written(span) if span.file == source.id() => Some(span),
        _ => None,
    };
    let line = |span: Span| source.lines().line(span.start);
    let mut keys: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for setting in fragment.groups.iter().flat_map(|group| &group.settings) {
        let Some(span) = written(setting) else { continue };
        let keys = keys.entry(line(span)).or_default();
        if !keys.contains(&setting.key) {
            keys.push(setting.key.clone());
        }
    }
    for setting in fragment.groups.iter_mut().flat_map(|group| &mut group.settings) {
        let Some(span) = written(setting).filter(|_| setting.relations.is_empty()) else { continue };
        if keys[&line(span)].len() == 1 {
            setting.relations = relations(tree, &setting.key, span);
        }
    }
}

/// What the comments above a value's line and behind the value ask of it.
fn relations(tree: &Tree<'_>, key: &str, value: Span) -> Vec<Relation> {
    let above = tree.comments_above(value);
    // A comment above a key that is itself commented out is about that one.
    let own = above.iter().rposition(|comment| is_key(bare(comment.text))).map_or(0, |last| last + 1);
    let behind = tree.comment_behind(value);
    let mut found = Vec::new();
    for comments in [&above[own..], behind.as_slice()] {
        if comments.iter().any(|comment| may_relate(comment.text)) {
            found.extend(asked(comments, leaf(key)));
        }
    }
    found
}

/// What comment lines ask of the key they stand at.
fn asked(comments: &[Comment<'_>], key: &str) -> Vec<Relation> {
    let mut words: Vec<Word<'_>> = Vec::new();
    for comment in comments {
        let line = words_of(comment);
        // A line that begins like a sentence ends the one before.
        if let (Some(first), Some(last)) = (line.first(), words.last_mut()) {
            last.ends |= first.is_capitalised();
        }
        words.extend(line);
    }
    let own = parts(key);
    words
        .split_inclusive(|word| word.ends)
        .flat_map(|words| Sentence { words, key, own: &own }.asks())
        .collect()
}

/// Whether a comment may hold any of the words that are looked for.
fn may_relate(comment: &str) -> bool {
    ["than", "at least", "at most", "exceed", "below", "above"].iter().any(|words| comment.contains(words))
}

/// A comment without its mark.
fn bare(comment: &str) -> &str {
    comment.trim_start_matches(['#', ';', '/', '!', '*', '-']).trim()
}

/// Whether a comment is a key with its value, or a piece of code, that was taken out.
fn is_key(comment: &str) -> bool {
    let one = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
    let pair = comment.split_once(": ").or_else(|| comment.split_once('='));
    comment.ends_with([';', '{', '}'])
        || pair.is_some_and(|(key, value)| one(key.trim()) && one(value.trim()))
        || (comment.ends_with(':') && one(comment))
}

/// The last part of a key, as a comment would name it.
fn leaf(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key).trim_start_matches('-')
}

/// The words that a key is made of.
fn parts(key: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut was_lower = false;
    for c in key.chars() {
        if !c.is_ascii_alphanumeric() || (c.is_ascii_uppercase() && was_lower) {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut().filter(|_| c.is_ascii_alphanumeric()) {
            part.push(c.to_ascii_lowercase());
        }
        was_lower = c.is_ascii_lowercase();
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// One word of a comment.
struct Word<'t> {
    /// Without quotes and punctuation around it; a sign that stands alone is a word.
    text: &'t str,
    lower: String,
    is_quoted: bool,
    /// The sentence ends with it.
    ends: bool,
    at: Span,
}

impl Word<'_> {
    /// Whether it begins a sentence, as far as its letters say: `This`, `A`, and not `MAX_WAIT`.
    fn is_capitalised(&self) -> bool {
        let mut letters = self.text.chars();
        letters.next().is_some_and(char::is_uppercase) && letters.all(|c| c.is_lowercase() || c == '\'')
    }

    fn is(&self, words: &[&str]) -> bool {
        words.contains(&self.lower.as_str())
    }

    fn is_number(&self) -> bool {
        self.text.starts_with(|c: char| c.is_ascii_digit())
    }

    /// Whether it looks like a key and not like a word of the language.
    fn may_be_key(&self) -> bool {
        let letters = self.text.as_bytes();
        let is_camel =
            letters.windows(2).any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
        letters.first().is_some_and(|first| first.is_ascii_alphabetic() || matches!(first, b'_' | b'-'))
            && letters.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
            && (self.is_quoted || is_camel || self.text[1..].contains(['_', '-', '.']))
    }
}

/// The words of one comment line.
fn words_of<'t>(comment: &Comment<'t>) -> Vec<Word<'t>> {
    const AROUND: [char; 9] = ['"', '\'', '`', '(', ')', '[', ']', '<', '>'];
    const BEHIND: [char; 6] = ['.', ',', ';', ':', '!', '?'];
    let mut words = Vec::new();
    for raw in bare(comment.text).split_whitespace() {
        let inner = raw.trim_start_matches(AROUND);
        let inner = inner.trim_end_matches(|c| AROUND.contains(&c) || BEHIND.contains(&c));
        let text = if inner.is_empty() { raw } else { inner };
        // Both are parts of one text.
        let offset = (text.as_ptr() as usize - comment.text.as_ptr() as usize) as u32;
        let start = comment.span.start + offset;
        words.push(Word {
            text,
            lower: text.to_ascii_lowercase(),
            is_quoted: raw.starts_with(['"', '\'', '`']),
            ends: raw.trim_end_matches(AROUND).ends_with(['.', ';', '!', '?']),
            at: Span { start, end: (start + text.len() as u32).min(comment.span.end), ..comment.span },
        });
    }
    words
}

/// What a sentence may be about before it compares: the key it stands at.
const SUBJECTS: &[&str] = &[
    "this",
    "it",
    "it's",
    "that",
    "which",
    "the",
    "value",
    "timeout",
    "time",
    "limit",
    "setting",
    "number",
    "interval",
    "period",
    "duration",
    "option",
    "parameter",
    "variable",
    "key",
    "note",
    "nb",
    "important",
    "warning",
    "caution",
    "please",
    "and",
    "also",
];
/// Words that make it a demand.
const DEMANDS: &[&str] = &[
    "must",
    "should",
    "shall",
    "needs",
    "need",
    "has",
    "have",
    "ought",
    "ensure",
    "make",
    "keep",
    "mustn't",
    "shouldn't",
];
/// By how much, and words without weight.
const FILLERS: &[&str] = &[
    "a",
    "an",
    "bit",
    "second",
    "seconds",
    "minute",
    "minutes",
    "millisecond",
    "milliseconds",
    "ms",
    "few",
    "couple",
    "of",
    "little",
    "slightly",
    "somewhat",
    "much",
    "well",
    "strictly",
    "significantly",
    "considerably",
    "always",
    "just",
    "some",
    "or",
    "so",
    "one",
    "two",
    "at",
    "least",
    "most",
    "to",
    "be",
    "is",
    "are",
    "stay",
    "remain",
    "set",
    "kept",
    "configured",
    "sure",
    "not",
    "never",
    "no",
];
/// Words that turn a comparison round.
const NEGATIONS: &[&str] = &["not", "never", "no", "mustn't", "shouldn't"];
/// Words behind which it holds only sometimes.
const CONDITIONS: &[&str] =
    &["if", "when", "whenever", "unless", "while", "only", "except", "where", "until", "provided"];
/// What may stand between a comparison and the key.
const BEFORE_KEY: &[&str] =
    &["the", "value", "of", "setting", "parameter", "option", "variable", "configured", "your"];
/// Behind these the other side is more than the key alone.
const SUMS: &[&str] = &["plus", "minus", "times", "multiplied", "divided", "x", "or", "by"];
/// What may follow a comparison that no verb makes a demand.
const REASONS: &[&str] = &["so", "to", "because", "since", "as", "in", "and", "otherwise", "for"];

/// One sentence of a comment, and the key it stands at.
struct Sentence<'s, 't> {
    words: &'s [Word<'t>],
    key: &'s str,
    /// The parts of the key, each a word that names it.
    own: &'s [String],
}

impl Sentence<'_, '_> {
    /// What it asks of the key.
    fn asks(&self) -> Vec<Relation> {
        let mut found: Vec<Relation> = Vec::new();
        if self.words.iter().any(|word| word.is(CONDITIONS)) {
            return found;
        }
        let mut from = 0;
        for at in 0..self.words.len() {
            let Some((side, behind)) = self.comparison(at) else { continue };
            let Some(other) = self.other_key(behind) else { continue };
            let before = &self.words[from..at];
            let is_demand = !found.is_empty() || self.demands(before) || self.is_bare(before, other);
            let side = if before.iter().any(|word| word.is(NEGATIONS)) { turned(side) } else { Some(side) };
            let Some(side) = side.filter(|_| is_demand && before.iter().all(|word| self.knows(word))) else {
                break;
            };
            let word = &self.words[other];
            found.push(Relation { side, than: word.text.to_owned(), at: word.at });
            // "... and less than ..." goes on about the same key.
            from = other + 1;
        }
        found
    }

    /// The comparison that begins at a word, and the first word behind it.
    fn comparison(&self, at: usize) -> Option<(Side, usize)> {
        let is =
            |offset: usize, words: &[&str]| self.words.get(at + offset).is_some_and(|word| word.is(words));
        let or_equal = |side: Side, equal: Side| match () {
            () if is(2, &["or"]) && is(3, &["equal"]) && is(4, &["to"]) => (equal, at + 5),
            () => (side, at + 2),
        };
        if is(1, &["than"]) && is(0, &["greater", "larger", "longer", "higher", "bigger", "more"]) {
            Some(or_equal(Side::Above, Side::AtLeast))
        } else if is(1, &["than"]) && is(0, &["less", "lower", "shorter", "smaller", "fewer"]) {
            Some(or_equal(Side::Below, Side::AtMost))
        } else if is(0, &["at"]) && is(1, &["least"]) {
            Some((Side::AtLeast, at + 2))
        } else if is(0, &["at"]) && is(1, &["most"]) {
            Some((Side::AtMost, at + 2))
        } else if is(0, &["exceed", "above"]) {
            Some((Side::Above, at + 1))
        } else if is(0, &["below"]) {
            Some((Side::Below, at + 1))
        } else {
            None
        }
    }

    /// The key that is compared with, which is the whole of the other side.
    fn other_key(&self, behind: usize) -> Option<usize> {
        let skipped =
            self.words.get(behind..)?.iter().take_while(|word| word.is(BEFORE_KEY) && !word.is_quoted);
        let at = behind + skipped.count();
        let word = self.words.get(at).filter(|word| word.may_be_key() && word.text != self.key)?;
        let next = self.words.get(at + 1).filter(|_| !word.ends);
        let is_sum =
            next.is_some_and(|next| next.is(SUMS) || next.text.starts_with(['+', '-', '*', '/', '×', '%']));
        (!is_sum).then_some(at)
    }

    /// Whether words in front of a comparison make it a demand.
    fn demands(&self, before: &[Word<'_>]) -> bool {
        let says_is = before.first().is_some_and(|first| first.is(&["this", "it"]))
            && before.iter().any(|word| word.is(&["is"]));
        says_is
            || before.iter().any(|word| word.is(DEMANDS))
            || before.first().is_some_and(|w| w.is(&["it's"]))
    }

    /// Whether a comparison stands alone: "a second longer than `X`", perhaps with the reason.
    fn is_bare(&self, before: &[Word<'_>], other: usize) -> bool {
        let next = self.words.get(other + 1);
        before.iter().all(|word| word.is(FILLERS) || word.is_number())
            && (self.words[other].ends || next.is_none_or(|next| next.is(REASONS)))
    }

    /// Whether a word can stand in a sentence about this key.
    fn knows(&self, word: &Word<'_>) -> bool {
        [SUBJECTS, DEMANDS, FILLERS].iter().any(|known| word.is(known))
            || word.is_number()
            || word.text == self.key
            || self.own.contains(&word.lower)
    }
}

/// What "not" makes of a side; nothing clear of "not at least".
fn turned(side: Side) -> Option<Side> {
    match side {
        Side::Above => Some(Side::AtMost),
        Side::Below => Some(Side::AtLeast),
        Side::AtLeast | Side::AtMost => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use text::{FileId, Syntax};

    /// What the comments at the only key of a text ask.
    fn asked_in(syntax: Syntax, text: &str) -> String {
        let source = Source::new(FileId(0), "a", text);
        let tree = Tree::parse(syntax, &source);
        let root = tree.documents().next().expect("a document");
        let entry = root.entries()[0];
        let found = relations(&tree, entry.key.text(), entry.value.span());
        let shown: Vec<String> = found
            .iter()
            .map(|relation| {
                assert_eq!(source.slice(relation.at), relation.than);
                format!("{:?} {}", relation.side, relation.than)
            })
            .collect();
        shown.join(", ")
    }

    fn asked_of(comment: &str) -> String {
        asked_in(Syntax::Yaml, &format!("{comment}\nREQUEST_TIMEOUT_MS: 9700\n"))
    }

    #[test]
    fn clear_demands_are_taken() {
        for (comment, relation) in [
            ("# must be greater than WORKER_TIMEOUT_MS", "Above WORKER_TIMEOUT_MS"),
            ("# This should be a second or so larger than WORKER_TIMEOUT_MS", "Above WORKER_TIMEOUT_MS"),
            ("# Request timeout. Must be less than `proxy_read_timeout`!", "Below proxy_read_timeout"),
            (
                "# NOTE: the request timeout has to be at least 5s longer than workerTimeout.",
                "Above workerTimeout",
            ),
            ("# should be at least the value of `worker`", "AtLeast worker"),
            ("# Needs to stay below worker.timeout, otherwise calls are cut", "Below worker.timeout"),
            ("# must not exceed worker-timeout", "AtMost worker-timeout"),
            ("# It should never be shorter than WORKER_TIMEOUT", "AtLeast WORKER_TIMEOUT"),
            ("# must be greater than or equal to WORKER_TIMEOUT", "AtLeast WORKER_TIMEOUT"),
            ("# Slightly longer than WORKER_TIMEOUT so that it can answer", "Above WORKER_TIMEOUT"),
            ("# must be more than min_wait and less than max_wait", "Above min_wait, Below max_wait"),
            (
                "# How long to wait for an answer\n# Make sure this is longer than\n# WORKER_TIMEOUT.",
                "Above WORKER_TIMEOUT",
            ),
            ("# REQUEST_TIMEOUT_MS must exceed WORKER_TIMEOUT", "Above WORKER_TIMEOUT"),
        ] {
            assert_eq!(asked_of(comment), relation, "{comment}");
        }
    }

    #[test]
    fn what_is_not_clear_or_about_something_else_is_left_alone() {
        for comment in [
            "# This needs to be a bit less than the 10s bucket",
            "# must be greater than WORKER_TIMEOUT if workers are used",
            "# a value greater than WORKER_TIMEOUT means no limit",
            "# the server timeout must be greater than WORKER_TIMEOUT",
            "# WORKER_A must be greater than WORKER_B",
            "# must be greater than WORKER_TIMEOUT + CONNECT_TIMEOUT",
            "# must be greater than WORKER_TIMEOUT * 2",
            "# must be more than twice WORKER_TIMEOUT",
            "# must be greater than MIN_WAIT or MAX_WAIT",
            "# must be restarted in less than WORKER_TIMEOUT",
            "# must be greater than zero",
            "# calls take more than WORKER_TIMEOUT",
            "# must be greater than WORKER_TIMEOUT\n# OTHER_TIMEOUT_MS: 5",
            "# must be greater than WORKER_TIMEOUT\n",
        ] {
            assert_eq!(asked_of(comment), "", "{comment}");
        }
    }

    #[test]
    fn a_comment_behind_the_value_counts_in_any_syntax() {
        for (syntax, text) in [
            (Syntax::Yaml, "timeout: 5s # must be less than grace_period"),
            (Syntax::Toml, "timeout = 5 # must be less than grace_period"),
            (Syntax::Ini, "timeout = 5 ; must be less than grace_period"),
            (Syntax::Nginx, "proxy_read_timeout 5s; # must be less than grace_period"),
            (Syntax::Json, "{\"timeout\": 5 // must be less than grace_period\n}"),
        ] {
            assert_eq!(asked_in(syntax, text), "Below grace_period", "{text}");
        }
    }
}
