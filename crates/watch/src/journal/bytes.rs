//! Numbers and checksums as bytes, for what Forewarn writes for itself. Reading never panics, and takes
//! no more memory than there are bytes.

use std::fmt;

/// Why bytes cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// They were written by another version of Forewarn; this is the version they claim.
    Version(u8),
    /// They were changed or cut, or what they build on is not there.
    Checksum,
    /// They begin in the middle: nothing they build on was read.
    Middle,
    /// They are whole and mean nothing; so they were never written by this code.
    Form,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => {
                write!(f, "it is of form {version}, which another version of Forewarn writes and reads")
            }
            Self::Checksum => {
                f.write_str("the checksum does not fit: it is damaged, or what came before it is missing")
            }
            Self::Middle => f.write_str("it builds on something that was not read before it"),
            Self::Form => {
                f.write_str("its checksum fits and its content does not: it was written by something else")
            }
        }
    }
}

impl std::error::Error for Unreadable {}

/// Writes a number in as few bytes as it needs, seven bits in each.
pub(crate) fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Writes a number that may be below zero; near zero it is short.
pub(crate) fn put_signed(bytes: &mut Vec<u8>, number: i64) {
    put(bytes, (number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned());
}

/// Bytes that are read from the front.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Unreadable> {
        let (first, rest) = self.0.split_first().ok_or(Unreadable::Form)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn take(&mut self, length: u64) -> Result<&'a [u8], Unreadable> {
        let length = usize::try_from(length).map_err(|_| Unreadable::Form)?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Unreadable::Form)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn number(&mut self) -> Result<u64, Unreadable> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte holds the last bit alone.
            if shift == 63 && bits > 1 {
                return Err(Unreadable::Form);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Unreadable::Form)
    }

    pub(crate) fn signed(&mut self) -> Result<i64, Unreadable> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    pub(crate) fn short(&mut self) -> Result<u16, Unreadable> {
        u16::try_from(self.number()?).map_err(|_| Unreadable::Form)
    }

    /// How many elements follow, of at least a byte each.
    pub(crate) fn length(&mut self) -> Result<usize, Unreadable> {
        let length = usize::try_from(self.number()?).map_err(|_| Unreadable::Form)?;
        if length > self.0.len() { Err(Unreadable::Form) } else { Ok(length) }
    }
}

/// Cuts the checksum off the end, and compares it.
pub(crate) fn unsealed(bytes: &[u8], seed: u32) -> Result<(&[u8], u32), Unreadable> {
    let (content, checksum) = bytes.split_last_chunk::<4>().ok_or(Unreadable::Checksum)?;
    let expected = crc32(seed, content);
    if expected == u32::from_le_bytes(*checksum) {
        Ok((content, expected))
    } else {
        Err(Unreadable::Checksum)
    }
}

/// Appends a checksum, and gives it.
pub(crate) fn seal(bytes: &mut Vec<u8>, seed: u32) -> u32 {
    let checksum = crc32(seed, bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    checksum
}

/// The cyclic redundancy check of IEEE 802.3, going on from an earlier one.
fn crc32(seed: u32, bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!seed, |crc, byte| {
        let place = (crc ^ u32::from(*byte)) & 0xff;
        TABLE[place as usize] ^ (crc >> 8)
    })
}

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut place = 0;
    while place < table.len() {
        let mut crc = place as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
            bit += 1;
        }
        table[place] = crc;
        place += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_checksum_is_the_standard_one() {
        assert_eq!(crc32(0, b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(crc32(0, b"1234"), b"56789"), 0xcbf4_3926);
    }

    proptest! {
        #[test]
        fn numbers_are_read_as_they_were_written(number: u64, signed: i64) {
            let mut bytes = Vec::new();
            put(&mut bytes, number);
            put_signed(&mut bytes, signed);
            let mut bytes = Bytes(&bytes);
            prop_assert_eq!(bytes.number(), Ok(number));
            prop_assert_eq!(bytes.signed(), Ok(signed));
            prop_assert!(bytes.is_empty());
        }
    }
}
