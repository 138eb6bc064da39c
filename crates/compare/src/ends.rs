//! Whether the two ends of a line of commits differ, looked at several times while they are measured.

use crate::statistics::order::mean;
use crate::statistics::student::upper_tail;

/// After so many rounds the ends are looked at: whole blocks, in which a machine that slows down steadily slows
/// both ends alike.
pub const LOOKS: [u32; 3] = [6, 10, 16];

/// How often ends that do not differ may be said to, in all looks together.
pub const CHANCE: f64 = 0.01;

/// The steadiest series is taken to vary so much, relative to itself, from run to run.
const SMALLEST_NOISE: f64 = 0.002;

/// One pair in so many may go the other way.
const PAIRS_FOR_ONE_ASTRAY: usize = 5;

/// Returns whether two ends differ, given the logarithms of their ratios in all pairs so far; always no where
/// nobody looks yet.
///
/// A t-test of the pairs, to which every look may add its share of the error (Bonferroni: it holds however the looks
/// depend on each other); one share is kept back, since noise that lasts makes neighbouring pairs alike. Four of five
/// pairs must agree on the direction, so that a machine that changes in step with the rounds is not taken for the change.
pub fn ends_differ(pairs: &[f64]) -> bool {
    if !LOOKS.iter().any(|look| *look as usize == pairs.len()) {
        return false;
    }
    let (count, centre) = (pairs.len() as f64, mean(pairs));
    let squares: f64 = pairs.iter().map(|pair| (pair - centre).powi(2)).sum();
    // Of the difference of two runs.
    let variance = (squares / (count - 1.0)).max(2.0 * SMALLEST_NOISE.powi(2));
    let p = 2.0 * upper_tail(centre.abs() / (variance / count).sqrt(), count - 1.0);
    let astray = pairs.iter().filter(|pair| **pair * centre <= 0.0).count();
    p <= CHANCE / (LOOKS.len() + 1) as f64
        && astray <= pairs.len() / PAIRS_FOR_ONE_ASTRAY
        && centre.abs() > SMALLEST_NOISE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_that_lie_apart_differ_in_either_direction_and_only_where_one_looks() {
        let pairs = [0.12, 0.15, 0.18, 0.09, 0.16, 0.14, 0.11, 0.13, 0.17, 0.15];
        for (count, expected) in [(0, false), (5, false), (6, true), (7, false), (8, false), (10, true)] {
            assert_eq!(ends_differ(&pairs[..count]), expected, "{count}");
            let other: Vec<f64> = pairs[..count].iter().map(|pair| -pair).collect();
            assert_eq!(ends_differ(&other), expected, "{count}, the other way");
        }
    }

    #[test]
    fn what_the_noise_explains_is_no_difference() {
        for (why, pairs) in [
            ("nothing", [0.0; 6]),
            ("the smallest noise", [0.001; 6]),
            ("pairs that disagree", [0.5, 0.5, 0.5, 0.5, -0.01, -0.01]),
            ("one large pair", [0.9, 0.01, 0.02, 0.01, 0.02, 0.01]),
        ] {
            assert!(!ends_differ(&pairs), "{why}");
        }
    }
}
