//! The words of a key in any spelling, and sets of words to compare them with. Knows units, but not
//! what any other word means (that is `keys`).

use model::TimeUnit;

/// Where the words of a key stand in it.
pub(crate) fn pieces(key: &str) -> impl Iterator<Item = std::ops::Range<usize>> {
    let bytes = key.as_bytes();
    let mut start = 0;
    (0..=bytes.len()).filter_map(move |i| {
        let ends = match bytes.get(i) {
            None => true,
            Some(byte) if !byte.is_ascii_alphanumeric() => true,
            Some(byte) if i > start && byte.is_ascii_uppercase() => {
                // A capital starts a word behind a small letter, and before one (`MSTimeout`).
                !bytes[i - 1].is_ascii_uppercase()
                    || bytes.get(i + 1).is_some_and(|next| next.is_ascii_lowercase() && *next != b's')
            }
            Some(_) => false,
        };
        if !ends {
            return None;
        }
        let piece = start..i;
        start = i + usize::from(bytes.get(i).is_some_and(|byte| !byte.is_ascii_alphanumeric()));
        (!piece.is_empty()).then_some(piece)
    })
}

/// Alternative words, joined with `|` where they are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Any {
    words: &'static str,
    marks: u64,
}

/// Alternative words, from one literal: `retry|retries`.
pub(crate) const fn any(words: &'static str) -> Any {
    let mut marks = 0;
    let mut rest = Some(words);
    while let Some(words) = rest {
        let (word, behind) = split_once(words, "|");
        marks |= mark(word.as_bytes());
        rest = behind;
    }
    Any { words, marks }
}

impl Any {
    /// The marks of the words, together.
    pub(crate) const fn marks(self) -> u64 {
        self.marks
    }

    pub(crate) fn holds(self, word: &[u8]) -> bool {
        self.words.split('|').any(|own| own.as_bytes() == word)
    }
}

/// One bit of 64 for a word. Sets of words that share no bit share no word, which spares comparing
/// the words of a key with each of those that the patterns name.
const fn mark(word: &[u8]) -> u64 {
    let mut hash: u32 = 0;
    let mut at = 0;
    while at < word.len() {
        hash = hash.wrapping_mul(31).wrapping_add(word[at] as u32);
        at += 1;
    }
    // The upper bits of a product depend on all bits of both factors (Fibonacci hashing).
    1 << (hash.wrapping_mul(0x9E37_79B9) >> 26)
}

/// What stands before a separator and, where there is one, behind it: `str::split_once` for
/// constants.
pub(crate) const fn split_once(text: &'static str, separator: &str) -> (&'static str, Option<&'static str>) {
    let (bytes, wanted) = (text.as_bytes(), separator.as_bytes());
    let mut at = 0;
    while at + wanted.len() <= bytes.len() {
        let mut same = 0;
        while same < wanted.len() && bytes[at + same] == wanted[same] {
            same += 1;
        }
        if same == wanted.len() {
            return (text.split_at(at).0, Some(text.split_at(at + wanted.len()).1));
        }
        at += 1;
    }
    (text, None)
}

/// The words of a key, lower case, in order. Holds its own bytes, so splitting allocates nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words {
    bytes: [u8; Words::BYTES],
    ends: [u8; Words::MOST],
    count: usize,
    /// At least the marks of all words.
    marks: u64,
}

impl Default for Words {
    fn default() -> Self {
        Self { bytes: [0; Self::BYTES], ends: [0; Self::MOST], count: 0, marks: 0 }
    }
}

impl Words {
    /// Longer keys lose their end: no product has them (the longest Envoy field has 61 letters).
    const BYTES: usize = 128;
    const MOST: usize = 24;

    pub(crate) fn split(key: &str) -> Self {
        let mut words = Self::default();
        words.add(key);
        words
    }

    /// Adds the words of another key.
    pub(crate) fn add(&mut self, key: &str) {
        for piece in pieces(key) {
            self.push(&key.as_bytes()[piece]);
        }
    }

    fn push(&mut self, word: &[u8]) {
        // Words run together (`connecttimeout`, `maxretries`, `poolsize`) are taken apart at the
        // words that every product writes in both ways.
        for known in ["timeouts", "timeout", "retries", "retry", "attempts", "keepalive", "backoff", "pool"] {
            if word.len() > known.len() {
                let (head, tail) = word.split_at(word.len() - known.len());
                if tail.eq_ignore_ascii_case(known.as_bytes()) && head.len() > 1 {
                    self.push(head);
                    self.push(tail);
                    return;
                }
                let (head, tail) = word.split_at(known.len());
                let is_ours = head.eq_ignore_ascii_case(known.as_bytes());
                if is_ours && UNIT_WORDS.iter().any(|(unit, _)| tail.eq_ignore_ascii_case(unit.as_bytes())) {
                    self.push(head);
                    self.push(tail);
                    return;
                }
            }
        }
        for (run_together, first, second) in [
            ("maxconn", "max", "connections"),
            ("maxconns", "max", "connections"),
            ("maxconnections", "max", "connections"),
            ("poolsize", "pool", "size"),
            ("graceperiod", "grace", "period"),
            ("failurethreshold", "failure", "threshold"),
        ] {
            if word.eq_ignore_ascii_case(run_together.as_bytes()) {
                self.append(first.as_bytes());
                self.append(second.as_bytes());
                return;
            }
        }
        for (first, second, joined) in [
            ("time", "out", "timeout"),
            ("time", "outs", "timeout"),
            ("keep", "alive", "keepalive"),
            ("keep", "alives", "keepalive"),
            ("back", "off", "backoff"),
            ("dead", "line", "deadline"),
            ("hand", "shake", "handshake"),
            ("life", "time", "lifetime"),
        ] {
            if self.last() == Some(first.as_bytes()) && word.eq_ignore_ascii_case(second.as_bytes()) {
                self.count -= 1;
                self.append(joined.as_bytes());
                return;
            }
        }
        let same = [
            ("timeouts", "timeout"),
            ("deadlines", "deadline"),
            ("keepalives", "keepalive"),
            ("conn", "connection"),
            ("conns", "connections"),
            ("retrys", "retries"),
            ("connects", "connect"),
        ];
        match same.iter().find(|(word_, _)| word.eq_ignore_ascii_case(word_.as_bytes())) {
            Some((_, plain)) => self.append(plain.as_bytes()),
            None => self.append(word),
        }
    }

