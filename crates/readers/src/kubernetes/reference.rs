//! `$(NAME)` in the values and arguments of a container: variables of the same container that stand
//! before it (kubernetes.io "Define dependent environment variables"). `$$(NAME)` is literal.

use std::collections::HashMap;

use text::Scalar;

use crate::pieces::{Pieces, Text, Traces};

/// The variables of a container so far.
#[derive(Default)]
pub(super) struct Known<'t> {
    list: Vec<(Scalar<'t>, Text<'t>)>,
    /// Where in the list a name stands last.
    by_name: HashMap<&'t str, usize>,
}

impl<'t> Known<'t> {
    /// Adds a variable; its value may refer to earlier ones.
    pub(super) fn add(&mut self, name: Scalar<'t>, value: Scalar<'t>, traces: &mut Traces) {
        let value = self.expanded(value, traces);
        self.by_name.insert(name.text(), self.list.len());
        self.list.push((name, value));
    }

    fn value(&self, name: &str) -> Option<Scalar<'_>> {
        self.list[*self.by_name.get(name)?].1.scalar()
    }

    /// The variables with their values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Scalar<'t>, Scalar<'_>)> {
        self.list.iter().filter_map(|(name, value)| Some((*name, value.scalar()?)))
    }

    /// A value with its references replaced; what is not known stays.
    pub(super) fn expanded(&self, scalar: Scalar<'t>, traces: &mut Traces) -> Text<'t> {
        let text = scalar.text();
        if !text.contains("$(") {
            return Text::AsWritten(scalar);
        }
        let mut pieces = Pieces::of(scalar);
        let mut at = 0;
        while let Some(dollar) = text[at..].find('$').map(|dollar| at + dollar) {
            pieces.copy(at..dollar);
            let name = text[dollar..].strip_prefix("$(").and_then(|rest| Some(&rest[..rest.find(')')?]));
            let length = name.map_or(1, |name| name.len() + 3);
            match name.and_then(|name| self.value(name)) {
                Some(value) => {
                    let place = pieces.place(dollar..dollar + length);
                    traces.note(place, value.span(), place);
                    pieces.put(value.text(), dollar..dollar + length);
                }
                None if text[dollar..].starts_with("$$") => pieces.copy(dollar..dollar + 1),
                None => pieces.copy(dollar..dollar + length),
            }
            at = dollar + if text[dollar..].starts_with("$$") { 2 } else { length };
        }
        pieces.copy(at..text.len());
        Text::Made(pieces.made())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use text::{FileId, PositionMap, Tree};

    #[test]
    fn references_to_earlier_variables_are_replaced() {
        let tree = |text: &str| Tree::of_text(FileId(0), text.to_owned(), PositionMap::shifted(0));
        let texts = ["HOST", "directory", "URL", "http://$(HOST):9000", "$(URL)/x $$(HOST) $(LATER) $(", "$"];
        let trees: Vec<_> = texts.into_iter().map(tree).collect();
        let scalars: Vec<_> = trees.iter().filter_map(Tree::scalar).collect();
        let mut traces = Traces::default();
        let mut known = Known::default();
        known.add(scalars[0], scalars[1], &mut traces);
        known.add(scalars[2], scalars[3], &mut traces);
        let made = known.expanded(scalars[4], &mut traces);
        assert_eq!(made.text(), "http://directory:9000/x $(HOST) $(LATER) $(");
    }
}
