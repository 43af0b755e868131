//! Intervals for a share of which some was seen.

/// Wilson's score interval, so many standard errors wide to each side (1.96 for 95 %). Everything where
/// nothing was seen.
#[must_use]
pub fn wilson(k: u64, n: u64, errors: f64) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    let (n, p, z) = (n as f64, k.min(n) as f64 / n as f64, errors * errors);
    let middle = p + z / (2.0 * n);
    let half = errors * (p * (1.0 - p) / n + z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z / n;
    (((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0))
}

/// How many nats one request that fails with probability p tells against a share of q; nothing where p is
/// not above q.
#[must_use]
pub fn divergence(p: f64, q: f64) -> f64 {
    if p.is_nan() || q.is_nan() || p <= q {
        return 0.0;
    }
    let (p, q) = (p.min(1.0), q.max(1e-12));
    let of_successes = if p < 1.0 { (1.0 - p) * ((1.0 - p) / (1.0 - q)).ln() } else { 0.0 };
    p * (p / q).ln() + of_successes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_wilson_s_interval() {
        // Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I: 81 of 263
        // and 15 of 148.
        for (k, n, low, high) in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)] {
            let (least, most) = wilson(k, n, 1.96);
            assert!((least - low).abs() < 5e-5 && (most - high).abs() < 5e-5, "{least} {most}");
        }
        assert_eq!(wilson(0, 0, 1.96), (0.0, 1.0));
    }

    #[test]
    fn information_is_that_of_kullback_and_leibler() {
        assert!((divergence(0.2, 0.01) - 0.4286).abs() < 1e-3);
        assert_eq!(divergence(0.01, 0.2), 0.0);
        assert!((divergence(1.0, 0.5) - 2f64.ln()).abs() < 1e-12);
    }
}
