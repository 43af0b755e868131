//! Envoy's access log format string as a program of fields. Knows which command operators say what; they
//! and the default are from "Access logging" of envoyproxy.io.

use super::Says;
use super::program::{Field, Piece, Program, Quotes};

/// What Envoy writes where no format is stated.
const DEFAULT: &str = "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" \
     %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% \
     %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" \
     \"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\"\n";

/// A program for a format string.
pub(super) fn compile(text: Option<&str>, with_path: bool) -> Result<(Program, Says), String> {
    let text = text.unwrap_or(DEFAULT).trim_end_matches('\n');
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('%') {
        pieces.push(Piece::Text(rest[..start].into()));
        let after = &rest[start + 1..];
        if let Some(after) = after.strip_prefix('%') {
            pieces.push(Piece::Text(b"%".to_vec()));
            rest = after;
            continue;
        }
        let length = operator(after)
            .ok_or_else(|| format!("the log's format has a `%` that begins no command operator: %{after}"))?;
        let written = &after[..length];
        pieces.push(Piece::Field(field(written), written.to_owned()));
        rest = &after[length + 1..];
    }
    pieces.push(Piece::Text(rest.into()));
    pieces.retain(|piece| *piece != Piece::Text(Vec::new()));
    choose(&mut pieces, |field| field == Field::Status, true);
    choose(&mut pieces, |field| field == Field::Millis, true);
    choose(&mut pieces, |field| field == Field::Why, true);
    choose(&mut pieces, |field| field == Field::Path, with_path);
    // Envoy writes values as they are, quotes included.
    Program::new(pieces, Quotes::End)
}

/// How long an operator is, up to its closing `%`: a name, arguments in brackets, a length after a colon.
fn operator(text: &str) -> Option<usize> {
    let name = text
        .find(|character: char| !(character.is_ascii_uppercase() || matches!(character, '_' | '0'..='9')))?;
    let mut end = name;
    if text[end..].starts_with('(') {
        end += text[end..].find(')')? + 1;
    }
    if let Some(length) = text[end..].strip_prefix(':') {
        end += 1 + length.find(|character: char| !character.is_ascii_digit())?;
    }
    (name > 0 && text[end..].starts_with('%')).then_some(end)
}

fn field(operator: &str) -> Field {
    let (name, arguments) = operator.split_once('(').unwrap_or((operator, ""));
    let header = arguments.split(')').next().unwrap_or_default();
    match name {
        "RESPONSE_CODE" => Field::Status,
        "DURATION" => Field::Millis,
        "RESPONSE_FLAGS" | "RESPONSE_FLAGS_LONG" => Field::Why,
        "REQ" | "REQUEST_HEADER" if header.split('?').any(|header| header.eq_ignore_ascii_case(":path")) => {
            Field::Path
        }
        "PATH" => Field::Path,
        _ => Field::Other,
    }
}

/// Keeps the first field of a kind, if it is needed.
fn choose(pieces: &mut [Piece], kind: impl Fn(Field) -> bool, needed: bool) {
    let of_kind = |piece: &&mut Piece| matches!(piece, Piece::Field(field, _) if kind(*field));
    for piece in pieces.iter_mut().filter(of_kind).skip(usize::from(needed)) {
        if let Piece::Field(field, _) = piece {
            *field = Field::Other;
        }
    }
}
