//! HAProxy configuration, by the rules of its own reader (`parse_line` in `src/tools.c`, and the
//! manual's chapter "Quoting and escaping"): a line is a directive, its words end at blanks, a `#`
//! outside quotes starts a comment, quotes may stand anywhere in a word, and nothing continues a line.
//!
//! A directive is the entry `name` whose value is the list of its arguments. One of the words that
//! open a section is such an entry too, with a map of the section's directives as last item. What
//! stands before the first section stands at the top. Environment variables stay as written.
//!
//! Knows which words open a section, because nothing else tells where one ends; no other directive.

use std::ops::Range;

use crate::literal::{Literal, behind_bom, bytes, next_line, rest_of_line};
use crate::{NodeKind, ProblemKind, TreeBuilder};

/// The words that open a section (HAProxy configuration manual 1.5 to 3.2, chapters 3 and 4).
const SECTIONS: [&str; 19] = [
    "global",
    "defaults",
    "frontend",
    "backend",
    "listen",
    "peers",
    "resolvers",
    "mailers",
    "userlist",
    "cache",
    "program",
    "http-errors",
    "ring",
    "log-forward",
    "log-profile",
    "fcgi-app",
    "crt-store",
    "traces",
    "acme",
];

pub(crate) fn parse(text: &str, builder: &mut TreeBuilder) {
    let mut parser = Parser { text, end: 0, in_section: false, builder };
    let mut at = behind_bom(text);
    while at < text.len() {
        let line = rest_of_line(text, at);
        parser.line(line.clone());
        at = next_line(text, line.end);
    }
    let end = parser.end;
    while builder.depth() > 0 {
        builder.close(end);
    }
}

struct Parser<'t> {
    text: &'t str,
    /// Where the last directive ended.
    end: u32,
    in_section: bool,
    builder: &'t mut TreeBuilder,
}

impl Parser<'_> {
    fn line(&mut self, line: Range<usize>) {
        let mut words = Vec::new();
        let mut at = line.start;
        while at < line.end {
            match self.text.as_bytes()[at] {
                b' ' | b'\t' => at += 1,
                b'#' => {
                    self.builder.comment(bytes(at..line.end));
                    break;
                }
                _ => match word(self.text, at..line.end) {
                    Ok((word, end)) => {
                        words.push(word);
                        at = end;
                    }
                    Err(quote) => {
                        let start = words.first().map_or(at, |name: &Literal| name.outer.start as usize);
                        debug_assert!(start <= quote, "a quote before its directive");
                        let message = "a quote is opened here and not closed on its line";
                        self.builder.problem(bytes(start..line.end), ProblemKind::Skipped, message);
                        return;
                    }
                },
            }
        }
        self.directive(words);
    }

    fn directive(&mut self, words: Vec<Literal>) {
        let mut words = words.into_iter();
        let Some(name) = words.next() else { return };
        let opens = SECTIONS.contains(&name.text(self.text));
        if opens && self.in_section {
            self.builder.close(self.end); // The section,
            self.builder.close(self.end); // and the arguments it is the last of.
        }
        if self.builder.depth() == 0 {
            self.builder.open(NodeKind::Map, name.outer.start);
        }
        self.end = name.outer.end;
        name.place(self.builder);
        let mut words = words.peekable();
        self.builder.open(NodeKind::List, words.peek().map_or(self.end, |word| word.outer.start));
        for word in words {
            self.end = word.outer.end;
            word.place(self.builder);
        }
        if opens {
            self.in_section = true;
            self.builder.open(NodeKind::Map, self.end);
        } else {
            self.builder.close(self.end);
        }
    }
}

/// The word at the start of a stretch, which holds one, and the byte behind it.
///
/// # Errors
///
/// Where the quote stands that is not closed.
fn word(text: &str, line: Range<usize>) -> Result<(Literal, usize), usize> {
    let (start, mut at) = (line.start, line.start);
    let mut decoded = String::new();
    let mut open: Option<(char, usize)> = None;
    while at < line.end {
        let rest = &text[at..line.end];
        let Some(char) = rest.chars().next() else { break };
        let mut length = char.len_utf8();
        match (open, char) {
            (None, ' ' | '\t' | '#') => break,
            (None, '"' | '\'') => open = Some((char, at)),
            (Some((quote, _)), _) if char == quote => open = None,
            (None | Some(('"', _)), '\\') => {
                let (resolved, taken) = escape(rest);
                decoded.push(resolved);
                length = taken;
            }
            _ => decoded.push(char),
        }
        at += length;
    }
    if let Some((_, quote)) = open {
        return Err(quote);
    }
    let raw = &text[start..at];
    let surrounded = |quote: char| {
        raw.strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
            .is_some_and(|inside| !inside.contains(['"', '\'', '\\']))
    };
    let literal = match surrounded('"') || surrounded('\'') {
        true => Literal::quoted(start..at),
        false => Literal::plain(start..at).meaning(decoded, text),
    };
    Ok((literal, at))
}

/// What the backslash at the start of a text stands for, and how many bytes say so. A backslash
/// before anything else stands for itself: it belongs to a regular expression.
fn escape(rest: &str) -> (char, usize) {
    match rest.as_bytes() {
        [_, escaped @ (b' ' | b'\\' | b'#' | b'\'' | b'"' | b'$'), ..] => (char::from(*escaped), 2),
        [_, b't', ..] => ('\t', 2),
        [_, b'r', ..] => ('\r', 2),
        [_, b'n', ..] => ('\n', 2),
        [_, b'x', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
            let byte = u8::from_str_radix(&rest[2..4], 16).unwrap_or(b'?');
            (char::from(byte), 4)
        }
        _ => ('\\', 1),
    }
}
