use std::collections::BTreeMap;

use perf_model::{Better, Kind, Measurement, Metric, Reading, Samples, Summary, Unit};
use serde::{Deserialize, Serialize};

use crate::output::{Reason, Skipped, Withheld, key};

/// Measurements that have not been recorded, as `perf collect --dry-run --json` prints them.
///
/// The keys of an [`Entry`] and `measurements` are a contract; further keys may join them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Document {
    /// What was read, sorted by benchmark, parameters and metric, with what was withheld.
    pub measurements: Vec<Entry>,
    /// What was found and not used.
    pub skipped: Vec<Skipped>,
}

/// One measurement of a [`Document`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The benchmark's name.
    pub benchmark: String,
    /// The benchmark's parameters; always there, often empty.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// The metric's name.
    pub metric: String,
    /// The unit of `value`, `raw` and `sd`.
    pub unit: String,
    /// `lower` or `higher`; `unknown` where nobody has said it, and the entry is withheld.
    pub better: String,
    /// What sort of number the metric is, such as `time` or `exact`.
    pub kind: String,
    /// The location: the median of the samples, or what the tool reported.
    pub value: f64,
    /// How many raw samples were kept; 0 where the tool reports none.
    pub samples: usize,
    /// The raw samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<Vec<f64>>,
    /// The standard deviation that the tool reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sd: Option<f64>,
    /// How many readings the tool says are behind `value`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<u64>,
    /// Why this is no result and will not be recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
}

impl Document {
    /// Returns the document of these measurements, sorted.
    pub fn new(measurements: &[Measurement], withheld: &[Withheld], skipped: &[Skipped]) -> Self {
        let results = measurements.iter().map(|measurement| (measurement, None));
        let others = withheld.iter().map(|withheld| (&withheld.measurement, Some(&withheld.reason)));
        let mut sorted: Vec<_> = results.chain(others).collect();
        sorted.sort_by(|a, b| key(a.0).cmp(&key(b.0)));
        let entry = |(measurement, reason)| match reason {
            None => Entry::new(measurement),
            Some(reason) => Entry::withheld(measurement, reason),
        };
        Self { measurements: sorted.into_iter().map(entry).collect(), skipped: skipped.to_vec() }
    }
}

impl Entry {
    fn new(measurement: &Measurement) -> Self {
        let (raw, sd, n) = match &measurement.reading {
            Reading::Samples(samples) => (Some(samples.as_slice().to_vec()), None, None),
            Reading::Summary(summary) => (None, summary.sd(), summary.n()),
        };
        Self {
            benchmark: measurement.benchmark.clone(),
            params: measurement.params.clone(),
            metric: measurement.metric.name.clone(),
            unit: measurement.metric.unit.symbol().to_owned(),
            better: measurement.metric.better.word().to_owned(),
            kind: measurement.metric.kind.word().to_owned(),
            value: measurement.reading.location(),
            samples: measurement.reading.samples().len(),
            raw,
            sd,
            n,
            withheld: None,
        }
    }

    fn withheld(measurement: &Measurement, reason: &Reason) -> Self {
        let entry = Self::new(measurement);
        match reason {
            Reason::Failed(reason) => Self { withheld: Some(reason.clone()), ..entry },
            Reason::NoDirection => {
                let reason = "it is not known whether lower or higher is better".to_owned();
                Self { better: "unknown".to_owned(), withheld: Some(reason), ..entry }
            }
        }
    }

    /// Returns the measurement that this is the entry of; an error is a sentence without a place.
    pub(crate) fn into_measurement(self) -> Result<Measurement, String> {
        let better = Better::from_word(&self.better)
            .ok_or_else(|| format!("expected `better` to be `lower` or `higher`, found `{}`", self.better))?;
        let kind = Kind::from_word(&self.kind)
            .ok_or_else(|| format!("expected `kind` to be a kind, found `{}`", self.kind))?;
        let reading = match self.raw {
            Some(raw) if raw.len() != self.samples => {
                return Err(format!("expected {} numbers in `raw`, found {}", self.samples, raw.len()));
            }
            Some(raw) => Samples::new(raw).map(Reading::Samples),
            None => Summary::new(self.value, self.sd, self.n).map(Reading::Summary),
        };
        let reading = reading.map_err(|error| error.to_string())?;
        let metric = Metric { name: self.metric, unit: Unit::new(&self.unit), better, kind };
        Ok(Measurement { benchmark: self.benchmark, params: self.params, metric, reading })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn measurement(benchmark: &str, metric: Metric, reading: Reading) -> Measurement {
        Measurement { benchmark: benchmark.into(), params: BTreeMap::new(), metric, reading }
    }

    #[test]
    fn the_document_has_the_keys_that_were_promised() {
        let raw = Reading::Samples(Samples::new(vec![3.0, 1.0, 2.0]).unwrap());
        let summary = Reading::Summary(Summary::new(7.0, Some(0.5), Some(10)).unwrap());
        let of = |benchmark, reason| Withheld {
            measurement: measurement(benchmark, Metric::time("time", "ns"), raw.clone()),
            reason,
        };
        let document = Document::new(
            &[
                measurement("b", Metric::time("time", "ns"), raw.clone()),
                measurement("a", Metric::rate("throughput", "B/s"), summary),
            ],
            &[of("c", Reason::Failed("it failed".into())), of("d", Reason::NoDirection)],
            &[Skipped { place: "c".into(), reason: "empty".into() }],
        );
        assert_eq!(
            serde_json::to_value(&document).unwrap(),
            json!({
                "measurements": [
                    {"benchmark": "a", "params": {}, "metric": "throughput", "unit": "B/s", "better": "higher",
                     "kind": "rate", "value": 7.0, "samples": 0, "sd": 0.5, "n": 10},
                    {"benchmark": "b", "params": {}, "metric": "time", "unit": "ns", "better": "lower",
                     "kind": "time", "value": 2.0, "samples": 3, "raw": [3.0, 1.0, 2.0]},
                    {"benchmark": "c", "params": {}, "metric": "time", "unit": "ns", "better": "lower",
                     "kind": "time", "value": 2.0, "samples": 3, "raw": [3.0, 1.0, 2.0], "withheld": "it failed"},
                    {"benchmark": "d", "params": {}, "metric": "time", "unit": "ns", "better": "unknown",
                     "kind": "time", "value": 2.0, "samples": 3, "raw": [3.0, 1.0, 2.0],
                     "withheld": "it is not known whether lower or higher is better"},
                ],
                "skipped": [{"place": "c", "reason": "empty"}],
            })
        );
    }

    #[test]
    fn refuses_an_entry_that_contradicts_itself() {
        let reading = Reading::Samples(Samples::new(vec![1.0]).unwrap());
        let good = Entry::new(&measurement("a", Metric::time("time", "s"), reading));
        for (bad, expected) in [
            (Entry { samples: 2, ..good.clone() }, "expected 2 numbers in `raw`, found 1"),
            (Entry { better: "up".into(), ..good.clone() }, "found `up`"),
            (Entry { kind: "speed".into(), ..good.clone() }, "found `speed`"),
            (Entry { samples: 0, raw: Some(vec![]), ..good }, "has no samples"),
        ] {
            let error = bad.into_measurement().unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
