use std::collections::BTreeMap;

use perf_model::{Better, Kind, Measurement, Metric, Reading, Samples, Summary, Unit};
use serde::ser::Error;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::to_raw_value;

use crate::output::{Output, Reason, Skipped, key};

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
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "on_one_line")]
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
    /// Returns the document of all that outputs hold, sorted.
    pub fn new(outputs: Vec<Output>) -> Self {
        let (mut measurements, mut skipped) = (Vec::new(), Vec::new());
        for output in outputs {
            measurements.extend(output.measurements.into_iter().map(|measurement| (measurement, None)));
            let withheld = output.withheld.into_iter().map(|it| (it.measurement, Some(it.reason)));
            measurements.extend(withheld);
            skipped.extend(output.skipped);
        }
        measurements.sort_by(|a, b| key(&a.0).cmp(&key(&b.0)));
        let entry = |(measurement, reason)| match reason {
            None => Entry::new(measurement),
            Some(reason) => Entry::withheld(measurement, reason),
        };
        Self { measurements: measurements.into_iter().map(entry).collect(), skipped }
    }
}

impl Entry {
    fn new(measurement: Measurement) -> Self {
        let Measurement { benchmark, params, metric, reading } = measurement;
        let (value, samples) = (reading.location(), reading.samples().len());
        let (raw, sd, n) = match reading {
            Reading::Samples(samples) => (Some(samples.into_vec()), None, None),
            Reading::Summary(summary) => (None, summary.sd(), summary.n()),
        };
        Self {
            benchmark,
            params,
            metric: metric.name,
            unit: metric.unit.symbol().to_owned(),
            better: metric.better.word().to_owned(),
            kind: metric.kind.word().to_owned(),
            value,
            samples,
            raw,
            sd,
            n,
            withheld: None,
        }
    }

    fn withheld(measurement: Measurement, reason: Reason) -> Self {
        let entry = Self::new(measurement);
        match reason {
            Reason::Failed(reason) => Self { withheld: Some(reason), ..entry },
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

/// Writes numbers beside each other, also where the rest of a document has a line for each value.
fn on_one_line<S: Serializer>(numbers: &Option<Vec<f64>>, serializer: S) -> Result<S::Ok, S::Error> {
    to_raw_value(numbers).map_err(S::Error::custom)?.serialize(serializer)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::output::Withheld;

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
        let mut output = Output::new("test", "test");
        output.measurements = vec![
            measurement("b", Metric::time("time", "ns"), raw.clone()),
            measurement("a", Metric::rate("throughput", "B/s"), summary),
        ];
        output.withheld = vec![of("c", Reason::Failed("it failed".into())), of("d", Reason::NoDirection)];
        output.skip("c", "empty");
        let document = Document::new(vec![output]);
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
        let good = Entry::new(measurement("a", Metric::time("time", "s"), reading));
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
