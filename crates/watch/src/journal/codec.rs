//! The journal as rows of bytes. Running totals are written as what they grew by since the last ones of
//! the same target, so that a quiet look is a few bytes; a key row builds on nothing, and reading can
//! begin there.
//!
//! A row's checksum goes on from that of the row before it: a row that is missing is noticed as surely as
//! one that is damaged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bytes::{self, Bytes, Unreadable, put, put_signed};
use super::{Entry, Input, Reading, Said, Why};
use crate::tally::Tally;
use crate::time::At;

/// The form that is written.
pub(super) const VERSION: u8 = 2;
/// The lowest bit of a row's first byte: it is a key row.
const KEY: u8 = 1;

/// The first byte of an entry: it is a look,
const LOOK: u8 = 0x80;
/// of the moment of the entry before it,
const SAME_AT: u8 = 0x40;
/// at the service after the one last looked at,
const NEXT_SERVICE: u8 = 0x20;
/// with one reading, of the first target, whose form is in the low bits.
const ONE_READING: u8 = 0x10;
const FORM: u8 = 0x0f;
/// An entry that is no look: time that went by,
const TICK: u8 = 1;
/// or anything else.
const OTHER: u8 = 0;

/// The form of a reading: nothing,
const NOTHING: u8 = 0;
/// totals as they are,
const WHOLE: u8 = 1;
/// counts since the last reading, of the shape of the last ones,
const SINCE: u8 = 2;
/// or of another,
const SINCE_SHAPED: u8 = 3;
/// or what totals grew by; the bits below are those of [`put_counts`].
const GROWN: u8 = 8;

/// Of counts: nothing but requests and durations,
const ONLY_REQUESTS: u8 = 1;
/// as many durations as requests,
const ALL_TIMED: u8 = 2;
/// or another number of them.
const SOME_TIMED: u8 = 4;

/// What rows build on. Whoever writes rows keeps one, and whoever reads them another; both are the same
/// after the same rows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Coder {
    /// A row was written or read.
    begun: bool,
    /// The checksum of the last row.
    checksum: u32,
    at: At,
    service: u16,
    targets: BTreeMap<(u16, u16), Last>,
}

/// What a target said last.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Last {
    totals: Option<Tally>,
    /// The shape of the last counts of an input that is read once: how many reasons and timeouts.
    shape: (usize, usize),
    position: Vec<u8>,
}

impl Coder {
    /// Forgets everything, so that the next row is a key row: where reading may begin, and after a row
    /// that was encoded could not be kept.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Forgets what an entry makes void: places mean something else from now on.
    fn heed(&mut self, input: &Input) {
        match input {
            Input::Started(_) => self.targets.clear(),
            Input::Targets { service, .. } => self.targets.retain(|(of, _), _| of != service),
            _ => {}
        }
    }
}

/// Writes entries as one row.
#[must_use]
pub fn encode(entries: &[Entry], coder: &mut Coder) -> Vec<u8> {
    let key = if coder.begun { 0 } else { KEY };
    let mut bytes = vec![VERSION << 1 | key];
    for entry in entries {
        put_entry(&mut bytes, entry, coder);
    }
    coder.begun = true;
    coder.checksum = bytes::seal(&mut bytes, coder.checksum);
    bytes
}

/// Reads a row. After an error the coder reads nothing but a key row.
///
/// # Errors
///
/// Where the row is of another version, damaged, or not the next one.
pub fn decode(row: &[u8], coder: &mut Coder) -> Result<Vec<Entry>, Unreadable> {
    let result = read(row, coder);
    if result.is_err() {
        coder.reset();
    }
    result
}

/// Whether reading can begin with this row.
#[must_use]
pub fn is_key(row: &[u8]) -> bool {
    row.first() == Some(&(VERSION << 1 | KEY))
}

