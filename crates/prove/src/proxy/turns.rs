//! Whose turn a conversation is at: a turn begins with the first byte after the direction changes.

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The service under test.
    Caller,
    /// The dependency.
    Dependency,
}

/// What is known of a conversation by its bytes.
#[derive(Debug, Default)]
pub(super) struct Turns {
    last: Option<Side>,
    kind: Kind,
    /// The caller has asked whether it may begin TLS, and waits for the one byte that says so.
    may_encrypt: bool,
}

/// What is spoken, as far as it changes what a turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    /// One asks, the other answers.
    #[default]
    Plain,
    /// The handshake's flights are no answers.
    Tls,
    /// Many questions at once over one connection.
    Multiplexed,
}

/// The types of TLS records that carry a handshake, and what was agreed on: the conversation itself. A
/// header has the version 3.x and a length behind its type (RFC 8446, 5.1).
const HANDSHAKE: u8 = 22;
const APPLICATION: u8 = 23;
const HEADER: usize = 5;
/// The type of the handshake's first message (RFC 8446, 4).
const CLIENT_HELLO: u8 = 1;
/// How a client begins HTTP/2, at once or after an upgrade (RFC 9113, 3.4; RFC 7540, 3.2).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n";
/// How a client of PostgreSQL asks for encryption: SSLRequest and GSSENCRequest (its documentation,
/// "Message Formats").
const MAY_ENCRYPT: [[u8; 8]; 2] = [[0, 0, 0, 8, 4, 210, 22, 47], [0, 0, 0, 8, 4, 210, 22, 48]];
/// How the packet begins with which a client of MySQL announces TLS, its 32 bytes and the sequence number 1,
/// and where what follows it begins: nobody answers it (its documentation, `Protocol::SSLRequest`).
const ANNOUNCED: (&[u8], usize) = (&[32, 0, 0, 1], 36);

impl Turns {
    /// Notes bytes, and says whether a turn begins with them that takes time.
    pub(super) fn begins(&mut self, side: Side, bytes: &[u8]) -> bool {
        if side == Side::Caller && self.kind == Kind::Plain {
            // At once, or after both agreed to: STARTTLS is a turn of many protocols.
            self.kind = kind(bytes);
            if self.kind == Kind::Tls {
                self.last = None;
            }
        }
        if self.is_before(side, bytes) {
            return false;
        }
        self.last.replace(side) != Some(side)
    }

    /// Whether bytes only lead to a conversation.
    fn is_before(&mut self, side: Side, bytes: &[u8]) -> bool {
        match (self.kind, side) {
            (Kind::Tls, Side::Caller) => !records(bytes).any(|kind| kind == APPLICATION),
            // The server's flight holds such records too (RFC 8446, 4.3).
            (Kind::Tls, Side::Dependency) => self.last.is_none() || bytes.first() != Some(&APPLICATION),
            (Kind::Plain, Side::Caller) => {
                self.may_encrypt = MAY_ENCRYPT.iter().any(|request| request == bytes);
                self.may_encrypt
            }
            (Kind::Plain, Side::Dependency) => std::mem::take(&mut self.may_encrypt) && bytes.len() == 1,
            (Kind::Multiplexed, _) => false,
        }
    }

    /// What is spoken.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }
}

/// What a caller's bytes begin.
fn kind(bytes: &[u8]) -> Kind {
    let (announced, length) = ANNOUNCED;
    let behind = if bytes.starts_with(announced) { bytes.get(length..) } else { None };
    match behind.unwrap_or(bytes) {
        // A header and a type: a packet of MySQL may begin with the same length and number.
        [HANDSHAKE, 3, _, _, _, CLIENT_HELLO, ..] => Kind::Tls,
        plain if plain.starts_with(PREFACE) => Kind::Multiplexed,
        _ => Kind::Plain,
    }
}

