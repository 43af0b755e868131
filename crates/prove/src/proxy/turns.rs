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
    begun: bool,
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

/// Every TLS connection begins with a handshake record of some version 3 (RFC 8446, 5.1).
const HANDSHAKE: u8 = 22;
/// What was agreed on: the records that carry the conversation itself.
const APPLICATION: u8 = 23;
/// How a client begins HTTP/2 (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n";

impl Turns {
    /// Notes bytes, and says whether a turn begins with them that takes time.
    pub(super) fn begins(&mut self, side: Side, bytes: &[u8]) -> bool {
        if side == Side::Caller && !self.begun {
            self.begun = true;
            self.kind = match bytes {
                [HANDSHAKE, 3, ..] => Kind::Tls,
                _ if bytes.starts_with(PREFACE) => Kind::Multiplexed,
                _ => Kind::Plain,
            };
        }
        let changed = self.last != Some(side);
        self.last = Some(side);
        changed && (self.kind != Kind::Tls || bytes.first() == Some(&APPLICATION))
    }

    /// What is spoken.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }
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

    #[test]
    fn flights_of_a_handshake_take_no_turn() {
        use Side::{Caller, Dependency};
        let conversation: [(Side, &[u8]); 4] = [
            (Caller, &[22, 3, 1, 0]),
            (Dependency, &[22, 3, 3, 0]),
            (Caller, &[23, 3, 3, 0]),
            (Dependency, &[23, 3, 3, 0]),
        ];
        assert_eq!(of(&conversation), [false, false, true, true]);
    }
}
