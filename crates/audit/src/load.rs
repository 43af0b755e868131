//! Finds `forewarn.toml` and the files of measurements it names. What they say has places too, so
//! they are sources like any other, numbered first; they are not audited as configuration.

use std::path::{Path, PathBuf};

use text::{FileId, Source, Span};

use crate::collect::{read_text, shown};
use crate::config::{self, Config, Hashes, Measurement, Mistake, Observed};
use crate::place::join_paths;
use crate::request::{ConfigChoice, Error};

/// The name of Forewarn's own configuration file.
pub const CONFIG_NAME: &str = "forewarn.toml";

/// A configuration with the sources it was read from.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// What they say.
    pub(crate) config: Config,
    /// `forewarn.toml` and files of measurements, numbered from 0.
    pub(crate) sources: Vec<Source>,
    /// The directory that its globs are relative to.
    pub(crate) base: Option<PathBuf>,
}

/// Loads the configuration that a request names, or the nearest from the first root upward.
///
/// # Errors
///
/// A file that is named and cannot be read, or mistakes in one.
pub(crate) fn load(choice: &ConfigChoice, first_root: &Path) -> Result<Loaded, Error> {
    let path = match choice {
        ConfigChoice::None => return Ok(Loaded::default()),
        ConfigChoice::File(path) => path.clone(),
        ConfigChoice::Find => match find(first_root) {
            Some(path) => path,
            None => return Ok(Loaded::default()),
        },
    };
    let base = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let text = read_text(&path)
        .map_err(|what| Error::stopped(path.display(), what, "name a file that can be read with --config"))?;
    let named = shown(&path);
    let mut loaded = of_texts(&named, text, &|relative| {
        let path = base.join(relative);
        read_text(&path).map(|text| (shown(&path), text))
    })?;
    loaded.base = Some(base);
    Ok(loaded)
}

/// The nearest `forewarn.toml`, from a directory upward.
#[expect(clippy::disallowed_methods, reason = "looks whether it is there; `collect` reads it")]
fn find(root: &Path) -> Option<PathBuf> {
    let start = std::path::absolute(root).ok()?;
    // Whatever it is: one that cannot be read must stop the audit rather than count as none.
    let is_there = |path: &Path| path.symlink_metadata().is_ok();
    let up = start.ancestors().position(|directory| is_there(&directory.join(CONFIG_NAME)))?;
    // Kept relative where the root is, so that what is shown is what was typed.
    let mut relative = root.to_path_buf();
    for _ in 0..up {
        relative = match relative.file_name() {
            Some(_) => relative.parent().map(Path::to_path_buf).unwrap_or_default(),
            None => relative.join(".."),
        };
    }
    let path = relative.join(CONFIG_NAME);
    Some(if is_there(&path) { path } else { start.ancestors().nth(up)?.join(CONFIG_NAME) })
}

/// Gives the name to show and the text of a file of measurements, or what is wrong with it.
pub(crate) type ReadMeasurement<'a> = dyn Fn(&str) -> Result<(String, String), String> + 'a;

/// Loads from texts: the configuration's own, and those of measurements by their path relative to
/// it, with the name to show.
pub(crate) fn of_texts(name: &str, text: String, measurement: &ReadMeasurement<'_>) -> Result<Loaded, Error> {
    let source = Source::new(FileId(0), name, text);
    let mut config = match config::parse(&source) {
        Ok(config) => config,
        Err(mistakes) => return Err(Error::Mistakes { source, mistakes }),
    };
    let mut sources = vec![source];
    // A file that is named, as a source of the next number.
    let named = |path: &str, span: Span, sources: &[Source]| {
        let (name, text) = measurement(&join_paths("", path)).map_err(|what| {
            let mistake = Mistake {
                span,
                what: format!("the measurement file `{path}` {what}"),
                help: format!("name a file relative to the directory of {CONFIG_NAME}"),
            };
            let source = Source::new(FileId(0), sources[0].path(), sources[0].text());
            Error::Mistakes { source, mistakes: vec![mistake] }
        })?;
        Ok::<_, Error>(Source::new(FileId(sources.len() as u32), name, text))
    };
    for hashes in std::mem::take(&mut config.hashes) {
        let Hashes::File { path, span } = &hashes else {
            config.hashes.push(hashes);
            continue;
        };
        let source = named(path, *span, &sources)?;
        match config::parse_hashes(&source) {
            Ok(times) => config.hashes.extend(times.into_iter().map(Hashes::Here)),
            Err(mistakes) => return Err(Error::Mistakes { source, mistakes }),
        }
        sources.push(source);
    }
    let observed = std::mem::take(&mut config.observed);
    for observed in observed {
        let what = match &observed.what {
            Measurement::Here(_) => observed.what,
            Measurement::File { path, .. } => {
                let source = named(path, observed.span, &sources)?;
                match config::parse_measurement(&source) {
                    Ok(latency) => {
                        let latency = observed.what.latency(Some(latency));
                        sources.push(source);
                        latency.map_or(observed.what, Measurement::Here)
                    }
                    Err(mistakes) => return Err(Error::Mistakes { source, mistakes }),
                }
            }
        };
        config.observed.push(Observed { what, ..observed });
    }
    Ok(Loaded { config, sources, base: None })
}
