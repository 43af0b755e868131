//! Globs over paths: what `forewarn.toml` and `--exclude` mean by them. Paths are relative and
//! written with `/`.

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

/// Some globs, ready to match. As in `.gitignore`: `*` and `?` stay within one directory, `**`
/// crosses them, a glob without `/` matches in every directory, and one that names a directory
/// matches all that lies in it.
#[derive(Debug, Clone, Default)]
pub struct Globs {
    set: GlobSet,
}

impl Globs {
    /// Globs that are known to be good; a bad one (see [`Globs::check`]) matches nothing.
    pub fn new<S: AsRef<str>>(globs: &[S]) -> Self {
        let mut builder = GlobSetBuilder::new();
        for glob in globs {
            for form in forms(glob.as_ref()) {
                if let Ok(glob) = compile(&form) {
                    builder.add(glob);
                }
            }
        }
        Self { set: builder.build().unwrap_or_default() }
    }

    /// Whether a glob can be understood.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub fn check(glob: &str) -> Result<(), String> {
        if glob.trim().is_empty() {
            return Err("it is empty".to_owned());
        }
        compile(glob).map(drop).map_err(|error| error.kind().to_string())
    }

    /// Whether any of them matches a path.
    pub fn matches(&self, path: &str) -> bool {
        self.set.is_match(path)
    }
}

fn compile(glob: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(glob).literal_separator(true).backslash_escape(true).build()
}

/// A glob as its author means it: the path itself and everything below it.
fn forms(glob: &str) -> [String; 2] {
    let anchored = glob.trim_end_matches('/').contains('/');
    let rest = glob.strip_prefix("./").unwrap_or(glob).trim_start_matches('/').trim_end_matches('/');
    let base = if anchored || rest.starts_with("**") { rest.to_owned() } else { format!("**/{rest}") };
    [base.clone(), format!("{base}/**")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_as_in_gitignore() {
        for (glob, path, expected) in [
            ("*.yaml", "a/b.yaml", true),
            ("a/*.yaml", "a/b.yaml", true),
            ("a/*.yaml", "a/c/b.yaml", false),
            ("a/**/*.yaml", "a/c/b.yaml", true),
            ("/b.yaml", "b.yaml", true),
            ("/b.yaml", "a/b.yaml", false),
            ("./a", "a/b.yaml", true),
            ("vendor", "x/vendor/y.toml", true),
            ("vendor/", "vendor/y.toml", true),
            ("deploy/{eu,us}/**", "deploy/eu/app.env", true),
            ("deploy/{eu,us}/**", "deploy/ap/app.env", false),
            ("**", "anything/at/all", true),
        ] {
            assert_eq!(Globs::new(&[glob]).matches(path), expected, "{glob} on {path}");
        }
    }

    #[test]
    fn a_glob_that_cannot_be_understood_is_refused_with_its_reason() {
        assert!(Globs::check("a/**/b").is_ok());
        assert!(Globs::check("a[").is_err());
        assert!(Globs::check("{a").is_err());
        assert!(Globs::check(" ").is_err());
        assert!(!Globs::new(&["a["]).matches("a["));
    }
}
