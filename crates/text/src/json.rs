//! JSON with what people and tools add to it: comments, trailing commas, single quotes, bare keys
//! and JSON5 numbers. The tokens are jsonc-parser's; the nesting is followed here, without
//! recursion.
//!
//! A missing or doubled comma costs nothing; from any other mistake on the text is not read
//! (`Stopped`), and what precedes it is kept. Must not guess what a broken text meant.

use jsonc_parser::errors::ParseErrorKind;
use jsonc_parser::tokens::Token;
use jsonc_parser::{Scanner, ScannerOptions};

use crate::literal::{Literal, behind_bom, bytes};
use crate::{NodeKind, ProblemKind, TreeBuilder};

pub(crate) fn parse(text: &str, builder: &mut TreeBuilder) {
    let base = behind_bom(text);
    let mut scanner = Scanner::new(&text[base..], &ScannerOptions::default());
    let mut parser = Parser { text, builder, open: Vec::new(), state: State::Value };
    loop {
        let token = scanner.scan();
        let place = base + scanner.token_start()..base + scanner.token_end();
        let read = match token {
            Ok(None) => break,
            Ok(Some(Token::CommentLine(_) | Token::CommentBlock(_))) => {
                parser.builder.comment(bytes(place));
                continue;
            }
            Ok(Some(token)) => parser.token(token, place.clone()),
            Err(error) => Err(match error.kind() {
                ParseErrorKind::UnterminatedCommentBlock => "a comment is opened here and never closed",
                ParseErrorKind::String(_) => "a string with an unknown escape or without its closing quote",
                _ => "a word or a character that JSON does not know",
            }),
        };
        if let Err(message) = read {
            builder.problem(bytes(place.start..text.len()), ProblemKind::Stopped, message);
            return;
        }
    }
    if let Some(&(_, start)) = parser.open.last() {
        let message = "the text ends before what is opened here is closed";
        builder.problem(bytes(start..start + 1), ProblemKind::Stopped, message);
    }
}

struct Parser<'t> {
    text: &'t str,
    builder: &'t mut TreeBuilder,
    /// Open objects and arrays, and where each starts.
    open: Vec<(NodeKind, usize)>,
    state: State,
}

/// What may come next.
#[derive(Clone, Copy, PartialEq)]
enum State {
    /// A value, or the end of an array.
    Value,
    /// A key or the end of an object.
    Key,
    Colon,
    /// The value of a key.
    KeyedValue,
    /// A comma or the end of what is open.
    Comma,
    /// Nothing: the value of the text is complete.
    End,
}

impl Parser<'_> {
    fn token(&mut self, token: Token<'_>, place: std::ops::Range<usize>) -> Result<(), &'static str> {
        if self.state == State::Comma
            && !matches!(token, Token::Comma | Token::CloseBrace | Token::CloseBracket)
        {
            let span = bytes(place.start..place.start);
            self.builder.problem(span, ProblemKind::Skipped, "a comma is missing before this");
            self.state = self.inside();
        }
        match (self.state, token) {
            (State::End, _) => return Err("a second value; a JSON text has one"),
            (State::Comma, Token::Comma) => self.state = self.inside(),
            (State::Value | State::Key, Token::Comma) if !self.open.is_empty() => {
                self.builder.problem(bytes(place), ProblemKind::Skipped, "a comma with nothing before it");
            }
            (State::Comma | State::Key, Token::CloseBrace) => self.close(NodeKind::Map, place.end)?,
            (State::Comma | State::Value, Token::CloseBracket) => self.close(NodeKind::List, place.end)?,
            (State::Colon, Token::Colon) => self.state = State::KeyedValue,
            (State::Key, Token::String(decoded)) => {
                self.place(Literal::quoted(place).meaning(decoded.into_owned(), self.text));
                self.state = State::Colon;
            }
            (State::Key, Token::Word(_) | Token::Number(_) | Token::Boolean(_) | Token::Null) => {
                self.place(Literal::plain(place));
                self.state = State::Colon;
            }
            (State::Value | State::KeyedValue, token) => self.value(token, place)?,
            (State::Key, _) => return Err("here a key or `}` is expected"),
            (State::Colon, _) => return Err("here the `:` behind a key is expected"),
            (State::Comma, _) => return Err("here a comma or a closing bracket is expected"),
        }
        Ok(())
    }

    fn value(&mut self, token: Token<'_>, place: std::ops::Range<usize>) -> Result<(), &'static str> {
        match token {
            Token::OpenBrace => self.open(NodeKind::Map, place.start),
            Token::OpenBracket => self.open(NodeKind::List, place.start),
            Token::String(decoded) => {
                self.place(Literal::quoted(place).meaning(decoded.into_owned(), self.text));
                self.state = self.behind_value();
            }
            Token::Number(_) | Token::Boolean(_) | Token::Null => {
                self.place(Literal::plain(place));
                self.state = self.behind_value();
            }
            _ => return Err("here a value is expected"),
        }
        Ok(())
    }

    fn place(&mut self, literal: Literal) {
        literal.place(self.builder);
    }

    fn open(&mut self, kind: NodeKind, start: usize) {
        self.builder.open(kind, start as u32);
        self.open.push((kind, start));
        self.state = self.inside();
    }

    fn close(&mut self, kind: NodeKind, end: usize) -> Result<(), &'static str> {
        if self.open.last().is_none_or(|&(open, _)| open != kind) {
            return Err("a bracket that does not close what is open");
        }
        self.open.pop();
        self.builder.close(end as u32);
        self.state = self.behind_value();
        Ok(())
    }

    /// What may come next inside the innermost open object or array.
    fn inside(&self) -> State {
        match self.open.last() {
            Some((NodeKind::Map, _)) => State::Key,
            _ => State::Value,
        }
    }

    fn behind_value(&self) -> State {
        if self.open.is_empty() { State::End } else { State::Comma }
    }
}
