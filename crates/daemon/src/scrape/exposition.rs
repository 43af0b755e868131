//! One answer in Prometheus' text format (0.0.4) or in OpenMetrics', read piece by piece as it comes.
//! Lines that the mapping does not name are passed over.

use memchr::memchr;
use watch::journal::Why;
use watch::tally::Tally;

use super::Unusable;
use super::line::{self, Room, name_end, number};
use super::mapping::Ready;
use super::totals::{Limits, Remark, Totals};

/// The longest line of a metric that the mapping names, in bytes.
const LONGEST_LINE: usize = 64 * 1024;

/// An answer, as far as it has been read.
pub(super) struct Exposition<'m> {
    mapping: &'m Ready,
    totals: Totals,
    room: Room,
    /// The begin of a line whose end has not come yet.
    begun: Vec<u8>,
    /// Whether the rest of the line is passed over.
    passing: bool,
    lines: u64,
    /// Whether a sample has been looked at: the first is, whatever it is of, so that a text that only
    /// looks like the format is told apart.
    looked: bool,
    /// Whether the family of requests was declared.
    declared: bool,
    /// Whether the answer must be, and was, ended by `# EOF`.
    marks_end: bool,
    ended: bool,
}

impl<'m> Exposition<'m> {
    /// `marks_end`: it is OpenMetrics, which ends with `# EOF`.
    pub(super) fn new(mapping: &'m Ready, marks_end: bool) -> Self {
        Self {
            mapping,
            totals: Totals::new(mapping.reasons),
            room: Room::default(),
            begun: Vec::new(),
            passing: false,
            lines: 0,
            looked: false,
            declared: false,
            marks_end,
            ended: false,
        }
    }

    /// Reads the next piece.
    pub(super) fn feed(&mut self, piece: &[u8]) -> Result<(), Unusable> {
        let mut rest = piece;
        while let Some(end) = memchr(b'\n', rest) {
            let (line, after) = (&rest[..end], &rest[end + 1..]);
            if self.passing {
                self.passing = false;
                self.lines += 1;
            } else if self.begun.is_empty() {
                self.line(line)?;
            } else {
                self.join(line)?;
            }
            rest = after;
        }
        if self.passing || rest.is_empty() {
            return Ok(());
        }
        if self.begun.len() + rest.len() <= LONGEST_LINE {
            self.begun.extend_from_slice(rest);
            return Ok(());
        }
        let mut begin = std::mem::take(&mut self.begun);
        begin.extend_from_slice(&rest[..rest.len().min(LONGEST_LINE)]);
        if self.mapping.metric(&begin).is_some() {
            self.lines += 1;
            return Err(self.format(format!("longer than {LONGEST_LINE} bytes")));
        }
        self.passing = true;
        Ok(())
    }

    /// Reads a line whose begin came before.
    fn join(&mut self, end: &[u8]) -> Result<(), Unusable> {
        let mut line = std::mem::take(&mut self.begun);
        line.extend_from_slice(end);
        let read = self.line(&line);
        line.clear();
        self.begun = line;
        read
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Unusable> {
        self.lines += 1;
        if self.ended {
            return Err(self.format("something after `# EOF`".to_owned()));
        }
        let line = line.trim_ascii_start();
        match line.first() {
            None => return Ok(()),
            Some(b'#') => {
                self.comment(line);
                return Ok(());
            }
            Some(byte) if byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':' | b'{') => {}
            Some(_) => return Err(self.format("no metric's name".to_owned())),
        }
        let mapping = self.mapping;
        let Some((metric, rest)) = mapping.metric(line) else {
            return if self.looked { Ok(()) } else { self.other(line) };
        };
        self.looked = true;
        let lines = self.lines;
        let (labels, value) = line::sample(rest, &mut self.room)
            .map_err(|what| Unusable::new(Why::Format, format!("line {lines}: {what}")))?;
        let roles = metric.roles(&labels);
        if !roles.any() {
            return Ok(());
        }
        self.totals.add(metric.name(), &labels, roles, value).map_err(|bad| bad.at_line(lines))
    }

    /// Looks at a sample that is not ours.
    fn other(&mut self, line: &[u8]) -> Result<(), Unusable> {
        self.looked = true;
        // The name may stand among the labels, in quotes, since Prometheus 3; in JSON a colon would follow.
        if line.starts_with(b"{\"") {
            let named = matches!(line::after_quoted(line, 2), Some(b',' | b'}'));
            return if named { Ok(()) } else { Err(self.format("no sample".to_owned())) };
        }
        let end = name_end(line);
        let read = line::sample(&line[end..], &mut self.room).map(|(_, value)| number(value).is_some());
        match read {
            Ok(true) if end > 0 => Ok(()),
            Ok(_) => Err(self.format("no sample".to_owned())),
            Err(what) => Err(self.format(what.to_owned())),
        }
    }

    fn comment(&mut self, line: &[u8]) {
        if self.marks_end && line == b"# EOF" {
            self.ended = true;
        } else if let Some(declared) = line.strip_prefix(b"# TYPE ") {
            let family = &declared[..name_end(declared)];
            self.declared = self.declared || self.mapping.counts_requests(family);
        }
    }

    fn format(&self, what: String) -> Unusable {
        Unusable::new(Why::Format, what).at_line(self.lines.max(1))
    }

    /// What was counted. `whole`: the answer is known to have come to its end.
    pub(super) fn finish(
        mut self,
        whole: bool,
        limits: &Limits,
        remarks: &mut Vec<Remark>,
    ) -> Result<Tally, Unusable> {
        let cut = |words: &str| Unusable::new(Why::Body, words.to_owned());
        if !self.begun.is_empty() || self.passing {
            if !whole {
                return Err(cut("the answer ends in the middle of a line"));
            }
            if !self.passing {
                self.join(b"")?;
            }
        }
        if self.marks_end && !self.ended {
            return Err(cut("the answer does not end with `# EOF`"));
        }
        let (mapping, lines) = (self.mapping, self.lines);
        let tally = self.totals.finish(limits, self.declared, mapping.durations, remarks)?;
        tally.ok_or_else(|| {
            let words = format!("none of its {lines} lines is a series of {}", mapping.requests);
            Unusable::new(Why::Absent, words)
        })
    }
}
