use perf_model::{Baseline, Measurement, Reading, Run, Source};
use serde::Serialize;
use time::{OffsetDateTime, UtcOffset};

use super::{EnvironmentRow, LogRow, Stored};
use crate::json::{self, EnvironmentJson, Named};

/// Returns what is stored for one commit as one line of JSON, with every raw sample.
///
/// `value` is the location that verdicts use: the median of the samples, else what the tool reported, with
/// the spread `sd` and the count `n` that it gave; beside samples `n` is how many they were chosen from. Times are RFC 3339 in UTC.
///
/// ```text
/// version     1
/// commit      full id
/// subject     text | null
/// baselines   [{fingerprint, identity: {fact: value}, context: {fact: value}, runs: [
///               {id, time, recorder, sources: [{format, tool}], measurements: [
///                 {benchmark, params, metric, unit, better, kind, value, samples: [number],
///                  sd|null, n|null}]}]}]
/// unreadable  how many stored lines could not be used
/// ```
pub fn show_json(stored: &Stored) -> String {
    json::line(&StoredJson {
        version: json::VERSION,
        commit: stored.commit.as_str(),
        subject: stored.subject.as_deref(),
        baselines: stored.baselines.iter().map(BaselineJson::from).collect(),
        unreadable: stored.unreadable,
    })
}

/// Returns a list of baselines as one line of JSON:
/// `{"version": 1, "rows": [{time, commit, subject|null, fingerprint, runs, series}]}`.
pub fn log_json(rows: &[LogRow]) -> String {
    json::line(&LogDocument { version: json::VERSION, rows: rows.iter().map(LogJson::from).collect() })
}

/// Returns a list of environments as one line of JSON:
/// `{"version": 1, "environments": [{fingerprint, environment: {identity, context}, commits, runs,
/// newest}]}`.
pub fn envs_json(rows: &[EnvironmentRow]) -> String {
    let environments = rows.iter().map(EnvironmentRowJson::from).collect();
    json::line(&EnvironmentsDocument { version: json::VERSION, environments })
}

#[derive(Serialize)]
struct StoredJson<'a> {
    version: u32,
    commit: &'a str,
    subject: Option<&'a str>,
    baselines: Vec<BaselineJson<'a>>,
    unreadable: usize,
}

#[derive(Serialize)]
struct BaselineJson<'a> {
    fingerprint: String,
    identity: Named<'a>,
    context: Named<'a>,
    runs: Vec<RunJson<'a>>,
}

#[derive(Serialize)]
struct RunJson<'a> {
    id: &'a str,
    time: String,
    recorder: &'a str,
    sources: Vec<SourceJson<'a>>,
    measurements: Vec<MeasurementJson<'a>>,
}

#[derive(Serialize)]
struct SourceJson<'a> {
    format: &'a str,
    tool: &'a str,
}

#[derive(Serialize)]
struct MeasurementJson<'a> {
    benchmark: &'a str,
    params: Named<'a>,
    metric: &'a str,
    unit: &'a str,
    better: &'static str,
    kind: &'static str,
    value: f64,
    samples: &'a [f64],
    sd: Option<f64>,
    n: Option<u64>,
}

#[derive(Serialize)]
struct LogDocument<'a> {
    version: u32,
    rows: Vec<LogJson<'a>>,
}

#[derive(Serialize)]
struct LogJson<'a> {
    time: String,
    commit: &'a str,
    subject: Option<&'a str>,
    fingerprint: &'a str,
    runs: usize,
    series: usize,
}

#[derive(Serialize)]
struct EnvironmentsDocument<'a> {
    version: u32,
    environments: Vec<EnvironmentRowJson<'a>>,
}

#[derive(Serialize)]
struct EnvironmentRowJson<'a> {
    fingerprint: String,
    environment: EnvironmentJson<'a>,
    commits: usize,
    runs: usize,
    newest: String,
}

impl<'a> From<&'a LogRow> for LogJson<'a> {
    fn from(row: &'a LogRow) -> Self {
        Self {
            time: second(row.time),
            commit: row.commit.as_str(),
            subject: row.subject.as_deref(),
            fingerprint: row.fingerprint.as_str(),
            runs: row.runs,
            series: row.series,
        }
    }
}

impl<'a> From<&'a EnvironmentRow> for EnvironmentRowJson<'a> {
    fn from(row: &'a EnvironmentRow) -> Self {
        Self {
            fingerprint: row.environment.fingerprint().to_string(),
            environment: (&row.environment).into(),
            commits: row.commits,
            runs: row.runs,
            newest: second(row.newest),
        }
    }
}

impl<'a> From<&'a Baseline> for BaselineJson<'a> {
    fn from(baseline: &'a Baseline) -> Self {
        Self {
            fingerprint: baseline.environment.fingerprint().to_string(),
            identity: &baseline.environment.identity,
            context: &baseline.environment.context,
            runs: baseline.runs.iter().map(RunJson::from).collect(),
        }
    }
}

impl<'a> From<&'a Run> for RunJson<'a> {
    fn from(run: &'a Run) -> Self {
        let source = |source: &'a Source| SourceJson { format: &source.format, tool: &source.tool };
        Self {
            id: run.id.as_str(),
            time: second(run.time),
            recorder: &run.recorder,
            sources: run.sources.iter().map(source).collect(),
            measurements: run.measurements.iter().map(MeasurementJson::from).collect(),
        }
    }
}

impl<'a> From<&'a Measurement> for MeasurementJson<'a> {
    fn from(measurement: &'a Measurement) -> Self {
        let (sd, n) = match &measurement.reading {
            Reading::Samples(samples) => {
                let chosen = samples.taken() > samples.as_slice().len() as u64;
                (None, chosen.then_some(samples.taken()))
            }
            Reading::Summary(summary) => (summary.sd(), summary.n()),
        };
        Self {
            benchmark: &measurement.benchmark,
            params: &measurement.params,
            metric: &measurement.metric.name,
            unit: measurement.metric.unit.symbol(),
            better: measurement.metric.better.word(),
            kind: measurement.metric.kind.word(),
            value: measurement.reading.location(),
            samples: measurement.reading.samples(),
            sd,
            n,
        }
    }
}

fn second(time: OffsetDateTime) -> String {
    let time = time.to_offset(UtcOffset::UTC);
    format!("{}T{:02}:{:02}:{:02}Z", time.date(), time.hour(), time.minute(), time.second())
}
