//! Every address of a name is a target.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{Target, Trouble};
use crate::http::Network;

/// How often a name is resolved: as often as Prometheus does.
const EVERY: Duration = Duration::from_secs(30);

/// How long a lookup is waited for. A later one waits for the same answer.
const WAIT: Duration = Duration::from_secs(2);

/// A name.
pub(super) struct Name {
    name: String,
    port: u16,
    scheme: String,
    path: String,
    /// When it is due to be resolved again.
    due: Option<Instant>,
    last: Vec<Target>,
}

impl Name {
    pub(super) fn new(name: &str, port: u16, scheme: &str, path: &str) -> Self {
        let (name, scheme, path) = (name.to_owned(), scheme.to_owned(), path.to_owned());
        Self { name, port, scheme, path, due: None, last: Vec::new() }
    }

    /// Its addresses, resolved again where that is due.
    pub(super) async fn look(&mut self, network: &Network) -> (Vec<Target>, Vec<Trouble>) {
        let now = Instant::now();
        if self.due.is_some_and(|due| now < due) {
            return (self.last.clone(), Vec::new());
        }
        let found = match timeout(WAIT, network.names().addresses(&self.name)).await {
            Ok(Ok(addresses)) => self.targets(&addresses),
            Ok(Err((why, _))) => Err(why),
            Err(_) => Err(format!("did not resolve within {} s", WAIT.as_secs())),
        };
        let why = match found {
            Ok(targets) => {
                self.due = Some(now + EVERY);
                self.last = targets;
                None
            }
            Err(why) => Some(why),
        };
        (self.last.clone(), vec![Trouble { thing: self.name.clone(), why }])
    }

    fn targets(&self, addresses: &[IpAddr]) -> Result<Vec<Target>, String> {
        let mut addresses = addresses.to_vec();
        // Resolvers turn the order from answer to answer; the same addresses are the same targets.
        addresses.sort_unstable();
        let target = |address: &IpAddr| {
            let host = match address {
                IpAddr::V4(address) => address.to_string(),
                IpAddr::V6(address) => format!("[{address}]"),
            };
            Target::new(&format!("{}://{host}:{}{}", self.scheme, self.port, self.path))
        };
        addresses.iter().map(target).collect()
    }
}
