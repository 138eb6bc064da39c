use std::collections::BTreeMap;
use std::fmt;

use crate::metric::Metric;
use crate::reading::Reading;

/// Names one series within an environment: benchmark, parameters and metric name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId {
    /// The `/`-separated benchmark name, as its tool prints it.
    pub benchmark: String,
    /// Parameters that tell two cases of one benchmark apart.
    pub params: BTreeMap<String, String>,
    /// The metric's name.
    pub metric: String,
}

impl SeriesId {
    /// Returns the benchmark with its parameters, as people write it: `sort[n=100,order=random]`.
    pub fn case(&self) -> String {
        if self.params.is_empty() {
            return self.benchmark.clone();
        }
        let params: Vec<_> = self.params.iter().map(|(key, value)| format!("{key}={value}")).collect();
        format!("{}[{}]", self.benchmark, params.join(","))
    }
}

impl fmt::Display for SeriesId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.case(), self.metric)
    }
}

/// One series as one run read it.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// The `/`-separated benchmark name, as its tool prints it.
    pub benchmark: String,
    /// Parameters that tell two cases of one benchmark apart.
    pub params: BTreeMap<String, String>,
    /// What was read off the benchmark.
    pub metric: Metric,
    /// What was read.
    pub reading: Reading,
}

impl Measurement {
    /// Returns the name of the series that this is a reading of.
    pub fn series(&self) -> SeriesId {
        SeriesId {
            benchmark: self.benchmark.clone(),
            params: self.params.clone(),
            metric: self.metric.name.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_part_of_the_name() {
        let id = SeriesId {
            benchmark: "sort".into(),
            params: BTreeMap::from([("order".into(), "random".into()), ("n".into(), "100".into())]),
            metric: "time".into(),
        };
        assert_eq!(id.to_string(), "sort[n=100,order=random] time");
    }
}
