//! On which side of a bound a share lies, judged from its counts as often as one likes: products of
//! likelihood ratios against the bound, begun once (Wald 1945; Howard, Ramdas, McAuliffe, Sekhon 2021,
//! "Time-uniform, nonparametric, nonasymptotic confidence sequences").
//!
//! Each ratio has a mean of at most 1 while the share is on the other side, so the chance that their mean
//! ever reaches 1/a is at most a, whenever one stops.

/// What a share above the bound may be, as odds over those of the bound.
const ABOVE: [f64; 8] = [1.1, 1.25, 1.5, 2.0, 4.0, 10.0, 40.0, 200.0];
/// What a share below the bound may be, as a part of it.
const BELOW: [f64; 6] = [0.9, 0.75, 0.5, 0.25, 0.1, 0.0];

/// The evidence that a share is above a bound (0 to 1, ends left out) after k of n.
#[must_use]
pub fn above(bound: f64, k: u64, n: u64) -> f64 {
    let odds = bound / (1.0 - bound);
    mean(&ABOVE.map(|times| (odds * times) / (1.0 + odds * times)), bound, k, n)
}

/// The evidence that a share is below a bound (0 to 1, ends left out) after k of n.
#[must_use]
pub fn below(bound: f64, k: u64, n: u64) -> f64 {
    mean(&BELOW.map(|part| bound * part), bound, k, n)
}

/// How many cases without a single one among them show that a share is below a bound, with a chance of
/// at most `wrong` to say so falsely.
#[must_use]
pub fn least_to_show_below(bound: f64, wrong: f64) -> u64 {
    // The part of nothing at all grows fastest, and alone suffices at the latest then.
    let alone = (BELOW.len() as f64 / wrong).ln() / -(-bound).ln_1p();
    let (mut low, mut high) = (0, alone.ceil() as u64);
    while low < high {
        let middle = low + (high - low) / 2;
        if below(bound, 0, middle) >= wrong.recip() { high = middle } else { low = middle + 1 }
    }
    low
}

fn mean(shares: &[f64], bound: f64, k: u64, n: u64) -> f64 {
    let (k, others) = (k as f64, n.saturating_sub(k) as f64);
    let ratio = |share: f64| {
        let cases = if k > 0.0 { k * (share / bound).ln() } else { 0.0 };
        (cases + others * ((-share).ln_1p() - (-bound).ln_1p())).exp()
    };
    shares.iter().map(|&share| ratio(share)).sum::<f64>() / shares.len() as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The chance of k among n, each with this chance.
    fn binomial(k: u64, n: u64, share: f64) -> f64 {
        let choose = (1..=k).map(|i| (n - k + i) as f64 / i as f64).product::<f64>();
        choose * share.powi(k as i32) * (1.0 - share).powi((n - k) as i32)
    }

    proptest! {
        #[test]
        fn its_mean_on_the_other_side_is_at_most_one(bound in 0.001..0.5_f64, part in 0.0..=1.0_f64, n in 1_u64..60) {
            let low = bound * part;
            let mean: f64 = (0..=n).map(|k| binomial(k, n, low) * above(bound, k, n)).sum();
            prop_assert!(mean <= 1.0 + 1e-9, "{mean}");
            let high = bound + (0.999 - bound) * part;
            let mean: f64 = (0..=n).map(|k| binomial(k, n, high) * below(bound, k, n)).sum();
            prop_assert!(mean <= 1.0 + 1e-9, "{mean}");
        }

        #[test]
        fn more_cases_speak_for_more(bound in 0.001..0.5_f64, n in 1_u64..1000, k in 0_u64..1000) {
            let k = k.min(n - 1);
            prop_assert!(above(bound, k, n) <= above(bound, k + 1, n));
            prop_assert!(below(bound, k, n) >= below(bound, k + 1, n));
        }
    }

    #[test]
    fn a_clean_run_of_that_length_shows_it_and_a_shorter_one_does_not() {
        // The rule of three asks for 600 at 95 %; 99 % and the right to stop at any time cost more.
        let least = least_to_show_below(0.005, 0.01);
        assert_eq!(least, 1151);
        assert!(below(0.005, 0, least) >= 100.0 && below(0.005, 0, least - 1) < 100.0);
    }
}
