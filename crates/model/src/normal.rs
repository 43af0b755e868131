//! The normal distribution and the interval of a share: the maths behind measured latency. Knows
//! neither calls nor time.

/// The 95 % Wilson score interval of a share (0 to 1) seen in `n` cases, `n` above 0.
pub fn wilson(p: f64, n: f64) -> (f64, f64) {
    const Z: f64 = 1.959_963_984_540_054; // 97.5 % point of the normal distribution
    let z2 = Z * Z;
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

/// The standard normal distribution function; absolute error below 1e-12.
pub fn normal_share(z: f64) -> f64 {
    // Abramowitz and Stegun 26.2.11 (series) and 26.2.14 (continued fraction).
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
pub fn normal_score(share: f64) -> Option<f64> {
    if !(share > 0.0 && share < 1.0) {
        return None;
    }
    // The smaller tail keeps its digits; the score of the other one is the same with the other sign.
    let (tail, sign) = if share < 0.5 { (share, -1.0) } else { (1.0 - share, 1.0) };
    // Abramowitz and Stegun 26.2.23, off by less than 4.5e-4; each step of Newton's doubles the digits.
    let tail = tail.max(1e-300); // below it the density is no normal number any more
    let t = (-2.0 * tail.ln()).sqrt();
    let numerator = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let denominator = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut z = t - numerator / denominator;
    for _ in 0..3 {
        let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
        z += (normal_share(-z) - tail) / density;
    }
    Some(sign * z)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
        assert!((normal_score(0.999).unwrap() - 3.090_232_306).abs() < 1e-7);
    }

    #[test]
    fn wilson_interval_has_the_published_values() {
        // Newcombe 1998, Statistics in Medicine 17, table I, method 3: 81 of 263 and 15 of 148.
        for (cases, of, low, high) in [(81.0, 263.0, 0.2553, 0.3662), (15.0, 148.0, 0.0624, 0.1605)] {
            let (l, h) = wilson(cases / of, of);
            assert!((l - low).abs() < 5e-5 && (h - high).abs() < 5e-5, "{l} {h}");
        }
    }

    proptest! {
        #[test]
        fn score_is_the_inverse_of_the_share(share in 1e-6..0.999_999_f64) {
            let back = normal_share(normal_score(share).unwrap());
            prop_assert!((back - share).abs() < 1e-11);
        }

        #[test]
        fn series_and_fraction_meet(z in 3.9..4.1_f64) {
            prop_assert!(normal_share(z) <= normal_share(z + 1e-3));
            prop_assert!((normal_share(z) + normal_share(-z) - 1.0).abs() < 1e-12);
        }

        #[test]
        fn interval_holds_its_share(share in 0.0..=1.0_f64, n in 1.0..1e7_f64) {
            let (low, high) = wilson(share, n);
            prop_assert!((0.0..=1.0).contains(&low) && (0.0..=1.0).contains(&high));
            prop_assert!(low <= share + 1e-12 && share <= high + 1e-12);
        }
    }
}
