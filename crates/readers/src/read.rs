//! From one source to its fragment: which dialect, then the sweep for known keys that no dialect
//! claimed.

use text::{Source, Syntax, Tree};

use crate::alertmanager::ALERTMANAGER;
use crate::compose::COMPOSE;
use crate::envoy::ENVOY;
use crate::grpc::GRPC;
use crate::haproxy::HAPROXY;
use crate::kubernetes::KUBERNETES;
use crate::kustomize::KUSTOMIZE;
use crate::marathon::MARATHON;
use crate::mysql::MYSQL;
use crate::nginx::NGINX;
use crate::pgbouncer::PGBOUNCER;
use crate::postgresql::POSTGRESQL;
use crate::prometheus::PROMETHEUS;
use crate::spring::SPRING;
use crate::{Declared, Fragment, Neighbours};

/// What a reader may look at beside the tree.
pub struct Context<'a> {
    /// The source being read.
    pub source: &'a Source,
    /// The sources around it.
    pub neighbours: &'a dyn Neighbours,
    /// Keys of this file that `forewarn.toml` declares.
    pub declared: &'a [Declared],
}

/// One dialect.
pub struct Dialect {
    /// Its name as printed.
    pub name: &'static str,
    /// Its page: keys, units, defaults with versions and sources, executed examples.
    pub docs: &'static str,
    /// Whether a tree is written in it. Looks at names of files and keys, never at values alone.
    pub speaks: fn(&Context<'_>, &Tree<'_>) -> bool,
    /// Reads it into the fragment. May leave keys it does not know to the sweep.
    pub read: fn(&Context<'_>, &Tree<'_>, &mut Fragment),
}

/// All dialects. The first that speaks a file reads it.
pub static DIALECTS: &[&Dialect] = &[
    &KUSTOMIZE,
    &KUBERNETES,
    &COMPOSE,
    &MARATHON,
    &NGINX,
    &HAPROXY,
    &ENVOY,
    &GRPC,
    &PGBOUNCER,
    &MYSQL,
    &POSTGRESQL,
    &PROMETHEUS,
    &ALERTMANAGER,
    &SPRING,
];

/// What is to be done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Read it as this syntax.
    As(Syntax),
    /// It is the source of a template engine, recognised by name or by content; why, in words.
    Template(&'static str),
    /// Nothing in its name or content says that it is configuration; why, in words.
    NotOurs(&'static str),
}

/// Reads one source.
pub fn read(context: &Context<'_>, tree: &Tree<'_>) -> Fragment {
    let mut fragment = Fragment::default();
    for dialect in DIALECTS {
        if (dialect.speaks)(context, tree) {
            fragment.dialect = dialect.name;
            (dialect.read)(context, tree, &mut fragment);
            break;
        }
    }
    crate::sweep::sweep(context, tree, &mut fragment);
    crate::fallback::mark(context.source, &mut fragment);
    crate::relation::mark(context.source, tree, &mut fragment);
    fragment
}
