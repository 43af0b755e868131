//! `postgresql.conf`, whole or in part: what the server limits for everyone who calls it.

use text::{Entry, Syntax, Tree};

use crate::database::{POSTGRESQL as SERVER, Place, Variable};
use crate::{Context, Dialect, Fragment, Owner};

/// The dialect.
pub(crate) static POSTGRESQL: Dialect =
    Dialect { name: "postgresql", docs: include_str!("postgresql.md"), speaks, read };

/// Parameters that no other product has at the top of an INI-like file. Two of them, or one in a file
/// of PostgreSQL's own name, settle whose file it is.
const OWN: [&str; 24] = [
    "shared_buffers",
    "work_mem",
    "maintenance_work_mem",
    "effective_cache_size",
    "effective_io_concurrency",
    "random_page_cost",
    "wal_level",
    "wal_buffers",
    "max_wal_size",
    "min_wal_size",
    "max_wal_senders",
    "checkpoint_timeout",
    "checkpoint_completion_target",
    "listen_addresses",
    "unix_socket_directories",
    "superuser_reserved_connections",
    "max_locks_per_transaction",
    "statement_timeout",
    "idle_in_transaction_session_timeout",
    "shared_preload_libraries",
    "log_min_duration_statement",
    "log_line_prefix",
    "max_connections",
    "lock_timeout",
];

fn speaks(context: &Context<'_>, tree: &Tree<'_>) -> bool {
    if tree.syntax() != Syntax::Ini {
        return false;
    }
    let path = context.source.path();
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_named = name.starts_with("postgresql") || name.starts_with("postgres.");
    let own = entries(tree).filter(|entry| OWN.contains(&entry.key.text())).count();
    own > 1 || is_named && own > 0
}

/// What stands at the top: there are no sections.
fn entries<'t>(tree: &'t Tree<'_>) -> impl Iterator<Item = Entry<'t>> {
    tree.documents().flat_map(|root| root.written_entries())
}

fn read(_: &Context<'_>, tree: &Tree<'_>, fragment: &mut Fragment) {
    let variables: Vec<Variable<'_>> = entries(tree)
        .filter_map(|entry| {
            // Names of parameters are read without regard to case.
            let name = entry.key.text().to_ascii_lowercase();
            Some(Variable { key: name.clone(), name, value: entry.value.scalar()? })
        })
        .collect();
    let known = variables.iter().find(|variable| SERVER.knows(&variable.name));
    let Some(first) = known.or(variables.first()) else { return };
    let place = Place { owner: Owner::File, label: "postgresql", at: first.value.span(), prefix: "" };
    let (group, ignored) = SERVER.group(&place, &variables);
    fragment.groups.extend(group);
    fragment.ignored.extend(ignored);
}
