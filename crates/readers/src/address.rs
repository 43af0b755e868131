//! Addresses and data source names: `http://host:port/path`, `host:port`, JDBC, libpq (URI and
//! keyword form), Go MySQL, Redis, MongoDB, AMQP. Their parameters are settings with true positions.
//! User names, passwords and tokens are never kept: only host, port, scheme and the values of
//! parameters that the table of drivers knows leave this module.

mod drivers;
mod forms;
mod hosts;
mod keys;
mod parameters;

use std::ops::Range;

use text::Scalar;

use crate::{Address, Target};
use forms::Form;
use hosts::{Host, Piece};

/// What a value that holds an address says.
#[derive(Debug, Clone)]
pub struct Located {
    /// The hosts it names, in order. Empty where the value is an address whose host is not known:
    /// a template, a unix socket, a password that is not escaped.
    pub targets: Vec<Target>,
    /// Settings in its parameters, and defaults of parameters that matter and are absent.
    pub settings: Vec<model::Setting>,
}

/// A value longer than this is no address (browsers and servers stop at 8 KiB).
const LONGEST: usize = 8 * 1024;

/// Reads an address out of a value, if it is one. `key` is the key with its path; a bare host name
/// (no port, no scheme) counts only where the key says that it is a host (`*_HOST`, `host`, `*_ADDR`).
pub fn locate(key: &str, value: Scalar<'_>) -> Option<Located> {
    let text = value.text();
    if text.len() > LONGEST || keys::names_no_callee(key) {
        return None;
    }
    let masked = hosts::mask(text);
    let form = Form::of(key, Piece::new(&masked).trim())?;
    let targets: Vec<Target> = form
        .hosts
        .iter()
        .map(|host| Target {
            address: Address { scheme: form.scheme.clone(), host: host.name(), port: host.port },
            key: key.to_owned(),
            span: value.part(host.place.clone()),
            assumptions: Vec::new(),
        })
        .collect();
    let near = targets.first().map_or(value.span(), |target| target.span);
    let settings = form
        .driver
        .map(|driver| parameters::settings(driver, key, value, &form.parameters, near))
        .unwrap_or_default();
    Some(Located { targets, settings })
}

/// Reads the `host:port` that a part of a value is, where the syntax around it says that it is one.
pub(crate) fn host_at(key: &str, value: Scalar<'_>, part: Range<usize>, scheme: &str) -> Option<Target> {
    let masked = hosts::mask(value.text().get(part.clone())?);
    let host = Host::read(Piece::new(&masked))?;
    Some(Target {
        address: Address { scheme: Some(scheme.to_ascii_lowercase()), host: host.name(), port: host.port },
        key: key.to_owned(),
        span: value.part(part.start + host.place.start..part.start + host.place.end),
        assumptions: Vec::new(),
    })
}
