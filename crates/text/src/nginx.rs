//! NGINX configuration, by the rules of NGINX's own reader (`ngx_conf_read_token` in
//! `src/core/ngx_conf_file.c`): words end at blanks, `;` and `{`; `${` does not open a block; a
//! quote may be followed only by a blank, `;`, `{` or `)`.
//!
//! A directive is the entry `name` whose value is the list of its arguments, with a map as last
//! item where it has a block. The inside of a `*_by_lua_block` is Lua and stays out of the tree: its
//! map is empty. Knows no directive: how many arguments one takes, and what `include` brings in, is
//! the reader's business. So a forgotten `;` shows, as in NGINX, as further arguments.

use crate::literal::{Literal, behind_bom, bytes, next_line, rest_of_line};
use crate::{NodeKind, ProblemKind, TreeBuilder};

pub(crate) fn parse(text: &str, builder: &mut TreeBuilder) {
    let mut parser =
        Parser { text, at: behind_bom(text), end: 0, builder, words: Vec::new(), blocks: Vec::new() };
    parser.run();
}

struct Parser<'t> {
    text: &'t str,
    /// The next byte to read.
    at: usize,
    /// Where the last directive ended.
    end: usize,
    builder: &'t mut TreeBuilder,
    /// The directive being read: its name and its arguments.
    words: Vec<Literal>,
    /// Where the name of each open block stands.
    blocks: Vec<std::ops::Range<u32>>,
}

impl Parser<'_> {
    fn run(&mut self) {
        while let Some(&byte) = self.text.as_bytes().get(self.at) {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                b'#' => self.comment(),
                b';' => self.end_directive(),
                b'{' => self.open_block(),
                b'}' => self.close_block(),
                b'"' | b'\'' => self.quoted_word(byte),
                _ => self.bare_word(),
            }
        }
        if let Some(word) = self.words.first() {
            let span = word.outer.start..self.text.len() as u32;
            self.builder.problem(span, ProblemKind::Stopped, "the text ends inside a directive");
        }
        if let Some(block) = self.blocks.pop() {
            self.builder.problem(block, ProblemKind::Skipped, "this block is never closed");
            self.end = self.text.len();
        }
        while self.builder.depth() > 0 {
            self.builder.close(self.end as u32);
        }
    }

    fn comment(&mut self) {
        let comment = rest_of_line(self.text, self.at);
        self.at = comment.end;
        self.builder.comment(bytes(comment));
    }

    fn bare_word(&mut self) {
        let start = self.at;
        let mut behind_dollar = false;
        while let Some(&byte) = self.text.as_bytes().get(self.at) {
            match byte {
                b'{' if behind_dollar => {}
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'{' => break,
                b'\\' => self.at += 1,
                _ => {}
            }
            behind_dollar = byte == b'$' || (behind_dollar && byte == b'{');
            self.at += 1;
        }
        self.at = self.at.min(self.text.len());
        self.keep(Literal::plain(start..self.at));
    }

    fn quoted_word(&mut self, quote: u8) {
        let start = self.at;
        let Some(end) = closing_quote(self.text.as_bytes(), start, quote) else {
            self.skip_directive(start, start, "a quote is opened here and never closed");
            return;
        };
        match self.text.as_bytes().get(end) {
            None | Some(b' ' | b'\t' | b'\r' | b'\n' | b';' | b'{' | b')') => {
                self.at = end;
                self.keep(Literal::quoted(start..end));
            }
            // A quote that was forgotten on one line is closed by the opening one of a later line.
            Some(_) if self.text[start..end].contains('\n') => {
                self.skip_directive(start, start, "the quote opened here is not closed on its line");
            }
            Some(_) => self.skip_directive(start, end, "a quoted text goes on behind its closing quote"),
        }
    }

    fn keep(&mut self, word: Literal) {
        let decoded = decode(word.raw(self.text));
        let word = match decoded {
            Some(decoded) => word.meaning(decoded, self.text),
            None => word,
        };
        self.words.push(word);
    }

    /// Leaves out the directive being read and goes on at the next `;`, `{`, `}` or line behind
    /// the mistake, which lies in the word at `word`.
    fn skip_directive(&mut self, word: usize, mistake: usize, message: &str) {
        let line = rest_of_line(self.text, mistake);
        let stop = self.text[line.clone()].find([';', '{', '}']).map_or(line.end, |i| mistake + i);
        let start = self.words.first().map_or(word, |name| name.outer.start as usize);
        self.builder.problem(bytes(start..stop), ProblemKind::Skipped, message);
        self.at = stop;
        match self.text.as_bytes().get(stop) {
            Some(b'{') => {} // The block is kept, under the name and the arguments read so far.
            Some(b';') => {
                self.words.clear();
                self.at += 1;
            }
            Some(b'}') => self.words.clear(),
            _ => {
                self.words.clear();
                self.at = next_line(self.text, stop);
            }
        }
    }

    /// Adds the directive read so far to the tree, its list of arguments left open.
    fn begin_entry(&mut self) {
        let mut words = std::mem::take(&mut self.words).into_iter();
        let name = words.next().unwrap_or_else(|| Literal::plain(self.at..self.at));
        if self.builder.depth() == 0 {
            self.builder.open(NodeKind::Map, name.outer.start);
        }
        let end = name.outer.end;
        self.end = end as usize;
        name.place(self.builder);
        let mut words = words.peekable();
        self.builder.open(NodeKind::List, words.peek().map_or(end, |word| word.outer.start));
        for word in words {
            self.end = word.outer.end as usize;
            word.place(self.builder);
        }
    }

    fn end_directive(&mut self) {
        if self.words.is_empty() {
            let span = bytes(self.at..self.at + 1);
            self.builder.problem(span, ProblemKind::Skipped, "a `;` without a directive");
        } else {
            self.begin_entry();
            self.builder.close(self.end as u32);
        }
        self.at += 1;
    }

    fn open_block(&mut self) {
        let here = bytes(self.at..self.at + 1);
        let name = self.words.first().map_or(here.clone(), |word| word.outer.clone());
        let lua = self.words.first().is_some_and(|word| word.text(self.text).ends_with("_by_lua_block"));
        if self.words.is_empty() {
            self.builder.problem(here.clone(), ProblemKind::Skipped, "a block without a name");
        }
        let inside = self.at + 1;
        if lua && closing_lua_brace(self.text.as_bytes(), inside).is_none() {
            let span = name.start..self.text.len() as u32;
            self.builder.problem(span, ProblemKind::Stopped, "the Lua code of this block is never closed");
            self.words.clear();
            self.at = self.text.len();
            return;
        }
        self.begin_entry();
        self.builder.open(NodeKind::Map, here.start);
        self.blocks.push(name);
        self.at = inside;
        if lua {
            self.at = closing_lua_brace(self.text.as_bytes(), inside).unwrap_or(inside);
        }
    }

    fn close_block(&mut self) {
        if let (Some(first), Some(last)) = (self.words.first(), self.words.last()) {
            let span = first.outer.start..last.outer.end;
            self.builder.problem(span, ProblemKind::Skipped, "a directive without `;` at its end");
            self.words.clear();
        }
        self.at += 1;
        if self.blocks.pop().is_none() {
            let span = bytes(self.at - 1..self.at);
            self.builder.problem(span, ProblemKind::Skipped, "a `}` that closes nothing");
            return;
        }
        self.end = self.at;
        self.builder.close(self.end as u32); // The block,
        self.builder.close(self.end as u32); // and the arguments it is the last of.
    }
}

