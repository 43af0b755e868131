//! Hides secrets in whatever is shown: source lines, titles, messages, values. Works on text alone,
//! so that it holds for every syntax, broken files and comments; where in doubt it hides.
//!
//! Every hidden character gives way to one of the same length in bytes, so offsets and columns stay
//! true. Must not decide what is shown otherwise.

mod commands;
mod names;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use commands::Command;
use names::{Secrecy, is_harmless_amount, secrecy};

/// A text with its secrets hidden: user info in addresses, values of keys that name a secret,
/// passwords on command lines, PEM blocks, access keys of known forms, JSON web tokens.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut marks = Marks::default();
    pem_blocks(text, &mut marks);
    user_info(text, &mut marks);
    known_tokens(text, &mut marks);
    assignments(text, &mut marks);
    marks.apply(text)
}

/// A part of a text with its secrets hidden: those of the part itself, and its words that are hidden in the
/// whole, where more tells that they are secret.
pub fn redact_part(part: &str, whole: &str) -> String {
    let hidden = redact(whole);
    let own = redact(part);
    let words =
        part.split(' ').zip(own.split(' ')).map(|(word, own)| match is_hidden(word, whole, &hidden) {
            true => "*".repeat(word.chars().count()),
            false => own.to_owned(),
        });
    words.collect::<Vec<_>>().join(" ")
}

/// Whether a word is hidden at any place of a text where it stands by itself. Both texts have the same places.
fn is_hidden(word: &str, whole: &str, hidden: &str) -> bool {
    let word = word.trim_matches(['[', ']', ',', '"', '\'']);
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    !word.is_empty()
        && whole.match_indices(word).any(|(at, _)| {
            let end = at + word.len();
            let stands_alone = !whole[..at].ends_with(is_part) && !whole[end..].starts_with(is_part);
            stands_alone && hidden.get(at..end) != Some(word)
        })
}

/// The parts to hide.
#[derive(Default)]
struct Marks(Vec<Range<usize>>);

impl Marks {
    fn add(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            self.0.push(range);
        }
    }

    fn apply(mut self, text: &str) -> Cow<'_, str> {
        if self.0.is_empty() {
            return Cow::Borrowed(text);
        }
        self.0.sort_by_key(|range| range.start);
        let mut hidden = String::with_capacity(text.len());
        let mut done = 0;
        for Range { start, end } in self.0 {
            let start = start.max(done);
            if end <= start {
                continue;
            }
            hidden.push_str(&text[done..start]);
            hidden.extend(text[start..end].chars().map(|c| match c {
                '\n' | '\r' | '\t' | ' ' => c,
                _ => ['*', '×', '∗', '🞶'][c.len_utf8() - 1], // one to four bytes long
            }));
            done = end;
        }
        hidden.push_str(&text[done..]);
        Cow::Owned(hidden)
    }
}

/// What stands between `-----BEGIN ...-----` and its end, or the end of the text.
fn pem_blocks(text: &str, marks: &mut Marks) {
    let mut from = 0;
    while let Some(begin) = text[from..].find("-----BEGIN ").map(|i| from + i) {
        let title = begin + "-----BEGIN ".len();
        let Some(body) = text[title..].find("-----").map(|i| title + i + 5) else { return };
        let end = text[body..].find("-----END ").map_or(text.len(), |i| body + i);
        marks.add(body..end);
        from = end;
    }
}

/// `user:password@` of addresses and data source names.
fn user_info(text: &str, marks: &mut Marks) {
    if !text.contains('@') {
        return;
    }
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>');
    let mut from = 0;
    for token in text.split(ends) {
        let start = from;
        from += token.len() + text[from + token.len()..].chars().next().map_or(0, char::len_utf8);
        if !token.contains('@') {
            continue;
        }
        let mut at = 0;
        let mut has_scheme = false;
        while let Some(scheme) = token[at..].find("://").map(|i| at + i) {
            has_scheme = true;
            let authority = scheme + 3;
            let next = token[authority..].find("://").map_or(token.len(), |i| authority + i);
            let part = &token[authority..next];
            let stop = part.find(['/', '?', '#']).unwrap_or(part.len());
            // A password with a `/` in it: the part before has a `:` that no port number follows.
            let odd = part[..stop].split_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_err());
            let end = part[..stop].rfind('@').or_else(|| part.rfind('@').filter(|_| odd));
            if let Some(end) = end {
                marks.add(start + authority..start + authority + end);
            }
            at = next.min(authority + part.len());
        }
        if !has_scheme {
            // `user:password@tcp(host)/name`. A digest behind an image's tag is none.
            let word = token
                .rfind(['=', ',', '('])
                .filter(|&i| i < token.find('@').unwrap_or(0))
                .map_or(0, |i| i + 1);
            let (before, after) = token[word..].rsplit_once('@').unwrap_or((token, ""));
            let named = before
                .split_once(':')
                .is_some_and(|(user, password)| !user.is_empty() && !password.is_empty());
            if named && !after.starts_with("sha256:") && !after.starts_with("sha512:") {
                marks.add(start + word..start + word + before.len());
            }
        }
    }
}

