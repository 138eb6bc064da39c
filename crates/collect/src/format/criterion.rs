//! The results that Criterion.rs keeps: `target/criterion/**/new/{benchmark,sample}.json`.
//!
//! `benchmark.json` names the benchmark (`full_id`) and its throughput; `sample.json` holds for every sample
//! how many iterations it took (`iters`) and how many nanoseconds (`times`). A reading is `times[i] / iters[i]`.
//! The source of both layouts is Criterion's `connections.rs` and `report.rs`. The other files there hold
//! what Criterion derived from the samples, and the other directories hold earlier results (`base` and named
//! baselines), their difference (`change`) and pages for people (`report`); none of them is read.

mod tree;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use perf_model::{Measurement, Metric, Reading, Samples};
use serde::Deserialize;
use serde_json::Value;

use self::tree::{Opened, Results};
use super::kind::{Format, Keeps, Options, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::output::{Output, Skipped, flaw};

pub(super) const FORMAT: Format = Format {
    name: "criterion",
    description: "the results that Criterion.rs keeps in `target/criterion`",
    command: "cargo bench",
    keeps: Keeps::Samples,
    link: "https://bheisler.github.io/criterion.rs/book/",
    reader: Reader::Directory { detect, read },
};

/// What a throughput counts, as `benchmark.json` spells it, with the metric and unit it becomes.
const THROUGHPUTS: [(&str, &str, &str); 4] = [
    ("Bytes", "throughput", "B/s"),
    ("BytesDecimal", "throughput", "B/s"),
    ("Elements", "throughput", "elem/s"),
    ("Bits", "throughput", "bit/s"),
];

/// The same for the members of `ElementsAndBytes`, of which Criterion calls the elements the primary one.
const THROUGHPUT_PAIR: [(&str, &str, &str); 2] =
    [("elements", "throughput", "elem/s"), ("bytes", "throughput-bytes", "B/s")];

#[derive(Deserialize)]
struct Benchmark {
    full_id: String,
    throughput: Option<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
struct Sample {
    iters: Vec<f64>,
    times: Vec<f64>,
}

/// What one directory `new` holds.
struct Case {
    name: String,
    measurements: Vec<Measurement>,
    skipped: Vec<Skipped>,
    modified: Option<SystemTime>,
}

fn detect(root: &Path) -> bool {
    tree::has_results(root)
}

fn read(root: &Path, options: &Options) -> Result<Output, ReadError> {
    let cases = tree::read_all(root, |results| read_case(results, options));
    if cases.is_empty() {
        return Err(ReadError::new(root.display(), "expected results of Criterion, `**/new/benchmark.json`")
            .with_hint("`cargo bench` writes them to `target/criterion`"));
    }
    let mut output = Output::new(FORMAT.name, FORMAT.name).holding(options.max_readings);
    let mut names: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut broken = Vec::new();
    for (dir, case) in cases {
        let case = match case {
            Ok(case) => case,
            Err(error) => {
                broken.push(error);
                continue;
            }
        };
        if let Some(other) = names.get(&case.name) {
            let problem = format!("measures `{}`, and so does {}", case.name, other.display());
            return Err(ReadError::new(dir.display(), problem)
                .with_hint("one of them is left from an earlier layout of the benchmarks: delete it"));
        }
        names.insert(case.name, dir);
        output.measurements.extend(case.measurements);
        output.skipped.extend(case.skipped);
        output.note_time(case.modified);
    }
    // One damaged benchmark takes no other with it; where nothing is sound, the first says why.
    if output.measurements.is_empty() && !broken.is_empty() {
        return Err(broken.remove(0));
    }
    for error in broken {
        output.skip(error.place(), error.reason());
    }
    Ok(output)
}

fn read_case(results: Results, options: &Options) -> Result<Case, ReadError> {
    let dir = results.dir;
    let open = |name: &str, opened: Opened| match opened {
        Ok(Some(file)) => Input::file(&dir.join(name), file, options).map(Some),
        Ok(None) => Ok(None),
        Err(cause) => Err(ReadError::new(dir.join(name).display(), "cannot be read").caused_by(cause)),
    };
    let missing = || ReadError::new(dir.join("benchmark.json").display(), "is missing");
    let input = open("benchmark.json", results.benchmark)?.ok_or_else(missing)?;
    let benchmark: Benchmark = input.json("a benchmark as Criterion describes it")?;
    let mut case =
        Case { name: benchmark.full_id, measurements: Vec::new(), skipped: Vec::new(), modified: None };
    let Some(samples) = open("sample.json", results.sample)? else {
        case.skip(dir.display().to_string(), "has no `sample.json`");
        return Ok(case);
    };
    case.modified = samples.modified();
    let times = per_iteration(&samples)?;
    for (metric, unit, amount) in benchmark.throughput.iter().flatten().flat_map(amounts) {
        match rates(amount, &times) {
            Some(rates) => case.push(Metric::rate(metric, unit), rates, &samples)?,
            None => case.skip(input.place(), format!("a time of 0 leaves no {metric} in {unit}")),
        }
    }
    case.push(Metric::time("time", "ns"), times, &samples)?;
    match case.measurements.iter().find_map(flaw) {
        Some(flaw) => Err(input.refuse(flaw)),
        None => Ok(case),
    }
}

impl Case {
    fn push(&mut self, metric: Metric, samples: Vec<f64>, input: &Input) -> Result<(), ReadError> {
        let samples = Samples::new(samples)
            .map_err(|cause| input.refuse("expected the samples of a benchmark").caused_by(cause))?;
        self.measurements.push(Measurement {
            benchmark: self.name.clone(),
            params: BTreeMap::new(),
            metric,
            reading: Reading::Samples(samples),
        });
        Ok(())
    }

    fn skip(&mut self, place: impl Into<String>, reason: impl Into<String>) {
        self.skipped.push(Skipped { place: place.into(), reason: reason.into() });
    }
}

/// Returns the nanoseconds per iteration of every sample.
fn per_iteration(input: &Input) -> Result<Vec<f64>, ReadError> {
    let Sample { iters, times } = input.json("the samples of a benchmark as Criterion writes them")?;
    if iters.len() != times.len() {
        let (iters, times) = (iters.len(), times.len());
        return Err(input.refuse(format!("expected as many `iters` as `times`, found {iters} and {times}")));
    }
    if let Some(index) = iters.iter().position(|iters| *iters <= 0.0) {
        let found = iters[index];
        return Err(input.refuse(format!("expected `iters[{index}]` to be above 0, found {found}")));
    }
    if let Some(index) = times.iter().position(|time| *time < 0.0) {
        let found = times[index];
        return Err(input.refuse(format!("expected `times[{index}]` to be at least 0, found {found}")));
    }
    Ok(times.iter().zip(&iters).map(|(time, iters)| time / iters).collect())
}

/// Returns metric, unit and amount per iteration of a throughput; nothing for a kind that is not known, whose
/// time is still good.
fn amounts((word, value): (&String, &Value)) -> Vec<(&'static str, &'static str, f64)> {
    match value.as_object() {
        Some(pair) if word == "ElementsAndBytes" => {
            pair.iter().filter_map(|(word, value)| amount(&THROUGHPUT_PAIR, word, value)).collect()
        }
        Some(_) | None => amount(&THROUGHPUTS, word, value).into_iter().collect(),
    }
}

fn amount(
    table: &[(&str, &'static str, &'static str)],
    word: &str,
    value: &Value,
) -> Option<(&'static str, &'static str, f64)> {
    let (_, metric, unit) = table.iter().find(|(name, ..)| *name == word)?;
    value.as_f64().map(|amount| (*metric, *unit, amount))
}

/// Returns the rate per second of every sample; `None` where a time is too small to divide by.
fn rates(amount: f64, nanoseconds: &[f64]) -> Option<Vec<f64>> {
    let rates: Vec<f64> = nanoseconds.iter().map(|time| amount / (time * 1e-9)).collect();
    rates.iter().all(|rate| rate.is_finite()).then_some(rates)
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::fs;

    use proptest::prelude::*;
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    use tempfile::TempDir;

    use super::*;
    use crate::format;

    const SAMPLE: &str = r#"{"sampling_mode":"Linear","iters":[1.0,2.0],"times":[10.0,30.0]}"#;

    fn benchmark(name: &str, throughput: &str) -> String {
        let name = serde_json::to_string(name).unwrap();
        format!(r#"{{"group_id":"g","function_id":null,"throughput":{throughput},"full_id":{name}}}"#)
    }

    fn put(root: &Path, dir: &str, benchmark: &str, sample: &str) {
        let dir = root.join(dir);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("benchmark.json"), benchmark).unwrap();
        fs::write(dir.join("sample.json"), sample).unwrap();
    }

    fn tree(dirs: &[(&str, &str)]) -> TempDir {
        let root = tempfile::tempdir().unwrap();
        for (dir, name) in dirs {
            put(root.path(), dir, &benchmark(name, "null"), SAMPLE);
        }
        root
    }

    fn names(output: &Output) -> Vec<&str> {
        output.measurements.iter().map(|measurement| measurement.benchmark.as_str()).collect()
    }

    fn refusal(root: &Path) -> String {
        let error = format::read(root, &Options::default()).unwrap_err();
        let cause = error.source().map(|cause| format!(" <- {cause}")).unwrap_or_default();
        format!("{error}{cause}").replace(&format!("{}/", root.display()), "")
    }

    /// Reads a tree in which one thing is skipped; returns what, and the rest.
    fn skipped(root: &Path) -> (String, Output) {
        let output = format::read(root, &Options::default()).unwrap();
        let [one] = output.skipped.as_slice() else { panic!("one: {:?}", output.skipped) };
        (format!("{}: {}", one.place, one.reason).replace(&format!("{}/", root.display()), ""), output)
    }

    #[test]
    fn names_come_from_the_file_and_samples_are_per_iteration() {
        let root = tree(&[("a_b/new", "a/b?\u{1b}"), ("z/new", "z")]);
        let output = format::read(root.path(), &Options::default()).unwrap();
        assert_eq!(names(&output), ["a/b?\u{1b}", "z"]);
        assert_eq!(output.measurements[0].reading.samples(), [10.0, 15.0]);
        assert_eq!(output.measurements[0].metric, Metric::time("time", "ns"));
        assert!(output.oldest.is_some() && output.oldest <= output.newest);
    }

    #[test]
    fn only_new_results_are_read() {
        let root = tree(&[
            ("a/new", "a"),
            ("a/base", "a"),
            ("a/main", "a"),
            ("a/change", "a"),
            ("a/report", "a"),
            ("a/b/new", "a/b"),
        ]);
        assert_eq!(names(&format::read(root.path(), &Options::named("criterion")).unwrap()), ["a", "a/b"]);
    }

    #[test]
    fn benchmarks_may_have_the_names_of_criterions_own_directories() {
        let root = tree(&[
            ("new/new", "new"),
            ("base/x/new", "base/x"),
            ("report/new", "report"),
            ("a/new", "a"),
            ("a/change/new", "a/change"),
        ]);
        let output = format::read(root.path(), &Options::default()).unwrap();
        assert_eq!(names(&output), ["a", "a/change", "base/x", "new", "report"]);
    }

    #[test]
    fn throughput_becomes_a_rate() {
        for (throughput, expected) in [
            (r#"{"Bytes":3}"#, vec![("throughput", "B/s", 3e8)]),
            (r#"{"BytesDecimal":3}"#, vec![("throughput", "B/s", 3e8)]),
            (r#"{"Elements":3}"#, vec![("throughput", "elem/s", 3e8)]),
            (r#"{"Bits":3}"#, vec![("throughput", "bit/s", 3e8)]),
            (
                r#"{"ElementsAndBytes":{"elements":3,"bytes":6}}"#,
                vec![("throughput", "elem/s", 3e8), ("throughput-bytes", "B/s", 6e8)],
            ),
            (r#"{"Furlongs":3}"#, vec![]),
            ("null", vec![]),
        ] {
            let root = tempfile::tempdir().unwrap();
            put(root.path(), "a/new", &benchmark("a", throughput), SAMPLE);
            let output = format::read(root.path(), &Options::default()).unwrap();
            let found: Vec<_> = output.measurements.iter().filter(|m| m.metric.name != "time").collect();
            assert_eq!(found.len(), expected.len(), "{throughput}");
            for (found, (metric, unit, first)) in found.iter().zip(expected) {
                assert_eq!(found.metric, Metric::rate(metric, unit), "{throughput}");
                let ratio = found.reading.samples()[0] / first;
                assert!((ratio - 1.0).abs() < 1e-12, "{throughput}: {ratio}");
            }
        }
    }

    #[test]
    fn a_time_of_zero_is_kept_without_a_throughput() {
        let root = tempfile::tempdir().unwrap();
        let sample = r#"{"iters":[1.0],"times":[0.0]}"#;
        put(root.path(), "a/new", &benchmark("a", r#"{"Bytes":3}"#), sample);
        let output = format::read(root.path(), &Options::default()).unwrap();
        assert_eq!(output.measurements.len(), 1);
        assert_eq!(output.skipped[0].reason, "a time of 0 leaves no throughput in B/s");
    }

    #[test]
    fn one_bad_benchmark_is_named_and_takes_no_other_with_it() {
        for (sample, expected) in [
            ("", "bad/new/sample.json: is empty"),
            ("{", "bad/new/sample.json: expected the samples of a benchmark as Criterion writes them <- EOF"),
            (r#"{"iters":[],"times":[]}"#, "has no samples"),
            (r#"{"iters":[1],"times":[]}"#, "expected as many `iters` as `times`, found 1 and 0"),
            (r#"{"iters":[1,0],"times":[1,1]}"#, "expected `iters[1]` to be above 0, found 0"),
            (r#"{"iters":[-1],"times":[1]}"#, "expected `iters[0]` to be above 0, found -1"),
            (r#"{"iters":[1],"times":[-0.5]}"#, "expected `times[0]` to be at least 0, found -0.5"),
            (r#"{"iters":[1],"times":[NaN]}"#, "expected value at line 1 column 23"),
            (r#"{"iters":[1],"times":[null]}"#, "invalid type: null, expected f64"),
            (r#"{"iters":[1],"times":["NaN"]}"#, "invalid type: string \"NaN\", expected f64"),
            (r#"{"iters":[1],"times":[1e999]}"#, "number out of range at line 1 column"),
            (r#"{"iters":[1e-300],"times":[1e300]}"#, "sample 0 is inf"),
            (r#"{"iters":[1],"iters":[2],"times":[1]}"#, "duplicate field `iters`"),
        ] {
            let root = tree(&[("good/new", "good")]);
            put(root.path(), "bad/new", &benchmark("bad", "null"), sample);
            let (found, output) = skipped(root.path());
            assert!(found.starts_with("bad/new/sample.json: "), "{sample}: {found}");
            assert!(found.contains(&expected.replace(" <- ", ": ")), "{sample}: {found}");
            assert_eq!(names(&output), ["good"], "{sample}");
            fs::remove_dir_all(root.path().join("good")).unwrap();
            let alone = refusal(root.path());
            assert!(alone.starts_with("bad/new/sample.json: "), "nothing is left: {sample}: {alone}");
            assert!(alone.contains(expected), "{sample}: {alone}");
        }
    }

    #[test]
    fn a_bad_name_is_skipped_with_its_file() {
        for text in ["", "{}", r#"{"full_id": ""}"#, r#"{"full_id": 7}"#, r#"{"full_id": "\ud800"}"#] {
            let root = tree(&[("good/new", "good")]);
            put(root.path(), "bad/new", text, SAMPLE);
            let (found, output) = skipped(root.path());
            assert!(found.starts_with("bad/new/benchmark.json: "), "{text}: {found}");
            assert_eq!(names(&output), ["good"], "{text}");
        }
    }

    #[test]
    fn two_directories_with_one_name_are_an_error_that_names_both() {
        let found = refusal(tree(&[("one/new", "same"), ("two/new", "same")]).path());
        assert!(found.contains("one/new") && found.contains("two/new"), "{found}");
    }

    #[test]
    fn a_benchmark_without_samples_is_skipped_and_named() {
        let root = tree(&[("a/new", "a"), ("b/new", "b")]);
        fs::remove_file(root.path().join("b/new/sample.json")).unwrap();
        let output = format::read(root.path(), &Options::default()).unwrap();
        assert_eq!(names(&output), ["a"]);
        assert!(output.skipped[0].place.ends_with("b/new"), "{:?}", output.skipped);
    }

    #[cfg(unix)]
    #[test]
    fn samples_without_a_benchmark_are_skipped_with_their_file() {
        let root = tree(&[("a/new", "a"), ("b/new", "b")]);
        fs::remove_file(root.path().join("b/new/benchmark.json")).unwrap();
        assert!(skipped(root.path()).0.starts_with("b/new/benchmark.json: "), "{}", skipped(root.path()).0);
    }

    #[test]
    fn a_pipe_in_place_of_a_file_keeps_nobody_waiting() {
        let root = tree(&[("a/new", "a"), ("b/new", "b"), ("c/new", "c")]);
        for file in ["b/new/sample.json", "c/new/sample.json", "c/new/benchmark.json"] {
            let path = root.path().join(file);
            fs::remove_file(&path).unwrap();
            mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        }
        let (said, output) = skipped(root.path());
        assert_eq!(said, "b/new: has no `sample.json`");
        assert_eq!(names(&output), ["a"]);
    }

    #[test]
    fn a_loop_of_links_ends_and_a_linked_root_is_read() {
        let root = tree(&[("a/new", "a")]);
        std::os::unix::fs::symlink(root.path(), root.path().join("a/loop")).unwrap();
        let link = root.path().join("link");
        std::os::unix::fs::symlink(root.path().join("a"), &link).unwrap();
        for path in [root.path(), &link] {
            assert_eq!(names(&format::read(path, &Options::default()).unwrap()), ["a"], "{}", path.display());
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_an_error_or_means_the_same() {
        let files =
            [("benchmark.json", benchmark("a", r#"{"Bytes":3}"#)), ("sample.json", SAMPLE.to_owned())];
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "a/new", &files[0].1, SAMPLE);
        let whole = format::read(root.path(), &Options::default()).unwrap().measurements;
        for (file, text) in files {
            for end in 0..text.len() {
                fs::write(root.path().join("a/new").join(file), &text[..end]).unwrap();
                if let Ok(output) = format::read(root.path(), &Options::default()) {
                    assert_eq!(output.measurements, whole, "{file} cut at {end}");
                }
            }
            fs::write(root.path().join("a/new").join(file), &text).unwrap();
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn samples_are_read_back_exactly(
            name in "[^ ].{0,40}",
            pairs in prop::collection::vec((1u32..1_000_000, 0f64..1e15), 1..50),
        ) {
            let (iters, times): (Vec<_>, Vec<_>) = pairs.into_iter().map(|(n, time)| (f64::from(n), time)).unzip();
            let root = tempfile::tempdir().unwrap();
            let sample = serde_json::json!({ "iters": iters, "times": times }).to_string();
            prop_assume!(!name.trim().is_empty());
            put(root.path(), "a/new", &benchmark(&name, "null"), &sample);
            let output = format::read(root.path(), &Options::default()).unwrap();
            let expected: Vec<_> = times.iter().zip(&iters).map(|(time, n)| time / n).collect();
            prop_assert_eq!(names(&output), [name.as_str()]);
            prop_assert_eq!(output.measurements[0].reading.samples(), expected);
        }
    }
}
