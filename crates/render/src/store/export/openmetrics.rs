//! OpenMetrics 1.0 text, as `promtool tsdb create-blocks-from openmetrics` reads it to fill a Prometheus with the past.
//!
//! One family, `perf_value`, holds every number as it is stored, and labels say what it is: a number in a note is
//! that number in a query, and no name of a benchmark becomes a name of a metric. A second, `perf_commit_info`, says
//! when each commit was measured; as a label of the values the commit would make every point a series of its own.
//! Times are whole seconds, which the older text format that `promtool check metrics` knows reads as well.

use std::fmt::Write;

use perf_model::{CommitId, Measurement, Run};

use crate::escape;

/// What stands before all values.
pub const OPENMETRICS_VALUES: &str = "# HELP perf_value What a run measured, in the unit of its label.\n\
    # TYPE perf_value gauge\n";

/// What stands between all values and all commits.
pub const OPENMETRICS_COMMITS: &str = "# HELP perf_commit_info That a commit was measured, and when.\n\
    # TYPE perf_commit_info gauge\n";

/// What stands after everything: a text that was cut has none.
pub const OPENMETRICS_END: &str = "# EOF\n";

/// Returns the values of a run at a time in seconds since 1970, one line for each series.
///
/// Labels: `benchmark`, `params` (JSON, where there are any), `metric`, `unit`, `better`, `kind`, and the fingerprint
/// of the `environment`. Of each series it is the value that verdicts use.
pub fn openmetrics_values(run: &Run, fingerprint: &str, seconds: i64) -> String {
    let mut lines = String::new();
    for Measurement { benchmark, params, metric, reading } in &run.measurements {
        let mut labels = vec![("benchmark", label(benchmark))];
        if !params.is_empty() {
            labels.push(("params", label(&serde_json::to_string(params).expect("a map of strings"))));
        }
        labels.push(("metric", label(&metric.name)));
        labels.push((
            "unit",
            if metric.unit.symbol().is_empty() { String::new() } else { label(metric.unit.symbol()) },
        ));
        labels.push(("better", metric.better.word().to_owned()));
        labels.push(("kind", metric.kind.word().to_owned()));
        labels.push(("environment", fingerprint.to_owned()));
        line(&mut lines, "perf_value", &labels, &format!("{:?}", reading.location()), seconds);
    }
    lines
}

/// Returns that a commit was measured, at a time in seconds since 1970.
pub fn openmetrics_commit(commit: &CommitId, fingerprint: &str, seconds: i64) -> String {
    let mut text = String::new();
    let labels = [("commit", commit.to_string()), ("environment", fingerprint.to_owned())];
    line(&mut text, "perf_commit_info", &labels, "1", seconds);
    text
}

fn line(lines: &mut String, name: &str, labels: &[(&str, String)], value: &str, seconds: i64) {
    let labels: Vec<String> = labels.iter().map(|(label, text)| format!("{label}=\"{text}\"")).collect();
    let _ = writeln!(lines, "{name}{{{}}} {value} {seconds}", labels.join(","));
}

/// Escapes the value of a label (OpenMetrics, "escaped-string"); a line break is visible as an escape already.
fn label(text: &str) -> String {
    escape::visible(text).replace('\\', r"\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{HOSTILE, base, baseline, environment, measurement, steady};

    fn run(name: &str) -> Run {
        let metric = perf_model::Metric::time("time", "ns");
        baseline(base(), &environment("4"), vec![vec![measurement(name, metric, &steady(100.0))]])
            .runs
            .remove(0)
    }

    #[test]
    fn a_value_is_a_line_with_its_number_and_its_time() {
        assert_eq!(
            openmetrics_values(&run("parse"), "f00d", 1_767_312_000),
            "perf_value{benchmark=\"parse\",metric=\"time\",unit=\"ns\",better=\"lower\",kind=\"time\",\
             environment=\"f00d\"} 100.0 1767312000\n"
        );
    }

    #[test]
    fn no_name_ends_its_label() {
        for name in HOSTILE.iter().copied().chain(["a\"} 1 1\n# EOF", r"\", r#"\""#]) {
            let text = openmetrics_values(&run(name), "f00d", 1);
            assert_eq!(text.lines().count(), 1, "{name:?}: {text}");
            let rest = text.strip_prefix("perf_value{benchmark=\"").unwrap();
            let mut escaped = false;
            let end = rest.find(|letter| {
                let ends = letter == '"' && !escaped;
                escaped = letter == '\\' && !escaped;
                ends
            });
            assert!(rest[end.unwrap()..].starts_with("\",metric=\"time\","), "{name:?}: {text}");
        }
    }
}
