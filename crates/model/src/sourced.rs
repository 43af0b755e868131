//! A value that knows where it comes from. No rule, report or diagnosis ever looks a position up.

use text::Span;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// It stands there.
    Written(Span),
    /// Nothing is written, so the product's default applies.
    Default {
        /// The place to point at: the block in which the key is absent.
        near: Span,
        /// Whose default of what, e.g. "NGINX proxy_read_timeout".
        of: &'static str,
        /// The versions it holds for and where that is documented, e.g. "since 1.0, ngx_http_proxy_module".
        version: &'static str,
    },
    /// Made of others: the first decides, the rest are what it overrides or is computed from.
    Derived(Vec<Origin>),
    /// Stated in `forewarn.toml`.
    Declared(Span),
    /// Measured.
    Observed {
        /// Where the measurement is written down.
        source: Span,
        /// When it was taken, in the words of its source.
        window: String,
    },
}

impl Origin {
    /// The place to show for it: of a derived value the place of the part that decides.
    pub fn span(&self) -> Option<Span> {
        match self {
            Self::Written(span) | Self::Declared(span) => Some(*span),
            Self::Default { near, .. } => Some(*near),
            Self::Observed { source, .. } => Some(*source),
            Self::Derived(parts) => parts.first().and_then(Origin::span),
        }
    }

    /// Whether no file states the value.
    pub fn is_default(&self) -> bool {
        match self {
            Self::Default { .. } => true,
            Self::Derived(parts) => parts.first().is_some_and(Origin::is_default),
            _ => false,
        }
    }

    /// The default's name and version, if it is one.
    pub fn default_of(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Default { of, version, .. } => Some((of, version)),
            Self::Derived(parts) => parts.first().and_then(Origin::default_of),
            _ => None,
        }
    }
}

/// A value with its origin.
#[derive(Debug, Clone, PartialEq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin,
}

impl<T> Sourced<T> {
    /// A value that stands at a place.
    pub fn written(value: T, span: Span) -> Self {
        Self { value, origin: Origin::Written(span) }
    }
}