/// Access keys and tokens that their own form gives away.
fn known_tokens(text: &str, marks: &mut Marks) {
    // Documented prefixes of Amazon, GitHub, GitLab, Slack, Stripe and Google keys, each with the
    // shortest rest that counts; `eyJ` begins the first part of a JSON web token (RFC 7519).
    const PREFIXES: &[(&str, usize)] = &[
        ("AKIA", 16),
        ("ASIA", 16),
        ("ghp_", 20),
        ("gho_", 20),
        ("ghu_", 20),
        ("ghs_", 20),
        ("ghr_", 20),
        ("github_pat_", 20),
        ("glpat-", 16),
        ("xoxb-", 10),
        ("xoxp-", 10),
        ("xoxa-", 10),
        ("sk_live_", 10),
        ("rk_live_", 10),
        ("AIza", 30),
        ("hooks.slack.com/services/", 10),
        ("eyJ", 17),
    ];
    const SCHEMES: &[&str] = &["Bearer ", "bearer ", "BEARER ", "Basic ", "basic ", "BASIC "];
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let mut before = b' ';
    for (start, &byte) in text.as_bytes().iter().enumerate() {
        let starts_a_word = !before.is_ascii_alphanumeric();
        before = byte;
        if starts_a_word && matches!(byte, b'A' | b'g' | b'x' | b's' | b'r' | b'h' | b'e') {
            let found = PREFIXES.iter().find(|(prefix, _)| text[start..].starts_with(prefix));
            let Some(&(prefix, shortest)) = found else { continue };
            let more =
                |c: char| inside(c) || (prefix == "eyJ" && c == '.') || (prefix.ends_with('/') && c == '/');
            let rest = &text[start + prefix.len()..];
            let length = rest.find(|c| !more(c)).unwrap_or(rest.len());
            if length >= shortest {
                marks.add(start..start + prefix.len() + length);
            }
        } else if matches!(byte, b'B' | b'b') {
            let found = SCHEMES.iter().find(|scheme| text[start..].starts_with(**scheme));
            let Some(scheme) = found else { continue };
            let rest = &text[start + scheme.len()..];
            let allowed = |c: char| inside(c) || matches!(c, '.' | '/' | '+' | '=' | '~');
            let length = rest.find(|c| !allowed(c)).unwrap_or(rest.len());
            // A word of prose is shorter or has no digit.
            let word = &rest[..length];
            if length >= 8 && (word.contains(|c: char| c.is_ascii_digit() || c == '=') || length >= 16) {
                marks.add(start + scheme.len()..start + scheme.len() + length);
            }
        }
    }
}

/// One line: where it starts, its text without the line break, how far it is indented.
#[derive(Clone, Copy)]
struct Line<'t> {
    start: usize,
    text: &'t str,
}

impl<'t> Line<'t> {
    fn indent(self) -> usize {
        self.text.len() - self.text.trim_start().len()
    }

    fn is_item(self) -> bool {
        let trimmed = self.text.trim_start();
        trimmed == "-" || trimmed.starts_with("- ")
    }

    /// The line without indentation, comment marks and list marks, and where that starts.
    fn body(self) -> (usize, &'t str) {
        let body = self
            .text
            .trim_start_matches([' ', '\t', '#', ';', '/', '-', '{', ',', '[', '!', '*', '\u{feff}']);
        let body = body.strip_prefix("export ").unwrap_or(body).trim_start();
        (self.text.len() - body.len(), body)
    }

    /// Whether it sets a key, rather than being a bare value.
    fn sets_a_key(self) -> bool {
        let (_, body) = self.body();
        let body = body.trim_end();
        body.ends_with(':') || body.contains(": ") || body.contains("\":") || body.contains(" = ")
    }
}

