//! Measured latency of a call, and the share of calls above a limit with its interval.
//!
//! Knows where it was cut: a caller sees nothing beyond its own timeout, so quantiles beyond the
//! timeout then in force are not evaluated.

use std::time::Duration;

use crate::Limit;

/// What was measured of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Latency {
    /// When, in the words of the source.
    pub window: String,
    /// How many calls were measured.
    pub calls: u64,
    /// The caller's timeout then in force; `None` where it is not known.
    pub in_force: Option<Limit>,
    /// Share of calls at or below (0 to 1), and the latency there; rising in both.
    pub quantiles: Vec<(f64, Duration)>,
}

/// The share of calls above a limit.
#[derive(Debug, Clone, PartialEq)]
pub enum Share {
    /// Estimated.
    Known {
        /// The estimate, 0 to 1.
        share: f64,
        /// Lower end of the 95 % Wilson interval.
        low: f64,
        /// Upper end of the 95 % Wilson interval.
        high: f64,
    },
    /// At most this much: the limit lies above the highest measured quantile.
    AtMost(f64),
    /// Cannot be said; why, in words.
    NotEvaluated(String),
}

impl Latency {
    /// The latency at a share of calls (0 to 1), between the measured quantiles; `None` outside
    /// them or beyond the timeout then in force.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let quantiles = self.visible();
        let above = quantiles.iter().position(|&(q, _)| q >= share)?;
        let (q1, t1) = quantiles[above];
        if q1 == share {
            return Some(t1);
        }
        let (q0, t0) = *quantiles.get(above.checked_sub(1)?)?;
        let (z0, z1) = (normal_score(q0)?, normal_score(q1)?);
        let part = (normal_score(share)? - z0) / (z1 - z0);
        let (l0, l1) = (t0.as_secs_f64().ln(), t1.as_secs_f64().ln());
        let seconds = (l0 + part * (l1 - l0)).exp();
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// The share of calls that take longer than `limit`. Between two quantiles the latency is
    /// taken as lognormal: straight in log time against the normal score.
    pub fn share_above(&self, limit: Duration) -> Share {
        if let Some(Limit::After(cut)) = self.in_force
            && limit > cut
        {
            return Share::NotEvaluated(format!(
                "latency beyond {}, the timeout in force when it was measured",
                crate::pretty(cut)
            ));
        }
        let quantiles = self.visible();
        let Some(above) = quantiles.iter().position(|&(_, t)| t >= limit) else {
            return match quantiles.last() {
                Some(&(q, _)) => Share::AtMost(1.0 - q),
                None => Share::NotEvaluated("at least one quantile below the timeout then in force".into()),
            };
        };
        let (q1, t1) = quantiles[above];
        let below = if t1 == limit {
            q1
        } else if above == 0 {
            return Share::NotEvaluated(format!("a quantile below {}", crate::pretty(limit)));
        } else {
            let (q0, t0) = quantiles[above - 1];
            match (normal_score(q0), normal_score(q1)) {
                (Some(z0), Some(z1)) if t0 > Duration::ZERO => {
                    let log = |t: Duration| t.as_secs_f64().ln();
                    normal_share(z0 + (z1 - z0) * (log(limit) - log(t0)) / (log(t1) - log(t0)))
                }
                _ => {
                    let (t0, t1, t) = (t0.as_secs_f64(), t1.as_secs_f64(), limit.as_secs_f64());
                    q0 + (q1 - q0) * (t - t0) / (t1 - t0)
                }
            }
        };
        let share = (1.0 - below).clamp(0.0, 1.0);
        // A share p is only seen in at least 3/p calls (the rule of three).
        let needed = (3.0 / share.max(1e-12)).ceil();
        if (self.calls as f64) < needed {
            return Share::NotEvaluated(format!("at least {needed} calls; {} were measured", self.calls));
        }
        let (low, high) = wilson(share, self.calls as f64);
        Share::Known { share, low, high }
    }

    /// The quantiles that the caller's own timeout did not cut.
    fn visible(&self) -> &[(f64, Duration)] {
        let end = match self.in_force {
            Some(Limit::After(cut)) => self.quantiles.partition_point(|&(_, t)| t < cut),
            _ => self.quantiles.len(),
        };
        &self.quantiles[..end]
    }
}

/// The 95 % Wilson score interval of a share seen in `n` calls.
fn wilson(p: f64, n: f64) -> (f64, f64) {
    const Z: f64 = 1.959_963_984_540_054; // 97.5 % point of the normal distribution
    let z2 = Z * Z;
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

/// The standard normal distribution function, by the complementary error function's continued
/// fraction and series; absolute error below 1e-12.
fn normal_share(z: f64) -> f64 {
    // Abramowitz and Stegun 26.2.10 (series) and 26.2.14 (continued fraction).
    let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if z.abs() < 4.0 {
        let (mut term, mut sum, mut k) = (z, z, 1.0);
        while term.abs() > 1e-17 && k < 200.0 {
            term *= z * z / (2.0 * k + 1.0);
            sum += term;
            k += 1.0;
        }
        0.5 + density * sum
    } else {
        let fraction = (1..=60).rev().fold(z.abs(), |f, k| z.abs() + f64::from(k) / f);
        let tail = density / fraction;
        if z > 0.0 { 1.0 - tail } else { tail }
    }
}

/// The normal score of a share: where the standard normal distribution function reaches it.
/// `None` at 0 and 1, where it is infinite.
fn normal_score(share: f64) -> Option<f64> {
    if !(share > 0.0 && share < 1.0) {
        return None;
    }
    let (mut low, mut high) = (-9.0, 9.0);
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if normal_share(middle) < share { low = middle } else { high = middle }
    }
    Some(0.5 * (low + high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_distribution_has_the_tabulated_values() {
        for (z, share) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746_1),
            (2.326_347_874, 0.99),
            (-3.0, 0.001_349_898),
            (5.0, 0.999_999_713_35),
        ] {
            assert!((normal_share(z) - share).abs() < 1e-9, "{z}: {}", normal_share(z));
        }
        assert!((normal_score(0.999).expect("bug: inside") - 3.090_232_306).abs() < 1e-7);
    }
}
