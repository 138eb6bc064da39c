use std::f64::consts::SQRT_2;

use crate::statistics::order::{mean, median, scatter};

/// A history on the scale on which it is cut.
#[derive(Debug)]
pub(super) struct Scaled {
    /// Logarithms where all values are positive, with lone outliers clipped.
    pub(super) values: Vec<f64>,
    /// The standard deviation of one value around its level.
    pub(super) noise: f64,
    pub(super) is_log: bool,
}

impl Scaled {
    pub(super) fn of(values: &[f64]) -> Self {
        let is_log = values.iter().all(|value| *value > 0.0);
        let values: Vec<f64> =
            if is_log { values.iter().map(|value| value.ln()).collect() } else { values.into() };
        let noise = noise(&values).max(if is_log { 1e-9 } else { rounding(&values) });
        Self { values: clipped(&values, noise), noise, is_log }
    }

    /// Returns how much likelier a false cut is than with independent noise: the variance within the pieces
    /// in units of the noise, and with it the long-run variance of a first-order autoregression. At least 1.
    pub(super) fn wandering(&self, cuts: &[usize]) -> f64 {
        const NOTEWORTHY: f64 = 0.1;
        const MOST: f64 = 16.0;
        let residuals = self.residuals(cuts);
        let variance = scatter(&residuals) / residuals.len() as f64;
        let products: Vec<f64> = residuals.windows(2).map(|pair| pair[0] * pair[1]).collect();
        let correlation = if variance > 0.0 { (mean(&products) / variance).clamp(0.0, 0.8) } else { 0.0 };
        let excess = (variance / self.noise.powi(2)).max(1.0);
        let inflation =
            if correlation > NOTEWORTHY { (1.0 + correlation) / (1.0 - correlation) } else { 1.0 };
        (excess * inflation).min(MOST)
    }

    fn residuals(&self, cuts: &[usize]) -> Vec<f64> {
        let mut residuals = Vec::with_capacity(self.values.len());
        let mut start = 0;
        for end in cuts.iter().copied().chain([self.values.len()]) {
            let piece = &self.values[start..end];
            let level = mean(piece);
            residuals.extend(piece.iter().map(|value| value - level));
            start = end;
        }
        residuals
    }
}

/// Returns the standard deviation of one value, from the steps between neighbours, which a change of level
/// does not inflate: by their median, or where most of them are 0 by their mean.
fn noise(values: &[f64]) -> f64 {
    let mut steps: Vec<f64> = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    match median(&mut steps) {
        0.0 => 1.2533 * mean(&steps) / SQRT_2,
        middle => 1.4826 * middle / SQRT_2,
    }
}

/// Returns a noise that values of this size cannot be without.
fn rounding(values: &[f64]) -> f64 {
    1e-9 * values.iter().fold(1.0_f64, |largest, value| largest.max(value.abs()))
}

/// Brings every value to within three standard deviations of the median around it: a change of level passes,
/// a spike does not.
fn clipped(values: &[f64], noise: f64) -> Vec<f64> {
    const EACH_WAY: usize = 3;
    const FURTHEST: f64 = 3.0;
    let last = values.len() - 1;
    // Beyond the ends, the history is mirrored.
    let mirrored = |position: usize| match position {
        before if before < EACH_WAY => values[EACH_WAY - 1 - before],
        position if position - EACH_WAY > last => values[2 * last + 1 + EACH_WAY - position],
        position => values[position - EACH_WAY],
    };
    let around = |index: usize| {
        let mut window: [f64; 2 * EACH_WAY + 1] = std::array::from_fn(|offset| mirrored(index + offset));
        median(&mut window)
    };
    let clip = |(index, value): (usize, &f64)| {
        let middle = around(index);
        middle + (value - middle).clamp(-FURTHEST * noise, FURTHEST * noise)
    };
    values.iter().enumerate().map(clip).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spike_is_clipped_and_a_step_is_not() {
        let mut values: Vec<f64> =
            (0..30).map(|i| f64::from(i % 2) + if i < 15 { 0.0 } else { 100.0 }).collect();
        values[7] = 500.0;
        let scaled = Scaled::of(&values);
        assert!(!scaled.is_log, "zeros have no logarithm");
        assert!(scaled.values[7] < 5.0, "{}", scaled.values[7]);
        assert!(scaled.values[15] > 95.0, "{}", scaled.values[15]);
    }

    #[test]
    fn independent_noise_does_not_wander_and_slow_drift_does() {
        let zigzag: Vec<f64> = (0..40).map(|i| 100.0 + f64::from(i * 7 % 5)).collect();
        let drift: Vec<f64> = (0..40).map(|i| 100.0 + f64::from(i)).collect();
        assert!(Scaled::of(&zigzag).wandering(&[]) < 1.1);
        assert!(Scaled::of(&drift).wandering(&[]) > 10.0);
    }
}
