//! Go's benchmark format, as `benchstat` reads it (golang.org/design/14313-benchmark-format, `x/perf/benchfmt`).
//!
//! A run is a block of configuration lines (`commit`, `environment`, `date`) and of result lines, one for each sample, so
//! that `benchstat -col commit FILE` compares commits. A metric is part of its unit there: `time` is `ns/op`, any other is
//! `METRIC-UNIT`. All times are in ns, which `benchstat` scales.

use std::collections::BTreeSet;
use std::fmt::Write;

use perf_model::{Dimension, Kind, Measurement, Metric, Run, Unit};

use super::super::json::second;
use crate::escape;

/// Returns a run; units that are not in `declared` yet are declared before it.
pub fn benchstat(run: &Run, fingerprint: &str, declared: &mut BTreeSet<String>) -> String {
    let mut text = String::new();
    for Measurement { metric, .. } in &run.measurements {
        let (unit, _) = unit(metric);
        if declared.insert(unit.clone()) {
            let exact = if metric.kind == Kind::Exact { " assume=exact" } else { "" };
            let _ = writeln!(text, "Unit {unit} better={}{exact}", metric.better.word());
        }
    }
    let (commit, date) = (&run.lineage.commit, second(run.time));
    let _ = write!(text, "environment: {fingerprint}\ncommit: {commit}\ndate: {date}\n");
    for measurement in &run.measurements {
        let (unit, factor) = unit(&measurement.metric);
        let name = name(&measurement.series().case());
        let samples = match measurement.reading.samples() {
            [] => &[measurement.reading.location()][..],
            samples => samples,
        };
        for sample in samples {
            let _ = writeln!(text, "Benchmark{name} 1 {} {unit}", sample * factor);
        }
    }
    text + "\n"
}

/// Returns the unit that stands for a metric, and what its values are multiplied by.
fn unit(metric: &Metric) -> (String, f64) {
    let (symbol, factor) = match metric.unit.dimension() {
        Some(Dimension::Time) => ("ns", metric.unit.factor_to(&Unit::new("ns")).unwrap_or(1.0)),
        Some(_) | None => (metric.unit.symbol(), 1.0),
    };
    if metric.name == "time" && symbol == "ns" {
        return ("ns/op".to_owned(), factor);
    }
    let unit = if symbol.is_empty() || symbol == metric.name {
        metric.name.clone()
    } else {
        format!("{}-{symbol}", metric.name)
    };
    (word(&unit), factor)
}

/// A name begins with no lower-case letter: `Benchmarking` is a word, `BenchmarkParse` a benchmark.
fn name(case: &str) -> String {
    let word = word(case);
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Blanks end a name or a unit.
fn word(text: &str) -> String {
    escape::visible(text).replace(char::is_whitespace, "_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{HOSTILE, base, baseline, environment, measurement};

    #[test]
    fn a_sample_is_a_line_and_a_unit_is_declared_once() {
        let times = measurement("parse/x y", Metric::time("time", "us"), &[1.5, 2.0]);
        let sizes = measurement("parse", Metric::size("peak-rss", "B"), &[7.0]);
        let run = &baseline(base(), &environment("4"), vec![vec![times, sizes]]).runs[0];
        let mut declared = BTreeSet::new();
        let text = benchstat(run, "f00d", &mut declared);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..2], ["Unit ns/op better=lower", "Unit peak-rss-B better=lower"]);
        assert_eq!(
            lines[5..],
            [
                "BenchmarkParse/x_y 1 1500 ns/op",
                "BenchmarkParse/x_y 1 2000 ns/op",
                "BenchmarkParse 1 7 peak-rss-B",
                ""
            ]
        );
        assert!(!benchstat(run, "f00d", &mut declared).contains("Unit "));
    }

    #[test]
    fn no_name_is_more_than_one_word_of_a_line() {
        for hostile in HOSTILE {
            let run = &baseline(
                base(),
                &environment("4"),
                vec![vec![measurement(hostile, Metric::count(hostile, hostile), &[7.0])]],
            )
            .runs[0];
            let text = benchstat(run, "f00d", &mut BTreeSet::new());
            let results: Vec<&str> = text.lines().filter(|line| line.starts_with("Benchmark")).collect();
            assert_eq!(results.len(), 1, "{hostile:?}: {text}");
            assert_eq!(results[0].split_whitespace().count(), 4, "{hostile:?}: {text}");
        }
    }
}
