//! Order statistics: medians, quantiles, and a variance that a level change cannot inflate.

use std::f64::consts::{PI, SQRT_2};
use std::sync::LazyLock;

pub(crate) use perf_model::{median as median_of, median_in_place as median, quantile};

/// Returns the mean of `values`, which must not be empty.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Returns the sum of squared distances from the mean.
pub(crate) fn scatter(values: &[f64]) -> f64 {
    let centre = mean(values);
    values.iter().map(|value| (value - centre).powi(2)).sum()
}

/// Returns the variance of one value from the steps between neighbours, without the largest fifth of them.
///
/// Half the mean square successive difference (von Neumann et al. 1941) ignores slow drift; leaving out the
/// largest steps ignores level changes; [`trimming_factor`] makes it consistent for normal noise.
/// `values` must hold at least two.
pub(crate) fn variance_of_steps(values: &[f64]) -> f64 {
    let mut squares: Vec<f64> = values.windows(2).map(|pair| (pair[1] - pair[0]).powi(2)).collect();
    let (steps, kept) = (squares.len(), kept_of(squares.len()));
    squares.select_nth_unstable_by(kept - 1, f64::total_cmp);
    let factor = TRIMMING.get(steps).copied().unwrap_or_else(|| trimming_factor(kept as f64 / steps as f64));
    mean(&squares[..kept]) / 2.0 * factor
}

/// Returns how many of so many steps are not left out.
fn kept_of(steps: usize) -> usize {
    const KEPT: f64 = 0.8;
    (KEPT * steps as f64).ceil() as usize
}

/// The trimming factors of the usual numbers of steps: finding one takes longer than all else about a series.
static TRIMMING: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let factor = |steps: usize| trimming_factor(kept_of(steps) as f64 / steps as f64);
    (0..32).map(|steps| if steps == 0 { 1.0 } else { factor(steps) }).collect()
});

/// Returns what the mean of the smallest `share` of squares of normal values must be multiplied by to
/// estimate their variance: `share / F(q)`, `F` being chi-squared with 3 degrees of freedom and `q` the
/// `share` quantile of chi-squared with 1 (Croux and Haesbroeck, J. Multivariate Anal. 71, 1999).
fn trimming_factor(share: f64) -> f64 {
    if share >= 1.0 {
        return 1.0;
    }
    let (mut low, mut high) = (0.0, 10.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if normal_share_within(middle) < share { low = middle } else { high = middle }
    }
    share / (normal_share_within(high) - 2.0 * high * normal_density(high))
}

fn normal_density(z: f64) -> f64 {
    (-z * z / 2.0).exp() / (PI.sqrt() * SQRT_2)
}

/// Returns `P(-z < Z < z)` of a standard normal (Marsaglia, J. Stat. Softw. 11(4), 2004).
fn normal_share_within(z: f64) -> f64 {
    let (mut term, mut sum, mut odd) = (z, z, 1.0);
    while term > sum * f64::EPSILON {
        odd += 2.0;
        term *= z * z / odd;
        sum += term;
    }
    2.0 * sum * normal_density(z)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_shares_agree_with_the_well_known_ones() {
        for (z, share) in [(1.0, 0.682_689_492), (2.0, 0.954_499_736), (3.0, 0.997_300_204)] {
            assert!((normal_share_within(z) - share).abs() < 1e-9, "{z}");
        }
    }

    #[test]
    fn trimming_a_fifth_is_made_good_by_a_factor_of_2_28() {
        // chi-squared(1) has its 80 % point at 1.6424, below which chi-squared(3) has 35.01 %.
        assert!((trimming_factor(0.8) - 0.8 / 0.3501).abs() < 1e-3, "{}", trimming_factor(0.8));
        assert_eq!(trimming_factor(1.0), 1.0);
    }

    #[test]
    fn one_level_change_does_not_inflate_the_variance_of_steps() {
        let quiet: Vec<f64> = (0..20).map(|i| f64::from(i % 2)).collect();
        let moved: Vec<f64> =
            quiet.iter().zip(0..).map(|(v, i)| v + if i < 10 { 0.0 } else { 50.0 }).collect();
        assert_eq!(variance_of_steps(&quiet), variance_of_steps(&moved));
    }
}
