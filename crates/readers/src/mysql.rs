//! `my.cnf`, whole or in part: what a MySQL or MariaDB server limits for everyone who calls it. The
//! sections of clients are left to the sweep.

use text::{Entry, NodeKind, Syntax, Tree};

use crate::database::{MYSQL as SERVER, Place, Variable};
use crate::{Context, Dialect, Fragment, Owner};

/// The dialect.
pub(crate) static MYSQL: Dialect = Dialect { name: "mysql", docs: include_str!("mysql.md"), speaks, read };

fn speaks(_: &Context<'_>, tree: &Tree<'_>) -> bool {
    tree.syntax() == Syntax::Ini && sections(tree).next().is_some()
}

/// The sections that the server reads.
fn sections<'t>(tree: &'t Tree<'_>) -> impl Iterator<Item = Entry<'t>> {
    let entries = tree.documents().flat_map(|root| root.written_entries());
    entries.filter(|entry| {
        // `mysqld-8.0` is read by that version alone.
        let name = entry.key.text();
        let name = name.split_once('-').map_or(name, |(name, _)| name);
        entry.value.kind() == NodeKind::Map && matches!(name, "mysqld" | "mariadb" | "mariadbd")
    })
}

fn read(_: &Context<'_>, tree: &Tree<'_>, fragment: &mut Fragment) {
    let Some(first) = sections(tree).next() else { return };
    // One server reads all of them, and of a variable in two the last counts.
    let variables = sections(tree).flat_map(|section| {
        let name = section.key.text();
        section.value.written_entries().filter_map(move |entry| {
            let key = format!("{name}.{}", entry.key.text());
            Some(Variable { name: entry.key.text().replace('-', "_"), key, value: entry.value.scalar()? })
        })
    });
    let variables: Vec<Variable<'_>> = variables.collect();
    let name = first.key.text();
    let (label, prefix) = (format!("[{name}]"), format!("{name}."));
    let place = Place { owner: Owner::File, label: &label, at: first.key.span(), prefix: &prefix };
    let (group, ignored) = SERVER.group(&place, &variables);
    fragment.groups.extend(group);
    fragment.ignored.extend(ignored);
}
