//! The wish to stop, told to everyone: first to end what has begun, then to end at once.

use tokio::sync::watch;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Run,
    Drain,
    Cut,
}

/// Tells.
#[derive(Debug)]
pub struct Stopper(watch::Sender<Stage>);

/// Is told. Where nobody is left to tell, nothing stops.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<Stage>);

/// Both ends.
#[must_use]
pub fn channel() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(Stage::Run);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Nothing new is begun; what has begun may end.
    pub fn drain(&self) {
        self.at_least(Stage::Drain);
    }

    /// What has begun ends where it stands.
    pub fn cut(&self) {
        self.at_least(Stage::Cut);
    }

    fn at_least(&self, stage: Stage) {
        self.0.send_if_modified(|now| {
            let later = stage > *now;
            *now = stage.max(*now);
            later
        });
    }
}

impl Stop {
    /// Waits until nothing new shall begin.
    pub async fn draining(&mut self) {
        self.until(Stage::Drain).await;
    }

    /// Waits until everything shall end.
    pub async fn cutting(&mut self) {
        self.until(Stage::Cut).await;
    }

    async fn until(&mut self, stage: Stage) {
        if self.0.wait_for(|now| *now >= stage).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
