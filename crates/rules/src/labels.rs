//! What rules point at: a setting with words, what the pointing rests on, and what was guessed.

use std::collections::BTreeSet;

use model::{Basis, CallView, FileId, Label, Setting, Subject};

/// Points at a setting. Of a value that nothing states it says whose default it is.
pub(crate) fn at(setting: &Setting, text: impl AsRef<str>) -> Label {
    let text = text.as_ref();
    match setting.value.origin.default_of() {
        Some((of, _)) => {
            let value = &setting.value.value;
            Label::of(setting, format!("{text}; {value} is the default of {of}, not set here"))
        }
        None => Label::of(setting, text),
    }
}

/// One file decides, or files of several components do.
pub(crate) fn basis(labels: &[Label]) -> Basis {
    let files: BTreeSet<FileId> =
        labels.iter().filter_map(|label| label.origin.span()).map(|span| span.file).collect();
    if files.len() > 1 { Basis::AcrossFiles } else { Basis::InFile }
}

/// What had to be guessed to read a setting, in words.
pub(crate) fn guesses(setting: &Setting) -> Vec<String> {
    let mut guesses = setting.assumptions.clone();
    if guesses.is_empty() && setting.unit.is_assumed() {
        guesses.push(format!("that `{}` is {}", setting.key, setting.value.value));
    }
    guesses
}

/// What had to be guessed to read several settings.
pub(crate) fn guesses_of(settings: &[&Setting]) -> Vec<String> {
    settings.iter().flat_map(|setting| guesses(setting)).collect()
}

/// What had to be guessed to see a call and to read its settings.
pub(crate) fn guesses_in(call: CallView<'_>, settings: &[&Setting]) -> Vec<String> {
    let mut guesses = guesses_of(settings);
    guesses.extend(call.call().assumptions.iter().cloned());
    guesses
}

/// A call as a finding's subject.
pub(crate) fn subject(call: CallView<'_>) -> Subject {
    Subject::Call(call.from().name().to_owned(), call.to().name().to_owned())
}

/// `a`, `a and b`, `a, b and 3 more`.
pub(crate) fn names(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [one, two] => format!("{one} and {two}"),
        [one, two, three] => format!("{one}, {two} and {three}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
}

/// "1 attempt", "3 attempts".
pub(crate) fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(names(&["a"]), "a");
        assert_eq!(names(&["a", "b", "c"]), "a, b and c");
        assert_eq!(names(&["a", "b", "c", "d", "e"]), "a, b and 3 more");
    }
}
