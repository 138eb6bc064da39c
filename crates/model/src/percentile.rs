use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::metric::{Kind, Metric};
use crate::reading::{Reading, Summary};
use crate::series::Measurement;

/// Which percentile: a number above 0 and below 100, such as 95 or 99.9.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Rank(f64);

/// A number or text that is no rank.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}`: expected a percentile above 0 and below 100, such as 95 or 99.9")]
pub struct RankError(String);

impl Rank {
    /// Returns how many readings it takes before a comparison judges this percentile.
    pub fn readings(self) -> u64 {
        readings_for(self.0)
    }
}

impl TryFrom<f64> for Rank {
    type Error = RankError;

    fn try_from(rank: f64) -> Result<Self, Self::Error> {
        if rank > 0.0 && rank < 100.0 { Ok(Self(rank)) } else { Err(RankError(rank.to_string())) }
    }
}

impl FromStr for Rank {
    type Err = RankError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number: f64 =
            text.trim().trim_start_matches(['p', 'P']).parse().map_err(|_| RankError(text.into()))?;
        Self::try_from(number).map_err(|_| RankError(text.into()))
    }
}

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Returns how many readings a percentile takes: five beyond it, ten from the 99th on. So 10 for `p50`, 100
/// for `p95` and 1,000 for `p99`.
pub fn readings_for(rank: f64) -> u64 {
    let beyond = if rank >= 99.0 { 10.0 } else { 5.0 };
    let share = (1.0 - rank / 100.0).max(f64::EPSILON);
    // A saturating cast; rounding keeps 5 / 0.05 from becoming 101.
    (beyond / share * (1.0 - 1e-9)).ceil() as u64
}

/// Returns the quantile `share` (0 to 1) of sorted values, which must not be empty, by linear interpolation: type 7
/// of Hyndman and Fan, "Sample Quantiles in Statistical Packages", The American Statistician 50(4), 1996; what R, NumPy
/// and spreadsheets compute.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = (sorted.len() - 1) as f64 * share;
    let index = position as usize;
    match sorted.get(index + 1) {
        Some(next) => sorted[index] + (position - index as f64) * (next - sorted[index]),
        None => sorted[index],
    }
}

impl Measurement {
    /// Returns a percentile of the raw samples of a duration: a series of its own, with the number of samples.
    ///
    /// That of `time` and `latency` is called `p95`, that of any other metric `user-time-p95`. By [`quantile`].
    /// `None` where this is no duration, has no raw samples, or not all of them are here.
    pub fn percentile(&self, rank: Rank) -> Option<Self> {
        let Reading::Samples(samples) = &self.reading else { return None };
        let mut sorted = samples.as_slice().to_vec();
        if self.metric.kind != Kind::Time || samples.taken() > sorted.len() as u64 {
            return None;
        }
        sorted.sort_unstable_by(f64::total_cmp);
        let summary = Summary::new(quantile(&sorted, rank.0 / 100.0), None, Some(samples.taken())).ok()?;
        let name = match self.metric.name.as_str() {
            "time" | "latency" => format!("p{rank}"),
            other => format!("{other}-p{rank}"),
        };
        let metric = Metric { name, kind: Kind::Percentile, ..self.metric.clone() };
        Some(Self { metric, reading: Reading::Summary(summary), ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::reading::Samples;

    fn measured(metric: Metric, samples: Samples) -> Measurement {
        Measurement {
            benchmark: "b".into(),
            params: BTreeMap::new(),
            metric,
            reading: Reading::Samples(samples),
        }
    }

    #[test]
    fn quantiles_interpolate_between_neighbours() {
        let sorted = [0.0, 10.0, 20.0, 30.0, 40.0];
        for (share, expected) in [(0.0, 0.0), (0.25, 10.0), (0.9, 36.0), (1.0, 40.0)] {
            assert_eq!(quantile(&sorted, share), expected, "{share}");
        }
    }

    #[test]
    fn a_percentile_is_a_series_with_the_number_of_its_samples() {
        let samples = || Samples::new((1..=101).rev().map(f64::from).collect()).unwrap();
        for (metric, rank, name, value) in [
            ("time", 95.0, "p95", 96.0),
            ("latency", 99.9, "p99.9", 100.9),
            ("user-time", 50.0, "user-time-p50", 51.0),
        ] {
            let rank = Rank::try_from(rank).unwrap();
            let found = measured(Metric::time(metric, "ms"), samples()).percentile(rank).unwrap();
            assert_eq!((found.metric.name.as_str(), found.metric.kind), (name, Kind::Percentile));
            assert!((found.reading.location() - value).abs() < 1e-9, "{found:?}");
            assert!(matches!(found.reading, Reading::Summary(summary) if summary.n() == Some(101)), "{name}");
            assert!(found.metric.rank().is_some(), "comparisons know it by its name");
        }
    }

    #[test]
    fn only_durations_with_all_their_samples_have_percentiles() {
        let rank = Rank::try_from(95.0).unwrap();
        let all = Samples::new(vec![1.0, 2.0]).unwrap();
        let some = Samples::of(vec![1.0, 2.0], 3).unwrap();
        assert_eq!(measured(Metric::size("peak-rss", "B"), all).percentile(rank), None);
        assert_eq!(measured(Metric::time("time", "s"), some).percentile(rank), None);
    }

    #[test]
    fn ranks_lie_between_0_and_100() {
        for (text, shown) in [("95", "95"), ("p99", "99"), (" 99.9", "99.9"), ("50.0", "50")] {
            assert_eq!(text.parse::<Rank>().unwrap().to_string(), shown, "{text}");
        }
        for bad in ["", "p", "0", "100", "-5", "nan", "inf", "95%"] {
            assert!(bad.parse::<Rank>().is_err(), "{bad}");
        }
        for (rank, readings) in [(50.0, 10), (95.0, 100), (99.0, 1_000), (99.9, 10_000)] {
            assert_eq!(Rank::try_from(rank).unwrap().readings(), readings, "{rank}");
        }
    }
}
