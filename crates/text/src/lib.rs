//! Text with positions: source files, byte spans, line numbers, and one spanned tree for every
//! configuration syntax.
//!
//! Knows no disk and no product: a source is handed in as text, a tree says what stands where.
//! Parsing never fails and never panics; what could not be parsed is a [`Problem`] of the tree.

mod align;
mod builder;
mod directive;
mod dotenv;
pub mod edit;
mod haproxy;
mod ini;
mod json;
mod literal;
mod nginx;
mod node;
mod position;
mod properties;
mod readable;
pub mod scalar;
mod source;
mod toml;
mod tree;
mod yaml;

pub use builder::TreeBuilder;
pub use directive::{Directive, last_step};
pub use node::{Entry, Node, Scalar};
pub use position::{PositionMap, Run};
pub use source::{FileId, LineIndex, Position, Source, Span};
pub use tree::{Comment, NodeKind, Problem, ProblemKind, Style, Syntax, Tree};
