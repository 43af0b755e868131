//! Text with positions: source files, byte spans, line numbers, and one spanned tree for every
//! configuration syntax.
//!
//! Knows no disk and no product: a source is handed in as text, a tree says what stands where.
//! Parsing never fails and never panics; what could not be parsed is a [`Problem`] of the tree.

mod align;
mod dotenv;
mod ini;
mod json;
mod literal;
mod nginx;
mod position;
mod properties;
pub mod scalar;
mod source;
mod toml;
mod tree;
mod yaml;

pub use position::{PositionMap, Run};
pub use source::{FileId, LineIndex, Position, Source, Span};
pub use tree::{
    Comment, Entry, Node, NodeKind, Problem, ProblemKind, Scalar, Style, Syntax, Tree, TreeBuilder,
};
