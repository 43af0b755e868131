//! How long a fault takes to be seen.

use std::time::Duration;

use crate::detect::Against;

/// How long a fault that makes a share of `share` fail takes to be seen at most, with 95 %, at so many
/// requests a second.
#[must_use]
pub fn worst(against: &Against, share: f64, rate: f64, look: Duration) -> Duration {
    let information = divergence(share, against.guard) * rate / against.dispersion.max(1.0);
    if information <= 0.0 || !information.is_finite() {
        return Duration::MAX;
    }
    Duration::try_from_secs_f64(2.0 * against.threshold / information + look.as_secs_f64())
        .unwrap_or(Duration::MAX)
}

fn divergence(p: f64, guard: f64) -> f64 {
    if p <= guard {
        return 0.0;
    }
    p * (p / guard).ln() + (1.0 - p) * ((1.0 - p).max(1e-12) / (1.0 - guard)).ln()
}
