//! Aligns the decoded text of a scalar with the bytes it was decoded from, for every syntax.
//! Must not decode: the parsers did, this only follows what they found.
//!
//! Raw and decoded text are walked in step. An escape is followed only where what it can stand
//! for is what the decoded text says next, so a rule missing here costs precision behind that
//! place and never gives an offset outside the scalar.

use crate::{PositionMap, Run, Style, Syntax};

/// `mark` is the first byte of the scalar as written: its quote, or the `|` or `>` of a block
/// scalar. `raw` is what stands between the quotes, or the lines of a block scalar, and starts at
/// `base` in the source.
pub(crate) fn align(
    syntax: Syntax,
    style: Style,
    mark: Option<u8>,
    raw: &str,
    base: u32,
    text: &str,
) -> PositionMap {
    let mut walk = Walk { raw, text, at: 0, done: 0, base, runs: Vec::new() };
    match (syntax, style) {
        (Syntax::Yaml, Style::Block) => walk.block_lines(),
        (Syntax::Yaml, Style::Plain) => walk.folded(Quote::None),
        (Syntax::Yaml, Style::Quoted) if mark == Some(b'"') => walk.folded(Quote::Double),
        (Syntax::Yaml, Style::Quoted) => walk.folded(Quote::Single),
        (Syntax::Haproxy, _) => walk.quoted_anywhere(),
        (Syntax::Toml | Syntax::Env, _) if mark == Some(b'\'') => walk.escaped(None),
        _ => walk.escaped(Some(syntax)),
    }
    walk.finish()
}

/// The quotes of a YAML scalar on one or more lines.
#[derive(Clone, Copy, PartialEq)]
enum Quote {
    None,
    Single,
    Double,
}

struct Walk<'t> {
    raw: &'t str,
    text: &'t str,
    /// How much of `raw` is behind us.
    at: usize,
    /// How much of `text` is behind us.
    done: usize,
    base: u32,
    runs: Vec<Run>,
}

