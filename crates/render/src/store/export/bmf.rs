//! One baseline in Bencher Metric Format: `{benchmark: {measure: {"value", "lower_value", "upper_value"}}}`.
//!
//! The format has neither units nor directions, so that what Bencher has a measure for becomes that measure, in its
//! unit: times of a benchmark are its `latency` in ns, peak memory is `memory` in bytes. Any other metric keeps its name
//! and its unit.

use std::collections::BTreeMap;

use perf_model::{Baseline, Measurement, SeriesId, Unit, median};
use serde::Serialize;

use crate::escape;

/// Metrics for which Bencher has a measure of another name: name, measure, unit.
const MEASURES: [(&str, &str, &str); 2] = [("time", "latency", "ns"), ("peak-rss", "memory", "B")];

#[derive(Serialize)]
struct Value {
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lower_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upper_value: Option<f64>,
}

/// Returns a baseline; the value is the middle of its runs, with the least and the greatest where there are several.
///
/// # Errors
///
/// The series for which the format has no place beside another one: its parameters are part of the name there.
pub fn bmf(baseline: &Baseline) -> Result<String, SeriesId> {
    let mut values: BTreeMap<SeriesId, Vec<&Measurement>> = BTreeMap::new();
    for measurement in baseline.runs.iter().flat_map(|run| &run.measurements) {
        values.entry(measurement.series()).or_default().push(measurement);
    }
    let mut report: BTreeMap<String, BTreeMap<&str, Value>> = BTreeMap::new();
    for (series, readings) in &values {
        let (measure, value) = measure(&series.metric, readings);
        if report.entry(series.case()).or_default().insert(measure, value).is_some() {
            return Err(series.clone());
        }
    }
    let json = serde_json::to_string_pretty(&report).expect("string keys and finite numbers");
    Ok(escape::json(json).into_owned() + "\n")
}

fn measure<'a>(metric: &'a str, readings: &[&Measurement]) -> (&'a str, Value) {
    let newest = &readings.last().expect("a series has readings").metric.unit;
    let known = MEASURES.iter().find(|(name, ..)| *name == metric);
    let known = known.filter(|(.., unit)| newest.factor_to(&Unit::new(unit)).is_some());
    let (name, unit) =
        known.map_or((metric, newest.clone()), |(_, measure, unit)| (*measure, Unit::new(unit)));
    let converted = |reading: &&Measurement| {
        reading.metric.unit.factor_to(&unit).map(|factor| reading.reading.location() * factor)
    };
    let values: Vec<f64> = readings.iter().filter_map(converted).collect();
    let several = values.len() > 1;
    let value = Value {
        value: median(&values),
        lower_value: several.then(|| values.iter().copied().fold(f64::INFINITY, f64::min)),
        upper_value: several.then(|| values.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
    };
    (name, value)
}
