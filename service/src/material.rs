//! Certificates and keys in force: read at the start from files that the configuration names, and taken
//! anew when those change. What does not hold is refused and said, and what was there before stays.
//!
//! Files are looked at as the configuration's own are (`config::reload`): by what they say, once it
//! stood still from one look to the next; at once where somebody sent a signal.

use std::path::PathBuf;
use std::sync::Arc;

use ring::digest::{Context, Digest, SHA256};
use tokio::sync::{mpsc, watch};

use crate::config::live::Live;
use crate::config::reload::EVERY;
use crate::http::log::{Level, Log};

/// What the configuration names, and what is made of its files.
pub trait Material: Send + Sync + 'static {
    /// What the log calls it.
    const NAME: &'static str;
    /// What is made of the files.
    type Held: Send + Sync + 'static;

    /// The files as they are now.
    ///
    /// # Errors
    /// Says why they cannot be listed.
    fn files(&self) -> Result<Vec<PathBuf>, String>;

    /// Reads and checks them.
    ///
    /// # Errors
    /// Says which file is not what it should be, and nothing of a secret.
    fn read(&self) -> Result<Self::Held, String>;

    /// What the log says of what was taken.
    fn told(&self, held: &Self::Held) -> String;

    /// What is allowed but should not be.
    fn warnings(held: &Self::Held) -> &[String];
}

/// Reads material, and follows its files until nobody holds the result any more. `named` gives what the
/// configuration names now; where that is nothing, what is in force stays. `asked` has a message for
/// each signal.
///
/// # Errors
/// Says what is wrong with the files.
pub fn follow<M: Material>(
    first: M,
    named: impl Fn() -> Option<M> + Send + 'static,
    asked: mpsc::Receiver<()>,
    log: &Log,
) -> Result<Live<M::Held>, String> {
    // Before they are read: a change in between is seen at the first look.
    let print = Print::of(&first);
    let held = first.read()?;
    warn::<M>(&held, log);
    let (sender, live) = Live::new(held);
    let followed = Followed { judged: print, settling: None, refused: None, sender, log: log.clone() };
    tokio::spawn(followed.look_on(named, asked));
    Ok(live)
}

fn warn<M: Material>(held: &M::Held, log: &Log) {
    for warning in M::warnings(held) {
        log.event(Level::Warning, M::NAME, warning);
    }
}

/// Tells what files say from what others do, and keeps nothing of it.
#[derive(Clone)]
struct Print(Digest);

impl PartialEq for Print {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref() == other.0.as_ref()
    }
}

impl Print {
    fn of(material: &impl Material) -> Self {
        let mut sum = Context::new(&SHA256);
        let mut add = |part: &[u8]| {
            sum.update(&part.len().to_le_bytes());
            sum.update(part);
        };
        match material.files() {
            Err(why) => add(why.as_bytes()),
            Ok(files) => {
                for file in files {
                    add(file.as_os_str().as_encoded_bytes());
                    match std::fs::read(&file) {
                        Ok(says) => add(&says),
                        Err(error) => add(error.to_string().as_bytes()),
                    }
                }
            }
        }
        Self(sum.finish())
    }
}

struct Followed<H> {
    judged: Print,
    /// What was seen once and not judged yet.
    settling: Option<Print>,
    /// Why what was judged last is not in force.
    refused: Option<String>,
    sender: watch::Sender<Arc<H>>,
    log: Log,
}

