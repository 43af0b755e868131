//! Environment variables and other flat keys: which of them are settings, which are addresses, and
//! which of them belong together by their common prefix (`DIRECTORY_URL`, `DIRECTORY_TIMEOUT_MS`).

use std::collections::HashMap;

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
    let (grouping, ignored) = gather(owner, path, at, variables, declared);
    (grouping.groups(true), ignored)
}

/// The same before it is settled which of them belong together.
pub(crate) fn gather<'t>(
    owner: Owner,
    path: &str,
    at: Span,
    variables: &[Variable<'t>],
    declared: &[Declared],
) -> (Grouping<'t>, Vec<Ignored>) {
    let parents: &[&str] = if path.is_empty() { &[] } else { &[path] };
    let mut grouping = Grouping::flat(owner, path.to_owned(), at);
    let mut ignored = Vec::new();
    let last: HashMap<&str, usize> =
        variables.iter().enumerate().map(|(i, variable)| (variable.name.text(), i)).collect();
    for (i, variable) in variables.iter().enumerate() {
        let name = variable.name.text();
        if last[name] != i {
            continue;
        }
        let place = Place { file: "", parents, leaf: name, product: None };
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
                let port = port_beside(name).and_then(|port| last.get(port.as_str()));
                target.address.port = port.and_then(|&port| variables[port].value.text().parse().ok());
            }
            grouping.address(name, located);
        }
    }
    (grouping, ignored)
}

