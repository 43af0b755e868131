//! How often one address may ask: a token bucket each, kept as the one moment at which the bucket would
//! be full again (the generic cell rate algorithm of ATM). An IPv6 address stands for its /64, since
//! whoever has one address of that net has all of them.
//!
//! Memory is bounded. Buckets stand in two generations; when the young one is full it becomes the old
//! one, and what was old is forgotten, which gives the forgotten a full bucket. So whoever asks from more
//! than [`GENERATION`] nets can outrun this limit, whom a limit by address would not hold anyway; the
//! lock of accounts is what holds him.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::config::front::LimitsConfig;

/// Addresses of a generation: with two of them some three megabytes at most.
pub const GENERATION: usize = 32_768;

/// Whose requests are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Net {
    V4(u32),
    V6(u64),
}

impl Net {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self::V6([a, b, c, d].into_iter().fold(0, |net, part| net << 16 | u64::from(part)))
            }
        }
    }
}

/// When the buckets of nets are full again.
#[derive(Debug, Default)]
struct Buckets {
    young: HashMap<Net, Timestamp>,
    old: HashMap<Net, Timestamp>,
}

impl Buckets {
    fn full_at(&self, net: Net) -> Option<Timestamp> {
        self.young.get(&net).or_else(|| self.old.get(&net)).copied()
    }

    fn keep(&mut self, net: Net, full_at: Timestamp) {
        if self.young.len() >= GENERATION && !self.young.contains_key(&net) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(net, full_at);
    }
}

/// The buckets of all addresses.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<Buckets>);

impl Throttle {
    /// Takes one request out of an address's bucket, or says how long until there is one in it.
    pub fn admit(&self, address: IpAddr, now: Timestamp, limits: &LimitsConfig) -> Result<(), Duration> {
        if limits.address_burst == 0 {
            return Ok(());
        }
        let interval = limits.address_interval.get();
        let latest = now.after(interval.saturating_mul(limits.address_burst));
        let net = Net::of(address);
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A moment beyond an empty bucket's is one of a clock that was set back, or of other limits.
        let full_at = buckets.full_at(net).map_or(now, |full_at| full_at.clamp(now, latest));
        let then = full_at.after(interval);
        let admitted = then <= latest;
        buckets.keep(net, if admitted { then } else { full_at });
        if admitted { Ok(()) } else { Err(then.since(latest)) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::length::Length;

    fn limits(burst: u32, interval: u64) -> LimitsConfig {
        LimitsConfig { address_burst: burst, address_interval: Length::millis(interval) }
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_burst_is_let_through_and_then_one_an_interval() {
        let throttle = Throttle::default();
        let ask = |at| throttle.admit(address("192.0.2.1"), Timestamp(at), &limits(2, 1000));
        assert_eq!(ask(0), Ok(()));
        assert_eq!(ask(0), Ok(()));
        assert_eq!(ask(100), Err(Duration::from_millis(900)));
        assert_eq!(ask(1000), Ok(()));
        assert_eq!(ask(1000), Err(Duration::from_millis(1000)));
        assert_eq!(ask(60_000), Ok(()));
        assert_eq!(ask(60_000), Ok(()));
        assert!(ask(60_000).is_err());
    }

    #[test]
    fn a_net_of_64_bits_has_one_bucket_and_a_mapped_address_is_the_one_it_maps() {
        let throttle = Throttle::default();
        let ask = |from| throttle.admit(address(from), Timestamp(0), &limits(1, 1000)).is_ok();
        assert!(ask("2001:db8:1:2::1"));
        assert!(!ask("2001:db8:1:2:ffff::7"));
        assert!(ask("2001:db8:1:3::1"));
        assert!(ask("192.0.2.1"));
        assert!(!ask("::ffff:192.0.2.1"));
    }

    #[test]
    fn no_limit_is_none() {
        let throttle = Throttle::default();
        assert!((0..100).all(|_| throttle.admit(address("::1"), Timestamp(0), &limits(0, 1000)).is_ok()));
    }

    #[test]
    fn a_clock_that_is_set_back_shuts_nobody_out_for_long() {
        let throttle = Throttle::default();
        let ask = |at| throttle.admit(address("192.0.2.1"), Timestamp(at), &limits(2, 1000));
        assert_eq!(ask(1_000_000), Ok(()));
        assert_eq!(ask(0), Err(Duration::from_millis(1000)));
        assert_eq!(ask(2000), Ok(()));
    }

    #[test]
    fn memory_is_bounded_and_the_latest_are_remembered() {
        let throttle = Throttle::default();
        for number in 0..200_000u32 {
            let from = IpAddr::V4(number.into());
            assert_eq!(throttle.admit(from, Timestamp(0), &limits(1, 1000)), Ok(()));
        }
        let latest = IpAddr::V4(199_999.into());
        assert!(throttle.admit(latest, Timestamp(0), &limits(1, 1000)).is_err());
        let buckets = throttle.0.lock().unwrap();
        assert!(buckets.young.len() + buckets.old.len() <= 2 * GENERATION);
    }

    proptest! {
        #[test]
        fn no_span_of_time_lets_more_through_than_a_burst_and_its_intervals(
            burst in 1u32..6,
            interval in 1u64..500,
            steps in proptest::collection::vec(0i64..400, 1..60),
        ) {
            let throttle = Throttle::default();
            let mut now = 0;
            let mut admitted = Vec::new();
            for step in steps {
                now += step;
                if throttle.admit(address("192.0.2.1"), Timestamp(now), &limits(burst, interval)).is_ok() {
                    admitted.push(now);
                }
            }
            for (first, begin) in admitted.iter().enumerate() {
                for (last, end) in admitted.iter().enumerate().skip(first) {
                    let span = u64::try_from(end - begin).unwrap();
                    prop_assert!((last - first + 1) as u64 <= u64::from(burst) + span / interval);
                }
            }
        }
    }
}
