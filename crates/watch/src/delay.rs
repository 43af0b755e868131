//! How long a fault takes to be seen: a bound that is computed at once, wherever an alert or a table
//! states it.
//!
//! From the onset on the evidence is at least that of any one alternative alone, by its weight. Its
//! logarithm grows by a sum of independent requests; 1.645 standard deviations below its mean it lies in
//! 5 of 100 faults, fewer while the counts are small, as their distribution leans to the other side.

use std::time::Duration;

use evidence::Mixture;

use crate::detect::Against;

/// Standard deviations to one side that 95 % lie within.
const DEVIATIONS: f64 = 1.645;
/// Later than this is never.
const NEVER: Duration = Duration::from_secs(365 * 86_400);

/// How long a fault that makes a share of `share` fail takes to be seen at most, with 95 %, at so many
/// requests a second; `Duration::MAX` where that is longer than a year, as for one below the guard.
#[must_use]
pub fn worst(against: &Against, share: f64, rate: f64, look: Duration) -> Duration {
    let mixture = Mixture::new(against.guard, against.dispersion);
    let enough = against.threshold - mixture.log_weight();
    let quickest = mixture
        .alternatives()
        .filter_map(|(of_failure, of_success)| {
            let drift = rate * (share * of_failure + (1.0 - share) * of_success);
            let variance = rate * (share * of_failure.powi(2) + (1.0 - share) * of_success.powi(2));
            if drift <= 0.0 {
                return None;
            }
            // drift t - 1.645 sqrt(variance t) = enough
            let scatter = DEVIATIONS * variance.sqrt();
            let root = (scatter + (scatter * scatter + 4.0 * drift * enough.max(0.0)).sqrt()) / (2.0 * drift);
            Some(root * root)
        })
        .fold(f64::INFINITY, f64::min);
    let look = look.as_secs_f64().max(0.001);
    // The look that the fault begins in counts what was before it, too.
    let seconds = ((quickest / look).ceil() + 1.0) * look;
    let delay = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    if delay <= NEVER { delay } else { Duration::MAX }
}

#[cfg(test)]
mod tests {
    use evidence::random::Stream;

    use super::*;
    use crate::detect::RatioTest;
    use crate::time::At;

    const SECOND: Duration = Duration::from_secs(1);

    fn against(guard: f64, dispersion: f64) -> Against {
        Against { guard, dispersion, threshold: 21.1 }
    }

    #[test]
    fn nineteen_of_twenty_simulated_faults_are_seen_within_it() {
        let mut stream = Stream::new(5);
        for (guard, before, share, rate) in [
            (0.01, 0.01, 0.2, 100.0),
            (0.01, 0.01, 0.2, 10.0),
            (0.01, 0.01, 0.2, 1.0),
            (0.01, 0.005, 0.05, 10.0),
            (0.0005, 0.0005, 0.2, 10.0),
            (0.0005, 0.0002, 0.05, 1.0),
        ] {
            let against = against(guard, 1.0);
            let worst = worst(&against, share, rate, SECOND);
            let mut delays: Vec<u64> = (0..300)
                .map(|_| {
                    let mut test = RatioTest::default();
                    for at in 0.. {
                        let share = if at < 100 { before } else { share };
                        let n = stream.poisson(rate);
                        if test.look(At(at), stream.binomial(n, share), n, &against).is_some() {
                            return at.saturating_sub(100) + 1;
                        }
                    }
                    unreachable!("a fault is seen at some time")
                })
                .collect();
            delays.sort_unstable();
            let simulated = delays[delays.len() * 95 / 100];
            let told = worst.as_secs();
            assert!(simulated <= told, "{guard} {share} {rate}: simulated {simulated} s, told {told} s");
            assert!(
                told <= simulated * 3 / 2 + 3,
                "{guard} {share} {rate}: simulated {simulated} s, told {told} s"
            );
        }
    }

    #[test]
    fn it_grows_with_the_guard_and_shrinks_with_the_traffic() {
        let worst = |guard, dispersion, rate| worst(&against(guard, dispersion), 0.2, rate, SECOND);
        assert!(worst(0.01, 1.0, 1.0) < worst(0.05, 1.0, 1.0));
        assert!(worst(0.01, 1.0, 10.0) < worst(0.01, 1.0, 1.0));
        assert!(worst(0.01, 1.0, 1.0) < worst(0.01, 4.0, 1.0));
    }

    #[test]
    fn what_is_below_the_guard_or_without_traffic_is_never_seen() {
        assert_eq!(worst(&against(0.3, 1.0), 0.2, 10.0, SECOND), Duration::MAX);
        assert_eq!(worst(&against(0.01, 1.0), 0.2, 0.0, SECOND), Duration::MAX);
    }
}
