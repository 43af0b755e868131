//! An expression as a tree with byte ranges, by descent over its text. Nesting and the length of chains are
//! bounded, so that no text exhausts the stack.

use std::ops::Range;
use std::time::Duration;

use model::monitor::{Compare, Matcher};

use super::length;

/// Deeper nesting than this is not read; hand-written expressions go ten levels deep.
const DEEPEST: usize = 64;
/// Longer chains than this are not read: each part of `1 + 1 + 1` lies one level deeper in the tree, and who
/// walks it calls himself. Written by hand they have some tens of parts.
const LONGEST: usize = 200;

/// A part of an expression and where it stands.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) at: Range<usize>,
    pub(super) what: What,
}

/// What a part is.
#[derive(Debug)]
pub(super) enum What {
    Number(f64),
    Text,
    /// A selector; the range with its place, where there is one.
    Select {
        metric: String,
        labels: Vec<Matcher>,
        range: Option<(Duration, Range<usize>)>,
    },
    /// A subquery.
    Again(Box<Node>),
    /// A function or an aggregation.
    Call {
        name: String,
        arguments: Vec<Node>,
    },
    Negative(Box<Node>),
    Binary {
        op: &'static str,
        /// `bool` stands behind a comparison: it gives 0 or 1 instead of taking away.
        as_number: bool,
        left: Box<Node>,
        right: Box<Node>,
    },
}

/// Operators by how they bind, loosest first; a longer one stands before its beginning.
const LEVELS: [&[&str]; 6] = [
    &["or"],
    &["and", "unless"],
    &["==", "!=", "<=", ">=", "<", ">"],
    &["+", "-"],
    &["*", "/", "%", "atan2"],
    &["^"],
];

