//! properties.

use crate::TreeBuilder;

pub(crate) fn parse(_text: &str, _builder: &mut TreeBuilder) {}
