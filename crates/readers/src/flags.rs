//! Command lines: `--request-timeout=30s`, `--request-timeout 30s`, Java's `-Drequest.timeout=30s` and
//! `NAME=value` before a command, as names and values where they are written. Must not judge which of
//! them are settings.

use text::{Scalar, Tree};

use crate::variables::Variable;

/// The words of one or more command lines. Holds the pieces that are shorter than a scalar.
#[derive(Default)]
pub(crate) struct Words {
    words: Vec<Tree<'static>>,
}

impl Words {
    /// Adds an argument that reaches the program as it stands.
    pub(crate) fn argument(&mut self, scalar: Scalar<'_>) {
        self.words.push(scalar.piece(0..scalar.text().len()));
    }

    /// Adds a line that a shell splits: at white space, quotes taken off where they surround a word.
    pub(crate) fn line(&mut self, scalar: Scalar<'_>) {
        let text = scalar.text();
        let mut start = None;
        let mut quote = None;
        let mut escaped = false;
        for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
            // A shell takes a character behind a backslash as it is, except between single quotes.
            if std::mem::take(&mut escaped) && at < text.len() {
                continue;
            }
            escaped = c == '\\' && quote != Some('\'');
            match (quote, c) {
                (Some(open), c) if c == open => quote = None,
                (Some(_), _) if at < text.len() => {}
                (None, '\'' | '"') => {
                    start.get_or_insert(at);
                    quote = Some(c);
                }
                (_, c) if c.is_whitespace() => {
                    if let Some(start) = start.take() {
                        let word = unquoted(text, start, at);
                        let is_all = word.len() == text.len();
                        self.word(scalar.piece(word), is_all);
                    }
                }
                _ => {
                    start.get_or_insert(at);
                }
            }
        }
    }

    /// Adds a word of a line. A script that a shell is given is a line again, unless it `is_all` of the
    /// line: a quote without its end cannot be split further.
    fn word(&mut self, word: Tree<'static>, is_all: bool) {
        let last = self.words.last().and_then(Tree::scalar);
        let is_script = !is_all && last.is_some_and(|last| is_script_flag(last.text()));
        match word.scalar().filter(|word| is_script && word.text().contains(char::is_whitespace)) {
            Some(script) => self.line(script),
            None => self.words.push(word),
        }
    }

    /// Adds what a container starts with: a list of arguments, or a line. The script of `sh -c` is
    /// split as a line.
    pub(crate) fn command<'t>(&mut self, arguments: impl Iterator<Item = Scalar<'t>>) {
        let mut script = false;
        for argument in arguments {
            if script {
                self.line(argument);
            } else {
                self.argument(argument);
            }
            script = is_script_flag(argument.text());
        }
    }

    /// The first words: a program, perhaps behind the script that starts it.
    pub(crate) fn program(&self) -> impl Iterator<Item = &str> {
        self.words.iter().filter_map(Tree::scalar).map(Scalar::text).take(2)
    }

    /// All words.
    pub(crate) fn words(&self) -> impl Iterator<Item = &Tree<'static>> {
        self.words.iter()
    }

    /// Splits every flag into its name and its value.
    pub(crate) fn flags(&self) -> Flags {
        let mut flags = Flags::default();
        let mut words = self.words.iter().filter_map(Tree::scalar).peekable();
        while let Some(word) = words.next() {
            let text = word.text();
            if let Some(equals) = text.find('=') {
                if is_name(&text[..equals]) {
                    // Java's `-D` sets a property and is no part of its name.
                    let start = if is_property(text) { 2 } else { 0 };
                    flags.pairs.push((word.piece(start..equals), word.piece(equals + 1..text.len())));
                }
            } else if text.starts_with('-')
                && is_name(text)
                && let Some(value) = words.next_if(|next| !is_flag(next.text()))
            {
                flags.pairs.push((word.piece(0..text.len()), value.piece(0..value.text().len())));
            }
        }
        flags
    }
}

