//! Whether two samples can come from the same source: shares, counts and lengths, each against what chance
//! alone does. For two samples that are taken once; whoever looks again and again uses `bound`.

/// The chance of shares at least as far apart, one of them higher or lower, if both samples had the same
/// one: k of n against l of m (Fisher's exact test, its smaller tail doubled).
#[must_use]
pub fn shares(k: u64, n: u64, l: u64, m: u64) -> f64 {
    let (cases, all) = (k + l, n + m);
    let chance = |k: u64| (ln_choose(n, k) + ln_choose(m, cases - k) - ln_choose(all, cases)).exp();
    let (least, most) = (cases.saturating_sub(m), cases.min(n));
    let low: f64 = (least..=k).map(chance).sum();
    let high: f64 = (k..=most).map(chance).sum();
    (2.0 * low.min(high)).min(1.0)
}

/// The logarithm of how many ways there are to choose k of n.
fn ln_choose(n: u64, k: u64) -> f64 {
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

fn ln_factorial(n: u64) -> f64 {
    if n < 32 {
        return (2..=n).map(|factor| (factor as f64).ln()).sum();
    }
    // Stirling's series; the next term is below 1e-10 from 32 on.
    let x = n as f64;
    x * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI * x).ln() + 1.0 / (12.0 * x)
        - 1.0 / (360.0 * x.powi(3))
}

/// The chance that events at the same rate are divided at least as unevenly: k events among n against l
/// among m. Given how many there are in all, each falls to the first with the same chance.
#[must_use]
pub fn rates(k: u64, n: u64, l: u64, m: u64) -> f64 {
    let all = k + l;
    let share = n as f64 / (n + m).max(1) as f64;
    if all == 0 || share <= 0.0 || share >= 1.0 {
        return 1.0;
    }
    let chance =
        |k: u64| (ln_choose(all, k) + k as f64 * share.ln() + (all - k) as f64 * (-share).ln_1p()).exp();
    let low: f64 = (0..=k).map(chance).sum();
    let high: f64 = (k..=all).map(chance).sum();
    (2.0 * low.min(high)).min(1.0)
}

/// How far apart two samples lie, each in order: the largest difference of the shares at or below a value
/// (Kolmogorov and Smirnov), and how far they would have to lie apart to do so by chance with `wrong` at
/// most. Nothing where one of them is empty.
#[must_use]
pub fn lengths<T: Ord>(a: &[T], b: &[T], wrong: f64) -> Option<(f64, f64)> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let (n, m) = (a.len() as f64, b.len() as f64);
    let (mut i, mut j, mut apart) = (0, 0, 0.0_f64);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let value = x.min(y);
        // All that are equal count before the shares are compared.
        i += a[i..].partition_point(|other| other <= value);
        j += b[j..].partition_point(|other| other <= value);
        apart = apart.max((i as f64 / n - j as f64 / m).abs());
    }
    // The asymptotic bound; for small samples it lies a little too far, which errs towards alike.
    let limit = (-(wrong / 2.0).ln() / 2.0).sqrt() * ((n + m) / (n * m)).sqrt();
    Some((apart, limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_the_published_chance() {
        // Fisher 1935, the lady tasting tea: 3 of 4 against 1 of 4, one tail 17 of 70.
        assert!((shares(3, 4, 1, 4) - 34.0 / 70.0).abs() < 1e-9, "{}", shares(3, 4, 1, 4));
        assert_eq!(shares(0, 1151, 0, 1151), 1.0);
        assert!(shares(4, 20, 0, 1151) < 1e-6);
        assert!(shares(6, 1151, 5, 1151) > 0.9);
        assert!(shares(300, 1500, 0, 1500) < 1e-80);
    }

    #[test]
    fn rates_that_differ_by_chance_are_told_from_those_that_do_not() {
        assert!(rates(25, 1151, 31, 1160) > 0.3);
        assert!(rates(1151, 1151, 25, 1151) < 1e-100);
        assert!(rates(30, 10, 1151, 1151) < 1e-6);
        assert_eq!(rates(0, 10, 0, 20), 1.0);
        // 9 of 10 heads or tails: 22 of 1024.
        assert!((rates(9, 1, 1, 1) - 22.0 / 1024.0).abs() < 1e-9);
    }

    #[test]
    fn lengths_apart_are_told_from_those_alike() {
        let of = |from: u64| (0..500).map(|step| from + step * 7 % 500).collect::<Vec<u64>>();
        let sorted = |from| {
            let mut all = of(from);
            all.sort_unstable();
            all
        };
        assert_eq!(lengths(&sorted(0), &sorted(0), 0.001).unwrap().0, 0.0);
        let (apart, limit) = lengths(&sorted(0), &sorted(100), 0.001).unwrap();
        assert!((apart - 0.2).abs() < 1e-9 && apart > limit, "{apart} {limit}");
        assert_eq!(lengths(&[1], &[], 0.001), None);
        assert_eq!(lengths(&[1, 1, 2], &[1, 1, 2], 0.001).unwrap().0, 0.0);
    }
}