impl Walk<'_> {
    fn rest(&self) -> &str {
        &self.raw[self.at..]
    }

    fn wanted(&self) -> Option<char> {
        self.text[self.done..].chars().next()
    }

    /// The next bytes of `text` were written as the next bytes of `raw`.
    fn advance(&mut self, raw: usize, text: usize) {
        let run = Run { text: self.done as u32, source: self.base + self.at as u32 };
        let continues = self.runs.last().is_some_and(|last| run.source - last.source == run.text - last.text);
        if !continues {
            self.runs.push(run);
        }
        self.at += raw;
        self.done += text;
    }

    /// Takes a character that stands for itself.
    fn literal(&mut self) -> bool {
        let (Some(wanted), Some(found)) = (self.wanted(), self.rest().chars().next()) else {
            return false;
        };
        if wanted == found {
            self.advance(found.len_utf8(), wanted.len_utf8());
        }
        wanted == found
    }

    /// Takes an escape, if what it can stand for comes next in the decoded text.
    fn escape(&mut self, syntax: Syntax) -> bool {
        let Some(wanted) = self.wanted() else { return false };
        let (length, standing_for) = escape(syntax, self.rest());
        let found = standing_for.contains(&Some(wanted));
        if found {
            self.advance(length, wanted.len_utf8());
        }
        found
    }

    /// YAML's plain and quoted scalars: a line break with the blanks around it is a space, each
    /// further one a line break.
    fn folded(&mut self, quote: Quote) {
        let mut joined = false;
        while self.done < self.text.len() {
            let rest = self.rest();
            if rest.starts_with('\\') && quote == Quote::Double {
                if let Some(length) = rest.get(1..).map(break_length).filter(|&length| length > 0) {
                    // An escaped line break gives nothing, not even the space it would fold to.
                    self.at += 1 + length;
                    joined = true;
                } else if !self.escape(Syntax::Yaml) {
                    return;
                }
                continue;
            }
            if rest.starts_with("''") && quote == Quote::Single && self.wanted() == Some('\'') {
                self.advance(2, 1);
                continue;
            }
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
            let breaks = breaks_in(&rest[..blanks]);
            if joined || !breaks.is_empty() {
                let start = self.at;
                let newlines = match (joined, breaks.as_slice()) {
                    (true, breaks) => breaks,
                    (false, [only]) => {
                        self.at = start + only;
                        if self.wanted() == Some(' ') {
                            self.advance(0, 1);
                        }
                        &[]
                    }
                    (false, breaks) => &breaks[1..],
                };
                for newline in newlines {
                    self.at = start + newline;
                    if self.wanted() == Some('\n') {
                        self.advance(0, 1);
                    }
                }
                self.at = start + blanks;
                joined = false;
            } else if !(0..blanks.max(1)).all(|_| self.literal()) {
                return;
            }
        }
    }

    /// YAML's block scalars, literal and folded: lines without their indentation; where the lines
    /// were folded, the first of several line breaks is the one that gave nothing.
    fn block_lines(&mut self) {
        let indent = block_indent(self.raw, self.text);
        loop {
            self.skip_indent(indent);
            let mut breaks = Vec::new();
            while break_length(self.rest()) > 0 {
                breaks.push(self.at);
                self.at += break_length(self.rest());
                self.skip_indent(indent);
            }
            let next = self.at;
            if next == self.raw.len() {
                breaks.push(next); // The break behind the last line is not part of the scalar.
            }
            let rest = &self.text[self.done..];
            let newlines = rest.len() - rest.trim_start_matches('\n').len();
            if newlines == 0 && breaks.len() == 1 && rest.starts_with(' ') && next < self.raw.len() {
                self.at = breaks[0];
                self.advance(0, 1);
            }
            for newline in &breaks[breaks.len().saturating_sub(newlines)..] {
                self.at = *newline;
                self.advance(0, 1);
            }
            self.at = next;
            if self.done == self.text.len() || !self.literal() {
                return;
            }
            while break_length(self.rest()) == 0 {
                if self.rest().is_empty() {
                    break;
                }
                if !self.literal() {
                    return;
                }
            }
        }
    }

    fn skip_indent(&mut self, indent: usize) {
        self.at += self.rest().bytes().take(indent).take_while(|&b| b == b' ').count();
    }

    /// Every other syntax: escapes where it has them, blanks and line breaks that gave nothing.
    fn escaped(&mut self, escapes: Option<Syntax>) {
        while self.done < self.text.len() {
            if let Some(syntax) = escapes.filter(|_| self.rest().starts_with('\\')) {
                let joined = joined_lines(syntax, self.rest());
                self.at += joined;
                if joined > 0 || self.escape(syntax) {
                    continue;
                }
            }
            if self.literal() {
                continue;
            }
            // The indentation of a continued line, or the `\r` of its line break.
            match self.rest().bytes().next() {
                Some(b'\\' | b' ' | b'\t' | b'\r' | b'\n') => self.at += 1,
                _ => return,
            }
        }
    }

    /// A word of which any part may stand in quotes.
    fn quoted_anywhere(&mut self) {
        let mut open = None;
        while self.done < self.text.len() {
            let Some(byte) = self.rest().bytes().next() else { return };
            match (open, byte) {
                (None, b'"' | b'\'') => {
                    open = Some(byte);
                    self.at += 1;
                }
                (Some(quote), _) if byte == quote => {
                    open = None;
                    self.at += 1;
                }
                (None | Some(b'"'), b'\\') if self.escape(Syntax::Haproxy) => {}
                _ if self.literal() => {}
                _ => return,
            }
        }
    }

    /// Whatever was not followed belongs to the place where the walk stopped.
    fn finish(mut self) -> PositionMap {
        let followed = self.done == self.text.len();
        if self.runs.is_empty() {
            self.runs.push(Run { text: 0, source: self.base });
        }
        if !followed {
            let stopped = Run { text: self.done as u32, source: self.base + self.at as u32 };
            // Twice the same source: offsets between them all lie there.
            self.runs.push(stopped);
            self.runs.push(Run { text: self.text.len() as u32, source: stopped.source });
        }
        let end = if followed { self.at } else { self.raw.len() };
        self.runs.push(Run { text: self.text.len() as u32, source: self.base + end as u32 });
        PositionMap::new(self.runs)
    }
}

