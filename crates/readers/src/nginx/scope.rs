//! A block with the blocks around it: what is in effect where, and how keys and groups are called.

use super::directives::Directive;

/// A block. A directive written in it replaces one written further out.
pub(super) struct Scope<'d, 't, 'o> {
    path: String,
    label: String,
    /// The directive that opens the block.
    directive: Option<&'d Directive<'t>>,
    directives: &'d [Directive<'t>],
    outer: Option<&'o Scope<'d, 't, 'o>>,
}

impl<'d, 't, 'o> Scope<'d, 't, 'o> {
    /// The file.
    pub(super) fn top(directives: &'d [Directive<'t>]) -> Self {
        Self { path: String::new(), label: "nginx".to_owned(), directive: None, directives, outer: None }
    }

    /// A block that stands alone: nothing is inherited into it.
    pub(super) fn alone(path: String, directive: &'d Directive<'t>, inside: &'d [Directive<'t>]) -> Self {
        let label = label(directive);
        Self { path, label, directive: Some(directive), directives: inside, outer: None }
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
        let mut label = label(directive);
        if matches!(directive.name(), "if" | "limit_except") {
            label = format!("{}, {}", self.label, directive.name());
        }
        Scope { path, label, directive: Some(directive), directives: inside, outer: Some(self) }
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

    /// The last directive of a name in this block itself.
    pub(super) fn own(&self, name: &str) -> Option<&'d Directive<'t>> {
        self.directives.iter().rev().find(|directive| directive.name() == name && directive.block.is_none())
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

    /// The value that `set` gives a variable, by the innermost block.
    pub(super) fn variable(&self, name: &str) -> Option<&'d Directive<'t>> {
        let mut scope = self;
        loop {
            let set = scope.directives.iter().rev().find(|directive| {
                directive.name() == "set"
                    && directive.arguments.len() == 2
                    && directive.argument().is_some_and(|a| a.text().strip_prefix('$') == Some(name))
            });
            if set.is_some() {
                return set;
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
