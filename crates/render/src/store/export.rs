//! Every stored run for other programs: JSON lines, a table of values, and what other tools read.

mod benchstat;
mod bmf;
mod github_action;
mod openmetrics;

use std::fmt::Write;

use perf_model::{Baseline, CommitId, Facts, Measurement, Reading, Run};
use serde::Serialize;

pub use benchstat::benchstat;
pub use bmf::bmf;
pub use github_action::{GITHUB_ACTION_BEGIN, GITHUB_ACTION_END, GithubActionEntry, github_action_entries};
pub use openmetrics::{
    OPENMETRICS_COMMITS, OPENMETRICS_END, OPENMETRICS_VALUES, openmetrics_commit, openmetrics_values,
};

use super::json::{MeasurementJson, RebaselineJson, SourceJson, second};
use crate::escape;
use crate::json::{self, Named};

/// Returns the runs of a baseline as JSON, one line each, with every raw sample.
///
/// `value`, `samples`, `sd` and `n` are as in [`show_json`](super::show_json). Times are RFC 3339 in UTC.
///
/// ```text
/// version       1
/// commit        full id, with `tree` and `parents`
/// fingerprint   of the environment, with its facts: identity: {fact: value}, context: {fact: value}
/// id            of the run, with `time`, `recorder`, `rebaseline`: null | {by, reason} and `sources`: [{format, tool}]
/// measurements  [{benchmark, params, metric, unit, better, kind, value, samples: [number], sd|null, n|null}]
/// ```
pub fn export_ndjson(baseline: &Baseline) -> String {
    let fingerprint = baseline.environment.fingerprint();
    let line = |run| json::line(&ExportJson::new(run, fingerprint.as_str()));
    baseline.runs.iter().map(line).collect()
}

/// The first line of [`export_csv`].
pub const CSV_HEADER: &str = "fingerprint,commit,tree,time,run,benchmark,params,metric,unit,better,kind,value,sd,n,samples,identity,context,rebaseline\n";

/// Returns the values of a baseline as CSV (RFC 4180), one line for each run and series.
///
/// Samples are separated by blanks; parameters and facts are JSON. A text that a spreadsheet would take for a
/// formula begins with an apostrophe.
pub fn export_csv(baseline: &Baseline) -> String {
    let fingerprint = baseline.environment.fingerprint();
    let mut rows = String::new();
    for run in &baseline.runs {
        let before = [
            fingerprint.to_string(),
            run.lineage.commit.to_string(),
            run.lineage.tree.to_string(),
            second(run.time),
            run.id.as_str().to_owned(),
        ];
        let before = before.join(",");
        let new_level = run.rebaseline.as_ref().map(|it| cell(&format!("{}: {}", it.by, it.reason)));
        let after = [
            facts(&run.environment.identity),
            facts(&run.environment.context),
            new_level.unwrap_or_default(),
        ];
        let after = after.join(",");
        for measurement in &run.measurements {
            let _ = writeln!(rows, "{before},{},{after}", values(measurement));
        }
    }
    rows
}

fn values(measurement: &Measurement) -> String {
    let Measurement { benchmark, params, metric, reading } = measurement;
    let mut cells = vec![cell(benchmark), facts(params), cell(&metric.name), cell(metric.unit.symbol())];
    cells.extend([metric.better.word().to_owned(), metric.kind.word().to_owned()]);
    cells.push(reading.location().to_string());
    let (sd, n) = match reading {
        Reading::Samples(samples) => (None, Some(samples.taken())),
        Reading::Summary(summary) => (summary.sd(), summary.n()),
    };
    cells.push(sd.map(|sd| sd.to_string()).unwrap_or_default());
    cells.push(n.map(|n| n.to_string()).unwrap_or_default());
    cells.push(reading.samples().iter().map(f64::to_string).collect::<Vec<_>>().join(" "));
    cells.join(",")
}

fn facts(facts: &Facts) -> String {
    if facts.is_empty() {
        return String::new();
    }
    cell(&escape::json(serde_json::to_string(facts).expect("a map of strings")))
}

/// What a spreadsheet takes for the beginning of a formula (OWASP, CSV Injection), also in full width.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

pub(crate) fn cell(text: &str) -> String {
    let text = escape::visible(text);
    let text = if text.starts_with(FORMULA) { format!("'{text}") } else { text };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[derive(Serialize)]
struct ExportJson<'a> {
    version: u32,
    commit: &'a str,
    tree: &'a str,
    parents: Vec<&'a str>,
    fingerprint: &'a str,
    identity: Named<'a>,
    context: Named<'a>,
    id: &'a str,
    time: String,
    recorder: &'a str,
    rebaseline: Option<RebaselineJson<'a>>,
    sources: Vec<SourceJson<'a>>,
    measurements: Vec<MeasurementJson<'a>>,
}

impl<'a> ExportJson<'a> {
    fn new(run: &'a Run, fingerprint: &'a str) -> Self {
        Self {
            version: json::VERSION,
            commit: run.lineage.commit.as_str(),
            tree: run.lineage.tree.as_str(),
            parents: run.lineage.parents.iter().map(CommitId::as_str).collect(),
            fingerprint,
            identity: &run.environment.identity,
            context: &run.environment.context,
            id: run.id.as_str(),
            time: second(run.time),
            recorder: &run.recorder,
            rebaseline: run.rebaseline.as_ref().map(RebaselineJson::from),
            sources: run.sources.iter().map(SourceJson::from).collect(),
            measurements: run.measurements.iter().map(MeasurementJson::from).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{HOSTILE, base, baseline, environment, measurement, steady};

    fn named(name: &str) -> Baseline {
        let metric = perf_model::Metric::time("time", "ns");
        baseline(base(), &environment("4"), vec![vec![measurement(name, metric, &steady(100.0))]])
    }

    #[test]
    fn a_line_of_json_is_a_run() {
        let text = export_ndjson(&named("parse"));
        let run: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(run["commit"], base().as_str());
        assert_eq!(run["identity"]["cores"], "4");
        assert_eq!(run["measurements"][0]["benchmark"], "parse");
        assert_eq!(run["measurements"][0]["value"], 100.0);
        assert_eq!(run["measurements"][0]["samples"].as_array().unwrap().len(), 5);
    }

    #[test]
    fn a_line_of_csv_is_a_value_and_no_name_is_a_formula() {
        let columns = CSV_HEADER.matches(',').count();
        for name in HOSTILE.iter().copied().chain(["=1+1", "@SUM(A1)", "a,b", "a\"b", "－1", "two\nlines"]) {
            let text = export_csv(&named(name));
            assert_eq!(text.lines().count(), 1, "{name:?}: {text}");
            let (mut quoted, mut commas) = (false, 0);
            for letter in text.chars() {
                match letter {
                    '"' => quoted = !quoted,
                    ',' if !quoted => commas += 1,
                    _ => {}
                }
            }
            assert_eq!(commas, columns, "{name:?}: {text}");
            let cell = text.splitn(6, ',').nth(5).unwrap().trim_start_matches('"');
            assert!(!cell.starts_with(FORMULA), "{name:?}: {text}");
        }
    }
}