/// The range of a word without the quotes around the whole of it or around the value behind `=`.
fn unquoted(text: &str, start: usize, end: usize) -> std::ops::Range<usize> {
    let word = &text[start..end];
    let surrounded = |quote| word.len() > 1 && word.starts_with(quote) && word.ends_with(quote);
    if surrounded('"') || surrounded('\'') { start + 1..end - 1 } else { start..end }
}

/// Whether it could name a setting: a flag, a system property or a variable.
fn is_name(text: &str) -> bool {
    let bare = text.trim_start_matches('-');
    bare.len() > 1
        && bare.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && bare.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// Whether what follows a flag of a shell is a script.
pub(crate) fn is_script_flag(word: &str) -> bool {
    matches!(word, "-c" | "-ec" | "-lc" | "-euc" | "-exc")
}

/// Whether a word begins another flag; a negative number is a value.
fn is_flag(word: &str) -> bool {
    word.strip_prefix('-').is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit() || c == '.'))
}

/// Whether a word sets a system property of Java: `-Dname=value`.
fn is_property(word: &str) -> bool {
    word.strip_prefix("-D").is_some_and(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
}

/// Whether a variable holds a command line of a Java machine, which the machine or its start script reads.
pub(crate) fn is_java_options(variable: &str) -> bool {
    variable.ends_with("JAVA_OPTS")
        || variable.ends_with("JAVA_OPTIONS")
        || matches!(variable, "JAVA_TOOL_OPTIONS" | "CATALINA_OPTS" | "JAVA_ARGS")
}

/// Names and values taken out of a command line.
#[derive(Default)]
pub(crate) struct Flags {
    pairs: Vec<(Tree<'static>, Tree<'static>)>,
}

impl Flags {
    /// As variables, to be grouped and judged like those of the environment.
    pub(crate) fn variables(&self) -> Vec<Variable<'_>> {
        self.pairs
            .iter()
            .filter_map(|(name, value)| Some(Variable { name: name.scalar()?, value: value.scalar()? }))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use text::{FileId, Source, Syntax};

    fn flags(line: &str) -> String {
        let source = Source::new(FileId(0), "x", line);
        let tree = Tree::of_text(source.id(), line.to_owned(), text::PositionMap::shifted(0));
        let mut words = Words::default();
        words.line(tree.scalar().expect("a scalar"));
        let flags = words.flags();
        let shown: Vec<String> = flags
            .variables()
            .iter()
            .map(|v| {
                assert_eq!(source.slice(v.value.span()), v.value.text());
                format!("{}={}", v.name.text(), v.value.text())
            })
            .collect();
        assert_eq!(tree.syntax(), Syntax::Env);
        shown.join(" | ")
    }

    #[test]
    fn a_flag_has_its_value_behind_an_equals_sign_or_in_the_next_word() {
        insta::assert_snapshot!(
            flags("authd serve --request-timeout=30s --retries 3 -Dio.wait=5 --verbose --wait '1 s'"),
            @"--request-timeout=30s | --retries=3 | io.wait=5 | --wait=1 s"
        );
    }

    #[test]
    fn a_script_in_quotes_is_a_line_of_its_own() {
        insta::assert_snapshot!(
            flags("sh -c 'exec authd --wait-timeout 5s --skew -3 --verbose -Dio.wait=5'"),
            @"--wait-timeout=5s | --skew=-3 | io.wait=5"
        );
    }

    #[test]
    fn what_is_no_flag_is_left() {
        insta::assert_snapshot!(flags("sh http://x/?a=b 'a b' --"), @"");
    }

    #[test]
    fn quotes_in_a_script_that_are_escaped_or_never_close_end_nothing() {
        insta::assert_snapshot!(
            flags(r#"sh -c "echo \"a b\" --wait=5s && exec authd --retries=3""#),
            @"--wait=5s | --retries=3"
        );
        insta::assert_snapshot!(flags(r#"sh -c "authd --retries=3"#), @"");
        insta::assert_snapshot!(flags(r#"sh -c -c -c "a b" "c d \\"#), @"");
    }
}
