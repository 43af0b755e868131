//! How well one number tells two groups apart: the area under the receiver operating characteristic,
//! which is the share of pairs in which the one of the first group is the larger. 0.5: not at all.

/// The area, and half the width of its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub(super) value: f64,
    pub(super) margin: f64,
}

/// The area by Mann and Whitney's statistic, where a tie counts half; its interval by the variance of
/// DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988), which asks nothing of the distributions.
pub(super) fn area(first: &[f64], second: &[f64]) -> Area {
    let (of_first, of_second) = (placements(first, second), placements(second, first));
    let value = mean(&of_first);
    let variance = variance(&of_first) / count(first) + variance(&of_second) / count(second);
    Area { value, margin: 1.96 * variance.sqrt() }
}

/// For each of some values the share of others that it exceeds.
fn placements(values: &[f64], others: &[f64]) -> Vec<f64> {
    let mut sorted = others.to_vec();
    sorted.sort_by(f64::total_cmp);
    let share = |value: &f64| {
        let below = sorted.partition_point(|other| other < value);
        let within = sorted.partition_point(|other| other <= value);
        (below + within) as f64 / 2.0 / count(others)
    };
    values.iter().map(share).collect()
}

fn count(values: &[f64]) -> f64 {
    values.len() as f64
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / count(values)
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count(values) - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(area: Area, value: f64) {
        assert!((area.value - value).abs() < 1e-9, "{area:?}");
    }

    #[test]
    fn groups_apart_have_an_area_of_one_or_nothing_and_like_ones_of_a_half() {
        let (low, high) = ([1.0, 2.0, 3.0], [4.0, 5.0]);
        close(area(&high, &low), 1.0);
        close(area(&low, &high), 0.0);
        close(area(&low, &low), 0.5);
        assert!(area(&high, &low).margin.abs() < 1e-9);
    }

    #[test]
    fn a_tie_counts_half() {
        // Of six pairs four are won and one is tied.
        close(area(&[2.0, 4.0], &[1.0, 2.0, 3.0]), 4.5 / 6.0);
    }

    #[test]
    fn the_interval_of_two_thousand_like_values_is_narrower_than_the_bar() {
        let values = |step: u64| -> Vec<f64> {
            let mut state = step;
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) as f64
            };
            (0..2000).map(|_| next()).collect()
        };
        let area = area(&values(1), &values(2));
        assert!((area.value - 0.5).abs() < 0.03 && area.margin > 0.01 && area.margin < 0.02, "{area:?}");
    }
}
