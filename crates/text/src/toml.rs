//! TOML. Tokens, events and their recovery are toml_parser's; the tables are put together here.
//!
//! A tree can only be appended to, while TOML may open a table again (`[a.b]`, `[c]`, `[a.d]`), so
//! the tables are collected first and then placed, each where it is first named. A table's span
//! runs from its header or its first key to its last value. Whole and fractional numbers lose their
//! `_`; every other unquoted value is the text as written. What a TOML reader would refuse
//! (a table written twice) is reported and read all the same.

use std::collections::{HashMap, HashSet};

use toml_parser::decoder::{Encoding, IntegerRadix, ScalarKind};
use toml_parser::parser::{Event, EventKind, RecursionGuard, parse_document};
use toml_parser::{Expected, ParseError, Raw, Source};

use crate::literal::{Literal, behind_bom, bytes};
use crate::{NodeKind, ProblemKind, Style, Tree, TreeBuilder};

pub(crate) fn parse(text: &str, builder: &mut TreeBuilder) {
    let base = behind_bom(text);
    let tokens = Source::new(&text[base..]).lex().into_vec();
    let mut events: Vec<Event> = Vec::new();
    let mut errors: Vec<ParseError> = Vec::new();
    let mut receiver = RecursionGuard::new(&mut events, Tree::MAX_DEPTH as u32);
    parse_document(&tokens, &mut receiver, &mut errors);
    let mut document = Document::new(text, base, errors);
    for event in events {
        document.event(event, builder);
    }
    document.open_table(builder);
    for error in document.errors.drain(..) {
        let span = error.unexpected().or(error.context()).unwrap_or_default();
        let span = whole_chars(text, base + span.start()..base + span.end());
        builder.problem(bytes(span), ProblemKind::Skipped, in_words(&error));
    }
    document.place(builder);
}

/// The tables and values read so far, as numbers into `items`; the first is the root.
struct Document<'t> {
    text: &'t str,
    /// Where the events' offsets count from.
    base: usize,
    items: Vec<Item>,
    /// The value of a key of a table.
    by_key: HashMap<(usize, String), usize>,
    /// Tables that had a header of their own.
    headed: HashSet<usize>,
    /// The table that the last header opened.
    table: usize,
    header: Option<Header>,
    /// Keys read and not yet given a value or a table.
    keys: Vec<Literal>,
    /// Arrays and inline tables that are open.
    open: Vec<usize>,
    errors: Vec<ParseError>,
}

struct Header {
    start: u32,
    end: u32,
    in_list: bool,
}

struct Item {
    start: u32,
    end: u32,
    shape: Shape,
}

enum Shape {
    Scalar(Literal),
    List(Vec<usize>),
    Map(Vec<(Literal, usize)>),
}

impl<'t> Document<'t> {
    fn new(text: &'t str, base: usize, errors: Vec<ParseError>) -> Self {
        let root = Item { start: u32::MAX, end: 0, shape: Shape::Map(Vec::new()) };
        Self {
            text,
            base,
            items: vec![root],
            by_key: HashMap::new(),
            headed: HashSet::new(),
            table: 0,
            header: None,
            keys: Vec::new(),
            open: Vec::new(),
            errors,
        }
    }

    fn event(&mut self, event: Event, builder: &mut TreeBuilder) {
        let place = self.base + event.span().start()..self.base + event.span().end();
        match event.kind() {
            EventKind::StdTableOpen | EventKind::ArrayTableOpen => {
                self.open_table(builder);
                self.open.clear();
                self.keys.clear();
                let (start, end) = (place.start as u32, place.end as u32);
                let in_list = event.kind() == EventKind::ArrayTableOpen;
                self.header = Some(Header { start, end, in_list });
            }
            EventKind::StdTableClose | EventKind::ArrayTableClose => {
                if let Some(header) = &mut self.header {
                    header.end = place.end as u32;
                }
                self.open_table(builder);
            }
            EventKind::SimpleKey => {
                let key = self.key(place, event.encoding());
                self.keys.push(key);
            }
            EventKind::Scalar => {
                let value = self.scalar(place.clone(), event.encoding());
                self.add(bytes(place), Shape::Scalar(value), builder);
            }
            EventKind::ArrayOpen => self.open_value(bytes(place), Shape::List(Vec::new()), builder),
            EventKind::InlineTableOpen => self.open_value(bytes(place), Shape::Map(Vec::new()), builder),
            EventKind::ArrayClose | EventKind::InlineTableClose => {
                self.keys.clear();
                if let Some(closed) = self.open.pop() {
                    self.items[closed].end = place.end as u32;
                }
            }
            EventKind::ValueSep => self.keys.clear(),
            EventKind::Newline if self.open.is_empty() => {
                self.open_table(builder);
                self.keys.clear();
            }
            EventKind::Comment => builder.comment(bytes(place)),
            EventKind::KeySep
            | EventKind::KeyValSep
            | EventKind::Whitespace
            | EventKind::Newline
            | EventKind::Error => {}
        }
    }

