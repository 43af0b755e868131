//! The people of a run: who is let in, who is on the way, and how all of them fared.
//!
//! They are counted in the order in which they came. Whoever fails is slow, as a rule; counted as they end,
//! those who succeeded would be ahead of those who did not, and an objective would seem to hold too soon.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::arrivals::{Arrivals, Fare};
use crate::file::{Load, Reason, Test};
use crate::person::Fared;
use crate::run::Until;
use crate::trial::{Kind, Trouble};
use crate::verdict::{Seen, Verdict, judge};

/// So many people may be on their way at once; who comes on top is turned away, which is the harness's fault.
pub(crate) const MOST_AT_ONCE: usize = 2_000;
/// A share is known once its 95 % interval reaches no farther than this part of it to either side.
const KNOWN_WITHIN: f64 = 0.2;

/// What came of the people of a run.
pub(crate) struct Came {
    pub(crate) came: u64,
    pub(crate) turned_away: u64,
    pub(crate) seen: Seen,
    /// What the first one met with who failed for a reason.
    pub(crate) met: BTreeMap<Reason, String>,
    /// The verdict and when it was known; what is known stays so.
    pub(crate) known: Option<(Verdict, Duration)>,
    /// How long those took who succeeded, the shortest first.
    pub(crate) took: Vec<Duration>,
}

pub(crate) struct People<'r> {
    test: &'r Test,
    arrivals: Arrivals,
    tell: &'r (dyn Fn(&Seen) + Sync),
    begun: Instant,
    most_at_once: usize,
    on_their_way: JoinSet<(u64, Fare)>,
    /// Who ended before somebody who came earlier, by number.
    ended: BTreeMap<u64, Fare>,
    /// How many of the first were counted.
    counted: u64,
    result: Came,
}

impl<'r> People<'r> {
    pub(crate) fn new(test: &'r Test, arrivals: Arrivals, tell: &'r (dyn Fn(&Seen) + Sync)) -> Self {
        let seen = Seen::default();
        Self {
            test,
            arrivals,
            tell,
            begun: Instant::now(),
            most_at_once: MOST_AT_ONCE,
            on_their_way: JoinSet::new(),
            ended: BTreeMap::new(),
            counted: 0,
            result: Came {
                came: 0,
                turned_away: 0,
                seen,
                met: BTreeMap::new(),
                known: None,
                took: Vec::new(),
            },
        }
    }

    /// Lets them come until it is over. `dead` says whether the service has gone meanwhile.
    pub(crate) async fn come(
        mut self,
        until: Until,
        mut dead: impl FnMut() -> Option<Trouble>,
    ) -> Result<Came, Trouble> {
        let end = self.begun + until.at_most();
        let mut next = self.begun;
        while !self.is_over(until) {
            tokio::select! {
                biased;
                () = sleep_until(end) => break,
                Some(fared) = self.on_their_way.join_next() => self.note(fared, &mut dead)?,
                () = sleep_until(next), if self.is_expecting(until) => {
                    if self.is_full() { self.turn_away() } else { self.enter() }
                    next = self.after(next);
                }
            }
        }
        // Whoever is left out is a slow one, and what they asked of dependencies was counted. At the end of
        // the budget nobody is waited for.
        if Instant::now() < end || matches!(until, Until::People(..)) {
            self.await_all(&mut dead).await?;
        }
        if self.result.seen.people() == 0
            && let Some(what) = self.result.met.get(&Reason::Harness)
        {
            let help = "a step names something that is not there, or this machine is out of ports or memory";
            return Err(self.trouble(format!("nobody could even ask: {what}"), help));
        }
        self.result.took.sort_unstable();
        Ok(self.result)
    }

    /// Waits for those who were let in, none of whom waits longer than the objective's patience.
    async fn await_all(&mut self, dead: &mut impl FnMut() -> Option<Trouble>) -> Result<(), Trouble> {
        // A moment more, so that patience ends by itself and is told as what it is.
        let end = Instant::now() + self.test.objective.within + Duration::from_secs(1);
        while let Ok(Some(fared)) = timeout_at(end, self.on_their_way.join_next()).await {
            self.note(fared, dead)?;
        }
        // Whoever is there still has not succeeded in time.
        for number in self.counted..self.result.came {
            let late = || Fared { reason: Reason::Timeout, what: "no end after all patience".to_owned() };
            let fare = self.ended.remove(&number).unwrap_or_else(|| Err(late()));
            self.count(fare);
        }
        Ok(())
    }

    fn is_over(&self, until: Until) -> bool {
        let known = self.result.known.map(|(verdict, _)| verdict);
        match until {
            Until::Known(_) => known.is_some(),
            Until::People(people, _) => self.result.seen.people() >= people,
            Until::Measured { share_within, .. } => match known {
                None => false,
                Some(Verdict::Failed) if self.test.objective.people.is_none() => {
                    self.begun.elapsed() >= share_within || is_measured(&self.result.seen)
                }
                Some(_) => true,
            },
        }
    }

    /// Whether somebody else is to come at all.
    fn is_expecting(&self, until: Until) -> bool {
        let all = match until {
            Until::People(people, _) => people,
            Until::Known(_) | Until::Measured { .. } => self.test.objective.people.unwrap_or(u64::MAX),
        };
        let here = (self.ended.len() + self.on_their_way.len()) as u64;
        let is_next = match self.test.load {
            Load::AtOnce(count) => self.on_their_way.len() < count as usize,
            Load::Rate(_) => true,
        };
        is_next && self.result.seen.people() + here < all
    }

    /// Whether who comes now finds no room. Who comes at a rate comes all the same: to come later would be
    /// another load than the one that was asked for.
    fn is_full(&self) -> bool {
        matches!(self.test.load, Load::Rate(_)) && self.on_their_way.len() >= self.most_at_once
    }

