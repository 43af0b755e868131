//! Looks up names. A lookup cannot be broken off: the system's resolver keeps a thread for as long as
//! it takes. So there is at most one under way for each name, and who asks meanwhile waits for the same.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// What a lookup gave: addresses without double ones, or why there are none. The number is the
/// system's, where there is one.
pub(crate) type Found = Result<Arc<[IpAddr]>, (String, Option<i32>)>;

/// Lookups that are under way.
#[derive(Debug, Default)]
pub(crate) struct Names(Arc<Mutex<Flying>>);

type Flying = HashMap<Box<str>, watch::Receiver<Option<Found>>>;

impl Names {
    /// The addresses of a name, in the order in which the system would have them tried.
    pub(crate) async fn addresses(&self, host: &str) -> Found {
        let mut answer = self.ask(host);
        let found = answer.wait_for(Option::is_some).await;
        let found = found.map(|found| found.clone());
        found.ok().flatten().unwrap_or_else(|| Err(("the lookup was given up".to_owned(), None)))
    }

    fn ask(&self, host: &str) -> watch::Receiver<Option<Found>> {
        let mut flying = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match flying.entry(host.into()) {
            Entry::Occupied(under_way) => under_way.get().clone(),
            Entry::Vacant(free) => {
                let (tell, answer) = watch::channel(None);
                free.insert(answer.clone());
                let all = Arc::clone(&self.0);
                let host: Box<str> = host.into();
                tokio::spawn(async move {
                    let landed = Landed { all, host };
                    // The port plays no part in the lookup.
                    let found = tokio::net::lookup_host((&*landed.host, 0)).await;
                    let _ = tell.send(Some(found.map(distinct).map_err(|error| because(&error))));
                });
                answer
            }
        }
    }
}

/// Takes a lookup off the list when it is over, however it ended.
struct Landed {
    all: Arc<Mutex<Flying>>,
    host: Box<str>,
}

impl Drop for Landed {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.host);
    }
}

fn distinct(all: impl Iterator<Item = SocketAddr>) -> Arc<[IpAddr]> {
    let mut found = Vec::new();
    for address in all {
        if !found.contains(&address.ip()) {
            found.push(address.ip());
        }
    }
    found.into()
}

fn because(error: &io::Error) -> (String, Option<i32>) {
    (error.to_string(), error.raw_os_error())
}
