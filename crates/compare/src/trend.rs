//! Whether a series creeps: the median slope and its interval.
//!
//! Theil's slope (Proc. K. Ned. Akad. Wet. 53, 1950) with the interval of Sen (J. Am. Stat. Assoc. 63, 1968), which
//! inverts the test of Mann and Kendall: neither outliers nor the distribution of the noise decide. Where the noise
//! wanders the interval is widened by what a first-order autoregression adds to the variance (Hamed and Rao, J.
//! Hydrol. 204, 1998, for the test).

use perf_model::Better;

use crate::course::Spot;
use crate::statistics::order::{mean, median, median_of, scatter};
use crate::verdict::Interval;

/// Which way a series goes, in the eyes of its metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// For the better.
    Improving,
    /// For the worse.
    Degrading,
    /// No trend is shown, or one too small to matter.
    Flat,
}

/// How far a series went along its median slope.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend {
    /// Which way.
    pub direction: Direction,
    /// From the first commit to the last: a relative change, or a difference where a value is zero or negative.
    pub change: f64,
    /// Where the change lies with 95 % confidence.
    pub interval: Interval,
    /// Whether the change is a relative one.
    pub is_relative: bool,
    /// The position of the first commit.
    pub from: usize,
    /// The position of the last commit.
    pub to: usize,
}

/// Fewer points tell no trend.
const FEWEST: usize = 10;
/// More points are gathered into so many medians, so that the work stays small and neighbours depend less on each
/// other.
const MOST: usize = 200;
/// A smaller relative change is flat, however certain.
const SMALLEST: f64 = 0.01;

/// Finds the trend of a series, oldest first; `None` for fewer than ten points.
pub fn trend(spots: &[Spot], better: Better) -> Option<Trend> {
    let (Some(first), Some(last)) = (spots.first(), spots.last()) else { return None };
    if spots.len() < FEWEST {
        return None;
    }
    let is_relative = spots.iter().all(|spot| spot.level > 0.0);
    let scaled = |level: f64| if is_relative { level.ln() } else { level };
    let points: Vec<(f64, f64)> = spots
        .chunks(spots.len().div_ceil(MOST))
        .map(|block| {
            let place = mean(&block.iter().map(|spot| spot.position as f64).collect::<Vec<_>>());
            (place, median(&mut block.iter().map(|spot| scaled(spot.level)).collect::<Vec<_>>()))
        })
        .collect();
    let span = (last.position - first.position) as f64;
    let in_all = |slope: f64| if is_relative { (slope * span).exp_m1() } else { slope * span };
    let slopes = Slopes::of(&points);
    let (low, high) = slopes.interval(&points);
    let (change, interval) = (in_all(slopes.middle), Interval { low: in_all(low), high: in_all(high) });
    let shown = interval.low > 0.0 || interval.high < 0.0;
    let matters = !is_relative || change.abs() >= SMALLEST;
    let direction = match (shown && matters, better) {
        (false, _) => Direction::Flat,
        (true, Better::Lower) if change > 0.0 => Direction::Degrading,
        (true, Better::Higher) if change < 0.0 => Direction::Degrading,
        (true, _) => Direction::Improving,
    };
    Some(Trend { direction, change, interval, is_relative, from: first.position, to: last.position })
}

/// The slopes between all pairs of points.
struct Slopes {
    sorted: Vec<f64>,
    middle: f64,
}

impl Slopes {
    fn of(points: &[(f64, f64)]) -> Self {
        let mut sorted = Vec::with_capacity(points.len() * (points.len() - 1) / 2);
        for (index, (x, y)) in points.iter().enumerate() {
            sorted.extend(points[index + 1..].iter().map(|(later_x, later_y)| (later_y - y) / (later_x - x)));
        }
        sorted.sort_unstable_by(f64::total_cmp);
        let middle = median_of(&sorted);
        Self { sorted, middle }
    }

    /// Returns the slopes between which the true one lies with 95 % confidence.
    fn interval(&self, points: &[(f64, f64)]) -> (f64, f64) {
        const NORMAL: f64 = 1.959_964;
        let pairs = self.sorted.len() as f64;
        let reach = NORMAL * (variance(points) * self.wandering(points)).sqrt();
        let at = |rank: f64| self.sorted[(rank.max(0.0) as usize).min(self.sorted.len() - 1)];
        (at((pairs - reach) / 2.0 - 1.0), at((pairs + reach) / 2.0))
    }

