use thiserror::Error;

/// The raw readings of one series in one run: never empty, always finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    values: Vec<f64>,
    taken: u64,
}

/// What a tool reports when it keeps no raw readings: one location, and what it says of the spread.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    value: f64,
    sd: Option<f64>,
    n: Option<u64>,
}

/// What was read off one series in one run.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// Raw readings.
    Samples(Samples),
    /// A location without its raw readings.
    Summary(Summary),
}

/// Why numbers are not a reading.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ReadingError {
    /// No number at all.
    #[error("has no samples")]
    Empty,
    /// Infinite or not a number; `index` counts from 0.
    #[error("sample {index} is {value}, which is not a finite number")]
    NotFinite {
        /// Which sample.
        index: usize,
        /// What it was.
        value: f64,
    },
    /// A spread below zero, or not a number.
    #[error("standard deviation {0} is not a finite number of at least 0")]
    BadSpread(f64),
}

impl Samples {
    /// Checks that there is at least one sample and that every sample is finite.
    pub fn new(samples: Vec<f64>) -> Result<Self, ReadingError> {
        Self::of(samples, 0)
    }

    /// Checks the same of samples that were chosen from `taken`, which is never less than how many there are.
    pub fn of(values: Vec<f64>, taken: u64) -> Result<Self, ReadingError> {
        if values.is_empty() {
            return Err(ReadingError::Empty);
        }
        match values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            Some((index, &value)) => Err(ReadingError::NotFinite { index, value }),
            None => Ok(Self { taken: taken.max(values.len() as u64), values }),
        }
    }

    /// Returns the samples in the order in which they were taken, where the tool kept that order; sorted where
    /// they were chosen from more.
    pub fn as_slice(&self) -> &[f64] {
        &self.values
    }

    /// Returns the samples themselves.
    pub fn into_vec(self) -> Vec<f64> {
        self.values
    }

    /// Returns how many samples there were before some were chosen.
    pub fn taken(&self) -> u64 {
        self.taken
    }
}

impl Summary {
    /// Checks that the value is finite and the spread, where given, finite and not negative.
    pub fn new(value: f64, sd: Option<f64>, n: Option<u64>) -> Result<Self, ReadingError> {
        if !value.is_finite() {
            return Err(ReadingError::NotFinite { index: 0, value });
        }
        match sd {
            Some(sd) if !(sd.is_finite() && sd >= 0.0) => Err(ReadingError::BadSpread(sd)),
            Some(_) | None => Ok(Self { value, sd, n }),
        }
    }

    /// Returns the location that the tool reported.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Returns the standard deviation that the tool reported, in the unit of the value.
    pub fn sd(&self) -> Option<f64> {
        self.sd
    }

    /// Returns how many readings the tool says are behind the value.
    pub fn n(&self) -> Option<u64> {
        self.n
    }
}

impl Reading {
    /// Returns the location that verdicts use: the median of the samples, else the value reported.
    pub fn location(&self) -> f64 {
        match self {
            Reading::Samples(samples) => median(samples.as_slice()),
            Reading::Summary(summary) => summary.value,
        }
    }

    /// Returns the raw samples; empty where the tool kept none.
    pub fn samples(&self) -> &[f64] {
        match self {
            Reading::Samples(samples) => samples.as_slice(),
            Reading::Summary(_) => &[],
        }
    }

    /// Returns the bounds of the middle half of the readings: the quartiles of the samples, or those of a normal
    /// distribution with the standard deviation reported. `None` where there is no spread to tell of.
    pub fn middle_half(&self) -> Option<(f64, f64)> {
        /// The upper quartile of a standard normal distribution.
        const QUARTILE: f64 = 0.674_49;
        match self {
            Reading::Samples(samples) if samples.values.len() < 2 => None,
            Reading::Samples(samples) => {
                let mut sorted = samples.values.clone();
                sorted.sort_unstable_by(f64::total_cmp);
                Some((quartile(&sorted, 1), quartile(&sorted, 3)))
            }
            Reading::Summary(summary) => {
                let reach = QUARTILE * summary.sd?;
                Some((summary.value - reach, summary.value + reach))
            }
        }
    }

