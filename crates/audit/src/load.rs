//! Finds `forewarn.toml`, the files of measurements it names and the baseline. What they say has places
//! too, so they are sources like any other, numbered first; they are not audited as configuration.

use std::path::{Path, PathBuf};

use text::{FileId, Source, Span};

use crate::baseline::{self, BASELINE_NAME, Baseline};
use crate::collect::{directory_of, read_text, read_text_if_there, shown};
use crate::config::{self, Config, Hashes, Measurement, Mistake, Observed};
use crate::place::join_paths;
use crate::request::{BaselineChoice, ConfigChoice, Error};

/// The name of Forewarn's own configuration file.
pub const CONFIG_NAME: &str = "forewarn.toml";

/// A configuration with the sources it was read from.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// What they say.
    pub(crate) config: Config,
    /// `forewarn.toml`, files of measurements and the baseline, numbered from 0.
    pub(crate) sources: Vec<Source>,
    /// The directory that its globs are relative to.
    pub(crate) base: Option<PathBuf>,
    /// The baseline, and where it lies or would lie; `None` where none is wanted.
    pub(crate) baseline: Option<BaselineFile>,
}

/// A baseline and its place.
#[derive(Debug)]
pub struct BaselineFile {
    /// Where it lies or would lie.
    pub path: PathBuf,
    /// What it holds, if it is there.
    pub held: Option<Baseline>,
}

/// Loads the configuration that a request names, or the nearest from the first root upward.
///
/// # Errors
///
/// A file that is named and cannot be read, or mistakes in one.
pub(crate) fn load(
    choice: &ConfigChoice,
    baseline: &BaselineChoice,
    first_root: &Path,
) -> Result<Loaded, Error> {
    let mut loaded = load_config(choice, first_root)?;
    loaded.load_baseline(baseline, first_root)?;
    Ok(loaded)
}

fn load_config(choice: &ConfigChoice, first_root: &Path) -> Result<Loaded, Error> {
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

impl Loaded {
    fn load_baseline(&mut self, choice: &BaselineChoice, first_root: &Path) -> Result<(), Error> {
        let named = self.config.baseline.as_ref();
        let (path, may_be_absent) = match choice {
            BaselineChoice::None => return Ok(()),
            BaselineChoice::File(path) => (path.clone(), false),
            BaselineChoice::FileOrMake(path) => (path.clone(), true),
            BaselineChoice::Find | BaselineChoice::FindOrMake => {
                let beside = self.base.clone().unwrap_or_else(|| directory_of(first_root));
                let name = named.map_or(BASELINE_NAME, |(name, _)| name);
                (plainly(&beside.join(name)), named.is_none() || *choice == BaselineChoice::FindOrMake)
            }
        };
        let text = match read_text_if_there(&path) {
            Ok(Some(text)) => Some(text),
            Ok(None) if may_be_absent => None,
            Ok(None) => return Err(self.no_baseline(choice, &path, "does not exist")),
            Err(what) => return Err(self.no_baseline(choice, &path, &what)),
        };
        let held = text.map(|text| self.take_baseline(&shown(&path), text)).transpose()?;
        self.baseline = Some(BaselineFile { path, held });
        Ok(())
    }

    /// Reads the text of a baseline, which becomes a source of the audit.
    pub(crate) fn take_baseline(&mut self, name: &str, text: String) -> Result<Baseline, Error> {
        let source = Source::new(FileId(self.sources.len() as u32), name, text);
        match baseline::parse(&source) {
            Ok(baseline) => {
                self.sources.push(source);
                Ok(baseline)
            }
            Err(mistakes) => Err(Error::Mistakes { source, mistakes }),
        }
    }

    fn no_baseline(&self, choice: &BaselineChoice, path: &Path, what: &str) -> Error {
        const HELP: &str = "`forewarn baseline` writes one";
        match &self.config.baseline {
            Some((name, span)) if *choice == BaselineChoice::Find => Error::Mistakes {
                source: Source::new(FileId(0), self.sources[0].path(), self.sources[0].text()),
                mistakes: vec![Mistake {
                    span: *span,
                    what: format!("the baseline `{name}` {what}"),
                    help: HELP.to_owned(),
                }],
            },
            _ => Error::stopped(path.display(), what, HELP),
        }
    }
}

/// A path without a leading `./`, as people type it.
fn plainly(path: &Path) -> PathBuf {
    path.strip_prefix(".").unwrap_or(path).to_path_buf()
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
    Ok(Loaded { config, sources, base: None, baseline: None })
}