    fn turn_away(&mut self) {
        self.result.turned_away += 1;
        self.result.seen.note(Err(Reason::Harness));
        (self.tell)(&self.result.seen);
    }

    fn enter(&mut self) {
        let number = self.result.came;
        self.result.came += 1;
        let walk = self.arrivals.come();
        self.on_their_way.spawn(async move { (number, walk.await) });
    }

    /// When the next one comes.
    fn after(&mut self, last: Instant) -> Instant {
        match self.test.load {
            Load::AtOnce(_) => last,
            Load::Rate(rate) => last + self.arrivals.gap(rate),
        }
    }

    /// Somebody ended: they and all who waited for them to be counted are.
    fn note(
        &mut self,
        ended: Result<(u64, Fare), JoinError>,
        dead: &mut impl FnMut() -> Option<Trouble>,
    ) -> Result<(), Trouble> {
        let (number, fare) = ended.map_err(|error| {
            self.trouble(format!("a person was lost: {error}"), "that is a bug of Forewarn's")
        })?;
        // A service that is gone fails everybody, which says nothing about the objective.
        if fare.is_err()
            && let Some(trouble) = dead()
        {
            return Err(trouble);
        }
        self.ended.insert(number, fare);
        while let Some(fare) = self.ended.remove(&self.counted) {
            self.count(fare);
        }
        Ok(())
    }

    /// The next one in the order in which they came.
    fn count(&mut self, fare: Fare) {
        self.counted += 1;
        let Came { seen, met, known, took, .. } = &mut self.result;
        match fare {
            Ok(length) => {
                took.push(length);
                seen.note(Ok(()));
            }
            Err(Fared { reason, what }) => {
                met.entry(reason).or_insert(what);
                seen.note(Err(reason));
            }
        }
        if known.is_none() {
            let verdict = judge(&self.test.objective, seen);
            *known = (verdict != Verdict::Open).then(|| (verdict, self.begun.elapsed()));
        }
        (self.tell)(seen);
    }

    fn trouble(&self, what: String, help: &str) -> Trouble {
        Trouble::new(Kind::Host, self.test.name.as_str(), what, help)
    }
}

/// Whether the share of those who failed is known well enough to be told.
fn is_measured(seen: &Seen) -> bool {
    seen.share().is_some_and(|(share, low, high)| (high - low) / 2.0 <= share * KNOWN_WITHIN)
}

#[cfg(test)]
mod tests {
    use daemon::http::Network;
    use text::{FileId, Source};

    use super::*;
    use crate::arrivals::STREAM;
    use crate::proxy::draws::Draws;
    use crate::words::Words;

    /// People who all ask somebody who never answers.
    fn unanswered(address: std::net::SocketAddr, load: &str) -> Test {
        let text = format!(
            "kind = \"service\"\nname = \"n\"\ncandidate = {{ file = \"a.toml\" }}\n\
             [[process]]\nname = \"p\"\ncommand = [\"true\"]\nready = {{ ended = true }}\n\
             [[step]]\nname = \"s\"\nurl = \"http://{address}/\"\n[load]\n{load}\n\
             [objective]\ngood = \"99%\"\nwithin = \"1s\"\n"
        );
        let source = Source::new(FileId(0), "a.test.toml", text);
        crate::parse::parse(&source, &|name| Err(format!("no {name}"))).expect("no mistake")
    }

    /// What came of people of whom so few may be on their way, and how long it took.
    async fn come(load: &str, most_at_once: usize, until: Until) -> (Came, Duration) {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port of loopback");
        let test = unanswered(silent.local_addr().expect("its address"), load);
        let (network, begun) = (Network::default(), Instant::now());
        let people = People::new(&test, Arrivals::of(&test, &network, Words::default(), 7), &|_| {});
        let people = People { most_at_once, ..people };
        (people.come(until, || None).await.expect("no trouble"), begun.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_room_is_turned_away_and_the_rate_stays_what_it_is() {
        let budget = Duration::from_secs(10);
        let (came, elapsed) = come("rate = 100", 20, Until::People(150, budget)).await;
        let mut gaps = Draws::of(7, STREAM);
        let mut at = 0.0;
        let arrived = std::iter::from_fn(|| {
            let this = at;
            at -= gaps.share().ln() / 100.0;
            Some(this)
        });
        // The last ones are awaited, while nobody else comes.
        let arrived = arrived.take_while(|at| *at + 1.0 <= elapsed.as_secs_f64()).count() as u64;
        assert!(came.came.abs_diff(150) <= 1 && elapsed < budget, "{} {elapsed:?}", came.came);
        assert!((came.came + came.turned_away).abs_diff(arrived) <= 2, "{} of {arrived}", came.turned_away);
        let harness = came.seen.failed.get(&Reason::Harness);
        assert_eq!((harness, came.seen.people()), (Some(&came.turned_away), came.came));
    }

    #[tokio::test(start_paused = true)]
    async fn of_so_many_at_a_time_nobody_is_turned_away() {
        let (came, _) = come("at_once = 8", 4, Until::People(24, Duration::from_secs(10))).await;
        assert_eq!((came.came, came.turned_away, came.seen.people()), (24, 0, 24));
    }

    #[test]
    fn a_fifth_is_measured_by_some_four_hundred_and_all_by_a_few() {
        let seen = |good, bad| Seen { good, failed: BTreeMap::from([(Reason::Timeout, bad)]) };
        assert!(!is_measured(&seen(16, 4)));
        assert!(!is_measured(&seen(240, 60)));
        assert!(is_measured(&seen(320, 80)));
        assert!(is_measured(&seen(0, 20)));
        assert!(!is_measured(&Seen::default()));
    }
}