    /// Returns the same reading with every value multiplied by `factor`, which must be finite and positive.
    pub fn scaled(&self, factor: f64) -> Self {
        match self {
            Reading::Samples(samples) => {
                let values = samples.values.iter().map(|value| value * factor).collect();
                Reading::Samples(Samples { values, taken: samples.taken })
            }
            Reading::Summary(Summary { value, sd, n }) => {
                Reading::Summary(Summary { value: value * factor, sd: sd.map(|sd| sd * factor), n: *n })
            }
        }
    }
}

/// Returns the first, second or third quartile of sorted values by linear interpolation (Hyndman and Fan 1996,
/// type 7).
fn quartile(sorted: &[f64], which: usize) -> f64 {
    let (place, rest) = ((sorted.len() - 1) * which / 4, (sorted.len() - 1) * which % 4);
    match sorted.get(place + 1) {
        Some(next) => sorted[place] + (next - sorted[place]) * rest as f64 / 4.0,
        None => sorted[place],
    }
}

/// Returns the median: the middle value, or the mean of the two middle ones. `NaN` for no values.
pub fn median(values: &[f64]) -> f64 {
    median_in_place(&mut values.to_vec())
}

/// Returns the median of values that it may reorder.
pub fn median_in_place(values: &mut [f64]) -> f64 {
    let (length, middle) = (values.len(), values.len() / 2);
    if length == 0 {
        return f64::NAN;
    }
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if length % 2 == 1 {
        return upper;
    }
    let lower = below.iter().copied().max_by(f64::total_cmp).expect("two or more values");
    f64::midpoint(lower, upper)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refuses_what_is_not_a_reading() {
        assert_eq!(Samples::new(vec![]), Err(ReadingError::Empty));
        assert!(matches!(Samples::new(vec![1.0, f64::NAN]), Err(ReadingError::NotFinite { index: 1, .. })));
        assert!(matches!(Summary::new(f64::INFINITY, None, None), Err(ReadingError::NotFinite { .. })));
        assert_eq!(Summary::new(1.0, Some(-0.1), None), Err(ReadingError::BadSpread(-0.1)));
    }

    #[test]
    fn the_median_is_the_middle_value_or_the_mean_of_the_two() {
        for (values, expected) in [
            (vec![3.0], 3.0),
            (vec![4.0, 2.0], 3.0),
            (vec![9.0, 1.0, 5.0], 5.0),
            (vec![4.0, 1.0, 3.0, 2.0], 2.5),
            (vec![f64::MAX, f64::MAX], f64::MAX),
        ] {
            assert_eq!(median(&values), expected, "{values:?}");
        }
    }

    #[test]
    fn the_middle_half_is_that_of_the_samples_or_of_a_normal_distribution() {
        let samples = |values: &[f64]| Reading::Samples(Samples::new(values.to_vec()).unwrap());
        let summary = |sd| Reading::Summary(Summary::new(10.0, sd, None).unwrap());
        for (reading, expected) in [
            (samples(&[5.0]), None),
            (samples(&[3.0, 1.0]), Some((1.5, 2.5))),
            (samples(&[5.0, 1.0, 4.0, 2.0, 3.0]), Some((2.0, 4.0))),
            (samples(&[7.0; 4]), Some((7.0, 7.0))),
            (summary(None), None),
            (summary(Some(0.0)), Some((10.0, 10.0))),
            (summary(Some(2.0)), Some((10.0 - 1.348_98, 10.0 + 1.348_98))),
        ] {
            assert_eq!(reading.middle_half(), expected, "{reading:?}");
        }
    }

    proptest! {
        #[test]
        fn half_of_the_values_lie_on_each_side_of_the_median(values in prop::collection::vec(-1e9..1e9, 1..40)) {
            let middle = median(&values);
            prop_assert!(values.iter().filter(|value| **value < middle).count() <= values.len() / 2);
            prop_assert!(values.iter().filter(|value| **value > middle).count() <= values.len() / 2);
        }
    }
}
