//! The messages of `cargo criterion --message-format=json`: one object per line, `benchmark-complete` for results.
//!
//! `measured_values[i]` is the whole time of `iteration_count[i]` iterations. The source is
//! `message_formats/json.rs` of cargo-criterion. A stream that ends early still holds complete lines.

use perf_model::Metric;
use serde::Deserialize;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::output::{Case, Output};

pub(super) const FORMAT: Format = Format {
    name: "cargo-criterion",
    description: "the JSON messages of cargo-criterion",
    command: "cargo criterion --message-format=json",
    keeps: Keeps::Samples,
    link: "https://bheisler.github.io/criterion.rs/book/cargo_criterion/external_tools.html",
    reader: Reader::Stream { detect, read },
};

#[derive(Deserialize)]
struct Message {
    id: String,
    iteration_count: Vec<f64>,
    measured_values: Vec<f64>,
    unit: String,
    #[serde(default)]
    throughput: Vec<Throughput>,
}

#[derive(Deserialize)]
struct Throughput {
    per_iteration: f64,
    unit: String,
}

#[derive(Deserialize)]
struct Reason {
    reason: String,
}

fn detect(input: &Input) -> bool {
    input.has_all(&["reason", "id", "measured_values"])
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(FORMAT.name, FORMAT.name);
    for (number, value) in input.values().enumerate() {
        let reason = serde_json::from_str::<Reason>(value);
        if !reason.is_ok_and(|message| message.reason == "benchmark-complete") {
            continue;
        }
        let place = format!("{}: message {}", input.place(), number + 1);
        match serde_json::from_str(value) {
            Ok(message) => add(&mut output, message, place),
            Err(cause) => output.skip(place, cause.to_string()),
        }
    }
    output.number_repeats();
    Ok(output)
}

fn add(output: &mut Output, message: Message, place: String) {
    let Message { id, iteration_count, measured_values, unit, throughput } = message;
    let case = Case::new(id, place);
    if iteration_count.len() != measured_values.len() || iteration_count.iter().any(|count| *count <= 0.0) {
        return output
            .skip(case.place, format!("`{}`: expected an iteration count for each value", case.name));
    }
    let times: Vec<f64> =
        measured_values.iter().zip(&iteration_count).map(|(value, count)| value / count).collect();
    let nanoseconds = perf_model::Unit::new(&unit).factor_to(&perf_model::Unit::new("ns"));
    for Throughput { per_iteration, unit } in throughput {
        let (metric, unit) = match unit.as_str() {
            "bytes" => ("throughput-bytes", "B/s".to_owned()),
            "elements" => ("throughput", "elem/s".to_owned()),
            other => ("throughput", format!("{other}/s")),
        };
        if let Some(factor) = nanoseconds {
            let rates = times.iter().map(|time| per_iteration / (time * factor * 1e-9)).collect();
            output.samples(&case, Metric::rate(metric, &unit), rates);
        }
    }
    match nanoseconds {
        Some(_) => output.samples(&case, Metric::time("time", &unit), times),
        None => {
            let reading = perf_model::Samples::new(times).map(perf_model::Reading::Samples);
            output.undirected(&case, Metric::count(&unit, &unit), reading);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, parse};

    #[test]
    fn reads_samples_per_iteration_and_survives_a_cut_stream() {
        let text = r#"{"reason":"compiler-artifact","package_id":"x"}
{"reason":"benchmark-complete","id":"a/1","report_directory":"r","iteration_count":[1,2],"measured_values":[10.0,30.0],"unit":"ns","throughput":[{"per_iteration":3,"unit":"bytes"}],"typical":{"estimate":1,"unit":"ns"},"change":null}
{"reason":"benchmark-complete","id":"bad","iteration_count":[0],"measured_values":[1.0],"unit":"ns"}
{"reason":"benchmark-complete","id":"cut","iterat"#;
        let output = parse(text);
        assert_eq!(output.measurements[1].reading.samples(), [10.0, 15.0]);
        assert_eq!(found(&output)[1], "a/1 time 12.5 ns");
        assert_eq!(output.measurements.len(), 2);
        assert_eq!(output.skipped[0].place, "in: message 3");
    }
}
