//! Bencher Metric Format: `{benchmark: {measure: {"value": 1.0, "lower_value": 0.9, "upper_value": 1.1}}}`.
//!
//! It carries neither unit nor direction. Bencher's own measures have both by convention; of others they have to be
//! said. The bounds are of no known level and are not kept.

use std::collections::BTreeMap;

use perf_model::{Better, Kind, Metric, Reading, Summary, Unit};
use serde_json::Value;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::output::{Case, Output};

pub(super) const FORMAT: Format = Format {
    name: "bmf",
    description: "Bencher Metric Format",
    command: "any script",
    keeps: Keeps::Summary,
    link: "https://bencher.dev/docs/reference/bencher-metric-format/",
    reader: Reader::File { detect, read },
};

/// The measures that Bencher defines, with their unit, direction and kind.
const MEASURES: [(&str, &str, Better, Kind); 15] = [
    ("latency", "ns", Better::Lower, Kind::Time),
    ("throughput", "op/s", Better::Higher, Kind::Rate),
    ("build-time", "s", Better::Lower, Kind::Time),
    ("file-size", "B", Better::Lower, Kind::Size),
    ("memory", "B", Better::Lower, Kind::Size),
    ("instructions", "instructions", Better::Lower, Kind::Exact),
    ("estimated-cycles", "cycles", Better::Lower, Kind::Count),
    ("total-accesses", "accesses", Better::Lower, Kind::Count),
    ("total-read-write", "accesses", Better::Lower, Kind::Count),
    ("ram-accesses", "accesses", Better::Lower, Kind::Count),
    ("ram-hits", "accesses", Better::Lower, Kind::Count),
    ("allocated", "B", Better::Lower, Kind::Size),
    ("total-bytes", "B", Better::Lower, Kind::Size),
    ("max-bytes", "B", Better::Lower, Kind::Size),
    ("total-blocks", "blocks", Better::Lower, Kind::Count),
];

type Report = BTreeMap<String, BTreeMap<String, Value>>;

fn detect(input: &Input) -> bool {
    input.has("*/*/value")
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let report: Report = input.json("a report in Bencher Metric Format")?;
    let mut output = input.output(FORMAT.name, FORMAT.name);
    for (benchmark, measures) in &report {
        let case = Case::new(benchmark, input.place());
        for (measure, entry) in measures {
            let Some(value) = entry["value"].as_f64() else {
                output.skip(&case.place, format!("`{benchmark}` {measure}: its `value` is no number"));
                continue;
            };
            let reading = Summary::new(value, None, None).map(Reading::Summary);
            match metric(measure) {
                Some(metric) => output.reading(&case, metric, reading),
                None => output.undirected(&case, Metric::count(measure, measure), reading),
            }
        }
    }
    Ok(output)
}

/// Returns the metric of a measure that Bencher defines, by its name or slug.
fn metric(measure: &str) -> Option<Metric> {
    let slug = measure.to_lowercase().replace([' ', '_'], "-");
    let (_, unit, better, kind) = MEASURES.iter().find(|(name, ..)| *name == slug)?;
    Some(Metric { name: measure.to_owned(), unit: Unit::new(unit), better: *better, kind: *kind })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Options;
    use crate::format::tests_of::{found, found_with, refusal, skips, withheld};

    const REPORT: &str = r#"{
        "a::b": {"latency": {"value": 88.5, "lower_value": 80, "upper_value": 90}, "Build Time": {"value": 3}},
        "c": {"Max Widgets": {"value": 7}, "throughput": {"value": 10}, "latency": {"value": null}}}"#;

    #[test]
    fn measures_of_bencher_have_unit_and_direction() {
        let expected =
            [("a::b Build Time", 3.0, "s"), ("a::b latency", 88.5, "ns"), ("c throughput", 10.0, "op/s")];
        assert_eq!(
            found(REPORT, ""),
            expected.map(|(name, value, unit)| (name.to_owned(), value, unit.to_owned()))
        );
        assert!(skips(REPORT, "").contains(&"in: `c` latency: its `value` is no number".to_owned()));
    }

    #[test]
    fn the_direction_of_others_is_asked_for() {
        assert_eq!(withheld(REPORT, ""), [("c Max Widgets".to_owned(), "no direction".to_owned())]);
        let better = [("Max Widgets".to_owned(), Better::Higher)].into();
        let found = found_with(REPORT, &Options { better, ..Options::default() }).unwrap();
        assert!(found.contains(&("c Max Widgets".into(), 7.0, "Max Widgets".into())));
    }

    #[test]
    fn other_objects_are_no_report() {
        for text in [r#"{"a": {"b": 1}}"#, r#"{"a": {"b": {"value": 1}, "c": 2}}"#, r#"{"a": {}}"#, "{}"] {
            assert!(refusal(text, "").contains("in no format that is recognised"), "{text}");
        }
    }
}