/// The byte behind the quote that closes the one at `start`.
fn closing_quote(text: &[u8], start: usize, quote: u8) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match *text.get(at)? {
            b'\\' => at += 2,
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// The word's text where a backslash changes it: NGINX resolves these six and keeps every other
/// backslash, for the regular expression that it belongs to.
fn decode(raw: &str) -> Option<String> {
    if !raw.contains('\\') {
        return None;
    }
    let mut decoded = String::with_capacity(raw.len());
    let mut rest = raw.chars();
    while let Some(char) = rest.next() {
        let ahead = (char == '\\').then(|| rest.clone().next()).flatten();
        let resolved = match ahead {
            Some(quoted @ ('"' | '\'' | '\\')) => Some(quoted),
            Some('t') => Some('\t'),
            Some('r') => Some('\r'),
            Some('n') => Some('\n'),
            _ => None,
        };
        if resolved.is_some() {
            rest.next();
        }
        decoded.push(resolved.unwrap_or(char));
    }
    Some(decoded)
}

/// The byte of the `}` that closes a block of Lua whose inside starts at `at`: braces in Lua's
/// strings and comments do not count.
fn closing_lua_brace(text: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0usize;
    loop {
        match *text.get(at)? {
            b'}' if depth == 0 => return Some(at),
            b'}' => depth -= 1,
            b'{' => depth += 1,
            quote @ (b'"' | b'\'') => {
                at = closing_quote(text, at, quote)?;
                continue;
            }
            b'-' if text.get(at + 1) == Some(&b'-') => {
                at = match long_bracket(text, at + 2) {
                    Some(level) => closing_long_bracket(text, at + 4 + level, level)?,
                    None => at + text[at..].iter().position(|&b| b == b'\n')?,
                };
                continue;
            }
            b'[' => {
                if let Some(level) = long_bracket(text, at) {
                    at = closing_long_bracket(text, at + 2 + level, level)?;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// How many `=` stand between the brackets of `[==[`, if there is such a bracket at `at`.
fn long_bracket(text: &[u8], at: usize) -> Option<usize> {
    let inside = text.get(at..)?.strip_prefix(b"[")?;
    let level = inside.iter().take_while(|&&b| b == b'=').count();
    (inside.get(level) == Some(&b'[')).then_some(level)
}

/// The byte behind the `]==]` of a level.
fn closing_long_bracket(text: &[u8], mut at: usize, level: usize) -> Option<usize> {
    loop {
        at += text.get(at..)?.iter().position(|&b| b == b']')? + 1;
        let equals = text[at..].iter().take(level).take_while(|&&b| b == b'=').count();
        if equals == level && text.get(at + level) == Some(&b']') {
            return Some(at + level + 1);
        }
    }
}
