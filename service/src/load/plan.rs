//! What is due when: a function of the seed, without a clock and without a network.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;
use std::time::Duration;

use crate::entropy::{Entropy as _, SeededEntropy};

/// Addresses of a thousand attackers.
pub const ATTACKERS: u32 = 1000;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A sign-in with the right password.
    Login,
    /// The rotation of a refresh token.
    Refresh,
    /// The introspection of an access token.
    Verify,
    /// A sign-in with a wrong password.
    Guess,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Login, Self::Refresh, Self::Verify, Self::Guess];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Refresh => "refresh",
            Self::Verify => "verify",
            Self::Guess => "guess",
        }
    }
}

/// Shares of the kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mix(Vec<(Kind, u32)>);

impl Mix {
    /// One kind alone.
    #[must_use]
    pub fn only(kind: Kind) -> Self {
        Self(vec![(kind, 1)])
    }

    /// The kind at a draw between 0 and 1.
    fn at(&self, draw: f64) -> Kind {
        let whole: u64 = self.0.iter().map(|(_, share)| u64::from(*share)).sum();
        let mut left = draw * whole as f64;
        for (kind, share) in &self.0 {
            left -= f64::from(*share);
            if left < 0.0 {
                return *kind;
            }
        }
        self.0.last().map_or(Kind::Login, |(kind, _)| *kind)
    }
}

/// Why a text is no mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoMix;

impl fmt::Display for NoMix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a mix is kinds (login, refresh, verify, guess) and shares, such as login=80,refresh=15,verify=5",
        )
    }
}

impl std::error::Error for NoMix {}

impl FromStr for Mix {
    type Err = NoMix;

    fn from_str(text: &str) -> Result<Self, NoMix> {
        let mut shares: Vec<(Kind, u32)> = Vec::new();
        for part in text.split(',') {
            let (name, share) = part.split_once('=').ok_or(NoMix)?;
            let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == name.trim()).ok_or(NoMix)?;
            let share = share.trim().parse().map_err(|_| NoMix)?;
            if shares.iter().any(|(known, _)| *known == kind) {
                return Err(NoMix);
            }
            shares.push((kind, share));
        }
        let any = shares.iter().any(|(_, share)| *share > 0);
        any.then_some(Self(shares)).ok_or(NoMix)
    }
}

/// Where requests come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Each user from an address of its own.
    Own,
    /// All from one.
    One,
    /// Each from one of [`ATTACKERS`], drawn anew.
    Many,
}

/// What is planned.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Requests a second, on average.
    pub rate: f64,
    /// How many users there are; at least one.
    pub users: u32,
    /// How uneven users are: the exponent of Zipf's law, 0 for all alike.
    pub skew: f64,
    /// Shares of the kinds.
    pub mix: Mix,
    /// Where requests come from.
    pub origin: Origin,
    /// The same plan for the same seed.
    pub seed: u64,
}

/// A request that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// When, from the start.
    pub at: Duration,
    /// What.
    pub kind: Kind,
    /// Whose, from 0.
    pub user: u32,
    /// From which address, for proxies' `X-Forwarded-For`.
    pub from: Ipv4Addr,
}

impl Plan {
    /// All that is due, without end.
    #[must_use]
    pub fn arrivals(&self) -> Arrivals {
        Arrivals {
            chance: Chance::new(self.seed),
            users: Zipf::new(self.users, self.skew),
            at: 0.0,
            plan: self.clone(),
        }
    }
}

/// What is due, one after the other.
#[derive(Debug)]
pub struct Arrivals {
    chance: Chance,
    users: Zipf,
    at: f64,
    plan: Plan,
}

impl Iterator for Arrivals {
    type Item = Due;

    fn next(&mut self) -> Option<Due> {
        // Gaps between the arrivals of a Poisson process are exponential.
        self.at += -self.chance.draw().ln() / self.plan.rate;
        let at = Duration::try_from_secs_f64(self.at).ok()?;
        let kind = self.plan.mix.at(1.0 - self.chance.draw());
        let user = self.users.at(self.chance.draw());
        let from = match self.plan.origin {
            Origin::Own => address(user),
            Origin::One => address(0),
            Origin::Many => address((self.chance.draw() * f64::from(ATTACKERS)) as u32 % ATTACKERS),
        };
        Some(Due { at, kind, user, from })
    }
}

/// An address of 198.18.0.0/15, which RFC 2544 keeps for such tests.
fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) + number % (1 << 17))
}

/// Users by Zipf's law: the n-th is drawn in proportion to 1 / n^skew.
#[derive(Debug)]
struct Zipf {
    /// Up to which draw a user or an earlier one is meant.
    up_to: Vec<f64>,
}

