//! A position as bytes: which files, how far in each, and how each begins.
//!
//! What stays the same from look to look stands first, so that a journal can leave it out by the common
//! beginning with the position before.

use super::disk::Identity;

/// The form of positions.
const FORM: u8 = 1;
/// More files than that are a mistake in the bytes.
const MOST: u64 = 1 << 16;

/// How far a file was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) identity: Identity,
    /// How it begins.
    pub(super) print: Print,
    /// After the last whole line that was read.
    pub(super) offset: u64,
    /// In the middle of a line that is too long.
    pub(super) skipping: bool,
}

/// How a file begins: a hash of so many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Print {
    pub(super) length: u64,
    pub(super) hash: u64,
}

impl Print {
    /// FNV-1a of 64 bits: it tells files apart, nobody gains by making two alike.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self { length: u64::try_from(bytes.len()).unwrap_or(u64::MAX), hash }
    }
}

pub(super) fn encode(places: &[Place]) -> Vec<u8> {
    let mut bytes = vec![FORM];
    put(&mut bytes, u64::try_from(places.len()).unwrap_or(u64::MAX));
    for place in places {
        put(&mut bytes, place.identity.device);
        put(&mut bytes, place.identity.inode);
        put(&mut bytes, place.print.length);
        bytes.extend(place.print.hash.to_le_bytes());
    }
    for place in places {
        put(&mut bytes, (place.offset << 1) | u64::from(place.skipping));
    }
    bytes
}

/// The places that bytes hold; nothing where they are not of this form.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<Place>> {
    let mut rest = bytes.strip_prefix(&[FORM])?;
    let count = take(&mut rest).filter(|count| *count <= MOST)?;
    let mut places = Vec::new();
    for _ in 0..count {
        let identity = Identity { device: take(&mut rest)?, inode: take(&mut rest)? };
        let length = take(&mut rest)?;
        let (hash, after) = rest.split_first_chunk()?;
        rest = after;
        let print = Print { length, hash: u64::from_le_bytes(*hash) };
        places.push(Place { identity, print, offset: 0, skipping: false });
    }
    for place in &mut places {
        let offset = take(&mut rest)?;
        place.offset = offset >> 1;
        place.skipping = offset & 1 == 1;
    }
    rest.is_empty().then_some(places)
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap_or(0));
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return None;
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_position_comes_back(
            numbers in proptest::collection::vec((any::<[u64; 4]>(), 0u64..1 << 63, any::<bool>()), 0..9),
        ) {
            let place = |([device, inode, length, hash], offset, skipping): ([u64; 4], u64, bool)| Place {
                identity: Identity { device, inode },
                print: Print { length, hash },
                offset,
                skipping,
            };
            let places: Vec<_> = numbers.into_iter().map(place).collect();
            prop_assert_eq!(decode(&encode(&places)), Some(places));
        }

        #[test]
        fn any_bytes_are_a_position_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..99)) {
            if let Some(places) = decode(&bytes) {
                prop_assert_eq!(decode(&encode(&places)), Some(places));
            }
        }
    }
}