impl<H: Send + Sync + 'static> Followed<H> {
    async fn look_on<M: Material<Held = H>>(
        mut self,
        named: impl Fn() -> Option<M>,
        mut asked: mpsc::Receiver<()>,
    ) {
        let mut looks = tokio::time::interval(EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let signal = tokio::select! {
                () = self.sender.closed() => return,
                Some(()) = asked.recv() => true,
                _ = looks.tick() => false,
            };
            let Some(material) = named() else { continue };
            // The disk may be slow, and this thread answers requests.
            let print = move || (Print::of(&material), material);
            let Ok((print, material)) = tokio::task::spawn_blocking(print).await else { continue };
            if !self.due(&print, signal) {
                continue;
            }
            let read = move || (material.read(), material);
            let Ok((read, material)) = tokio::task::spawn_blocking(read).await else { continue };
            self.judged = print;
            self.settling = None;
            self.take(&material, read, signal);
        }
    }

    /// Whether to read them now. What was refused is read again at each look: the mistake may be one of
    /// permissions, which files do not say.
    fn due(&mut self, print: &Print, asked: bool) -> bool {
        if *print == self.judged {
            self.settling = None;
            return self.refused.is_some();
        }
        let still = self.settling.replace(print.clone()).is_some_and(|before| before == *print);
        asked || still
    }

    fn take<M: Material<Held = H>>(&mut self, material: &M, read: Result<H, String>, asked: bool) {
        match read {
            Ok(held) => {
                self.refused = None;
                self.log.event(Level::Info, &format!("{} taken", M::NAME), &material.told(&held));
                warn::<M>(&held, &self.log);
                self.sender.send_replace(Arc::new(held));
            }
            Err(why) => {
                if asked || self.refused.as_ref() != Some(&why) {
                    let told = format!("what was there before stays in force: {why}");
                    self.log.event(Level::Error, &format!("{} refused", M::NAME), &told);
                }
                self.refused = Some(why);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::clock::{Clock as _, SystemClock, Timestamp};
    use crate::entropy::{Entropy as _, SeededEntropy, SystemEntropy};
    use crate::http::log::tests::Page;
    use crate::metrics::Metrics;
    use crate::token::keys::{KeyDirectory, KeyRing, draw};

    /// A directory with keys, gone with the test.
    struct Keys(PathBuf, SeededEntropy);

    impl Keys {
        fn new() -> Self {
            let name: String = SystemEntropy::new().id().iter().map(|byte| format!("{byte:02x}")).collect();
            let keys =
                Self(std::env::temp_dir().join(format!("authd-material-{name}")), SeededEntropy::new(1));
            keys.draw(Timestamp(0));
            keys
        }

        fn draw(&self, from: Timestamp) -> PathBuf {
            draw(&self.0, from, &self.1).unwrap()
        }
    }

    impl Drop for Keys {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    struct Running {
        ring: Live<KeyRing>,
        hangup: mpsc::Sender<()>,
        log: Log,
        page: Page,
        said: usize,
    }

    impl Running {
        fn on(directory: &Path) -> Self {
            let page = Page::default();
            let log = Log::to(page.clone(), Arc::new(SystemClock), Arc::new(Metrics::new()));
            let (hangup, asked) = mpsc::channel(1);
            let first = KeyDirectory(directory.to_owned());
            let named = first.clone();
            let ring = follow(first, move || Some(named.clone()), asked, &log).unwrap();
            Self { ring, hangup, log, page, said: 0 }
        }

        /// The events of the next seconds.
        async fn told(&mut self) -> Vec<String> {
            tokio::time::sleep(3 * EVERY).await;
            self.log.flush(Duration::from_secs(5));
            let text = self.page.text();
            let new = text.lines().skip(self.said).map(|line| line.split('"').nth(11).unwrap().to_owned());
            let new: Vec<String> = new.collect();
            self.said += new.len();
            new
        }

        fn kids(&self) -> usize {
            self.ring.now().keys().len()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_is_put_beside_the_others_is_taken_while_the_old_ring_serves_its_requests() {
        let keys = Keys::new();
        let mut running = Running::on(&keys.0);
        assert_eq!((running.told().await.len(), running.kids()), (0, 1));
        let under_way = running.ring.now();
        keys.draw(SystemClock.now().after(Duration::from_secs(86_400)));
        assert_eq!(running.told().await, ["signing keys taken"]);
        assert_eq!((running.kids(), under_way.keys().len()), (2, 1));
        assert_eq!(running.told().await.len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_directory_that_does_not_hold_leaves_the_ring_in_force_and_is_said_once() {
        let keys = Keys::new();
        let mut running = Running::on(&keys.0);
        let second = keys.0.join("second.pem");
        std::fs::write(&second, "half a ke").unwrap();
        assert_eq!(running.told().await, ["signing keys refused"]);
        assert_eq!((running.told().await.len(), running.kids()), (0, 1));
        running.hangup.send(()).await.unwrap();
        assert_eq!(running.told().await, ["signing keys refused"]);
        std::fs::remove_file(&second).unwrap();
        assert_eq!(running.told().await, ["signing keys taken"]);
        std::fs::remove_dir_all(&keys.0).unwrap();
        assert_eq!(running.told().await, ["signing keys refused"]);
        assert_eq!(running.kids(), 1);
        assert!(!running.page.text().contains("half a ke"));
    }

    #[cfg(unix)]
    #[tokio::test(start_paused = true)]
    async fn what_was_refused_for_its_permissions_is_taken_once_they_are_mended() {
        use std::os::unix::fs::PermissionsExt;
        let keys = Keys::new();
        let mut running = Running::on(&keys.0);
        let hidden = keys.0.join(".next");
        std::fs::rename(keys.draw(Timestamp(1)), &hidden).unwrap();
        let mode =
            |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        mode(&hidden, 0o644);
        let shown = keys.0.join("next.pem");
        std::fs::rename(&hidden, &shown).unwrap();
        assert_eq!(running.told().await, ["signing keys refused"]);
        mode(&shown, 0o600);
        assert_eq!(running.told().await, ["signing keys taken"]);
        assert_eq!(running.kids(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_signal_is_answered_without_waiting_for_a_second_look() {
        let keys = Keys::new();
        let mut running = Running::on(&keys.0);
        running.told().await;
        keys.draw(Timestamp(1));
        running.hangup.send(()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(running.kids(), 2);
    }
}
