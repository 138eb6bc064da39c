//! What `BenchmarkTools.save` of Julia writes: `[versions, [object...]]`, an object being `[type, fields]`.
//!
//! A `BenchmarkGroup` holds groups and results by key; the path of keys is the name. A `Trial` has the nanoseconds
//! of every sample; a `TrialEstimate` has one number, and does not say whether it is a median, mean or minimum.
//! Ratios and judgements hold no measurements. Older versions write types as `BenchmarkTools.Trial`. `null` stands
//! for infinity. The source is BenchmarkTools' `serialization.jl`.

use perf_model::Metric;
use serde_json::Value;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::output::{Case, Output, Spread};

pub(super) const FORMAT: Format = Format {
    name: "julia",
    description: "results that BenchmarkTools.jl saves",
    command: "BenchmarkTools.save(\"FILE.json\", results)",
    keeps: Keeps::Either,
    link: "https://juliaci.github.io/BenchmarkTools.jl",
    reader: Reader::File { detect, read },
};

fn detect(input: &Input) -> bool {
    input.has("0/Julia")
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let (versions, objects): (Value, Vec<Value>) = input.json("what BenchmarkTools.jl saves")?;
    let mut output = input.output(FORMAT.name, "BenchmarkTools");
    output.note_version(versions.get("BenchmarkTools").and_then(Value::as_str));
    let several = objects.len() > 1;
    for (index, object) in objects.iter().enumerate() {
        let is_group = kind(object) == Some("BenchmarkGroup");
        // A result on its own has no name.
        let name = if is_group { String::new() } else { format!("result {}", index + 1) };
        let place = format!("{}: object {}", input.place(), index + 1);
        add(object, Case::new(name, place), &mut output);
    }
    if several {
        output.number_repeats();
    }
    Ok(output)
}

fn kind(object: &Value) -> Option<&str> {
    let kind = object.get(0)?.as_str()?;
    Some(kind.strip_prefix("BenchmarkTools.").unwrap_or(kind))
}

/// Adds an object and what is in it; JSON that is nested too deep has been refused before.
fn add(object: &Value, case: Case, output: &mut Output) {
    let fields = object.get(1).unwrap_or(&Value::Null);
    match kind(object) {
        Some("BenchmarkGroup") => {
            for (key, member) in fields.get("data").and_then(Value::as_object).into_iter().flatten() {
                let name = if case.name.is_empty() { key.clone() } else { format!("{}/{key}", case.name) };
                add(member, Case::new(name, &case.place), output);
            }
        }
        Some("Trial") => {
            let times: Vec<Value> =
                fields.get("times").and_then(Value::as_array).cloned().unwrap_or_default();
            let samples: Vec<f64> = times.iter().filter_map(Value::as_f64).collect();
            if samples.len() < times.len() {
                let lost = times.len() - samples.len();
                output.skip(&case.place, format!("`{}`: {lost} samples that are not finite", case.name));
            }
            output.samples(&case, Metric::time("time", "ns"), samples);
            add_memory(fields, &case, output);
        }
        Some("TrialEstimate") => {
            match fields.get("time").and_then(Value::as_f64) {
                Some(time) => output.summary(&case, Metric::time("time", "ns"), time, Spread::default()),
                None => output.skip(&case.place, format!("`{}`: its time is no number", case.name)),
            }
            add_memory(fields, &case, output);
        }
        Some(other) => output.skip(&case.place, format!("`{}` is a {other}, no measurement", case.name)),
        None => output.skip(&case.place, format!("`{}` is of no type", case.name)),
    }
}

fn add_memory(fields: &Value, case: &Case, output: &mut Output) {
    let metrics = [("memory", Metric::size("memory", "B")), ("allocs", Metric::count("allocs", "allocs"))];
    for (key, metric) in metrics {
        if let Some(value) = fields.get(key).and_then(Value::as_f64) {
            output.summary(case, metric, value, Spread::default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, parse, refused};

    #[test]
    fn reads_groups_trials_and_estimates() {
        let text = r#"[{"Julia": "1.10", "BenchmarkTools": "1.5.0"}, [
            ["BenchmarkGroup", {"tags": [], "data": {
                "fib": ["BenchmarkTools.BenchmarkGroup", {"data": {
                    "(\"sin\", 0.5)": ["TrialEstimate", {"time": 246.5, "memory": 32, "allocs": 2}],
                    "gone": ["TrialEstimate", {"time": null}]}}],
                ":sym": ["Trial", {"times": [5.0, 7.0, null], "memory": 0, "allocs": 0}],
                "j": ["TrialJudgement", {"time": "regression"}]}}],
            ["BenchmarkTools.Trial", {"times": [1.0]}]]]"#;
        let output = parse(text);
        assert_eq!(
            found(&output),
            [
                ":sym allocs 0 allocs",
                ":sym memory 0 B",
                ":sym time 6 ns",
                "fib/(\"sin\", 0.5) allocs 2 allocs",
                "fib/(\"sin\", 0.5) memory 32 B",
                "fib/(\"sin\", 0.5) time 246.5 ns",
                "result 2 time 1 ns",
            ]
        );
        assert_eq!(output.sources[0].tool, "BenchmarkTools 1.5.0");
        assert_eq!(output.skipped.len(), 3, "{:?}", output.skipped);
    }

    #[test]
    fn judgements_alone_are_nothing() {
        let text = r#"[{"Julia": "1.10"}, [["TrialRatio", {"time": 1.2}]]]"#;
        assert!(refused(text).contains("`result 1` is a TrialRatio, no measurement"));
    }
}
