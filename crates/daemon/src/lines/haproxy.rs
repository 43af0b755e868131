//! HAProxy's `option httplog`, as its configuration manual has it (8.2.3, "HTTP log format"), with or
//! without what syslog puts before it.

use memchr::{memchr, memchr_iter};

use super::program::{path, status, whole};
use super::{Heard, Line};

/// What a line says; one of a request is
/// `client:port [date] frontend backend/server TR/Tw/Tc/Tr/Ta status bytes cookie cookie state counts queues
/// {headers} "request"`.
pub(super) fn read(line: &[u8]) -> Line<'_> {
    match after_date(line) {
        Some(rest) => request(rest).map_or(Line::Malformed, Line::Request),
        None => Line::Notice,
    }
}

fn request(rest: &[u8]) -> Option<Heard<'_>> {
    let mut words = rest.splitn(10, |byte| *byte == b' ');
    let _frontend = words.next()?;
    let _server = words.next()?;
    let times = words.next()?;
    let status = match words.next()? {
        // There was no answer.
        b"-1" => 0,
        text => status(text)?,
    };
    let _bytes = words.next()?;
    let _request_cookie = words.next()?;
    let _response_cookie = words.next()?;
    let why = words.next().filter(|state| state.len() == 4)?;
    let _counts = words.next()?;
    // Quotes are encoded in captured headers, so the first one opens the request; it may be cut at its end.
    let after = words.next()?;
    let request = &after[memchr(b'"', after)? + 1..];
    let target = request.split(|byte| matches!(byte, b' ' | b'"')).nth(1).unwrap_or_default();
    Some(Heard { status, micros: micros(times)?, path: path(target), why })
}

/// The last of five times, from the first byte of the request to the last of the answer, in milliseconds; -1
/// where it is not known. With `option logasap` it has a plus, as it went on.
fn micros(times: &[u8]) -> Option<Option<u64>> {
    let mut parts = times.split(|byte| *byte == b'/');
    let last = parts.nth(4)?;
    if parts.next().is_some() {
        return None;
    }
    match last {
        b"-1" => Some(None),
        // How long it took in the end is not known.
        [b'+', rest @ ..] => whole(rest).map(|_| None),
        _ => Some(Some(whole(last)?.checked_mul(1000)?)),
    }
}

/// What follows ` [22/Nov/2026:22:00:00.123] `. Syslog's own fields may have brackets, but no such date in
/// them.
fn after_date(line: &[u8]) -> Option<&[u8]> {
    memchr_iter(b'[', line).find_map(|bracket| {
        let date = &line[bracket + 1..];
        let is_date = matches!(date, [d1, d2, b'/', m1, m2, m3, b'/', ..]
            if d1.is_ascii_digit() && d2.is_ascii_digit()
                && [m1, m2, m3].iter().all(|letter| letter.is_ascii_alphabetic()));
        let end = memchr(b']', date).filter(|_| is_date)?;
        date[end + 1..].strip_prefix(b" ")
    })
}
