//! URLs, and how what is behind them lets one in. A secret is named by its file and never written in the
//! plan, so that the plan can be shown.

use model::declared::{Mistakes, Table};
use text::Span;

use super::filled;
use crate::plan::Access;

pub(super) const BASIC: &[&str] = &["user", "password_file"];

/// How an endpoint lets one in.
pub(super) fn read(table: &Table<'_>, m: &mut Mistakes) -> Access {
    let access = Access {
        bearer_file: filled(table, "bearer_file", m),
        basic: table.get("basic").and_then(|node| {
            let basic = Table::new(node, "`basic`", BASIC, m)?;
            let (user, file) = (basic.needed_text("user", m), basic.needed_text("password_file", m));
            Some((user?.to_owned(), file?.to_owned()))
        }),
        ca: filled(table, "ca", m),
        server_name: filled(table, "server_name", m),
    };
    if table.get("bearer_file").is_some() && table.get("basic").is_some() {
        m.add(table.place("basic"), "`bearer_file` and `basic` together", "keep one of them");
    }
    access
}

/// A URL that can be called: a scheme that is known, a host, no password.
pub(super) fn url(key: &str, text: &str, span: Span, m: &mut Mistakes) -> Option<String> {
    const HELP: &str = "write it whole: \"http://auth:8080/metrics\"";
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let Some(rest) = rest else {
        m.add(span, format!("`{key}` is no URL of http or https"), HELP);
        return None;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        m.add(
            span,
            format!("`{key}` holds a user or a password"),
            "take it out, and name the user and a file that holds the rest in `basic`, as the template of `forewarn init` shows",
        );
        return None;
    }
    if authority.is_empty() || text.contains(char::is_whitespace) {
        m.add(span, format!("`{key}` is no URL"), HELP);
        return None;
    }
    Some(text.to_owned())
}

/// The URL of a key that must be there.
pub(super) fn needed_url(table: &Table<'_>, key: &str, m: &mut Mistakes) -> Option<String> {
    let text = table.needed_text(key, m)?;
    url(key, text, table.place(key), m)
}
