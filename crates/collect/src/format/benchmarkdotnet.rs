//! The JSON of BenchmarkDotNet (`JsonExporter`, full, brief or compressed).
//!
//! `FullName` has the type and the parameters. `Statistics.OriginalValues` are nanoseconds per operation of every
//! iteration; `Statistics` is null for a benchmark that failed. Two jobs measure one name: then the job, which
//! `DisplayInfo` tells, is a parameter. `Metrics` tell their own direction.

use std::collections::BTreeMap;

use perf_model::{Better, Kind, Metric, Unit};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::json::{self, Number};
use crate::output::{Case, Output, Spread};

pub(super) const FORMAT: Format = Format {
    name: "benchmarkdotnet",
    description: "the JSON of BenchmarkDotNet, full or brief",
    command: "dotnet run -c Release -- --exporters json",
    keeps: Keeps::Samples,
    link: "https://benchmarkdotnet.org",
    reader: Reader::File { detect, read },
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct File<'a> {
    host_environment_info: Option<Host>,
    #[serde(borrow)]
    benchmarks: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Host {
    benchmark_dot_net_version: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Benchmark {
    display_info: Option<String>,
    namespace: Option<String>,
    r#type: Option<String>,
    method: Option<String>,
    parameters: Option<String>,
    full_name: Option<String>,
    statistics: Option<Statistics>,
    memory: Option<Memory>,
    #[serde(default)]
    metrics: Vec<Reported>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statistics {
    original_values: Option<Vec<Number>>,
    n: Option<u64>,
    median: Option<Number>,
    mean: Option<Number>,
    standard_deviation: Option<Number>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Memory {
    bytes_allocated_per_operation: Option<Number>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reported {
    value: Number,
    descriptor: Descriptor,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Descriptor {
    id: String,
    #[serde(default)]
    unit: String,
    the_greater_the_better: bool,
}

fn detect(input: &Input) -> bool {
    input.has_all(&["HostEnvironmentInfo", "Benchmarks"])
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let file: File = input.json("the JSON of BenchmarkDotNet")?;
    let mut output = input.output(FORMAT.name, "BenchmarkDotNet");
    output.note_version(file.host_environment_info.and_then(|host| host.benchmark_dot_net_version));
    let place = format!("{}: Benchmarks", input.place());
    let benchmarks: Vec<(String, Benchmark)> = json::entries(&file.benchmarks, &place, &mut output);
    let mut jobs: BTreeMap<String, usize> = BTreeMap::new();
    for (_, benchmark) in &benchmarks {
        *jobs.entry(benchmark.name()).or_default() += 1;
    }
    for (place, benchmark) in benchmarks {
        let name = benchmark.name();
        let several = jobs.get(&name).is_some_and(|count| *count > 1);
        let mut case = Case::new(name, place);
        if let (true, Some(job)) = (several, benchmark.job()) {
            case = case.with("job", job);
        }
        add(&case, benchmark, &mut output);
    }
    output.number_repeats();
    Ok(output)
}

impl Benchmark {
    fn name(&self) -> String {
        if let Some(name) = self.full_name.as_ref().filter(|name| !name.is_empty()) {
            return name.clone();
        }
        let parts = [&self.namespace, &self.r#type, &self.method].into_iter().flatten();
        let path = parts.filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(".");
        match self.parameters.as_deref() {
            Some("") | None => path,
            Some(parameters) => format!("{path}({parameters})"),
        }
    }

    /// Returns the job of `Type.Method: Job(settings) [parameters]`.
    fn job(&self) -> Option<&str> {
        let (_, job) = self.display_info.as_deref()?.split_once(": ")?;
        Some(job.split_once(" [").map_or(job, |(job, _)| job))
    }
}

fn add(case: &Case, benchmark: Benchmark, output: &mut Output) {
    match benchmark.statistics {
        Some(statistics) => add_times(case, &statistics, output),
        None => output.skip(&case.place, format!("`{}` has no statistics: it failed", case.name)),
    }
    if let Some(Number(Some(bytes))) =
        benchmark.memory.and_then(|memory| memory.bytes_allocated_per_operation)
    {
        output.summary(case, Metric::size("allocated", "B"), bytes, Spread::default());
    }
    for Reported { value, descriptor } in benchmark.metrics {
        // What is allocated is in `Memory` as well.
        if descriptor.id == "Allocated Memory" {
            continue;
        }
        if let Some(value) = value.0 {
            let unit = Unit::new(if descriptor.unit.is_empty() { "count" } else { &descriptor.unit });
            let better = if descriptor.the_greater_the_better { Better::Higher } else { Better::Lower };
            let kind = Kind::of_unit(&unit);
            output.summary(
                case,
                Metric { name: descriptor.id, unit, better, kind },
                value,
                Spread::default(),
            );
        }
    }
}

fn add_times(case: &Case, statistics: &Statistics, output: &mut Output) {
    let metric = Metric::time("time", "ns");
    let values = statistics.original_values.as_deref().unwrap_or_default();
    let samples: Vec<f64> = values.iter().filter_map(|number| number.0).collect();
    if !samples.is_empty() && samples.len() == values.len() {
        return output.samples(case, metric, samples);
    }
    let number = |number: Option<Number>| number.and_then(|number| number.0);
    match number(statistics.median).or(number(statistics.mean)) {
        Some(value) => {
            let spread = Spread { sd: number(statistics.standard_deviation), n: statistics.n };
            output.summary(case, metric, value, spread);
        }
        None => output.skip(&case.place, format!("`{}` has neither a median nor a mean", case.name)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, parse};

    #[test]
    fn reads_samples_memory_and_metrics() {
        let text = r#"{"Title": "t", "HostEnvironmentInfo": {"BenchmarkDotNetVersion": "0.14.0"}, "Benchmarks": [
            {"FullName": "N.T.M(n: 1)", "Statistics": {"OriginalValues": [1, 3], "N": 2, "Median": 9, "Skewness": ""},
             "Memory": {"BytesAllocatedPerOperation": 24}, "Metrics": [{"Value": 7, "Descriptor":
             {"Id": "CacheHits", "Unit": "", "TheGreaterTheBetter": true}}]},
            {"FullName": "failed", "Statistics": null, "Memory": {"BytesAllocatedPerOperation": null}},
            {"Namespace": null, "Type": "T", "Method": "M", "Parameters": "a=1", "Statistics": {"Mean": 4}}]}"#;
        let output = parse(&format!("\u{feff}{text}"));
        let expected = [
            "N.T.M(n: 1) CacheHits 7 count",
            "N.T.M(n: 1) allocated 24 B",
            "N.T.M(n: 1) time 2 ns",
            "T.M(a=1) time 4 ns",
        ];
        assert_eq!(found(&output), expected);
        assert_eq!(output.skipped[0].reason, "`failed` has no statistics: it failed");
        assert_eq!(output.sources[0].tool, "BenchmarkDotNet 0.14.0");
    }

    #[test]
    fn one_name_under_two_jobs_is_two_cases() {
        let row = |job: &str| {
            format!(
                r#"{{"DisplayInfo": "T.M: {job} [n=1]", "FullName": "T.M", "Statistics": {{"Mean": 4}}}}"#
            )
        };
        let text =
            format!(r#"{{"HostEnvironmentInfo": {{}}, "Benchmarks": [{}, {}]}}"#, row("A(x)"), row("B"));
        assert_eq!(found(&parse(&text)), ["T.M[job=A(x)] time 4 ns", "T.M[job=B] time 4 ns"]);
    }
}
