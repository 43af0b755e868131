//! Takes a changed configuration, or keeps the old one and says why. A file is looked at every second,
//! by what it says: replaced files, links that were turned to another directory (as Kubernetes does with
//! mounted ConfigMaps) and changes within one tick of the file system's clock are all seen so. What is
//! half written is not taken: a text counts once it stood still from one look to the next.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::document::{self, Config, Judged, without_secrets};
use super::environment::Environment;
use super::mistake::Mistakes;
use crate::metrics::Metrics;

/// How often a file is looked at.
pub const EVERY: Duration = Duration::from_secs(1);

/// Looks in a row that must fail before that is said: a file that is being replaced may be away once.
const FAILED_LOOKS: u32 = 2;

/// Where the text of a configuration comes from.
pub trait Source: Send + Sync + 'static {
    /// The whole text as it is now.
    ///
    /// # Errors
    /// Says why there is none.
    fn text(&self) -> io::Result<String>;
}

/// A file, by its path; links are followed anew each time.
impl Source for PathBuf {
    fn text(&self) -> io::Result<String> {
        std::fs::read_to_string(self)
    }
}

/// A key whose value is another one now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The key with its tables.
    pub key: String,
    /// The value before, without secrets; `None` where there was none.
    pub from: Option<String>,
    /// The value now, likewise.
    pub to: Option<String>,
    /// Whether it takes a restart to have an effect.
    pub at_start: bool,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [from, to] = [&self.from, &self.to].map(|value| value.as_deref().unwrap_or("nothing"));
        write!(f, "{} {from} -> {to}", self.key)?;
        if self.at_start { f.write_str(" (after a restart)") } else { Ok(()) }
    }
}

/// What became of a look that is worth saying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// Another configuration is in force.
    Accepted {
        /// What is different; nothing where only comments are.
        changes: Vec<Change>,
        /// What is to be said of it nevertheless.
        warnings: Mistakes,
    },
    /// The old configuration stays in force, because of these mistakes.
    Refused(Mistakes),
    /// The old configuration stays in force, because the new one cannot be read.
    Unreadable(String),
    /// A signal came, and nothing had changed.
    Unchanged,
}

impl Report {
    /// What happened, in a few words for the log.
    #[must_use]
    pub fn event(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "configuration taken",
            Self::Refused(_) | Self::Unreadable(_) => "configuration refused",
            Self::Unchanged => "configuration unchanged",
        }
    }

    /// Whether an operator has to do something.
    #[must_use]
    pub fn bad(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Unreadable(_))
    }
}

/// The details.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted { changes, warnings } => {
                if changes.is_empty() {
                    f.write_str("no value is another one")?;
                }
                for (at, change) in changes.iter().enumerate() {
                    write!(f, "{}{change}", if at == 0 { "" } else { "; " })?;
                }
                if warnings.all.is_empty() {
                    Ok(())
                } else {
                    write!(f, "\n{}", warnings.to_string().trim_end())
                }
            }
            Self::Refused(mistakes) => {
                write!(f, "the one before stays in force:\n{}", mistakes.to_string().trim_end())
            }
            Self::Unreadable(why) => write!(f, "the one before stays in force: {why}"),
            Self::Unchanged => f.write_str("the file says what is in force"),
        }
    }
}

/// What is told of each look that is worth saying.
pub type Tell = Box<dyn Fn(&Report) + Send + Sync>;

/// A configuration that follows its source.
pub struct Followed<T> {
    /// What mistakes call the source.
    name: String,
    environment: Environment,
    in_force: Arc<T>,
    /// The text that was judged last, and what was said of it where it was refused.
    judged: String,
    refused: Option<Mistakes>,
    /// A text that was seen once and not judged yet.
    settling: Option<String>,
    failed_looks: u32,
    sender: watch::Sender<Arc<T>>,
    metrics: Arc<Metrics>,
}

impl<T> fmt::Debug for Followed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Followed({})", self.name)
    }
}

