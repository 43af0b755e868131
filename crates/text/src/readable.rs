//! YAML as saphyr can read it: blanks where it refuses or miscounts what consumers accept. Every
//! byte keeps its place, so that spans hold for the text as written; must not change a meaning
//! that the YAML layer cannot put back.

use std::borrow::Cow;

/// The text as saphyr can read it: it refuses a tab between a colon and a word, which YAML and
/// every consumer allow, and it counts the bytes of a directive where it should count characters.
/// Each character keeps its place.
pub(crate) fn readable(text: &str) -> Cow<'_, str> {
    let mut readable = Cow::Borrowed(text);
    if text.contains(":\t") {
        readable = Cow::Owned(text.replace(":\t", ": "));
    }
    if text.contains('%') && !text.is_ascii() {
        for at in directives_with_wide_characters(text) {
            readable.to_mut().replace_range(at..=at, "#");
        }
    }
    readable
}

/// Where the lines before a document start that are directives and not ASCII; as comments they
/// mean as little to us, and are counted right.
fn directives_with_wide_characters(text: &str) -> Vec<usize> {
    let mut before_document = true;
    let mut places = Vec::new();
    let mut at = text.len() - text.strip_prefix('\u{feff}').unwrap_or(text).len();
    for line in text[at..].split_inclusive(['\n', '\r']) {
        if before_document && line.starts_with('%') && !line.is_ascii() {
            places.push(at);
        }
        before_document = line.starts_with("...")
            || (before_document && (line.starts_with(['%', '#']) || line.trim_ascii().is_empty()));
        at += line.len();
    }
    places
}

/// The text with the collection in brackets around `at` on one line, each byte in its place:
/// saphyr refuses lines in brackets that stand left of where their key's value may, and consumers
/// do not. `from` is a place before `at` outside of quotes and comments. `None` where nothing can
/// be done about it.
pub(crate) fn flatten(text: &str, from: usize, at: usize) -> Option<String> {
    let mut flat = text.as_bytes().to_vec();
    let mut depth = 0i32;
    let mut quote = None;
    let mut place = from;
    while place < flat.len() {
        let byte = flat[place];
        let opens = place == 0 || matches!(flat[place - 1], b' ' | b'[' | b'{' | b',' | b':' | b'\t');
        match (quote, byte) {
            (Some(b'"'), b'\\') => place += 1,
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') if opens => quote = Some(byte),
            (None, b'#') if opens => {
                let end = place + flat[place..].iter().take_while(|b| !matches!(b, b'\n' | b'\r')).count();
                if !flat[place..end].is_ascii() {
                    return None; // A wider character cannot give way to one blank.
                }
                flat[place..end].fill(b' ');
            }
            (None, b'\n' | b'\r') => flat[place] = b' ',
            (None, b'[' | b'{') => depth += 1,
            (None, b']' | b'}') => {
                depth -= 1;
                if depth <= 0 && place >= at {
                    break;
                }
            }
            _ => {}
        }
        place += 1;
    }
    let flat = String::from_utf8(flat).ok()?;
    (flat != text).then_some(flat)
}

/// The same for the quoted scalar that starts at a byte.
pub(crate) fn flatten_quoted(text: &str, start: usize) -> Option<String> {
    let mut flat = text.as_bytes().to_vec();
    let quote = *flat.get(start).filter(|&b| matches!(b, b'"' | b'\''))?;
    let mut place = start + 1;
    while place < flat.len() && flat[place] != quote {
        match flat[place] {
            // An escaped line break would become an escaped blank, which is one.
            b'\\' if quote == b'"' && matches!(flat.get(place + 1), Some(b'\r' | b'\n')) => return None,
            b'\\' if quote == b'"' => place += 1,
            b'\r' | b'\n' => flat[place] = b' ',
            _ => {}
        }
        place += 1;
    }
    let flat = String::from_utf8(flat).ok()?;
    (flat != text).then_some(flat)
}

/// The text with blanks in place of a range of ASCII characters.
pub(crate) fn without(text: &str, range: std::ops::Range<usize>) -> String {
    let blanks = " ".repeat(range.len());
    format!("{}{blanks}{}", &text[..range.start], &text[range.end..])
}
