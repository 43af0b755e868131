//! The JSON that Forewarn publishes: types only, versioned, with a JSON Schema made from the same
//! types (SARIF has its own). Within a version fields are only ever added. Holds no logic.

pub mod alert;
pub mod baseline;
pub mod check;
pub mod drill;
pub mod recorded;
pub mod sarif;
pub mod table;
pub mod tested;

use std::fmt::Write as _;

/// A document as printed: control characters that JSON allows bare are escaped too, since people
/// look at documents on terminals; with a final line break.
fn printed(json: String) -> String {
    let mut printed = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        if c.is_control() && c != '\n' {
            let _ = write!(printed, "\\u{:04x}", u32::from(c));
        } else {
            printed.push(c);
        }
    }
    printed.push('\n');
    printed
}