    /// Goes to the table of the header read, if there is one.
    fn open_table(&mut self, builder: &mut TreeBuilder) {
        let Some(header) = self.header.take() else { return };
        let mut keys = std::mem::take(&mut self.keys);
        let Some(last) = keys.pop() else { return };
        let place = header.start..header.end;
        let parent = self.walk(0, keys, &place, builder);
        let known = self.by_key.get(&(parent, last.text(self.text).to_owned())).copied();
        let child = match known {
            Some(child) => child,
            None if header.in_list => {
                self.link(parent, Some(last.clone()), place.clone(), Shape::List(Vec::new()))
            }
            None => self.link(parent, Some(last.clone()), place.clone(), Shape::Map(Vec::new())),
        };
        self.table = match (&self.items[child].shape, header.in_list) {
            (Shape::List(_), true) => self.link(child, None, place, Shape::Map(Vec::new())),
            (Shape::Map(_), false) => {
                if !self.headed.insert(child) {
                    let message = "this table is written twice; both parts are read";
                    builder.problem(last.outer, ProblemKind::DuplicateKey, message);
                }
                child
            }
            _ => self.apart(&last, place, builder),
        };
    }

    fn open_value(&mut self, place: std::ops::Range<u32>, shape: Shape, builder: &mut TreeBuilder) {
        let item = self.add(place, shape, builder);
        self.open.push(item);
    }

    /// Adds a value under the keys read, or to the array that is open.
    fn add(&mut self, place: std::ops::Range<u32>, shape: Shape, builder: &mut TreeBuilder) -> usize {
        let mut keys = std::mem::take(&mut self.keys);
        let parent = self.open.last().copied().unwrap_or(self.table);
        if matches!(self.items[parent].shape, Shape::List(_)) {
            return self.link(parent, None, place, shape);
        }
        let key = keys.pop();
        let first = keys.first().map_or(place.clone(), |key| key.outer.clone());
        let parent = self.walk(parent, keys, &first, builder);
        self.link(parent, key, place, shape)
    }

    /// The table at the end of a path of keys; tables that are missing are added at `place`.
    fn walk(
        &mut self,
        from: usize,
        keys: Vec<Literal>,
        place: &std::ops::Range<u32>,
        builder: &mut TreeBuilder,
    ) -> usize {
        let mut at = from;
        for key in keys {
            at = match self.by_key.get(&(at, key.text(self.text).to_owned())).copied() {
                None => self.link(at, Some(key), place.clone(), Shape::Map(Vec::new())),
                Some(child) => match &self.items[child].shape {
                    Shape::Map(_) => child,
                    Shape::List(items) if items.last().is_some_and(|&last| self.is_map(last)) => {
                        items.last().copied().unwrap_or(child)
                    }
                    Shape::List(_) | Shape::Scalar(_) => self.apart(&key, place.clone(), builder),
                },
            };
        }
        at
    }

    fn is_map(&self, item: usize) -> bool {
        matches!(self.items[item].shape, Shape::Map(_))
    }

    /// A table outside the tree, for what has no place in it.
    fn apart(&mut self, key: &Literal, place: std::ops::Range<u32>, builder: &mut TreeBuilder) -> usize {
        let message = "this already has a value of another kind; what is written below it is left out";
        builder.problem(key.outer.clone(), ProblemKind::Skipped, message);
        self.items.push(Item { start: place.start, end: place.end, shape: Shape::Map(Vec::new()) });
        self.items.len() - 1
    }

    /// Adds an item to a list, or to a map under a key; without a key it stays outside the tree.
    fn link(
        &mut self,
        parent: usize,
        key: Option<Literal>,
        place: std::ops::Range<u32>,
        shape: Shape,
    ) -> usize {
        let item = self.items.len();
        self.items.push(Item { start: place.start, end: place.end, shape });
        match (&mut self.items[parent].shape, key) {
            (Shape::List(items), _) => items.push(item),
            (Shape::Map(entries), Some(key)) => {
                self.by_key.insert((parent, key.text(self.text).to_owned()), item);
                entries.push((key, item));
            }
            (Shape::Map(_), None) | (Shape::Scalar(_), _) => {}
        }
        item
    }

    fn key(&mut self, place: std::ops::Range<usize>, encoding: Option<Encoding>) -> Literal {
        let mut decoded = String::new();
        self.raw(&place, encoding).decode_key(&mut decoded, &mut self.errors);
        self.literal(place, encoding).meaning(decoded, self.text)
    }