/// The types of the TLS records that begin in these bytes, the first one at once.
fn records(mut bytes: &[u8]) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        let &[kind, 3, _, high, low, ..] = bytes else { return None };
        let length = HEADER + usize::from(u16::from_be_bytes([high, low]));
        bytes = bytes.get(length..).unwrap_or_default();
        Some(kind)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(conversation: &[(Side, &[u8])]) -> Vec<bool> {
        let mut turns = Turns::default();
        conversation.iter().map(|(side, bytes)| turns.begins(*side, bytes)).collect()
    }

    #[test]
    fn a_turn_begins_where_the_direction_changes() {
        use Side::{Caller, Dependency};
        let conversation: [(Side, &[u8]); 5] = [
            (Caller, b"GET / HTTP/1.1\r\n"),
            (Caller, b"\r\n"),
            (Dependency, b"HTTP/1.1 200 OK\r\n"),
            (Dependency, b"\r\n"),
            (Caller, b"GET"),
        ];
        assert_eq!(of(&conversation), [true, false, true, false, true]);
    }

    #[test]
    fn a_dependency_may_speak_first() {
        assert_eq!(of(&[(Side::Dependency, b"220 mail\r\n"), (Side::Caller, b"EHLO")]), [true, true]);
    }

    /// A handshake's first message, a change of cipher, and data.
    const HELLO: &[u8] = &[22, 3, 1, 0, 5, 1, 0, 0, 1, 0];
    const CHANGE: &[u8] = &[20, 3, 3, 0, 1, 1];
    const DATA: &[u8] = &[23, 3, 3, 0, 2, 9, 9];
    /// What the server says first.
    const FLIGHT: &[u8] = &[22, 3, 3, 0, 2, 2, 0];

    fn after(upgrade: &[(Side, &[u8])], further: &[(Side, &[u8])]) -> (Vec<bool>, Kind) {
        let mut turns = Turns::default();
        let begun = upgrade.iter().chain(further).map(|(side, bytes)| turns.begins(*side, bytes)).collect();
        (begun, turns.kind())
    }

    #[test]
    fn flights_of_a_handshake_take_no_turn() {
        use Side::{Caller, Dependency};
        // RFC 8446: the server's first flight has data in it, and may come in pieces.
        let last_flight = [CHANGE, DATA, DATA].concat();
        let conversation: [(Side, &[u8]); 7] = [
            (Caller, HELLO),
            (Dependency, FLIGHT),
            (Dependency, DATA),
            (Caller, &last_flight),
            (Dependency, DATA),
            (Caller, DATA),
            (Dependency, DATA),
        ];
        let begun = vec![false, false, false, true, true, true, true];
        assert_eq!(after(&conversation, &[]), (begun, Kind::Tls));
        // RFC 5246: nothing but the handshake before the first question.
        let conversation: [(Side, &[u8]); 6] = [
            (Caller, HELLO),
            (Dependency, FLIGHT),
            (Caller, FLIGHT),
            (Dependency, CHANGE),
            (Caller, DATA),
            (Dependency, DATA),
        ];
        assert_eq!(of(&conversation), [false, false, false, false, true, true]);
    }

    #[test]
    fn a_conversation_that_becomes_tls_has_a_handshake_from_there_on() {
        use Side::{Caller, Dependency};
        let tls: [(Side, &[u8]); 5] =
            [(Caller, HELLO), (Dependency, FLIGHT), (Dependency, DATA), (Caller, DATA), (Dependency, DATA)];
        let handshake = [false, false, false, true, true];
        let and_handshake = |begun: &[bool]| ([begun, &handshake].concat(), Kind::Tls);

        let mail: [(Side, &[u8]); 3] =
            [(Dependency, b"220 mail\r\n"), (Caller, b"STARTTLS\r\n"), (Dependency, b"220 go ahead\r\n")];
        assert_eq!(after(&mail, &tls), and_handshake(&[true, true, true]));

        let refused: [(Side, &[u8]); 4] =
            [(Caller, &MAY_ENCRYPT[1]), (Dependency, b"N"), (Caller, &MAY_ENCRYPT[0]), (Dependency, b"S")];
        assert_eq!(after(&refused, &tls), and_handshake(&[false; 4]));

        let packet = [ANNOUNCED.0, &[0; 32]].concat();
        let mysql: [(Side, &[u8]); 2] = [(Dependency, b"J\0\0\0\n8.4"), (Caller, &packet)];
        assert_eq!(after(&mysql, &tls), and_handshake(&[true, true]));
        let at_once = [&packet, HELLO].concat();
        let mysql: [(Side, &[u8]); 3] =
            [(Dependency, b"J\0\0\0\n8.4"), (Caller, &at_once), (Dependency, FLIGHT)];
        assert_eq!(after(&mysql, &[]), (vec![true, false, false], Kind::Tls));
    }

    #[test]
    fn whoever_is_refused_encryption_goes_on_in_plain_text() {
        use Side::{Caller, Dependency};
        let conversation: [(Side, &[u8]); 6] = [
            (Caller, &MAY_ENCRYPT[0]),
            (Dependency, b"N"),
            (Caller, b"\0\0\0\x08\0\x03\0\0"),
            (Dependency, b"R"),
            (Caller, b"Q"),
            (Dependency, b"T"),
        ];
        let begun = vec![false, false, true, true, true, true];
        assert_eq!(after(&conversation, &[]), (begun, Kind::Plain));
        // Who does not know the request answers with an error.
        assert_eq!(of(&[(Caller, &MAY_ENCRYPT[0]), (Dependency, b"E\0\0\0\x05\0")]), [false, true]);
    }

    #[test]
    fn http_2_shares_turns_from_its_preface_on_and_what_only_looks_like_a_handshake_is_none() {
        use Side::{Caller, Dependency};
        let preface = [PREFACE, b"\r\nSM\r\n\r\n"].concat();
        assert_eq!(after(&[(Caller, &preface)], &[]), (vec![true], Kind::Multiplexed));
        let upgrade: [(Side, &[u8]); 2] =
            [(Caller, b"GET / HTTP/1.1\r\nupgrade: h2c\r\n\r\n"), (Dependency, b"HTTP/1.1 101 \r\n\r\n")];
        assert_eq!(after(&upgrade, &[(Caller, &preface)]), (vec![true; 3], Kind::Multiplexed));
        // A statement of 789 bytes in MySQL.
        assert_eq!(after(&[(Caller, b"\x16\x03\0\0\x03SELECT")], &[]), (vec![true], Kind::Plain));
    }
}
