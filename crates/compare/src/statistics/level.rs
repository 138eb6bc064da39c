use perf_model::{Better, Reading};

use super::order::{median, median_of};

/// One run of one series, boiled down to what verdicts use.
///
/// Samples of one run share whatever the run got of the machine, so a verdict compares runs, not samples
/// (Kalibera and Jones, Rigorous Benchmarking in Reasonable Time, ISMM 2013).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// The median of the samples, or the value that the tool reported; in the metric's unit.
    pub middle: f64,
    /// The best sample; `None` where there are fewer than five.
    pub best: Option<f64>,
    /// The spread within the run relative to its middle: 1.4826 times the median absolute deviation of five
    /// samples or more, or the standard deviation that the tool reported.
    pub spread: Option<f64>,
}

/// Makes the median absolute deviation consistent with a normal standard deviation.
const MAD_TO_SD: f64 = 1.4826;
/// The best or the spread of fewer samples says little.
const ENOUGH_SAMPLES: usize = 5;

impl Level {
    /// Returns the level of a reading.
    pub fn of(reading: &Reading, better: Better) -> Self {
        match reading {
            Reading::Samples(samples) => Self::of_samples(samples.as_slice(), better),
            Reading::Summary(summary) => {
                let spread = summary.sd().filter(|_| summary.value() != 0.0);
                let spread = spread.map(|sd| sd / summary.value().abs());
                Self { middle: summary.value(), best: None, spread }
            }
        }
    }

    /// Returns the same level in a unit `factor` times smaller.
    pub fn scaled(self, factor: f64) -> Self {
        Self { middle: self.middle * factor, best: self.best.map(|best| best * factor), ..self }
    }

    fn of_samples(samples: &[f64], better: Better) -> Self {
        let middle = median_of(samples);
        if samples.len() < ENOUGH_SAMPLES {
            return Self { middle, best: None, spread: None };
        }
        let best = match better {
            Better::Lower => samples.iter().copied().min_by(f64::total_cmp),
            Better::Higher => samples.iter().copied().max_by(f64::total_cmp),
        };
        let mut deviations: Vec<f64> = samples.iter().map(|sample| (sample - middle).abs()).collect();
        let spread = MAD_TO_SD * median(&mut deviations) / middle.abs();
        Self { middle, best, spread: (middle != 0.0).then_some(spread) }
    }
}

#[cfg(test)]
mod tests {
    use perf_model::{Samples, Summary};

    use super::*;

    fn samples(values: &[f64]) -> Reading {
        Reading::Samples(Samples::new(values.to_vec()).unwrap())
    }

    #[test]
    fn a_spike_moves_neither_the_middle_nor_the_spread_much() {
        let level = Level::of(&samples(&[9.0, 10.0, 11.0, 10.0, 900.0]), Better::Lower);
        assert_eq!(level, Level { middle: 10.0, best: Some(9.0), spread: Some(0.14826) });
    }

    #[test]
    fn the_best_of_a_rate_is_its_largest() {
        let level = Level::of(&samples(&[1.0, 2.0, 3.0, 4.0, 5.0]), Better::Higher);
        assert_eq!(level.best, Some(5.0));
    }

    #[test]
    fn few_samples_or_a_summary_have_no_best() {
        let few = Level::of(&samples(&[1.0, 2.0]), Better::Lower);
        assert_eq!(few, Level { middle: 1.5, best: None, spread: None });
        let summary = Reading::Summary(Summary::new(20.0, Some(1.0), Some(30)).unwrap());
        let expected = Level { middle: 20.0, best: None, spread: Some(0.05) };
        assert_eq!(Level::of(&summary, Better::Lower), expected);
    }
}