    fn append(&mut self, word: &[u8]) {
        let start = self.end();
        if self.count == Self::MOST || start + word.len() > Self::BYTES {
            return;
        }
        for (to, from) in self.bytes[start..].iter_mut().zip(word) {
            *to = from.to_ascii_lowercase();
        }
        self.marks |= mark(&self.bytes[start..start + word.len()]);
        self.ends[self.count] = (start + word.len()) as u8;
        self.count += 1;
    }

    fn end(&self) -> usize {
        self.count.checked_sub(1).map_or(0, |last| usize::from(self.ends[last]))
    }

    fn get(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| usize::from(self.ends[before]));
        &self.bytes[start..usize::from(self.ends[index])]
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.count).map(|index| self.get(index))
    }

    fn last(&self) -> Option<&[u8]> {
        self.count.checked_sub(1).map(|last| self.get(last))
    }

    pub(crate) fn has(&self, word: &str) -> bool {
        self.iter().any(|own| own == word.as_bytes())
    }

    /// Whether one of the words may be one with these marks.
    pub(crate) fn has_mark_of(&self, marks: u64) -> bool {
        self.marks & marks != 0
    }

    pub(crate) fn has_any(&self, any: Any) -> bool {
        self.marks & any.marks != 0 && any.words.split('|').any(|word| self.has(word))
    }

    /// The words without a unit behind them and without the `in` before the unit.
    fn without_unit(&self) -> usize {
        let mut count = self.count;
        while count > 1 && (unit_of_word(self.get(count - 1)).is_some() || self.get(count - 1) == b"in") {
            count -= 1;
        }
        count
    }

    pub(crate) fn last_is(&self, any: Any) -> bool {
        self.marks & any.marks != 0 && {
            let count = self.without_unit();
            count > 0 && any.holds(self.get(count - 1))
        }
    }

    pub(crate) fn only(&self, any: Any) -> bool {
        self.marks & any.marks != 0 && self.without_unit() == 1 && any.holds(self.get(0))
    }

    /// The unit, where the words are nothing else.
    pub(crate) fn only_unit(&self) -> Option<TimeUnit> {
        if self.count == 1 { unit_of_word(self.get(0)) } else { None }
    }

    /// The unit that the words name: at the end, or one that cannot be anything else anywhere.
    pub(crate) fn unit(&self) -> Option<TimeUnit> {
        let last = unit_of_word(self.last()?).filter(|_| self.count > 1);
        last.or_else(|| self.iter().skip(1).filter(|word| word.len() > 1).find_map(unit_of_word))
    }
}

/// Units as keys name them. `min` is left out: it is the minimum as often as the minute.
const UNIT_WORDS: &[(&str, TimeUnit)] = &[
    ("ns", TimeUnit::Nanoseconds),
    ("nanos", TimeUnit::Nanoseconds),
    ("nanoseconds", TimeUnit::Nanoseconds),
    ("us", TimeUnit::Microseconds),
    ("usec", TimeUnit::Microseconds),
    ("micros", TimeUnit::Microseconds),
    ("microseconds", TimeUnit::Microseconds),
    ("ms", TimeUnit::Milliseconds),
    ("msec", TimeUnit::Milliseconds),
    ("msecs", TimeUnit::Milliseconds),
    ("millis", TimeUnit::Milliseconds),
    ("millisec", TimeUnit::Milliseconds),
    ("millisecond", TimeUnit::Milliseconds),
    ("milliseconds", TimeUnit::Milliseconds),
    ("s", TimeUnit::Seconds),
    ("sec", TimeUnit::Seconds),
    ("secs", TimeUnit::Seconds),
    ("seconds", TimeUnit::Seconds),
    ("mins", TimeUnit::Minutes),
    ("minutes", TimeUnit::Minutes),
    ("hours", TimeUnit::Hours),
    ("hrs", TimeUnit::Hours),
    ("days", TimeUnit::Days),
];

pub(crate) fn unit_of_word(word: &[u8]) -> Option<TimeUnit> {
    UNIT_WORDS.iter().find(|(name, _)| name.as_bytes() == word).map(|&(_, unit)| unit)
}