/// How much a backslash at the start of `raw` takes away, if it stands before a line break.
fn joined_lines(syntax: Syntax, raw: &str) -> usize {
    let line = raw[1..].trim_start_matches([' ', '\t']);
    let blanks = raw.len() - 1 - line.len();
    let length = break_length(line);
    if length == 0 || (blanks > 0 && syntax != Syntax::Toml) {
        return 0;
    }
    let next = &line[length..];
    let rest = match syntax {
        Syntax::Toml => next.trim_start_matches([' ', '\t', '\r', '\n']),
        Syntax::Properties => next.trim_start_matches([' ', '\t', '\x0c']),
        _ => next,
    };
    raw.len() - rest.len()
}

/// The length of an escape at the start of `raw`, and what it can stand for.
fn escape(syntax: Syntax, raw: &str) -> (usize, [Option<char>; 2]) {
    let Some(letter) = raw[1..].chars().next() else { return (1, [None, None]) };
    let digits = match (letter, syntax) {
        ('x', Syntax::Yaml | Syntax::Json | Syntax::Toml | Syntax::Haproxy) => 2,
        ('u', _) => 4,
        ('U', Syntax::Yaml | Syntax::Toml) => 8,
        _ => 0,
    };
    if let Some(unit) = hexadecimal(raw, 2, digits) {
        let pair = raw[2 + digits..].starts_with("\\u").then(|| hexadecimal(raw, 4 + digits, 4)).flatten();
        return match (char::from_u32(unit), pair) {
            (None, Some(low)) => {
                let units = [unit as u16, low as u16];
                let char = char::decode_utf16(units).next().and_then(Result::ok);
                (2 * (2 + digits), [char, Some(char::REPLACEMENT_CHARACTER)])
            }
            (None, None) => (2 + digits, [Some(char::REPLACEMENT_CHARACTER), None]),
            (char, _) => (2 + digits, [char, None]),
        };
    }
    let control = match letter {
        '0' => '\0',
        'a' => '\x07',
        'b' => '\x08',
        't' => '\t',
        'n' => '\n',
        'v' => '\x0b',
        'f' => '\x0c',
        'r' => '\r',
        'e' => '\x1b',
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        other => other,
    };
    (1 + letter.len_utf8(), [Some(control), Some(letter)])
}

