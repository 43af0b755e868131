//! Finds the targets of a service: stated ones, those of files, and the addresses of a name. What cannot
//! be read or resolved any more keeps the last that could be, and says so.

mod files;
mod name;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ::watch::plan::Targets;
use tokio::sync::watch;

use crate::http::{Network, Url};
use crate::notes::{Notes, Standing};

use files::Files;
use name::Name;

/// How often files are looked at, and a name that did not resolve is tried again.
const SOON: Duration = Duration::from_secs(5);

/// The most targets of a service. Each is asked at every look.
const MOST_TARGETS: usize = 1000;

/// A place to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// How it is called: host and port, and the path where that alone tells it from another. Never the query.
    pub(crate) name: String,
    pub(crate) url: Url,
}

impl Target {
    /// # Errors
    ///
    /// Says what is wrong with the URL, and nothing of it.
    pub(crate) fn new(url: &str) -> Result<Self, String> {
        let url = Url::parse(url)?;
        Ok(Self { name: url.address(), url })
    }
}

/// The targets as they are now known; none until all sources were asked once.
pub(crate) type Known = watch::Receiver<Option<Arc<[Target]>>>;

/// Where targets come from.
enum Source {
    Stated(Target),
    Files(Arc<Files>),
    Name(Name),
}

/// Begins to find the targets of a service, and goes on for as long as somebody wants to know.
///
/// # Errors
///
/// Says which of them can never be one.
pub(crate) fn discover(
    service: &str,
    targets: &[Targets],
    base: &Path,
    network: &Network,
    notes: &Notes,
) -> Result<Known, String> {
    let source = |targets: &Targets| -> Result<Source, String> {
        Ok(match targets {
            Targets::Url(url) => Source::Stated(Target::new(url).map_err(|why| format!("a target {why}"))?),
            Targets::File { glob, scheme, path } => {
                Source::Files(Arc::new(Files::new(base, glob, scheme, path)))
            }
            Targets::Dns { name, port, scheme, path } => Source::Name(Name::new(name, *port, scheme, path)),
        })
    };
    let sources = targets.iter().map(source).collect::<Result<Vec<_>, _>>()?;
    let stays = sources.iter().all(|source| matches!(source, Source::Stated(_)));
    let (tell, known) = watch::channel(None);
    let search =
        Search { service: service.to_owned(), sources, network: network.clone(), notes: notes.clone(), tell };
    if stays {
        let stated = search.sources.iter().filter_map(|source| match source {
            Source::Stated(target) => Some(target.clone()),
            Source::Files(_) | Source::Name(_) => None,
        });
        search.tell(stated.collect());
    } else {
        tokio::spawn(search.go_on());
    }
    Ok(known)
}

/// A search that goes on.
struct Search {
    service: String,
    sources: Vec<Source>,
    network: Network,
    notes: Notes,
    tell: watch::Sender<Option<Arc<[Target]>>>,
}

impl Search {
    async fn go_on(mut self) {
        let mut standing = Standing::new(self.notes.clone());
        loop {
            let mut found = Vec::new();
            for source in &mut self.sources {
                let (targets, troubles) = match source {
                    Source::Stated(target) => (vec![target.clone()], Vec::new()),
                    Source::Files(files) => Files::look(files).await,
                    Source::Name(name) => name.look(&self.network).await,
                };
                found.extend(targets);
                for Trouble { thing, why } in troubles {
                    match why {
                        Some(why) => standing.trouble(&thing, (), || {
                            format!("{}: targets: {thing}: {why}; those known before are kept", self.service)
                        }),
                        None => standing
                            .fine(&thing, || format!("{}: targets: {thing}: is fine again", self.service)),
                    }
                }
            }
            self.tell(found);
            tokio::select! {
                () = tokio::time::sleep(SOON) => {}
                () = self.tell.closed() => return,
            }
        }
    }

    /// Tells the targets where they are others than before.
    fn tell(&self, found: Vec<Target>) {
        let found = distinct(found);
        if found.len() > MOST_TARGETS && self.tell.borrow().is_none() {
            let (service, many) = (&self.service, found.len());
            self.notes.say(format!("{service}: has {many} targets; only the first {MOST_TARGETS} are asked"));
        }
        let found: Arc<[Target]> = found.into_iter().take(MOST_TARGETS).collect();
        self.tell.send_if_modified(|known| {
            let changed = known.as_ref() != Some(&found);
            if changed {
                *known = Some(found);
            }
            changed
        });
    }
}

/// How a file or a name is that targets come from.
struct Trouble {
    thing: String,
    /// What is wrong with it; nothing where all is well.
    why: Option<String>,
}

/// Each place once, and no name twice.
fn distinct(found: Vec<Target>) -> Vec<Target> {
    let mut kept: Vec<Target> = Vec::with_capacity(found.len());
    for target in found {
        if kept.iter().all(|known| known.url != target.url) {
            kept.push(target);
        }
    }
    let mut paths: HashMap<String, HashMap<String, usize>> = HashMap::new();
    for target in &kept {
        paths.entry(target.url.address()).or_default().entry(target.url.path().to_owned()).or_default();
    }
    for Target { name, url } in &mut kept {
        let address = url.address();
        let Some(of_address) = paths.get_mut(&address) else { continue };
        *name = if of_address.len() > 1 { address + url.path() } else { address };
        let before = of_address.entry(url.path().to_owned()).or_default();
        *before += 1;
        if *before > 1 {
            *name = format!("{name} ({before})");
        }
    }
    kept
}