fn read(row: &[u8], coder: &mut Coder) -> Result<Vec<Entry>, Unreadable> {
    let first = *row.first().ok_or(Unreadable::Checksum)?;
    if first >> 1 != VERSION {
        return Err(Unreadable::Version(first >> 1));
    }
    if first & KEY != 0 {
        coder.reset();
    } else if !coder.begun {
        return Err(Unreadable::Middle);
    }
    let (content, checksum) = bytes::unsealed(row, coder.checksum)?;
    let mut bytes = Bytes(&content[1..]);
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        entries.push(entry(&mut bytes, coder)?);
    }
    coder.begun = true;
    coder.checksum = checksum;
    Ok(entries)
}

fn put_entry(bytes: &mut Vec<u8>, entry: &Entry, coder: &mut Coder) {
    let same_at = if entry.at == coder.at { SAME_AT } else { 0 };
    let moved = entry.at.0.wrapping_sub(coder.at.0).cast_signed();
    coder.at = entry.at;
    let put_at = |bytes: &mut Vec<u8>| {
        if same_at == 0 {
            put_signed(bytes, moved);
        }
    };
    match &entry.input {
        Input::Look { service, readings } => {
            let next = *service == coder.service.wrapping_add(1);
            let next = if next { NEXT_SERVICE } else { 0 };
            coder.service = *service;
            let head = bytes.len();
            bytes.push(LOOK | same_at | next);
            put_at(bytes);
            if next == 0 {
                put(bytes, u64::from(*service));
            }
            if let [Reading { target: 0, said }] = readings.as_slice() {
                let last = coder.targets.entry((*service, 0)).or_default();
                bytes[head] |= ONE_READING | form(said, last);
                put_said(bytes, said, last);
                return;
            }
            put(bytes, readings.len() as u64);
            for Reading { target, said } in readings {
                let last = coder.targets.entry((*service, *target)).or_default();
                put(bytes, u64::from(*target));
                bytes.push(form(said, last));
                put_said(bytes, said, last);
            }
        }
        Input::Tick => {
            bytes.push(TICK | same_at);
            put_at(bytes);
        }
        other => {
            bytes.push(OTHER | same_at);
            put_at(bytes);
            let written = postcard::to_extend(other, std::mem::take(bytes));
            *bytes = written.expect("bug: lengths are known and a vector grows");
            coder.heed(other);
        }
    }
}

fn entry(bytes: &mut Bytes<'_>, coder: &mut Coder) -> Result<Entry, Unreadable> {
    let head = bytes.byte()?;
    if head & SAME_AT == 0 {
        coder.at = At(coder.at.0.wrapping_add(bytes.signed()?.cast_unsigned()));
    }
    let at = coder.at;
    let input = match head & !SAME_AT {
        head if head & LOOK != 0 => look(head, bytes, coder)?,
        TICK => Input::Tick,
        OTHER => {
            let (input, rest) = postcard::take_from_bytes(bytes.0).map_err(|_| Unreadable::Form)?;
            bytes.0 = rest;
            coder.heed(&input);
            input
        }
        _ => return Err(Unreadable::Form),
    };
    Ok(Entry { at, input })
}

fn look(head: u8, bytes: &mut Bytes<'_>, coder: &mut Coder) -> Result<Input, Unreadable> {
    let next = head & NEXT_SERVICE != 0;
    let service = if next { coder.service.wrapping_add(1) } else { bytes.short()? };
    coder.service = service;
    if head & ONE_READING != 0 {
        let last = coder.targets.entry((service, 0)).or_default();
        let said = said(head & FORM, bytes, last)?;
        return Ok(Input::Look { service, readings: vec![Reading { target: 0, said }] });
    }
    let length = bytes.length()?;
    let mut readings = Vec::with_capacity(length);
    for _ in 0..length {
        let target = bytes.short()?;
        let last = coder.targets.entry((service, target)).or_default();
        let form = bytes.byte()?;
        readings.push(Reading { target, said: said(form, bytes, last)? });
    }
    Ok(Input::Look { service, readings })
}