fn hexadecimal(raw: &str, from: usize, digits: usize) -> Option<u32> {
    let digits = raw.get(from..from + digits).filter(|digits| !digits.is_empty())?;
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

/// Where the line breaks of a run of blanks stand; `\r\n` is one.
fn breaks_in(blanks: &str) -> Vec<usize> {
    let mut breaks = Vec::new();
    let mut at = 0;
    while at < blanks.len() {
        let length = break_length(&blanks[at..]);
        if length > 0 {
            breaks.push(at);
        }
        at += length.max(1);
    }
    breaks
}

/// The length of the line break at the start of a text; 0 where there is none.
fn break_length(text: &str) -> usize {
    match text.as_bytes() {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    }
}

/// How far the lines of a block scalar are indented: what its first line with text has in the
/// source but not in the decoded text.
pub(crate) fn block_indent(raw: &str, decoded: &str) -> usize {
    let lead = |text: &str| text.split(['\n', '\r']).find_map(|line| line.bytes().position(|b| b != b' '));
    match (lead(raw), lead(decoded)) {
        (Some(raw), Some(decoded)) => raw.saturating_sub(decoded),
        _ => usize::MAX,
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::{FileId, Source, Tree};

    /// How a stretch of decoded text was written.
    type Piece = (&'static str, &'static str);

    const LETTERS: &[Piece] =
        &[("a", "a"), ("b", "b"), ("7", "7"), ("é", "é"), ("😀", "😀"), ("\u{2028}", "\u{2028}")];
    const YAML_ESCAPES: &[Piece] = &[
        (r"\t", "\t"),
        (r"\n", "\n"),
        (r"\\", "\\"),
        (r#"\""#, "\""),
        (r"\ ", " "),
        (r"\/", "/"),
        (r"\x41", "A"),
        (r"\u00e9", "é"),
        (r"\U0001F600", "😀"),
        (r"\P", "\u{2029}"),
        (r"\0", "\0"),
        ("'", "'"),
    ];
    const FOLDS: &[Piece] = &[
        (" ", " "),
        ("  ", "  "),
        ("\n  ", " "),
        (" \t\n  ", " "),
        ("\r\n ", " "),
        ("\n\n ", "\n"),
        ("\n  \n\n ", "\n\n"),
        ("\r\n\r\n ", "\n"),
    ];
    const ESCAPED_BREAKS: &[Piece] = &[("\\\n  ", ""), ("  \\\r\n ", "  "), ("\\\n \n ", "\n")];
    const JSON_ESCAPES: &[Piece] = &[
        (r"\t", "\t"),
        (r"\n", "\n"),
        (r"\/", "/"),
        (r"\\", "\\"),
        (r#"\""#, "\""),
        (r"\u0041", "A"),
        (r"\u00e9", "é"),
        (r"\ud83d\ude00", "😀"),
        (" ", " "),
    ];
    const TOML_ESCAPES: &[Piece] = &[
        (r"\t", "\t"),
        (r"\\", "\\"),
        (r"\u00e9", "é"),
        (r"\U0001F600", "😀"),
        ("\n", "\n"),
        ("\r\n", "\n"),
        ("\\\n   \n  x", "x"),
        ("\\  \ny", "y"),
    ];
    const PROPERTIES_ESCAPES: &[Piece] = &[
        (r"\t", "\t"),
        (r"\n", "\n"),
        (r"\:", ":"),
        (r"\\", "\\"),
        (r"\u00e9", "é"),
        (r"\ud83d\ude00", "😀"),
        ("\\\n    x", "x"),
        ("\\\r\n\ty", "y"),
    ];

    const LINES: &[&str] = &["", "one two", "é", "  deep", "three", "\ttab", "   "];

    /// Words of some pieces, with separators between them.
    fn written(
        letters: &[&'static [Piece]],
        between: &[&'static [Piece]],
    ) -> impl Strategy<Value = Vec<Piece>> {
        let word = || vec(select(letters.concat()), 1..6);
        (word(), vec((select(between.concat()), word()), 0..6)).prop_map(|(mut pieces, rest)| {
            for (separator, word) in rest {
                pieces.push(separator);
                pieces.extend(word);
            }
            pieces
        })
    }

    /// Each piece of text lies where it was written.
    fn check(map: &PositionMap, pieces: &[Piece], base: usize) {
        let (mut at, mut done) = (base, 0);
        for (raw, text) in pieces {
            for (offset, char) in text.char_indices() {
                let found = map.source((done + offset) as u32) as usize;
                assert!((at..at + raw.len()).contains(&found), "{char:?} of {raw:?}: {found} not in {at}..");
                let blank = raw.contains(['\n', ' ']);
                assert!(blank || offset > 0 || found == at, "{char:?} starts {raw:?}");
            }
            at += raw.len();
            done += text.len();
        }
        assert_eq!(map.source(done as u32) as usize, at, "the end is the end");
    }

    fn raw(pieces: &[Piece]) -> String {
        pieces.iter().map(|(raw, _)| *raw).collect()
    }

    fn text(pieces: &[Piece]) -> String {
        pieces.iter().map(|(_, text)| *text).collect()
    }

    /// Writes the pieces into a YAML document, reads it and checks text and places.
    fn check_yaml(before: &str, pieces: &[Piece], after: &str) {
        let source = Source::new(FileId(0), "a.yaml", format!("{before}{}{after}", raw(pieces)));
        let tree = Tree::parse(Syntax::Yaml, &source);
        assert_eq!(tree.problems(), []);
        let value = tree.documents().next().and_then(|root| root.get("k")).expect("the key was written");
        let scalar = value.scalar().expect("a scalar was written");
        assert_eq!(scalar.text(), text(pieces));
        check(&scalar.position_map(), pieces, before.len());
    }

    proptest! {
        #[test]
        fn yaml_double_quotes(pieces in written(&[LETTERS, YAML_ESCAPES], &[FOLDS, ESCAPED_BREAKS])) {
            check_yaml("é: 1\nk: \"", &pieces, "\"\n");
        }

        #[test]
        fn yaml_single_quotes(pieces in written(&[LETTERS, &[("''", "'"), ("\\", "\\"), ("\"", "\"")]], &[FOLDS])) {
            check_yaml("k: '", &pieces, "' # end");
        }

        #[test]
        fn yaml_plain_scalars(pieces in written(&[LETTERS, &[("'", "'"), ("\\n", "\\n")]], &[FOLDS])) {
            let pieces = [&[("a", "a")], &*pieces].concat();
            check_yaml("k: ", &pieces, "\nz: 1");
        }

        #[test]
        fn json_strings(pieces in written(&[LETTERS, JSON_ESCAPES], &[JSON_ESCAPES])) {
            let map = align(Syntax::Json, Style::Quoted, Some(b'"'), &raw(&pieces), 5, &text(&pieces));
            check(&map, &pieces, 5);
        }

        #[test]
        fn toml_strings(pieces in written(&[LETTERS, TOML_ESCAPES], &[LETTERS])) {
            let map = align(Syntax::Toml, Style::Block, Some(b'"'), &raw(&pieces), 5, &text(&pieces));
            check(&map, &pieces, 5);
        }

        #[test]
        fn properties(pieces in written(&[LETTERS, PROPERTIES_ESCAPES], &[LETTERS])) {
            let map = align(Syntax::Properties, Style::Plain, None, &raw(&pieces), 5, &text(&pieces));
            check(&map, &pieces, 5);
        }

        #[test]
        fn yaml_blocks(
            before in vec(select(LINES), 0..4),
            behind in vec(select(LINES), 0..5),
            style in select(&["|", ">"][..]),
            chomping in select(&["", "-", "+"][..]),
            newline in select(&["\n", "\r\n"][..]),
            after in select(&["", "z: 1", "# c", "\n\n# c\nz: 1"][..]),
        ) {
            let mut written = format!("k: {style}2{chomping}{newline}");
            for line in before.iter().chain(&["line"]).chain(&behind) {
                let indent = if line.is_empty() { "" } else { "  " };
                written.extend([indent, line, newline]);
            }
            written.push_str(after);
            let source = Source::new(FileId(0), "a.yaml", written);
            let tree = Tree::parse(Syntax::Yaml, &source);
            prop_assert_eq!(tree.problems(), []);
            let value = tree.documents().next().and_then(|root| root.get("k")).expect("the key was written");
            let scalar = value.scalar().expect("a scalar was written");
            let map = scalar.position_map();
            for (offset, char) in scalar.text().char_indices() {
                let there = &source.text()[map.source(offset as u32) as usize..];
                let broken = there.starts_with(['\r', '\n']) && matches!(char, ' ' | '\n');
                prop_assert!(broken || there.starts_with(char), "{:?} at {:?}", char, there);
            }
            let starts = scalar.text().char_indices().map(|(offset, _)| map.source(offset as u32));
            prop_assert!(starts.collect::<Vec<_>>().is_sorted_by(|a, b| a < b));
        }

        #[test]
        fn no_text_leads_out_of_its_scalar(raw in "[ab\\\\\"' \r\nun0-9]{0,20}", text in "[ab\\\\\"' \n]{0,20}") {
            for syntax in [Syntax::Yaml, Syntax::Json, Syntax::Toml, Syntax::Properties, Syntax::Nginx, Syntax::Haproxy]
            {
                for style in [Style::Plain, Style::Quoted, Style::Block] {
                    let map = align(syntax, style, Some(b'"'), &raw, 7, &text);
                    for offset in 0..=text.len() as u32 {
                        let found = map.source(offset) as usize;
                        prop_assert!((7..=7 + raw.len()).contains(&found));
                    }
                }
            }
        }
    }
}
