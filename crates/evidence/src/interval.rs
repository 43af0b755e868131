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
