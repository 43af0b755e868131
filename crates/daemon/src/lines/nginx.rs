//! NGINX's `log_format` as a program of fields. Knows which variables say what; how a value is written is
//! from `ngx_http_log_module` and `ngx_http_upstream_module` of nginx.org.

use super::Says;
use super::program::{Field, Piece, Program, Quotes};

/// The predefined format, of lines where `access_log` names none.
const COMBINED: &str = r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#;

/// A program for the text of a `log_format`: the text alone, or the whole directive.
pub(super) fn compile(text: Option<&str>, with_path: bool) -> Result<(Program, Says), String> {
    let (text, quotes) = match text {
        None => (COMBINED.to_owned(), Quotes::End),
        Some(text) => written(text)?,
    };
    let mut pieces = pieces(&text);
    choose(&mut pieces, &["status", "upstream_status"], true);
    choose(&mut pieces, &["request_time", "upstream_response_time"], true);
    choose(&mut pieces, &["request_uri", "uri", "document_uri", "request"], with_path);
    Program::new(pieces, quotes)
}

/// The text that lines are made of, of a directive as it stands in `nginx.conf`, or of its last part.
fn written(text: &str) -> Result<(String, Quotes), String> {
    let text = text.trim();
    let mut quotes = Quotes::End;
    let directive = text.strip_prefix("log_format").filter(|rest| rest.starts_with(char::is_whitespace));
    let Some(rest) = directive else {
        let Some((escape, rest)) = text.strip_prefix("escape=").and_then(|rest| rest.split_once(' ')) else {
            return Ok((text.to_owned(), quotes));
        };
        return Ok((rest.trim_start().to_owned(), quotes_of(escape)?));
    };
    let mut words = words(rest.strip_suffix(';').unwrap_or(rest)).into_iter().skip(1).peekable();
    if let Some(escape) = words.next_if(|word| word.starts_with("escape=")) {
        quotes = quotes_of(escape.trim_start_matches("escape="))?;
    }
    Ok((words.collect(), quotes))
}

fn quotes_of(escape: &str) -> Result<Quotes, String> {
    match escape {
        "json" => Ok(Quotes::Backslash),
        "default" | "none" => Ok(Quotes::End),
        _ => Err(format!("`escape={escape}` is none of NGINX's: default, json or none")),
    }
}

/// The words of a directive; what is quoted is one, with its escapes resolved.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let quote = matches!(first, '\'' | '"').then_some(first);
        let mut word = String::new();
        let mut characters = rest.char_indices().skip(usize::from(quote.is_some()));
        let mut end = rest.len();
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => match characters.next() {
                    Some((_, 'n')) => word.push('\n'),
                    Some((_, 't')) => word.push('\t'),
                    Some((_, 'r')) => word.push('\r'),
                    Some((_, escaped @ ('\'' | '"' | '\\'))) => word.push(escaped),
                    Some((_, other)) => word.extend(['\\', other]),
                    None => word.push('\\'),
                },
                _ if quote == Some(character) => {
                    end = at + 1;
                    break;
                }
                _ if quote.is_none() && character.is_whitespace() => {
                    end = at;
                    break;
                }
                _ => word.push(character),
            }
        }
        words.push(word);
        rest = rest[end..].trim_start();
    }
    words
}

/// Text and variables, `$name` or `${name}`.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        let after = &rest[dollar + 1..];
        let (name, length) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, _)) => (name, name.len() + 2),
            None => {
                let in_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
                let end = after.find(|character| !in_name(character)).unwrap_or(after.len());
                (&after[..end], end)
            }
        };
        pieces.push(Piece::Text(rest[..dollar].into()));
        pieces.push(Piece::Field(field(name), name.to_owned()));
        rest = &after[length..];
    }
    pieces.push(Piece::Text(rest.into()));
    pieces.retain(|piece| *piece != Piece::Text(Vec::new()));
    pieces
}

fn field(variable: &str) -> Field {
    match variable {
        "status" => Field::Status,
        "upstream_status" => Field::StatusOfAttempts,
        "request_time" => Field::Seconds,
        "upstream_response_time" => Field::SecondsOfAttempts,
        "request" => Field::Request,
        "request_uri" | "uri" | "document_uri" => Field::Path,
        "upstream_addr"
        | "upstream_bytes_received"
        | "upstream_bytes_sent"
        | "upstream_connect_time"
        | "upstream_header_time"
        | "upstream_response_length"
        | "upstream_queue_time"
        | "upstream_first_byte_time"
        | "upstream_session_time" => Field::Attempts,
        _ => Field::Other,
    }
}

/// Of fields that say the same, keeps the one that says it best, the first of `names` that is there; none
/// where it is not needed.
fn choose(pieces: &mut [Piece], names: &[&str], needed: bool) {
    let has = |pieces: &[Piece], wanted: &str| {
        pieces.iter().any(|piece| matches!(piece, Piece::Field(_, name) if name == wanted))
    };
    let best = names.iter().find(|name| needed && has(pieces, name)).copied();
    let same: Vec<Field> = names.iter().map(|name| field(name)).collect();
    let mut kept = false;
    for piece in pieces {
        let Piece::Field(field, name) = piece else { continue };
        if !same.contains(field) {
            continue;
        }
        if Some(name.as_str()) == best && !kept {
            kept = true;
        } else {
            *field = match field {
                Field::StatusOfAttempts | Field::SecondsOfAttempts => Field::Attempts,
                _ => Field::Other,
            };
        }
    }
}