/// The variable that holds the port of a host: `X_PORT` beside `X_HOST`.
fn port_beside(name: &str) -> Option<String> {
    let stem = name.strip_suffix("HOST").or_else(|| name.strip_suffix("HOSTNAME"))?;
    Some(format!("{stem}PORT"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;
    use text::{FileId, Source, Syntax, Tree};

    fn shown(text: &str) -> String {
        let source = Source::new(FileId(0), ".env", text);
        let tree = Tree::parse(Syntax::Env, &source);
        let root = tree.documents().next().unwrap();
        let list: Vec<Variable<'_>> = root
            .written_entries()
            .filter_map(|entry| Some(Variable { name: entry.key, value: entry.value.scalar()? }))
            .collect();
        let (groups, ignored) = variables(Owner::File, "env", root.span(), &list, &[]);
        let mut out = String::new();
        for group in groups {
            let targets: Vec<String> = group
                .targets
                .iter()
                .map(|target| {
                    let port = target.address.port.map_or(String::new(), |port| format!(":{port}"));
                    format!(" -> {}{port}", target.address.host)
                })
                .collect();
            writeln!(out, "{}{}", group.label, targets.concat()).unwrap();
            for setting in group.settings {
                writeln!(out, "  {} = {}", setting.key, setting.value.value).unwrap();
                for assumption in setting.assumptions {
                    writeln!(out, "    assuming {assumption}").unwrap();
                }
            }
        }
        for Ignored { key, reason, .. } in ignored {
            let why = if reason == crate::Reason::Reference { "a reference" } else { "no amount" };
            writeln!(out, "ignored {key}: {why}").unwrap();
        }
        out
    }

    #[test]
    fn settings_go_with_the_address_whose_prefix_they_share() {
        insta::assert_snapshot!(shown("\
DIRECTORY_SERVICE_URL=http://directory:8080/v1
DIRECTORY_TIMEOUT_MS=300
DIRECTORY_MAX_RETRIES=2
LEDGER_HOST=ledger
LEDGER_PORT=9000
LEDGER_CONNECT_TIMEOUT=5s
SHUTDOWN_TIMEOUT=10s
LOG_LEVEL=info
"), @r#"
        env DIRECTORY -> directory:8080
          env.DIRECTORY_TIMEOUT_MS = 300 ms
            assuming that `DIRECTORY_TIMEOUT_MS` covers the whole call
          env.DIRECTORY_MAX_RETRIES = 2
        env LEDGER -> ledger:9000
          env.LEDGER_CONNECT_TIMEOUT = 5 s
        env
          env.SHUTDOWN_TIMEOUT = 10 s
        "#);
    }

    #[test]
    fn the_only_address_of_a_process_gets_no_settings_that_do_not_name_it() {
        insta::assert_snapshot!(shown("\
DATABASE_URL=postgres://db:5432/auth?connect_timeout=2
REQUEST_TIMEOUT_SECONDS=5
SHUTDOWN_TIMEOUT=20s
KEEPALIVE_TIMEOUT=65s
DATABASE_DRAIN_TIMEOUT=3s
DB_MAX_RETRIES=3
PG_POOL_SIZE=20
REDIS_TIMEOUT=1s
"), @r#"
        env DATABASE -> db:5432
          env.DATABASE_URL?connect_timeout = 2 s
          env.DATABASE_URL?options.statement_timeout = no limit
            assuming that the driver keeps libpq's defaults
          env.DB_MAX_RETRIES = 3
          env.PG_POOL_SIZE = 20
        env
          env.REQUEST_TIMEOUT_SECONDS = 5 s
            assuming that `REQUEST_TIMEOUT_SECONDS` covers the whole call
          env.SHUTDOWN_TIMEOUT = 20 s
          env.KEEPALIVE_TIMEOUT = 65 s
        env DATABASE
          env.DATABASE_DRAIN_TIMEOUT = 3 s
        env REDIS
          env.REDIS_TIMEOUT = 1 s
            assuming that `REDIS_TIMEOUT` covers the whole call
        "#);
    }

    #[test]
    fn the_name_of_the_application_is_no_name_of_its_store() {
        insta::assert_snapshot!(
            shown("AUTH_DATABASE_URL=postgres://db/auth\nAUTH_TIMEOUT=5s\nAUTH_DB_TIMEOUT=2s\n\
                LEDGER_API_URL=http://ledger:80\nLEDGER_TIMEOUT=1s\n"),
            @r#"
        env AUTH_DATABASE -> db
          env.AUTH_DATABASE_URL?connect_timeout = no limit
            assuming that the driver keeps libpq's defaults
          env.AUTH_DATABASE_URL?options.statement_timeout = no limit
            assuming that the driver keeps libpq's defaults
          env.AUTH_DB_TIMEOUT = 2 s
            assuming that `AUTH_DB_TIMEOUT` covers the whole call
        env LEDGER_API -> ledger:80
          env.LEDGER_TIMEOUT = 1 s
            assuming that `LEDGER_TIMEOUT` covers the whole call
            assuming that `LEDGER_TIMEOUT` is used for calls to ledger
        env AUTH
          env.AUTH_TIMEOUT = 5 s
            assuming that `AUTH_TIMEOUT` covers the whole call
        "#
        );
    }

    #[test]
    fn with_several_addresses_it_goes_with_none() {
        insta::assert_snapshot!(
            shown("A_URL=http://a\nB_URL=http://b\nREQUEST_TIMEOUT=2s\nBACKEND_TIMEOUT=15\n"),
            @r#"
        env A -> a
        env B -> b
        env
          env.REQUEST_TIMEOUT = 2 s
            assuming that `REQUEST_TIMEOUT` covers the whole call
        env BACKEND
          env.BACKEND_TIMEOUT = 15, unit unknown
            assuming that `BACKEND_TIMEOUT` covers the whole call
        "#
        );
    }

    #[test]
    fn the_last_of_two_counts_and_what_has_no_value_here_is_said() {
        insta::assert_snapshot!(
            shown("X_TIMEOUT=1s\nX_TIMEOUT=2s\nY_TIMEOUT=${Z_TIMEOUT}\nRETRY_TIMEOUT=${RT:-4s}\nY_RETRIES=many\n"),
            @r#"
        env X
          env.X_TIMEOUT = 2 s
            assuming that `X_TIMEOUT` covers the whole call
        env
          env.RETRY_TIMEOUT = 4 s
            assuming that `RETRY_TIMEOUT` covers the whole call
        ignored env.Y_TIMEOUT: a reference
        ignored env.Y_RETRIES: no amount
        "#
        );
    }
}
