//! What is wrong with a configuration: where, what, what to do. Values of keys that can hold a secret
//! are never part of it.

use std::fmt;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The configuration is refused.
    Error,
    /// It is taken, and this is said.
    Warning,
}

/// Where a key was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Somewhere in the file, counted from 1; columns in characters.
    Line {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// The file as a whole: what is missing, and defaults.
    File,
    /// A variable of the environment, by its name.
    Variable(String),
}

/// A key that takes part in a sum, and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The key with its tables, such as `directory.pool.size`.
    pub key: &'static str,
    /// Its value.
    pub value: String,
    /// Where it was written; [`Place::File`] where its default holds.
    pub place: Place,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// How bad it is.
    pub level: Level,
    /// Where it is.
    pub place: Place,
    /// The key it is about; empty where the text is no TOML.
    pub key: String,
    /// What is wrong, with the sum.
    pub what: String,
    /// What to do.
    pub help: String,
    /// The keys of the sum, for checks that compare keys.
    pub terms: Vec<Term>,
}

impl Mistake {
    /// An error in a place.
    #[must_use]
    pub fn error(place: Place, key: impl Into<String>, what: String, help: String) -> Self {
        Self { level: Level::Error, place, key: key.into(), what, help, terms: Vec::new() }
    }
}

/// All mistakes of a configuration that can be told at once, sorted by their place. None of them need
/// be an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes {
    /// The file, as it was named.
    pub path: String,
    /// What is wrong.
    pub all: Vec<Mistake>,
}

impl Mistakes {
    /// Mistakes in the order of their places.
    #[must_use]
    pub fn of(path: &str, mut all: Vec<Mistake>) -> Self {
        all.sort_by(|a, b| (&a.place, &a.key, &a.what).cmp(&(&b.place, &b.key, &b.what)));
        all.dedup();
        Self { path: path.to_owned(), all }
    }

    /// Whether the configuration is to be refused.
    #[must_use]
    pub fn refuse(&self) -> bool {
        self.all.iter().any(|mistake| mistake.level == Level::Error)
    }

    fn place(&self, place: &Place) -> String {
        match place {
            Place::Line { line, column } => format!("{}:{line}:{column}", self.path),
            Place::File => self.path.clone(),
            Place::Variable(name) => format!("environment variable {name}"),
        }
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mistake in &self.all {
            let level = match mistake.level {
                Level::Error => "error",
                Level::Warning => "warning",
            };
            write!(f, "{level}: {}: ", self.place(&mistake.place))?;
            if !mistake.key.is_empty() {
                write!(f, "{}: ", mistake.key)?;
            }
            writeln!(f, "{}", mistake.what)?;
            for Term { key, value, place } in &mistake.terms {
                match place {
                    Place::File => writeln!(f, "  with {key} = {value} (the default)")?,
                    place => writeln!(f, "  with {key} = {value} ({})", self.place(place))?,
                }
            }
            if !mistake.help.is_empty() {
                writeln!(f, "  help: {}", mistake.help)?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}