/// An expression; `None` where the text is none.
pub(super) fn parse(text: &str) -> Option<Node> {
    let mut parser = Parser { text, at: 0, depth: 0, parts: 0 };
    let node = parser.level(0)?;
    parser.space();
    (parser.at == text.len()).then_some(node)
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    /// How many parts of chains were read.
    parts: usize,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// Skips white space and comments.
    fn space(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            match trimmed.strip_prefix('#') {
                Some(comment) => self.at += 1 + comment.find('\n').unwrap_or(comment.len()),
                None => return,
            }
        }
    }

    fn eat(&mut self, mark: &str) -> bool {
        self.space();
        let found = self.rest().starts_with(mark);
        if found {
            self.at += mark.len();
        }
        found
    }

    /// A word, whatever the case of its letters.
    fn eat_word(&mut self, word: &str) -> bool {
        self.space();
        let found = self.name().is_some_and(|name| name.eq_ignore_ascii_case(word));
        if found {
            self.at += word.len();
        }
        found
    }

    /// The name that begins here.
    fn name(&self) -> Option<&'t str> {
        let rest = self.rest();
        let begins = rest.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | ':'));
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | ':'));
        begins.then(|| &rest[..end.unwrap_or(rest.len())])
    }

    fn operator(&mut self, level: usize) -> Option<&'static str> {
        self.space();
        LEVELS[level].iter().copied().find(|op| {
            if op.starts_with(|c: char| c.is_ascii_alphabetic()) { self.eat_word(op) } else { self.eat(op) }
        })
    }

    fn level(&mut self, level: usize) -> Option<Node> {
        if level == LEVELS.len() {
            return self.unary();
        }
        // `^` is the one that binds from the right.
        let right_bound = level == LEVELS.len() - 1;
        let mut left = self.level(level + 1)?;
        while let Some(op) = self.operator(level) {
            self.longer()?;
            let as_number = self.eat_word("bool");
            self.matching()?;
            let right =
                if right_bound { self.deeper(|parser| parser.level(level))? } else { self.level(level + 1)? };
            let at = left.at.start..right.at.end;
            let (left_side, right) = (Box::new(left), Box::new(right));
            left = Node { at, what: What::Binary { op, as_number, left: left_side, right } };
        }
        Some(left)
    }

    /// `on (...) group_left (...)`: which series belong together changes no amount.
    fn matching(&mut self) -> Option<()> {
        if self.eat_word("on") || self.eat_word("ignoring") {
            self.labels()?;
            if self.eat_word("group_left") || self.eat_word("group_right") {
                self.space();
                if self.rest().starts_with('(') {
                    self.labels()?;
                }
            }
        }
        Some(())
    }

    /// A list of labels in brackets.
    fn labels(&mut self) -> Option<()> {
        self.eat("(").then_some(())?;
        while !self.eat(")") {
            let name = self.name()?;
            self.at += name.len();
            self.eat(",");
        }
        Some(())
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.depth += 1;
        let read = (self.depth <= DEEPEST).then(|| read(self)).flatten();
        self.depth -= 1;
        read
    }

    /// One part more of a chain, which makes the tree deeper without any nesting.
    fn longer(&mut self) -> Option<()> {
        self.parts += 1;
        (self.parts <= LONGEST).then_some(())
    }

    fn unary(&mut self) -> Option<Node> {
        self.space();
        let start = self.at;
        if self.eat("-") {
            let inner = self.deeper(|parser| parser.level(LEVELS.len() - 1))?;
            return Some(Node { at: start..inner.at.end, what: What::Negative(Box::new(inner)) });
        }
        if self.eat("+") {
            return self.deeper(|parser| parser.level(LEVELS.len() - 1));
        }
        self.postfix()
    }

    /// A primary expression with its range, subquery, offset and `@`.
    fn postfix(&mut self) -> Option<Node> {
        let mut node = self.primary()?;
        loop {
            let start = node.at.start;
            if self.eat("[") {
                let (length, place) = self.length()?;
                if self.eat(":") {
                    self.space();
                    if !self.rest().starts_with(']') {
                        self.length()?;
                    }
                    self.eat("]").then_some(())?;
                    self.longer()?;
                    node = Node { at: start..self.at, what: What::Again(Box::new(node)) };
                } else {
                    self.eat("]").then_some(())?;
                    let What::Select { range, .. } = &mut node.what else { return None };
                    range.is_none().then_some(())?;
                    *range = Some((length, place));
                    node.at.end = self.at;
                }
            } else if self.eat_word("offset") {
                self.eat("-");
                self.length()?;
            } else if self.eat("@") {
                self.space();
                match self.name() {
                    Some(name) => {
                        self.at += name.len();
                        (self.eat("(") && self.eat(")")).then_some(())?;
                    }
                    None => drop(self.number()?),
                }
            } else {
                return Some(node);
            }
        }
    }

    fn length(&mut self) -> Option<(Duration, Range<usize>)> {
        self.space();
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let written = &rest[..end];
        let place = self.at..self.at + end;
        self.at = place.end;
        Some((length(written)?, place))
    }

    fn primary(&mut self) -> Option<Node> {
        self.space();
        let start = self.at;
        let first = self.rest().chars().next()?;
        if first == '(' {
            self.at += 1;
            let inner = self.deeper(|parser| parser.level(0))?;
            self.eat(")").then_some(())?;
            return Some(Node { at: start..self.at, ..inner });
        }
        if first.is_ascii_digit() || first == '.' {
            let number = self.number()?;
            return Some(Node { at: start..self.at, what: What::Number(number) });
        }
        if matches!(first, '"' | '\'' | '`') {
            self.string()?;
            return Some(Node { at: start..self.at, what: What::Text });
        }
        if first == '{' {
            return self.selector(start, "");
        }
        let name = self.name()?;
        self.at += name.len();
        match name.to_ascii_lowercase().as_str() {
            "inf" => return Some(Node { at: start..self.at, what: What::Number(f64::INFINITY) }),
            "nan" => return Some(Node { at: start..self.at, what: What::Number(f64::NAN) }),
            _ => {}
        }
        let grouped = self.grouping()?;
        self.space();
        if grouped || self.rest().starts_with('(') {
            return self.call(start, name);
        }
        self.selector(start, name)
    }

    /// `by (...)`, in front of the arguments or behind them.
    fn grouping(&mut self) -> Option<bool> {
        let before = self.at;
        if !self.eat_word("by") && !self.eat_word("without") {
            return Some(false);
        }
        self.space();
        if !self.rest().starts_with('(') {
            self.at = before;
            return Some(false);
        }
        self.labels()?;
        Some(true)
    }

    fn call(&mut self, start: usize, name: &str) -> Option<Node> {
        self.eat("(").then_some(())?;
        let mut arguments = Vec::new();
        while !self.eat(")") {
            arguments.push(self.deeper(|parser| parser.level(0))?);
            if !self.eat(",") {
                self.eat(")").then_some(())?;
                break;
            }
        }
        let end = self.at;
        self.grouping()?;
        Some(Node { at: start..end, what: What::Call { name: name.to_ascii_lowercase(), arguments } })
    }

    fn selector(&mut self, start: usize, name: &str) -> Option<Node> {
        let (mut metric, mut labels, mut end) = (name.to_owned(), Vec::new(), self.at);
        if self.eat("{") {
            while !self.eat("}") {
                self.space();
                let label = if self.rest().starts_with(['"', '\'', '`']) {
                    self.string()?
                } else {
                    let label = self.name()?;
                    self.at += label.len();
                    label.to_owned()
                };
                let compare = [
                    ("=~", Compare::Matches),
                    ("!~", Compare::MatchesNot),
                    ("!=", Compare::IsNot),
                    ("=", Compare::Is),
                ];
                match compare.into_iter().find(|(mark, _)| self.eat(mark)) {
                    Some((_, compare)) => {
                        self.space();
                        let value = self.string()?;
                        if label == "__name__" && compare == Compare::Is {
                            metric = value;
                        } else {
                            labels.push(Matcher { label, compare, value });
                        }
                    }
                    // A quoted name of a metric stands alone.
                    None => metric = label,
                }
                if !self.eat(",") {
                    self.eat("}").then_some(())?;
                    break;
                }
            }
            end = self.at;
        }
        (!metric.is_empty() || !labels.is_empty()).then_some(())?;
        Some(Node { at: start..end, what: What::Select { metric, labels, range: None } })
    }

    /// A quoted text, its escapes resolved as far as they keep one character.
    fn string(&mut self) -> Option<String> {
        let quote = self.rest().chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
        self.at += 1;
        let mut text = String::new();
        let mut characters = self.rest().char_indices();
        while let Some((at, c)) = characters.next() {
            if c == quote {
                self.at += at + 1;
                return Some(text);
            }
            match c {
                '\\' if quote != '`' => text.push(characters.next()?.1),
                c => text.push(c),
            }
        }
        None
    }

    fn number(&mut self) -> Option<f64> {
        self.space();
        let rest = self.rest();
        if let Some(hex) = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
            let digits = hex.bytes().take_while(u8::is_ascii_hexdigit).count();
            self.at += 2 + digits;
            return u64::from_str_radix(&hex[..digits], 16).ok().map(|number| number as f64);
        }
        let digits = |text: &str| text.bytes().take_while(|b| b.is_ascii_digit() || *b == b'_').count();
        let mut end = digits(rest);
        if rest[end..].starts_with('.') {
            end += 1 + digits(&rest[end + 1..]);
        }
        if rest[end..].starts_with(['e', 'E']) {
            let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
            let power = digits(&rest[end + 1 + sign..]);
            if power > 0 {
                end += 1 + sign + power;
            }
        }
        // A length stands for its seconds since Prometheus 3.
        let unit = rest[end..].bytes().take_while(u8::is_ascii_alphanumeric).count();
        self.at += end + unit;
        if unit > 0 {
            return length(&rest[..end + unit]).map(|length| length.as_secs_f64());
        }
        rest[..end].replace('_', "").parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn expressions_as_people_write_them() {
        for text in [
            "up == 0",
            "sum(rate(http_requests_total{code=~\"5..\"}[5m])) by (job) / sum by (job) (rate(http_requests_total[5m])) > 0.05",
            "(a:b:rate5m{x=\"y\"} > (14.4 * 0.001)) and on (job) group_left(x) (c > (14.4*0.001))\nor\n(d > 6 * 0.001) # comment",
            "histogram_quantile(0.99, sum by (le) (rate(d_bucket{job='a',}[2m] offset 1h))) > .5",
            "absent(up{job=\"auth\"} == 1)",
            "max_over_time(deriv(x[1m])[1h:5m]) >= bool -1e-3 ^ 2",
            "avg by () (x) unless ignoring(a, b) y @ end()",
            "{__name__=\"x\", a!=\"b\"}[1h30m]",
            "count(up) without (instance) < 3",
            "sum(by)",
            "rate(x[5m:])",
            "label_replace(x, \"a\", \"$1\", \"b\", '(.*)')",
        ] {
            let read = parse(text).is_some();
            // A range vector is one too; a subquery of a range vector is not.
            assert!(read, "{text}");
        }
        for text in ["", "rate(x[$__interval])", "{{ x }}", "x[5m", "x > ", "a b", "{}", "(x", "|= \"log\""] {
            assert!(parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        assert!(parse(&format!("{}1{}", "(".repeat(50), ")".repeat(50))).is_some());
        assert!(parse(&format!("{}1{}", "(".repeat(5_000), ")".repeat(5_000))).is_none());
        assert!(parse(&format!("{}1", "-".repeat(100_000))).is_none());
        assert!(parse(&format!("1{}", "^1".repeat(100_000))).is_none());
    }

    #[test]
    fn chains_are_bounded() {
        assert!(parse(&format!("1{}", "+1".repeat(LONGEST))).is_some());
        assert!(parse(&format!("x{}", "[5m:1m]".repeat(LONGEST))).is_some());
        for part in ["+1", " or x", ">x", "[5m:1m]"] {
            assert!(parse(&format!("x{}", part.repeat(LONGEST + 1))).is_none(), "{part}");
            assert!(parse(&format!("x{}", part.repeat(200_000))).is_none(), "{part}");
        }
        // One bound for all of them together.
        let sum = format!("1{}", "+1".repeat(LONGEST / 2));
        assert!(parse(&format!("f({sum}, {sum}, {sum})")).is_none());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "([a-z_:]{1,4}|[0-9.]{1,3}|[-+*/%^(){}\\[\\],:@#=!<>~\"'`\\\\ \n]|é| by | offset |5m|0x){0,24}") {
            parse(&text);
        }
    }
}
