use super::steps::Step;
use crate::statistics::order::scatter;

/// Twice a logarithm of likelihoods: places whose cut is less likely than the best by more than this are left
/// out of a 95 % confidence set, for the largest of two independent walks with drift exceeds it with the
/// probability `1 - (1 - exp(-x/2))^2 = 0.05` (Siegmund, *Confidence sets in change-point problems*, Int. Stat.
/// Review 56, 1988).
const LEAST_LIKELY: f64 = 7.35;

/// Returns the first and the last place where a step may be, with 95 % confidence.
///
/// `inflation` is how much larger the variance of sums is than with independent noise.
pub(super) fn range(values: &[f64], step: &Step, inflation: f64) -> (usize, usize) {
    let Step { start, at, end, .. } = *step;
    let inside = scatter(&values[start..at]) + scatter(&values[at..end]);
    let variance = inside / ((end - start) as f64 - 2.0).max(1.0) * inflation;
    let (count, origin) = ((end - start) as f64, values[start]);
    let total: f64 = values[start..end].iter().map(|value| value - origin).sum();
    // The squares left over fall by what the means of the two pieces explain.
    let explained = |sum: f64, left: f64| sum * sum / left + (total - sum).powi(2) / (count - left);
    let sum_to = |place: usize| values[start..place].iter().map(|value| value - origin).sum::<f64>();
    let best = explained(sum_to(at), (at - start) as f64);
    // Rounding must not leave the very best place out.
    let least = best - LEAST_LIKELY * variance - best.abs() * 1e-12;
    let (mut first, mut last, mut sum) = (at, at, 0.0);
    for place in start + 1..end {
        sum += values[place - 1] - origin;
        if explained(sum, (place - start) as f64) >= least {
            (first, last) = (first.min(place), last.max(place));
        }
    }
    (first, last)
}
