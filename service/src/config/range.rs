//! Values that a type of the language admits and no configuration should have.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;

use ipnet::IpNet;
use serde::de::{Deserialize, Deserializer, Error as _};

use super::length::Length;

/// A number of things of which there must be one.
pub(super) fn one_or_more<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    NonZeroU32::deserialize(from).map(NonZeroU32::get)
}

/// The same for a key that need not be written.
pub(super) fn one_or_more_if_written<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    one_or_more(from).map(Some)
}

/// A length of time that is one.
pub(super) fn some_time<'de, D: Deserializer<'de>>(from: D) -> Result<Length, D::Error> {
    match Length::deserialize(from)? {
        none if none.get().is_zero() => Err(D::Error::custom("no time at all is out of range: at least 1ms")),
        length => Ok(length),
    }
}

/// The same for a key that need not be written.
pub(super) fn some_time_if_written<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Length>, D::Error> {
    some_time(from).map(Some)
}

/// An address and a port.
pub(super) fn address<'de, D: Deserializer<'de>>(from: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(from)?;
    let say = "an IP address and a port of 0 to 65535 are needed, such as \"0.0.0.0:8080\" or \"[::]:8080\"";
    text.parse().map_err(|_| D::Error::custom(say))
}

/// Networks, or addresses alone.
pub(super) fn networks<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<IpNet>, D::Error> {
    let texts: Vec<String> = Vec::deserialize(from)?;
    let network = |(at, text): (usize, &String)| {
        let alone = || text.parse().ok().map(|address: IpAddr| IpNet::from(address));
        let say = || format!("number {}: a network such as \"10.0.0.0/8\" or an address is needed", at + 1);
        text.parse().ok().or_else(alone).ok_or_else(|| D::Error::custom(say()))
    };
    texts.iter().enumerate().map(network).collect()
}