impl<T: Config> Followed<T> {
    /// Follows a source whose `text` was read and gave `first`, which is in force through `sender`.
    #[must_use]
    pub fn new(
        name: String,
        text: String,
        environment: Environment,
        first: Arc<T>,
        sender: watch::Sender<Arc<T>>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (judged, in_force) = (text, first);
        let (refused, settling, failed_looks) = (None, None, 0);
        Self { name, environment, in_force, judged, refused, settling, failed_looks, sender, metrics }
    }

    /// Takes what a look gave. `asked` where somebody sent a signal: then it is judged at once, and
    /// always answered.
    pub fn look(&mut self, seen: io::Result<String>, asked: bool) -> Option<Report> {
        let text = match seen {
            Ok(text) => text,
            Err(error) => return self.failed(&error, asked),
        };
        self.failed_looks = 0;
        if text == self.judged {
            self.settling = None;
            return asked.then(|| self.refused.clone().map_or(Report::Unchanged, Report::Refused));
        }
        if !asked && self.settling.as_ref() != Some(&text) {
            self.settling = Some(text);
            return None;
        }
        self.settling = None;
        Some(self.judge(text))
    }

    fn failed(&mut self, error: &io::Error, asked: bool) -> Option<Report> {
        self.settling = None;
        self.failed_looks = self.failed_looks.saturating_add(1);
        if !asked && self.failed_looks != FAILED_LOOKS {
            return None;
        }
        self.metrics.reload(false);
        Some(Report::Unreadable(format!("{} cannot be read: {error}", self.name)))
    }

    fn judge(&mut self, text: String) -> Report {
        let judged = document::judge::<T>(&self.name, &text, &self.environment);
        self.judged = text;
        self.metrics.reload(judged.is_ok());
        match judged {
            Ok(Judged { config, warnings }) => {
                self.refused = None;
                let changes = changes(self.in_force.as_ref(), &config);
                self.in_force = Arc::new(config);
                self.sender.send_replace(self.in_force.clone());
                Report::Accepted { changes, warnings }
            }
            Err(mistakes) => {
                self.refused = Some(mistakes.clone());
                Report::Refused(mistakes)
            }
        }
    }
}

/// The keys whose values differ.
fn changes<T: Config>(from: &T, to: &T) -> Vec<Change> {
    let (from, to) = (document::values(from), document::values(to));
    let keys: BTreeMap<&String, ()> = from.keys().chain(to.keys()).map(|key| (key, ())).collect();
    let differs = |key: &&&String| from.get(**key) != to.get(**key);
    let change = |key: &String| {
        // Certificates and keys are looked at again while it runs; whether there are any is not.
        let (before, now) = (from.get(key), to.get(key));
        let material = key.starts_with("server.tls.") || key == "tokens.keys";
        let begins_or_ends = material && (before.is_none() || now.is_none());
        let within = |table: &&str| {
            key.strip_prefix(*table).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        Change {
            key: key.clone(),
            from: before.map(|value| without_secrets(value)),
            to: now.map(|value| without_secrets(value)),
            at_start: begins_or_ends || T::AT_START.iter().any(within),
        }
    };
    keys.keys().filter(differs).map(|key| change(key)).collect()
}

/// Follows a source for ever: looks at it every second and whenever `asked` says so.
pub async fn follow<T: Config>(
    mut followed: Followed<T>,
    source: Arc<dyn Source>,
    mut asked: mpsc::Receiver<()>,
    tell: Tell,
) {
    let mut looks = tokio::time::interval(EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let signal = tokio::select! {
            Some(()) = asked.recv() => true,
            _ = looks.tick() => false,
        };
        let reader = source.clone();
        // The disk may be slow, and this thread answers requests.
        let Ok(seen) = tokio::task::spawn_blocking(move || reader.text()).await else { continue };
        if let Some(report) = followed.look(seen, signal) {
            tell(&report);
        }
    }
}

/// A message for each SIGHUP.
///
/// # Errors
/// Where the process may not listen to signals.
#[cfg(unix)]
pub fn hangups() -> io::Result<mpsc::Receiver<()>> {
    let mut signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?;
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        while signal.recv().await.is_some() {
            // A full channel means that a look is due anyway.
            let _ = sender.try_send(());
        }
    });
    Ok(receiver)
}

/// This system has no such signal.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn hangups() -> io::Result<mpsc::Receiver<()>> {
    Ok(mpsc::channel(1).1)
}
