//! Whom a request comes from. A proxy that is trusted names its client in `X-Forwarded-For`; everyone
//! else can write into that header what they like, and it changes nothing.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The peer; or, where the peer is trusted, the right-most address of `X-Forwarded-For` that is not.
/// Each proxy appends whom it heard from, so what stands left of an untrusted address is that
/// address's own claim. An entry that is no address ends the search at the last one that was.
#[must_use]
pub fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let believed = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    let values = headers.get_all(FORWARDED_FOR).iter().rev();
    let mut entries = values.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
    while believed(&client) {
        match entries.next().and_then(entry) {
            Some(address) => client = address,
            None => break,
        }
    }
    client
}

/// An address, with or without a port; IPv6 with a port stands in brackets (RFC 3986, section 3.2.2).
fn entry(bytes: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whom a request comes from: peer `10.0.0.1` and all of `10.0.0.0/8` and `fd00::/8` are trusted.
    fn from(peer: &str, headers: &[&str]) -> String {
        let trusted: Vec<IpNet> =
            ["10.0.0.0/8", "fd00::/8"].iter().map(|text| text.parse().unwrap()).collect();
        let mut map = HeaderMap::new();
        for header in headers {
            map.append(FORWARDED_FOR, header.parse().unwrap());
        }
        address(peer.parse().unwrap(), &map, &trusted).to_string()
    }

    #[test]
    fn a_stranger_is_taken_for_who_it_is_whatever_it_writes() {
        assert_eq!(from("192.0.2.7", &["203.0.113.9"]), "192.0.2.7");
        assert_eq!(from("192.0.2.7", &["10.0.0.2"]), "192.0.2.7");
    }

    #[test]
    fn a_trusted_proxy_names_its_client() {
        assert_eq!(from("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(from("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn what_the_client_itself_wrote_is_not_believed() {
        assert_eq!(from("10.0.0.1", &["198.51.100.1, 203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(from("10.0.0.1", &["198.51.100.1", "203.0.113.9", "10.0.0.2"]), "203.0.113.9");
    }

    #[test]
    fn where_all_are_trusted_it_is_the_farthest() {
        assert_eq!(from("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
    }

    #[test]
    fn a_garbled_entry_ends_the_search() {
        assert_eq!(from("10.0.0.1", &["203.0.113.9, unknown, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(from("10.0.0.1", &["203.0.113.9,"]), "10.0.0.1");
        assert_eq!(from("10.0.0.1", &[""]), "10.0.0.1");
    }

    #[test]
    fn ports_and_brackets_and_mapped_addresses_are_understood() {
        assert_eq!(from("10.0.0.1", &["203.0.113.9:4711"]), "203.0.113.9");
        assert_eq!(from("10.0.0.1", &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(from("10.0.0.1", &["[2001:db8::1]"]), "2001:db8::1");
        assert_eq!(from("::ffff:10.0.0.1", &["::ffff:203.0.113.9"]), "203.0.113.9");
        assert_eq!(from("fd00::1", &["2001:db8::1"]), "2001:db8::1");
    }

    proptest! {
        #[test]
        fn no_header_makes_an_untrusted_peer_another(header in "[ -~]{0,80}") {
            prop_assert_eq!(from("192.0.2.7", &[&header]), "192.0.2.7");
        }

        #[test]
        fn what_stands_left_of_the_client_changes_nothing(claim in "[ -~]{0,80}") {
            let header = format!("{claim},203.0.113.9");
            prop_assert_eq!(from("10.0.0.1", &[&header]), "203.0.113.9");
        }
    }
}