/// Values of keys that name a secret.
fn assignments(text: &str, marks: &mut Marks) {
    let mut start = 0;
    let lines: Vec<Line<'_>> = text
        .split_inclusive('\n')
        .map(|line| {
            let here = Line { start, text: line.trim_end_matches(['\n', '\r']) };
            start += line.len();
            here
        })
        .collect();
    let mut secret_object = SecretObject::default();
    let mut command = Command::default();
    for (number, &line) in lines.iter().enumerate() {
        command.read(line, marks);
        if !secret_object.is_around(&lines, number) && !names::may_tell(line.text) {
            continue;
        }
        let keys = keys(line.text);
        let everything_from = secret_object.holds(line, &keys);
        for key in &keys {
            let name = &line.text[key.name.clone()];
            let held = everything_from.is_some_and(|from| from <= key.name.start);
            let known = secrecy(name).or_else(|| key.is_auth_parameter(line.text).then_some(Secrecy::Always));
            let Some(secrecy) = known.or(held.then_some(Secrecy::UnlessAmount)) else { continue };
            let value = line.text[key.value..].trim();
            if !key.is_location(line.text) && !is_harmless_amount(value, secrecy) {
                hide_value(text, &lines, number, key, marks);
            }
        }
        named_pair(&lines, number, &keys, marks);
        words(line, lines.get(number + 1).copied(), marks);
    }
}

/// A key in a line, and where its value starts.
struct Key {
    name: Range<usize>,
    value: usize,
    /// It is the first thing in its line.
    leads: bool,
    /// `:` rather than `=`.
    colon: bool,
    /// A `;` follows before any quote.
    in_connection: bool,
}

impl Key {
    /// `?auth=` in an address. Elsewhere `auth` is as often a service.
    fn is_auth_parameter(&self, line: &str) -> bool {
        let before = &line[..self.name.start];
        !self.colon
            && line[self.name.clone()].eq_ignore_ascii_case("auth")
            && (before.ends_with(['?', '&']) || before.ends_with("&amp;"))
    }

    /// It is a file's name and its value the number of a line: `etc/token.yaml:12`.
    fn is_location(&self, line: &str) -> bool {
        let behind = &line[self.name.end..];
        let Some(number) = behind.strip_prefix(':') else { return false };
        let rest = number.trim_start_matches(|c: char| c.is_ascii_digit());
        let in_a_folder = line[..self.name.start].ends_with('/');
        let has_extension = names::ends_like_a_file(&line[self.name.clone()]);
        (in_a_folder || has_extension)
            && rest.len() < number.len()
            && !rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '@'))
    }
}

/// Every `key =`, `key:`, `"key":` of a line.
fn keys(line: &str) -> Vec<Key> {
    let first = Line { start: 0, text: line }.body().0;
    let in_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = line[at..].find(in_name).map(|i| at + i) {
        let end = line[start..].find(|c| !in_name(c)).map_or(line.len(), |i| start + i);
        at = end;
        let rest = &line[end..];
        let open = rest.strip_prefix(['"', '\'', ']', '}', '\\']).unwrap_or(rest);
        let open = open.strip_prefix(['"', '\'']).unwrap_or(open).trim_start();
        let Some(mark) = open.chars().next().filter(|c| matches!(c, ':' | '=')) else { continue };
        let behind = open[1..].strip_prefix(['=', '>']).unwrap_or(&open[1..]);
        if behind.starts_with("//") && mark == ':' {
            continue; // The scheme of an address.
        }
        let value = line.len() - behind.trim_start().len();
        let leads = start <= first || line[first..start].chars().all(|c| matches!(c, '"' | '\'' | '$'));
        found.push(Key { name: start..end, value, leads, colon: mark == ':', in_connection: false });
    }
    // From the end, so that no byte is looked at twice.
    let mut in_connection = false;
    let mut end = line.len();
    for key in found.iter_mut().rev() {
        let sign = line[key.value..end].chars().find(|c| matches!(c, ';' | '"' | '\'' | '`'));
        in_connection = sign.map_or(in_connection, |sign| sign == ';');
        key.in_connection = in_connection;
        end = key.value;
    }
    found
}

