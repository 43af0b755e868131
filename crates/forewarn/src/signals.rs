//! Ctrl-C and SIGTERM while a test or a drill runs: what was started is stopped in order, and the exit code says what
//! ended it, as a shell would (128 and the number of the signal).

use audit::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Whether somebody ended the run.
pub(crate) struct Signals {
    told: watch::Receiver<Option<u8>>,
}

impl Signals {
    /// Begins to listen; within a runtime.
    pub(crate) fn listen() -> Result<Self, Error> {
        let of = |kind| {
            signal(kind).map_err(|error| {
                let what = format!("cannot be listened to: {error}");
                Error::stopped("signals", what, "look at the limits of this process")
            })
        };
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let (tell, told) = watch::channel(None);
        for kind in kinds {
            tokio::spawn(pass_on(of(kind)?, kind, tell.clone()));
        }
        Ok(Self { told })
    }

    /// Comes when somebody ends the run, and not before.
    pub(crate) fn ended(&self) -> impl Future<Output = ()> + use<> {
        let mut told = self.told.clone();
        async move {
            if told.wait_for(Option::is_some).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The exit code that says who ended it, once somebody did.
    pub(crate) fn code(&self) -> Option<u8> {
        *self.told.borrow()
    }
}

async fn pass_on(mut signal: Signal, kind: SignalKind, tell: watch::Sender<Option<u8>>) {
    while signal.recv().await.is_some() {
        let code = u8::try_from(128 + kind.as_raw_value()).unwrap_or(u8::MAX);
        tell.send_if_modified(|told| told.is_none() && told.replace(code).is_none());
    }
}