impl Zipf {
    fn new(users: u32, skew: f64) -> Self {
        let mut sum = 0.0;
        let weight = |user: u32| f64::from(user).powf(-skew);
        let sums: Vec<f64> = (1..=users.max(1))
            .map(|user| {
                sum += weight(user);
                sum
            })
            .collect();
        Self { up_to: sums.into_iter().map(|part| part / sum).collect() }
    }

    fn at(&self, draw: f64) -> u32 {
        let user = self.up_to.partition_point(|up_to| *up_to < draw).min(self.up_to.len() - 1);
        u32::try_from(user).unwrap_or(u32::MAX)
    }
}

/// Random numbers of a seed.
#[derive(Debug)]
pub struct Chance {
    source: SeededEntropy,
    drawn: std::vec::IntoIter<u64>,
}

impl Chance {
    /// The numbers of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { source: SeededEntropy::new(seed), drawn: Vec::new().into_iter() }
    }

    /// A number above 0 and up to 1, in steps of 2^-53.
    pub fn draw(&mut self) -> f64 {
        (((self.next() >> 11) + 1) as f64) / (1_u64 << 53) as f64
    }

    fn next(&mut self) -> u64 {
        loop {
            if let Some(number) = self.drawn.next() {
                return number;
            }
            let mut bytes = [0; 32];
            self.source.fill(&mut bytes);
            let number = |eight: &[u8]| eight.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            self.drawn = bytes.chunks_exact(8).map(number).collect::<Vec<u64>>().into_iter();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let mix = "login=80,refresh=15,verify=5".parse().unwrap();
        Plan { rate: 100.0, users: 1000, skew: 1.0, mix, origin: Origin::Own, seed: 7 }
    }

    #[test]
    fn the_same_seed_gives_the_same_plan_and_another_one_another() {
        let first = |seed: u64| Plan { seed, ..plan() }.arrivals().take(50).collect::<Vec<_>>();
        assert_eq!(first(7), first(7));
        assert_ne!(first(7), first(8));
    }

    #[test]
    fn gaps_are_exponential_with_the_mean_of_the_rate() {
        let at: Vec<f64> = plan().arrivals().take(50_000).map(|due| due.at.as_secs_f64()).collect();
        assert!(at.is_sorted());
        let gaps: Vec<f64> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let count = gaps.len() as f64;
        let mean = gaps.iter().sum::<f64>() / count;
        let deviation = (gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / count).sqrt();
        // 1 / sqrt(50 000) is 0.45 %: four of it.
        assert!((mean * 100.0 - 1.0).abs() < 0.018, "mean {mean}");
        assert!((deviation / mean - 1.0).abs() < 0.03, "deviation {deviation}");
        let long = gaps.iter().filter(|gap| **gap > 0.03).count() as f64 / count;
        assert!((long - (-3.0_f64).exp()).abs() < 0.004, "share above three means {long}");
    }

    #[test]
    fn users_follow_zipf_and_kinds_their_shares() {
        let all: Vec<Due> = plan().arrivals().take(50_000).collect();
        let share =
            |wanted: &dyn Fn(&Due) -> bool| all.iter().filter(|due| wanted(due)).count() as f64 / 50_000.0;
        let harmonic: f64 = (1..=1000).map(|user| 1.0 / f64::from(user)).sum();
        for user in [0_u32, 1, 9] {
            let expected = 1.0 / f64::from(user + 1) / harmonic;
            assert!((share(&|due| due.user == user) - expected).abs() < 0.005, "user {user}");
        }
        assert!(all.iter().all(|due| due.user < 1000));
        for (kind, expected) in [(Kind::Login, 0.80), (Kind::Refresh, 0.15), (Kind::Verify, 0.05)] {
            assert!((share(&|due| due.kind == kind) - expected).abs() < 0.01, "{}", kind.as_str());
        }
    }

    #[test]
    fn stuffing_comes_from_one_address_or_from_a_thousand() {
        let addresses = |origin| {
            let plan = Plan { origin, skew: 0.0, mix: Mix::only(Kind::Guess), ..plan() };
            let all: Vec<Due> = plan.arrivals().take(20_000).collect();
            let users = all.iter().map(|due| due.user).collect::<std::collections::BTreeSet<_>>().len();
            (all.iter().map(|due| due.from).collect::<std::collections::BTreeSet<_>>().len(), users)
        };
        assert_eq!(addresses(Origin::One), (1, 1000));
        assert_eq!(addresses(Origin::Many), (1000, 1000));
    }

    #[test]
    fn mixes_are_read_or_refused() {
        assert_eq!("login=1".parse(), Ok(Mix::only(Kind::Login)));
        for text in ["", "login", "login=0", "logout=1", "login=1,login=2", "login=-1"] {
            assert_eq!(text.parse::<Mix>(), Err(NoMix), "{text}");
        }
    }
}
