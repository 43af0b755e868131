//! Environment variables and other flat keys: which of them are settings, which are addresses, and
//! which of them belong together by their common prefix (`DIRECTORY_URL`, `DIRECTORY_TIMEOUT_MS`).

use text::{Scalar, Span};

use crate::grouping::{Grouping, Member};
use crate::setting::{self, Place};
use crate::{Declared, Group, Ignored, Owner, address};

/// A name and a value, each where it is written.
#[derive(Debug, Clone, Copy)]
pub struct Variable<'t> {
    /// The name.
    pub name: Scalar<'t>,
    /// The value.
    pub value: Scalar<'t>,
}

/// Groups the settings and addresses among the variables of one owner. `path` is put before every
/// key ("env"), so that keys are unique in the owner. A variable written twice counts once, with
/// its last value.
pub fn variables(
    owner: Owner,
    path: &str,
    at: Span,
    variables: &[Variable<'_>],
    declared: &[Declared],
) -> (Vec<Group>, Vec<Ignored>) {
    let parents: &[&str] = if path.is_empty() { &[] } else { &[path] };
    let mut grouping = Grouping::flat(owner, path, at);
    let mut ignored = Vec::new();
    for (i, variable) in variables.iter().enumerate() {
        let name = variable.name.text();
        if variables[i + 1..].iter().any(|later| later.name.text() == name) {
            continue;
        }
        let place = Place { file: "", parents, leaf: name };
        match setting::known(&place, declared) {
            Some(Ok(known)) => match setting::read(&place, &known, variable.value) {
                Ok(setting) => {
                    grouping.add(Member { name, side: known.class().and_then(|class| class.side), setting });
                    continue;
                }
                Err(reason) => ignored.push(setting::ignored(&place, variable.value.span(), reason)),
            },
            Some(Err(reason)) => ignored.push(setting::ignored(&place, variable.name.span(), reason)),
            None => {}
        }
        if let Some(mut located) = address::locate(&place.key(), variable.value) {
            if let [target] = located.targets.as_mut_slice()
                && target.address.port.is_none()
            {
                target.address.port = port_beside(name, variables);
            }
            grouping.address(name, located);
        }
    }
    (grouping.groups(), ignored)
}

/// The port in `X_PORT` beside `X_HOST`.
fn port_beside(name: &str, variables: &[Variable<'_>]) -> Option<u16> {
    let stem = name.strip_suffix("HOST").or_else(|| name.strip_suffix("HOSTNAME"))?;
    variables
        .iter()
        .find(|other| other.name.text().strip_prefix(stem) == Some("PORT"))
        .and_then(|other| other.value.text().parse().ok())
}