fn hide_value(text: &str, lines: &[Line<'_>], number: usize, key: &Key, marks: &mut Marks) {
    let line = lines[number];
    let value = &line.text[key.value..];
    let at = line.start + key.value;
    let bare = value.trim();
    if let Some(fence) = ["\"\"\"", "'''"].into_iter().find(|fence| value.starts_with(fence)) {
        let end = text[at + 3..].find(fence).map_or(text.len(), |i| at + 3 + i);
        return marks.add(at + 3..end);
    }
    if let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'' | '`')) {
        let end = 1 + quoted(&value[1..], quote);
        marks.add(at + 1..at + end);
        // What stands behind a closed quote and belongs to nothing is the rest of a broken secret.
        let rest = value.get(end + 1..).unwrap_or_default();
        if key.leads && !rest.trim_start().starts_with([',', '}', ']', ')', '#', ';', '/', '\\']) {
            marks.add(at + end + 1..at + value.len());
        }
        return;
    }
    if let Some(inner) = value.strip_prefix("\\\"") {
        // JSON inside a string.
        return marks.add(at + 2..at + 2 + inner.find("\\\"").unwrap_or(inner.len()));
    }
    if bare.starts_with(['|', '>']) || bare.is_empty() || bare == "[" || bare.starts_with(['&', '#']) {
        if !bare.starts_with(['|', '>']) {
            marks.add(at..at + value.len());
        }
        return hide_below(lines, number, bare.starts_with(['|', '>']), marks);
    }
    if bare.starts_with('{') {
        return; // A map: its keys speak for themselves.
    }
    if bare.starts_with('[') {
        let end = value.find(']').unwrap_or(value.len());
        return marks.add(at + 1..at + end.max(1));
    }
    // Connection strings end a value with `;` alone: a blank may be part of it.
    let ends = |c: char| match (key.leads, key.colon) {
        (false, false) if key.in_connection => matches!(c, '&' | ';' | '"' | '\'' | '`'),
        (true, _) => false,
        (false, true) => matches!(c, ',' | '}' | '"' | '\''),
        (false, false) => c.is_whitespace() || matches!(c, '&' | ';' | ',' | '"' | '\'' | '}' | ')' | '`'),
    };
    marks.add(at..at + value.find(ends).unwrap_or(value.len()));
    // A line that ends with a backslash goes on.
    let mut next = number;
    while key.leads && lines[next].text.ends_with('\\') && next + 1 < lines.len() {
        next += 1;
        marks.add(lines[next].start..lines[next].start + lines[next].text.len());
    }
}

/// How far a quoted text reaches, escapes and doubled quotes respected.
fn quoted(text: &str, quote: char) -> usize {
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && quote != '\'' {
            chars.next();
        } else if c == quote && chars.next_if(|&(_, next)| next == quote).is_none() {
            return at;
        }
    }
    text.len()
}

