//! A fleet of services that count requests and failures in real time, and show their totals as
//! Prometheus' clients do. Every tenth of a second brings requests that come independently; each fails
//! with the share that holds at that moment. What is drawn depends on the seed alone, however late a
//! tick comes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use crate::draw::Draw;
use crate::server::{Answer, Server};

/// How often requests are added.
const TICK: Duration = Duration::from_millis(100);

/// What shows totals under a path of its own: `/m/NAME`.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// Requests a second.
    pub rate: f64,
    /// The share of them that fails as long as all is well.
    pub base: f64,
    /// What goes wrong, if anything does.
    pub fault: Option<Fault>,
}

/// A share of failures that rises; times in seconds after the source began.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fault {
    /// When it begins to rise.
    pub onset: f64,
    /// How long it rises; 0 for a step.
    pub rises: f64,
    /// What it rises to.
    pub to: f64,
    /// When it is over.
    pub until: f64,
}

impl Target {
    /// The share that fails at a moment.
    #[must_use]
    pub fn share(&self, second: f64) -> f64 {
        match self.fault {
            Some(fault) if second >= fault.onset && second < fault.until => {
                let risen =
                    if fault.rises > 0.0 { ((second - fault.onset) / fault.rises).min(1.0) } else { 1.0 };
                self.base + (fault.to - self.base) * risen
            }
            _ => self.base,
        }
    }
}

/// Totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Requests that went well.
    pub succeeded: u64,
    /// Requests that failed.
    pub failed: u64,
}

impl Totals {
    /// All requests.
    #[must_use]
    pub fn requests(self) -> u64 {
        self.succeeded + self.failed
    }
}

/// Services that count, and the server that shows what they counted.
#[derive(Debug)]
pub struct Source {
    server: Server,
    shared: Arc<Shared>,
    ticking: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    totals: Mutex<Vec<Totals>>,
    places: BTreeMap<String, usize>,
    answers: AtomicU64,
    /// In milliseconds.
    latest: AtomicU64,
    frozen: AtomicBool,
    stopped: AtomicBool,
}

impl Shared {
    fn totals(&self) -> MutexGuard<'_, Vec<Totals>> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, path: &str) -> Answer {
        if path == "/source" {
            return Answer::Text(200, self.about());
        }
        let place = path.strip_prefix("/m/").and_then(|name| self.places.get(name));
        let Some(&place) = place else { return Answer::Text(404, String::new()) };
        self.answers.fetch_add(1, Ordering::Relaxed);
        let Totals { succeeded, failed } = self.totals()[place];
        Answer::Text(
            200,
            format!(
                "# TYPE login_total counter\nlogin_total{{outcome=\"success\"}} {succeeded}\n\
                 login_total{{outcome=\"failure\"}} {failed}\n"
            ),
        )
    }

    /// How the source itself fares.
    fn about(&self) -> String {
        let mut text = String::new();
        let late = Duration::from_millis(self.latest.load(Ordering::Relaxed)).as_secs_f64();
        let _ = writeln!(text, "source_latest_tick_seconds {late}");
        let _ = writeln!(text, "source_answers_total {}", self.answers.load(Ordering::Relaxed));
        text
    }

    fn tick(&self, begin: SystemTime, targets: &[Target], mut draw: Draw) {
        for count in 1u32.. {
            let due = begin + TICK * count;
            while let Ok(left) = due.duration_since(SystemTime::now()) {
                if self.stopped.load(Ordering::Relaxed) {
                    return;
                }
                std::thread::sleep(left.min(TICK));
            }
            let late = SystemTime::now().duration_since(due).unwrap_or_default();
            let late = u64::try_from(late.as_millis()).unwrap_or(u64::MAX);
            self.latest.fetch_max(late, Ordering::Relaxed);
            if self.frozen.load(Ordering::Relaxed) {
                continue;
            }
            // What this tick adds came in since the one before.
            let second = f64::from(count - 1) * TICK.as_secs_f64();
            for (target, totals) in targets.iter().zip(self.totals().iter_mut()) {
                let (mean, share) = (target.rate * TICK.as_secs_f64(), target.share(second));
                totals.succeeded += draw.poisson(mean * (1.0 - share));
                totals.failed += draw.poisson(mean * share);
            }
        }
    }
}

impl Source {
    /// Begins at a moment, from the same totals everywhere; before it, nothing is added to them.
    pub fn start(
        address: SocketAddr,
        targets: Vec<Target>,
        from: Totals,
        begin: SystemTime,
        seed: u64,
    ) -> io::Result<Self> {
        let places = targets.iter().enumerate().map(|(place, target)| (target.name.clone(), place)).collect();
        let shared = Arc::new(Shared {
            totals: Mutex::new(vec![from; targets.len()]),
            places,
            answers: AtomicU64::new(0),
            latest: AtomicU64::new(0),
            frozen: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
        });
        let answering = Arc::clone(&shared);
        let server = Server::start(address, move |asked| answering.answer(&asked.path))?;
        let counting = Arc::clone(&shared);
        let ticking = std::thread::spawn(move || counting.tick(begin, &targets, Draw(seed)));
        Ok(Self { server, shared, ticking: Some(ticking) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The totals of a target, by its place.
    #[must_use]
    pub fn totals(&self, place: usize) -> Totals {
        self.shared.totals().get(place).copied().unwrap_or_default()
    }

    /// Begins at nothing again, as a process does that was restarted.
    pub fn restart(&self, place: usize) {
        if let Some(totals) = self.shared.totals().get_mut(place) {
            *totals = Totals::default();
        }
    }

    /// Lets no request come in, or lets them come in again.
    pub fn freeze(&self, frozen: bool) {
        self.shared.frozen.store(frozen, Ordering::Relaxed);
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        if let Some(ticking) = self.ticking.take() {
            let _ = ticking.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Client, Request};
    use crate::metrics::sum;
    use crate::scratch::free_address;
    use crate::until;

    fn target(fault: Option<Fault>) -> Target {
        Target { name: "a".to_owned(), rate: 1000.0, base: 0.0, fault }
    }

    #[test]
    fn a_fault_rises_stays_and_is_over() {
        let ramp = target(Some(Fault { onset: 10.0, rises: 10.0, to: 0.5, until: 30.0 }));
        assert_eq!(
            [9.9, 10.0, 15.0, 20.0, 29.9, 30.0].map(|at| ramp.share(at)),
            [0.0, 0.0, 0.25, 0.5, 0.5, 0.0]
        );
    }

    #[test]
    fn totals_are_shown_as_they_are() {
        let fault = Fault { onset: 0.0, rises: 0.0, to: 0.5, until: f64::INFINITY };
        let from = Totals { succeeded: 7, failed: 3 };
        let source =
            Source::start(free_address().unwrap(), vec![target(Some(fault))], from, SystemTime::now(), 1);
        let source = source.unwrap();
        until(Duration::from_secs(10), || source.totals(0).failed > 3 && source.totals(0).succeeded > 7)
            .unwrap();
        source.freeze(true);
        // A tick that was under way is over after the next one.
        std::thread::sleep(TICK * 2);
        let mut client = Client::new(source.address(), Duration::from_secs(5));
        let text = String::from_utf8(client.send(&Request::get("/m/a")).unwrap().body).unwrap();
        let Totals { succeeded, failed } = source.totals(0);
        assert_eq!(sum(&text, "login_total", "success").to_string(), succeeded.to_string());
        assert_eq!(sum(&text, "login_total", "failure").to_string(), failed.to_string());
        assert_eq!(client.send(&Request::get("/m/b")).unwrap().status, 404);
    }
}
