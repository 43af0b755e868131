//! What is said to whoever runs the watch, in lines: what is wrong with an input when it begins, and that
//! it is over. Nothing waits for it to be read.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

/// How many lines wait to be read; what comes on top is dropped.
const WAITING: usize = 256;

/// The same thing is not said of again sooner than this after it changed.
const QUIET: Duration = Duration::from_secs(60);

/// Takes lines.
#[derive(Debug, Clone)]
pub struct Notes(mpsc::Sender<String>);

impl Notes {
    /// A place for lines, and where they come out.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<String>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), receiver)
    }

    /// Says a line.
    pub fn say(&self, line: String) {
        let _ = self.0.try_send(line);
    }
}

/// How things that can be in trouble are: says what changed, and not more than once a minute of each.
#[derive(Debug)]
pub(crate) struct Standing<T> {
    notes: Notes,
    /// The trouble that was last said of each thing, and when; nothing where it is over.
    said: HashMap<String, (Option<T>, Instant)>,
}

impl<T: PartialEq + Copy> Standing<T> {
    pub(crate) fn new(notes: Notes) -> Self {
        Self { notes, said: HashMap::new() }
    }

    /// A thing is in some trouble; `line` says so where it is not known yet.
    pub(crate) fn trouble(&mut self, thing: &str, trouble: T, line: impl FnOnce() -> String) {
        self.now(thing, Some(trouble), line);
    }

    /// A thing is in no trouble; `line` says so where it was.
    pub(crate) fn fine(&mut self, thing: &str, line: impl FnOnce() -> String) {
        if !self.said.is_empty() {
            self.now(thing, None, line);
        }
    }

    fn now(&mut self, thing: &str, trouble: Option<T>, line: impl FnOnce() -> String) {
        let now = Instant::now();
        match self.said.get_mut(thing) {
            Some((last, _)) if *last == trouble => return,
            // What comes and goes is in trouble for as long as it does.
            Some((Some(_), when)) if now < *when + QUIET => return,
            Some(known) => *known = (trouble, now),
            None if trouble.is_none() => return,
            None => drop(self.said.insert(thing.to_owned(), (trouble, now))),
        }
        self.notes.say(line());
    }

    /// Forgets all things but these.
    pub(crate) fn keep_only(&mut self, wanted: impl Fn(&str) -> bool) {
        self.said.retain(|thing, _| wanted(thing));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn trouble_is_said_when_it_begins_and_when_it_is_over() {
        let (notes, mut lines) = Notes::new();
        let mut standing = Standing::new(notes);
        let mut now = |trouble: Option<u8>| match trouble {
            Some(trouble) => standing.trouble("a", trouble, || format!("trouble {trouble}")),
            None => standing.fine("a", || "fine".to_owned()),
        };
        now(None);
        now(Some(1));
        now(Some(1));
        // Flapping is not said each time.
        now(None);
        now(Some(1));
        tokio::time::advance(QUIET).await;
        now(Some(1));
        now(None);
        now(Some(2));
        let mut said = Vec::new();
        while let Ok(line) = lines.try_recv() {
            said.push(line);
        }
        assert_eq!(said, ["trouble 1", "fine", "trouble 2"]);
    }
}
