//! The benchmarks that Vitest reports as JSON.
//!
//! Vitest 1 to 4 (`vitest bench --outputJson`): `files[].groups[].benchmarks[]`, whose group is named
//! `file > suite > ...`. Vitest 5 (`vitest bench --reporter=json`): `benchmarks[].tasks[]` in the results of each
//! test, whose duration is no benchmark; files are named by the last part of their path, since the path is that of
//! the machine. Each benchmark is a result of tinybench, in milliseconds.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::kind::{Format, Keeps, Reader};
use super::tinybench;
use crate::error::ReadError;
use crate::input::Input;
use crate::output::{Case, Output};

pub(super) const FORMAT: Format = Format {
    name: "vitest",
    description: "the JSON of `vitest bench`, of Vitest 1 to 4 and 5",
    command: "vitest bench --outputJson FILE (5: --reporter=json --outputFile FILE)",
    keeps: Keeps::Either,
    link: "https://vitest.dev/guide/features.html#benchmarking",
    reader: Reader::File { detect, read },
};

type Task = Map<String, Value>;

#[derive(Deserialize)]
struct Four {
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    full_name: String,
    #[serde(default)]
    benchmarks: Vec<Task>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Five {
    test_results: Vec<Module>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Module {
    #[serde(default)]
    name: String,
    assertion_results: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    #[serde(default)]
    ancestor_titles: Vec<String>,
    title: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    benchmarks: Vec<Compared>,
}

/// Tasks that one test compares.
#[derive(Deserialize)]
struct Compared {
    tasks: Vec<Task>,
}

fn detect(input: &Input) -> bool {
    input.has("files/0/groups") || input.has("testResults/0/assertionResults/0/benchmarks")
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(FORMAT.name, FORMAT.name);
    if input.has("testResults") {
        read_five(input, &mut output)?;
    } else {
        let four: Four = input.json("the JSON of `vitest bench`")?;
        for Group { full_name, benchmarks } in four.files.into_iter().flat_map(|file| file.groups) {
            add(&full_name, &benchmarks, input.place(), &mut output);
        }
    }
    output.number_repeats();
    Ok(output)
}

fn read_five(input: &Input, output: &mut Output) -> Result<(), ReadError> {
    let five: Five = input.json("the JSON report of Vitest 5")?;
    for module in five.test_results {
        let file = module.name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        for test in module.assertion_results {
            let path: Vec<String> = [vec![file.clone()], test.ancestor_titles, vec![test.title]].concat();
            let path = path.join(" > ");
            if test.status == "failed" {
                output.skip(input.place(), format!("`{path}` failed"));
                continue;
            }
            for compared in test.benchmarks {
                add(&path, &compared.tasks, input.place(), output);
            }
        }
    }
    Ok(())
}

fn add(path: &str, tasks: &[Task], place: &str, output: &mut Output) {
    for task in tasks {
        let name = task.get("name").and_then(Value::as_str).unwrap_or_default();
        let name = format!("{path} > {name}");
        let place = format!("{place}: {name}");
        tinybench::add(&Case::new(name, place), task, output);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, parse, refused};

    #[test]
    fn reads_the_layout_of_versions_1_to_4() {
        let text = r#"{"files": [{"filepath": "/x/a.bench.ts", "groups": [{"fullName": "a.bench.ts > g", "benchmarks": [
            {"name": "old", "hz": 500, "mean": 2, "p99": 3, "sampleCount": 9},
            {"name": "new", "hz": 500, "mean": 2, "median": 1.5, "samples": []},
            {"name": "boom", "rank": 1, "rme": 0, "sampleCount": 0}]}]}]}"#;
        let output = parse(text);
        let expected = [
            "a.bench.ts > g > new throughput 500 ops/s",
            "a.bench.ts > g > new time 1.5 ms",
            "a.bench.ts > g > old p99 3 ms",
            "a.bench.ts > g > old throughput 500 ops/s",
            "a.bench.ts > g > old time 2 ms",
        ];
        assert_eq!(found(&output), expected);
        assert!(output.skipped[0].reason.starts_with("`a.bench.ts > g > boom` failed"));
    }

    #[test]
    fn reads_the_layout_of_version_5() {
        let text = r#"{"testResults": [{"name": "/x/y/a.bench.ts", "assertionResults": [
            {"ancestorTitles": ["math"], "title": "skipped", "status": "skipped", "benchmarks": []},
            {"ancestorTitles": ["math"], "title": "one", "status": "passed", "duration": 2072.2, "benchmarks": [
              {"name": "math > one", "tasks": [{"name": "sum", "latency": {"mean": 2, "p50": 1.5, "samplesCount": 9}}]}]},
            {"ancestorTitles": [], "title": "bad", "status": "failed", "benchmarks": []}]}]}"#;
        let output = parse(text);
        let expected = [
            "a.bench.ts > math > one > sum throughput 500 ops/s",
            "a.bench.ts > math > one > sum time 1.5 ms",
        ];
        assert_eq!(found(&output), expected);
        assert_eq!(output.skipped[0].reason, "`a.bench.ts > bad` failed");
    }

    #[test]
    fn a_report_without_benchmarks_is_nothing() {
        let text =
            r#"{"testResults": [{"name": "a", "assertionResults": [{"title": "t", "benchmarks": []}]}]}"#;
        assert!(refused(text).contains("holds no measurement"));
    }
}