    fn scalar(&mut self, place: std::ops::Range<usize>, encoding: Option<Encoding>) -> Literal {
        let mut decoded = String::new();
        let errors = self.errors.len();
        let kind = self.raw(&place, encoding).decode_scalar(&mut decoded, &mut self.errors);
        let literal = self.literal(place, encoding);
        if encoding.is_none() && self.errors.len() > errors {
            return literal; // The decoder's guess at what was meant is not what is written.
        }
        match kind {
            ScalarKind::String | ScalarKind::Float | ScalarKind::Integer(IntegerRadix::Dec) => {
                literal.meaning(decoded, self.text)
            }
            _ => literal,
        }
    }

    fn raw(&self, place: &std::ops::Range<usize>, encoding: Option<Encoding>) -> Raw<'t> {
        let span = toml_parser::Span::new_unchecked(place.start - self.base, place.end - self.base);
        Raw::new_unchecked(&self.text[place.clone()], encoding, span)
    }

    /// The scalar at `place`; a closing quote may be missing, and recovery makes up empty ones.
    fn literal(&self, place: std::ops::Range<usize>, encoding: Option<Encoding>) -> Literal {
        let (quote, style) = match encoding {
            None => return Literal::plain(place),
            Some(Encoding::LiteralString) => ("'", Style::Quoted),
            Some(Encoding::BasicString) => ("\"", Style::Quoted),
            Some(Encoding::MlLiteralString) => ("'''", Style::Block),
            Some(Encoding::MlBasicString) => ("\"\"\"", Style::Block),
        };
        let Some(inside) = self.text[place.clone()].strip_prefix(quote) else {
            return Literal::plain(place);
        };
        let content = inside.strip_suffix(quote).unwrap_or(inside);
        // The line break behind the opening quotes of a multi-line string is no part of it.
        let start = match style {
            Style::Block if content.starts_with("\r\n") => 2,
            Style::Block if content.starts_with('\n') => 1,
            _ => 0,
        };
        let opened = place.start + quote.len();
        let inner = bytes(opened + start..opened + content.len());
        Literal { style, outer: bytes(place), inner, decoded: None }
    }

    /// Places what was collected into the tree.
    fn place(mut self, builder: &mut TreeBuilder) {
        // A child has a higher number than its parent, so going back every child's span is complete.
        for at in (0..self.items.len()).rev() {
            let item = &self.items[at];
            let (mut start, mut end) = (item.start, item.end);
            let mut cover = |from: u32, to: u32| (start, end) = (start.min(from), end.max(to));
            match &item.shape {
                Shape::Scalar(_) => {}
                Shape::List(items) => {
                    items.iter().map(|&i| &self.items[i]).for_each(|item| cover(item.start, item.end));
                }
                Shape::Map(entries) => {
                    for (key, item) in entries {
                        cover(key.outer.start, key.outer.end);
                        cover(self.items[*item].start, self.items[*item].end);
                    }
                }
            }
            (self.items[at].start, self.items[at].end) = (start, end);
        }
        if self.items[0].end == 0 {
            return;
        }
        enum Step {
            Key(Literal),
            Item(usize),
            Close(u32),
        }
        let mut steps = vec![Step::Item(0)];
        while let Some(step) = steps.pop() {
            match step {
                Step::Key(key) => key.place(builder),
                Step::Close(end) => builder.close(end),
                Step::Item(at) => {
                    let Item { start, end, shape } = &mut self.items[at];
                    match std::mem::replace(shape, Shape::List(Vec::new())) {
                        Shape::Scalar(scalar) => scalar.place(builder),
                        Shape::List(items) => {
                            builder.open(NodeKind::List, *start);
                            steps.push(Step::Close(*end));
                            steps.extend(items.into_iter().rev().map(Step::Item));
                        }
                        Shape::Map(entries) => {
                            builder.open(NodeKind::Map, *start);
                            steps.push(Step::Close(*end));
                            for (key, item) in entries.into_iter().rev() {
                                steps.extend([Step::Item(item), Step::Key(key)]);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What was expected where an error stands, or else what the parser calls it.
fn in_words(error: &ParseError) -> String {
    let expected = error.expected().unwrap_or_default().iter().map(|expected| match expected {
        Expected::Literal(literal) => format!("`{}`", literal.escape_debug()),
        Expected::Description(description) => (*description).to_owned(),
        _ => String::new(),
    });
    let expected: Vec<String> = expected.filter(|words| !words.is_empty()).collect();
    match expected.as_slice() {
        // What the parser says of every word that is no value.
        [only] if only == "literal string" => "a value is expected here; text needs quotes".to_owned(),
        [] => error.description().to_owned(),
        [only] => format!("{only} is expected here"),
        [many @ .., last] => format!("{} or {last} is expected here", many.join(", ")),
    }
}

/// A range widened to whole characters.
fn whole_chars(text: &str, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let mut range = range.start.min(text.len())..range.end.min(text.len());
    while !text.is_char_boundary(range.start) {
        range.start -= 1;
    }
    while !text.is_char_boundary(range.end) {
        range.end += 1;
    }
    range.start..range.end.max(range.start)
}