/// In which form something is written.
fn form(said: &Said, last: &Last) -> u8 {
    match said {
        Said::Nothing(_) => NOTHING,
        Said::Totals(now) => match &last.totals {
            Some(before) if now.is_beyond(before) && counters(now) <= 64 => {
                GROWN | counts_form(now, Some(before))
            }
            _ => WHOLE,
        },
        Said::Since { tally, .. } if counters(tally) > 64 || shape(tally) != last.shape => SINCE_SHAPED,
        Said::Since { .. } => SINCE,
    }
}

fn put_said(bytes: &mut Vec<u8>, said: &Said, last: &mut Last) {
    let form = form(said, last);
    match said {
        Said::Nothing(why) => bytes.push(*why as u8),
        Said::Totals(now) => {
            if form == WHOLE {
                put_whole(bytes, now);
            } else {
                put_counts(bytes, form, now, last.totals.as_ref());
            }
            match &mut last.totals {
                Some(totals) => totals.clone_from(now),
                None => last.totals = Some(now.clone()),
            }
        }
        Said::Since { tally, position } => {
            if form == SINCE_SHAPED {
                put_whole(bytes, tally);
                last.shape = shape(tally);
            } else {
                let form = counts_form(tally, None);
                bytes.push(form);
                put_counts(bytes, form, tally, None);
            }
            put_position(bytes, position, &last.position);
            last.position.clone_from(position);
        }
    }
}

fn said(form: u8, bytes: &mut Bytes<'_>, last: &mut Last) -> Result<Said, Unreadable> {
    match form {
        NOTHING => {
            let why = Why::ALL.get(usize::from(bytes.byte()?)).ok_or(Unreadable::Form)?;
            Ok(Said::Nothing(*why))
        }
        WHOLE => {
            let now = whole(bytes)?;
            last.totals = Some(now.clone());
            Ok(Said::Totals(now))
        }
        SINCE | SINCE_SHAPED => {
            let tally = if form == SINCE_SHAPED {
                whole(bytes)?
            } else {
                let (reasons, timeouts) = last.shape;
                let mut tally = Tally::empty(reasons, timeouts);
                let form = bytes.byte()?;
                add_counts(form, bytes, &mut tally)?;
                tally
            };
            last.shape = shape(&tally);
            let position = position(bytes, &last.position)?;
            last.position.clone_from(&position);
            Ok(Said::Since { tally, position })
        }
        grown if grown & GROWN != 0 => {
            let totals = last.totals.as_mut().ok_or(Unreadable::Form)?;
            add_counts(grown & !GROWN, bytes, totals)?;
            Ok(Said::Totals(totals.clone()))
        }
        _ => Err(Unreadable::Form),
    }
}

fn shape(tally: &Tally) -> (usize, usize) {
    (tally.failed.len(), tally.piled.len())
}

/// How many counts there are beside requests and durations.
fn counters(tally: &Tally) -> usize {
    tally.failed.len() + 1 + tally.piled.len()
}

/// The counts beside requests and durations: failures first, as they come most often.
fn rest(tally: &Tally) -> impl Iterator<Item = u64> {
    tally.failed.iter().copied().chain([tally.slow]).chain(tally.piled.iter().copied())
}

fn rest_mut(tally: &mut Tally) -> impl Iterator<Item = &mut u64> {
    tally.failed.iter_mut().chain([&mut tally.slow]).chain(tally.piled.iter_mut())
}

/// What the counts beside requests and durations grew by.
fn grown<'a>(now: &'a Tally, before: Option<&'a Tally>) -> impl Iterator<Item = u64> + 'a {
    let mut before = before.map(rest);
    rest(now).map(move |now| now - before.as_mut().and_then(Iterator::next).unwrap_or(0))
}