/// Hides the lines below that are the value of a key: all deeper ones of a block, else those that
/// set no key of their own.
fn hide_below(lines: &[Line<'_>], number: usize, block: bool, marks: &mut Marks) {
    let indent = lines[number].indent();
    for line in &lines[number + 1..] {
        let trimmed = line.text.trim();
        if trimmed.is_empty() {
            continue;
        }
        let belongs = line.indent() > indent || (!block && line.indent() == indent && line.is_item());
        if !belongs || (!block && (line.sets_a_key() || trimmed.starts_with(['{', '}', ']', '[']))) {
            return;
        }
        let start = if block { line.indent() } else { line.body().0 };
        marks.add(line.start + start..line.start + line.text.len());
    }
}

/// `name: DB_PASSWORD` with `value: ...` beside it, as lists of environment variables have it.
fn named_pair(lines: &[Line<'_>], number: usize, found: &[Key], marks: &mut Marks) {
    let line = lines[number];
    let named = found.iter().any(|key| {
        let value = line.text[key.value..].trim_start_matches(['"', '\'']);
        let end = value.find(['"', '\'', ',', ' ', '}', '#']).unwrap_or(value.len());
        matches!(&line.text[key.name.clone()], "name" | "key" | "Name" | "Key" | "parameter")
            && secrecy(&value[..end]).is_some()
    });
    if !named {
        return;
    }
    let down = lines[number + 1..].iter().take(3).take_while(|line| !line.is_item()).count();
    let up = if line.is_item() {
        0
    } else {
        let above = &lines[number.saturating_sub(3)..number];
        let open = above.iter().rev().take_while(|line| !line.is_item()).count();
        (open + 1).min(above.len())
    };
    for near in number - up..=number + down {
        for key in keys(lines[near].text) {
            if matches!(&lines[near].text[key.name.clone()], "value" | "Value" | "default") {
                hide_value("", lines, near, &key, marks);
            }
        }
    }
}

/// Secrets behind a blank rather than a sign: `--password hunter2`, `requirepass hunter2`,
/// `proxy_set_header X-Api-Key abc;`, and the same as items of a list.
fn words(line: Line<'_>, next: Option<Line<'_>>, marks: &mut Marks) {
    let (first, body) = line.body();
    if line.text.trim_start().starts_with('#') {
        return;
    }
    let is_directive = body.trim_end().ends_with(';') && !body.contains(": ");
    let parts: Vec<(usize, &str)> = split_words(body).map(|(at, word)| (first + at, word)).collect();
    for (i, &(at, word)) in parts.iter().enumerate() {
        // `curl -u name:password`, and HAProxy's `stats auth name:password`.
        if i > 0 && matches!(parts[i - 1].1, "-u" | "--user" | "auth") && word.contains(':') {
            marks.add(line.start + at..line.start + at + word.trim_end_matches(['"', '\'']).len());
        }
        // A user's password in an access list of Redis.
        if parts[0].1 == "user" && word.len() > 1 && word.starts_with(['>', '<', '#']) {
            marks.add(line.start + at + 1..line.start + at + word.len());
        }
        let name = word.trim_matches(['"', '\'', ',', '[', ']', '$']);
        let is_flag = line.text[..at].ends_with("--") || name.starts_with("--");
        let is_redis = i == 0 && matches!(name, "requirepass" | "masterauth" | "masteruser");
        let names = is_redis || secrecy(name.trim_start_matches('-')) == Some(Secrecy::Always);
        // Where a `;` is missing a directive's words are those of the one before.
        let is_header = i > 0 && ["_header", "-header"].iter().any(|end| parts[i - 1].1.ends_with(end));
        // `user NAME insecure-password WORD` of HAProxy.
        let is_user = i > 1 && parts[0].1 == "user";
        let takes_next = is_flag || is_redis || is_directive || is_header || is_user;
        if !names || name.contains(['=', ':']) || !takes_next {
            continue;
        }
        match parts.get(i + 1) {
            Some(&(start, value)) if is_flag => {
                marks.add(line.start + start..line.start + start + value.len())
            }
            Some(&(start, _)) => {
                marks.add(line.start + start..line.start + line.text.trim_end_matches([';', ' ']).len())
            }
            None => {
                if let Some(next) =
                    next.filter(|next| is_flag && (next.is_item() || next.text.trim_start().starts_with('"')))
                {
                    marks.add(next.start + next.body().0..next.start + next.text.len());
                }
            }
        }
    }
}

fn split_words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(char::is_whitespace)
        .scan(0, |at, word| {
            let start = *at;
            let end = start + word.len();
            *at = end + text[end..].chars().next().map_or(0, char::len_utf8);
            Some((start, word))
        })
        .filter(|(_, word)| !word.is_empty())
}

/// Whether a line lies in the `data` or `stringData` of a Kubernetes Secret, where every value is
/// one.
#[derive(Default)]
struct SecretObject {
    /// First line behind the document last looked at.
    end: usize,
    is_secret: bool,
    /// Indentation of the `data` key above.
    data: Option<usize>,
}

impl SecretObject {
    /// Whether a line stands in a Secret. Lines are asked for in their order.
    fn is_around(&mut self, lines: &[Line<'_>], number: usize) -> bool {
        if number >= self.end {
            let document = &lines[number..];
            let length = document.iter().skip(1).position(|line| line.text.starts_with("---"));
            self.end = number + length.map_or(document.len(), |i| i + 1);
            self.is_secret = lines[number..self.end]
                .iter()
                .any(|line| line.text.contains('S') && says_secret(&line.text.replace(['"', '\'', ' '], "")));
            self.data = None;
        }
        self.is_secret
    }

    /// From which byte of a line with these keys on every key's value is a secret.
    fn holds(&mut self, line: Line<'_>, keys: &[Key]) -> Option<usize> {
        if !self.is_secret {
            return None;
        }
        match self.data {
            Some(indent) if line.indent() > indent || line.text.trim().is_empty() => return Some(0),
            _ => self.data = None,
        }
        let opened = keys.iter().find(|key| matches!(&line.text[key.name.clone()], "data" | "stringData"))?;
        self.data = Some(line.indent());
        // The map may stand on this line.
        Some(opened.value)
    }
}

/// Whether a line, without blanks and quotes, says that an object is a Secret.
fn says_secret(line: &str) -> bool {
    let mut kinds = line.match_indices("kind:Secret").map(|(at, kind)| &line[at + kind.len()..]);
    kinds.any(|rest| rest.is_empty() || rest.starts_with([',', '}', '#', '\r']))
}
