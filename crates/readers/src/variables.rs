//! Environment variables and other flat keys: which of them are settings, which are addresses, and
//! which of them belong together by their common prefix (`DIRECTORY_URL`, `DIRECTORY_TIMEOUT_MS`).

use text::{Scalar, Span};

use crate::{Declared, Group, Ignored, Owner};

/// A name and a value, each where it is written.
#[derive(Debug, Clone, Copy)]
pub struct Variable<'t> {
    /// The name.
    pub name: Scalar<'t>,
    /// The value.
    pub value: Scalar<'t>,
}

/// Groups the settings and addresses among the variables of one owner. `path` is put before every
/// key ("env"), so that keys are unique in the owner.
pub fn variables(
    owner: Owner,
    path: &str,
    at: Span,
    variables: &[Variable<'_>],
    declared: &[Declared],
) -> (Vec<Group>, Vec<Ignored>) {
    let _ = (owner, path, at, variables, declared);
    (Vec::new(), Vec::new())
}