    /// Returns how much the variance grows since neighbours depend on each other.
    fn wandering(&self, points: &[(f64, f64)]) -> f64 {
        const NOTEWORTHY: f64 = 0.1;
        let mut rest: Vec<f64> = points.iter().map(|(x, y)| y - self.middle * x).collect();
        let level = mean(&rest);
        let variance = scatter(&rest);
        rest.iter_mut().for_each(|value| *value -= level);
        let products: f64 = rest.windows(2).map(|pair| pair[0] * pair[1]).sum();
        // The rest around a fitted line seems to depend less than it does (Marriott and Pope, Biometrika 41, 1954).
        let count = points.len() as f64;
        match (count * products / variance + 2.0) / (count - 4.0) {
            correlation if correlation > NOTEWORTHY => {
                (1.0 + correlation.min(0.8)) / (1.0 - correlation.min(0.8))
            }
            _ => 1.0,
        }
    }
}

/// Returns the variance of Kendall's count of rises less falls, among independent values, some of them equal.
fn variance(points: &[(f64, f64)]) -> f64 {
    let term = |count: f64| count * (count - 1.0) * (2.0 * count + 5.0);
    let mut values: Vec<f64> = points.iter().map(|(_, y)| *y).collect();
    values.sort_unstable_by(f64::total_cmp);
    let ties: f64 = values.chunk_by(|a, b| a == b).map(|equal| term(equal.len() as f64)).sum();
    (term(values.len() as f64) - ties) / 18.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Normal noise with a fixed seed: the sum of twelve uniform numbers.
    fn noise(seed: u64) -> impl FnMut() -> f64 {
        let mut rng = fastrand::Rng::with_seed(seed);
        move || (0..12).map(|_| rng.f64()).sum::<f64>() - 6.0
    }

    /// So many points around 100 with 2 % noise, of which a share is kept from one to the next, and a slope.
    fn series(seed: u64, count: usize, kept: f64, slope: f64) -> Vec<Spot> {
        let (mut next, mut last) = (noise(seed), 0.0);
        let mut spot = |position: usize| {
            last = kept * last + (1.0 - kept * kept).sqrt() * next();
            Spot { position, level: 100.0 * (0.02 * last + slope * position as f64).exp() }
        };
        (0..count).map(&mut spot).collect()
    }

    fn share(of: impl Fn(u64) -> bool) -> f64 {
        (0..300).filter(|seed| of(*seed)).count() as f64 / 300.0
    }

    #[test]
    fn few_series_without_a_trend_show_one() {
        for (count, kept, most) in [
            (20, 0.0, 0.09),
            (60, 0.0, 0.09),
            (20, 0.4, 0.12),
            (60, 0.4, 0.08),
            (60, 0.6, 0.08),
            (210, 0.4, 0.08),
        ] {
            let moving = share(|seed| {
                trend(&series(seed, count, kept, 0.0), Better::Lower).unwrap().direction != Direction::Flat
            });
            assert!(moving <= most, "{count} points, {kept} kept: {moving}");
        }
    }

    #[test]
    fn the_interval_holds_the_true_change() {
        let slope = 0.1 / 59.0;
        let covered = share(|seed| {
            let Interval { low, high } =
                trend(&series(seed, 60, 0.0, slope), Better::Lower).unwrap().interval;
            low <= 0.1_f64.exp_m1() && 0.1_f64.exp_m1() <= high
        });
        assert!(covered >= 0.91, "{covered}");
    }

    #[test]
    fn a_creep_is_seen_and_its_direction_is_that_of_the_metric() {
        let rising = series(1, 200, 0.0, 0.1 / 199.0);
        for (better, expected) in
            [(Better::Lower, Direction::Degrading), (Better::Higher, Direction::Improving)]
        {
            let found = trend(&rising, better).unwrap();
            assert_eq!((found.direction, found.from, found.to), (expected, 0, 199));
            assert!((found.change - 0.105).abs() < 0.02, "{found:?}");
        }
    }

    #[test]
    fn exact_counts_and_values_at_zero_have_trends_too() {
        let spots = |level: fn(usize) -> f64| -> Vec<Spot> {
            (0..30).map(|position| Spot { position, level: level(position) }).collect()
        };
        for (level, expected, change) in [
            ((|_| 5.0) as fn(usize) -> f64, Direction::Flat, 0.0),
            (|_| 0.0, Direction::Flat, 0.0),
            (|position| position as f64, Direction::Degrading, 29.0),
            (|position| 1e6 + position as f64, Direction::Flat, 29e-6),
        ] {
            let found = trend(&spots(level), Better::Lower).unwrap();
            assert_eq!(found.direction, expected, "{found:?}");
            assert!((found.change - change).abs() <= 1e-3 * change, "{found:?}");
        }
        assert_eq!(trend(&spots(|_| 1.0)[..9], Better::Lower), None);
    }

    #[test]
    fn an_outlier_is_no_trend() {
        let mut spots = series(3, 40, 0.0, 0.0);
        spots[39].level = 1_000.0;
        assert_eq!(trend(&spots, Better::Lower).unwrap().direction, Direction::Flat);
    }
}
