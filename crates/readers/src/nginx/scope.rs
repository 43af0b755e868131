//! A block with the blocks around it: what is in effect where, and how keys and groups are called.

use std::collections::BTreeMap;

use super::directives::Directive;

/// A block. A directive written in it replaces one written further out.
pub(super) struct Scope<'d, 't, 'o> {
    path: String,
    label: String,
    /// The directive that opens the block.
    directive: Option<&'d Directive<'t>>,
    directives: &'d [Directive<'t>],
    /// Directives without a block, by name; of several the last.
    named: BTreeMap<&'t str, &'d Directive<'t>>,
    /// What `set` gives variables, by their names without `$`.
    variables: BTreeMap<&'t str, &'d Directive<'t>>,
    outer: Option<&'o Scope<'d, 't, 'o>>,
}

impl<'d, 't, 'o> Scope<'d, 't, 'o> {
    fn new(
        path: String,
        label: String,
        directive: Option<&'d Directive<'t>>,
        directives: &'d [Directive<'t>],
        outer: Option<&'o Scope<'d, 't, 'o>>,
    ) -> Self {
        let alone = directives.iter().filter(|directive| directive.block.is_none());
        let named = alone.map(|directive| (directive.name(), directive)).collect();
        let set = |directive: &'d Directive<'t>| match directive.arguments.as_slice() {
            [name, _] if directive.name() == "set" => Some((name.text().strip_prefix('$')?, directive)),
            _ => None,
        };
        let variables = directives.iter().filter_map(set).collect();
        Self { path, label, directive, directives, named, variables, outer }
    }

    /// The file.
    pub(super) fn top(directives: &'d [Directive<'t>]) -> Self {
        Self::new(String::new(), "nginx".to_owned(), None, directives, None)
    }

    /// A block that stands alone: nothing is inherited into it.
    pub(super) fn alone(path: String, directive: &'d Directive<'t>, inside: &'d [Directive<'t>]) -> Self {
        Self::new(path, label(directive), Some(directive), inside, None)
    }

    /// A block in this one.
    pub(super) fn inner<'i>(
        &'i self,
        path: String,
        directive: &'d Directive<'t>,
        inside: &'d [Directive<'t>],
    ) -> Scope<'d, 't, 'i>
    where
        'o: 'i,
    {
        let label = match directive.name() {
            name @ ("if" | "limit_except") => format!("{}, {name}", self.label),
            _ => label(directive),
        };
        Scope::new(path, label, Some(directive), inside, Some(self))
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// As its operator would call it.
    pub(super) fn label(&self) -> String {
        self.label.clone()
    }

    pub(super) fn directive(&self) -> Option<&'d Directive<'t>> {
        self.directive
    }

    pub(super) fn directives(&self) -> &'d [Directive<'t>] {
        self.directives
    }

    /// The key of a directive that stands in this block.
    pub(super) fn key(&self, directive: &Directive<'t>) -> String {
        if self.path.is_empty() {
            directive.name().to_owned()
        } else {
            format!("{}.{}", self.path, directive.name())
        }
    }

    /// The directive of a name in this block itself.
    pub(super) fn own(&self, name: &str) -> Option<&'d Directive<'t>> {
        self.named.get(name).copied()
    }

    /// The directive of a name in effect here, and the block it stands in.
    pub(super) fn find(&self, name: &str) -> Option<(&Scope<'d, 't, 'o>, &'d Directive<'t>)> {
        let mut scope = self;
        loop {
            if let Some(directive) = scope.own(name) {
                return Some((scope, directive));
            }
            scope = scope.outer?;
        }
    }

    /// The directives of a name in effect here, where a block may hold several: those of the innermost
    /// block that has any, and that block. A block with one of its own inherits none.
    pub(super) fn all(&self, name: &str) -> Option<(&Scope<'d, 't, 'o>, Vec<&'d Directive<'t>>)> {
        let mut scope = self;
        loop {
            let alone = |directive: &&Directive<'t>| directive.name() == name && directive.block.is_none();
            let found: Vec<_> = scope.directives.iter().filter(alone).collect();
            if !found.is_empty() {
                return Some((scope, found));
            }
            scope = scope.outer?;
        }
    }

    /// The `set` that gives a variable its value here: the innermost one.
    pub(super) fn variable(&self, name: &str) -> Option<&'d Directive<'t>> {
        let mut scope = self;
        loop {
            if let Some(set) = scope.variables.get(name) {
                return Some(set);
            }
            scope = scope.outer?;
        }
    }
}

fn label(directive: &Directive<'_>) -> String {
    match directive.name() {
        "server" => format!("server {}", directive.server_name()),
        name => format!("{name} {}", directive.words()).trim_end().to_owned(),
    }
}