fn counts_form(now: &Tally, before: Option<&Tally>) -> u8 {
    let (requests, timed) = before.map_or((0, 0), |before| (before.requests, before.timed));
    let (requests, timed) = (now.requests - requests, now.timed - timed);
    let only = if grown(now, before).all(|grown| grown == 0) { ONLY_REQUESTS } else { 0 };
    only | match timed {
        0 => 0,
        timed if timed == requests => ALL_TIMED,
        _ => SOME_TIMED,
    }
}

/// Writes what counts grew by: requests, durations, then which others grew, as bits, and by how much.
fn put_counts(bytes: &mut Vec<u8>, form: u8, now: &Tally, before: Option<&Tally>) {
    put(bytes, now.requests - before.map_or(0, |before| before.requests));
    if form & SOME_TIMED != 0 {
        put(bytes, now.timed - before.map_or(0, |before| before.timed));
    }
    if form & ONLY_REQUESTS == 0 {
        let bit = |(place, grown): (usize, u64)| u64::from(grown > 0) << place;
        put(bytes, grown(now, before).enumerate().map(bit).sum());
        grown(now, before).filter(|grown| *grown > 0).for_each(|grown| put(bytes, grown));
    }
}

fn add_counts(form: u8, bytes: &mut Bytes<'_>, tally: &mut Tally) -> Result<(), Unreadable> {
    let add = |count: &mut u64, grown: u64| {
        *count = count.checked_add(grown).ok_or(Unreadable::Form)?;
        Ok(())
    };
    let requests = bytes.number()?;
    let timed = match form & (ALL_TIMED | SOME_TIMED) {
        0 => 0,
        ALL_TIMED => requests,
        SOME_TIMED => bytes.number()?,
        _ => return Err(Unreadable::Form),
    };
    add(&mut tally.requests, requests)?;
    add(&mut tally.timed, timed)?;
    if form & ONLY_REQUESTS != 0 {
        return Ok(());
    }
    let bits = bytes.number()?;
    for (place, count) in rest_mut(tally).take(64).enumerate() {
        if bits >> place & 1 == 1 {
            add(count, bytes.number()?)?;
        }
    }
    Ok(())
}

fn put_whole(bytes: &mut Vec<u8>, tally: &Tally) {
    let Tally { requests, failed, timed, slow, piled } = tally;
    for number in [*requests, *timed, *slow, failed.len() as u64, piled.len() as u64] {
        put(bytes, number);
    }
    failed.iter().chain(piled).for_each(|count| put(bytes, *count));
}

fn whole(bytes: &mut Bytes<'_>) -> Result<Tally, Unreadable> {
    let (requests, timed, slow) = (bytes.number()?, bytes.number()?, bytes.number()?);
    let (reasons, timeouts) = (bytes.length()?, bytes.length()?);
    let mut counts = |length| (0..length).map(|_| bytes.number()).collect::<Result<Vec<_>, _>>();
    Ok(Tally { requests, timed, slow, failed: counts(reasons)?, piled: counts(timeouts)? })
}

/// Writes where an input goes on: mostly an offset in it has changed, and what stands around it has not.
fn put_position(bytes: &mut Vec<u8>, position: &[u8], last: &[u8]) {
    let same = |(a, b): &(&u8, &u8)| a == b;
    let front = position.iter().zip(last).take_while(same).count();
    let back = position[front..].iter().rev().zip(last[front..].iter().rev()).take_while(same).count();
    let middle = &position[front..position.len() - back];
    for number in [front, back, middle.len()] {
        put(bytes, number as u64);
    }
    bytes.extend_from_slice(middle);
}

fn position(bytes: &mut Bytes<'_>, last: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let (front, back, middle) = (bytes.number()?, bytes.number()?, bytes.number()?);
    let middle = bytes.take(middle)?;
    let mut kept = Bytes(last);
    let front = kept.take(front)?;
    let between = (kept.0.len() as u64).checked_sub(back).ok_or(Unreadable::Form)?;
    kept.take(between)?;
    Ok([front, middle, kept.0].concat())
}
