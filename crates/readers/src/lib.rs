//! Dialects: what a product's configuration says, read from a spanned tree into a [`Fragment`] of
//! the fleet.
//!
//! One file per dialect. A reader knows its product's keys, units, defaults and what each limit
//! covers; it holds no judgement: whether a value is wise belongs to `rules`.

pub mod address;
pub mod fragment;
pub mod measure;
pub mod platforms;
pub mod variables;

mod alertmanager;
mod app_server;
mod comments;
mod compose;
mod database;
mod embedded;
mod envoy;
mod fallback;
mod flags;
mod grouping;
mod grpc;
mod haproxy;
mod keys;
mod kubernetes;
mod kustomize;
mod marathon;
mod mysql;
mod nginx;
mod pgbouncer;
mod pieces;
mod placeholder;
mod postgresql;
mod products;
mod prometheus;
mod promql;
mod protobuf;
mod read;
mod relation;
mod setting;
mod spring;
mod sweep;
mod syntax;
mod words;

pub use embedded::tree as file_inside;
pub use fragment::{
    Address, Component, ComponentKind, Declared, Fragment, Group, Ignored, Kustomization, Layer, LayerOf,
    Mount, MountKind, Neighbours, Owner, Platform, Reason, Role, Target, Way, key_matches,
};
pub use measure::{Meaning, Measured, Zero, measure};
pub use products::PRODUCT_PAGES;
pub use read::{Context, DIALECTS, Dialect, Reading, read};
pub use syntax::{reading_by_name, syntax_of};
