//! What is asked of a running watch over HTTP, with where the answer goes.

use tokio::sync::oneshot;
use watch::alert::Silence;
use wire::alert::NewSilence;

/// Something that is asked.
pub(crate) enum Asked {
    /// Alerts are not to be told for a while.
    Silence { new: NewSilence, reply: oneshot::Sender<Silence> },
    /// A silence is to end; the answer is whether there is one of this number.
    Unsilence { id: u64, reply: oneshot::Sender<bool> },
}
