use perf_model::{Baseline, Measurement, Reading, Rebaseline, Run, Source};
use serde::{Serialize, Serializer};
use time::{OffsetDateTime, UtcOffset};

use super::{EnvironmentRow, LogRow, Stored, ValueRow};
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
///               {id, time, recorder, rebaseline: null | {by, reason}, sources: [{format, tool}], measurements: [
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
/// `{"version": 1, "rows": [{time, commit, subject|null, fingerprint, runs, series, baseline}]}`, where `baseline` is
/// as in [`show_json`]: facts, and every run with every sample.
pub fn log_json(rows: &[LogRow]) -> String {
    json::line(&LogDocument { version: json::VERSION, rows: rows.iter().map(LogJson::from).collect() })
}

/// Returns a list of values as a document: `{"version": 1, "rows": [{time, commit, fingerprint, run, benchmark,
/// params, metric, unit, better, kind, value, sd|null, n|null}]}`.
pub fn values_json(rows: &[ValueRow]) -> impl Serialize {
    ValuesDocument { version: json::VERSION, rows }
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
    rebaseline: Option<RebaselineJson<'a>>,
    sources: Vec<SourceJson<'a>>,
    measurements: Vec<MeasurementJson<'a>>,
}

#[derive(Serialize)]
pub(super) struct RebaselineJson<'a> {
    by: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
pub(super) struct SourceJson<'a> {
    format: &'a str,
    tool: &'a str,
}

#[derive(Serialize)]
pub(super) struct MeasurementJson<'a> {
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
    baseline: BaselineJson<'a>,
}

#[derive(Serialize)]
struct ValuesDocument<'a> {
    version: u32,
    #[serde(serialize_with = "each_value")]
    rows: &'a [ValueRow],
}

/// Makes each row when it is written: there may be many.
fn each_value<S: Serializer>(rows: &[ValueRow], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(rows.iter().map(ValueJson::from))
}

#[derive(Serialize)]
struct ValueJson<'a> {
    time: String,
    commit: &'a str,
    fingerprint: &'a str,
    run: &'a str,
    benchmark: &'a str,
    params: Named<'a>,
    metric: &'a str,
    unit: &'a str,
    better: &'static str,
    kind: &'static str,
    value: f64,
    sd: Option<f64>,
    n: Option<u64>,
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
            baseline: (&row.baseline).into(),
        }
    }
}

impl<'a> From<&'a ValueRow> for ValueJson<'a> {
    fn from(row: &'a ValueRow) -> Self {
        Self {
            time: second(row.time),
            commit: row.commit.as_str(),
            fingerprint: row.fingerprint.as_str(),
            run: row.run.as_str(),
            benchmark: &row.series.benchmark,
            params: &row.series.params,
            metric: &row.series.metric,
            unit: row.metric.unit.symbol(),
            better: row.metric.better.word(),
            kind: row.metric.kind.word(),
            value: row.value,
            sd: row.sd,
            n: row.n,
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
        Self {
            id: run.id.as_str(),
            time: second(run.time),
            recorder: &run.recorder,
            rebaseline: run.rebaseline.as_ref().map(RebaselineJson::from),
            sources: run.sources.iter().map(SourceJson::from).collect(),
            measurements: run.measurements.iter().map(MeasurementJson::from).collect(),
        }
    }
}

impl<'a> From<&'a Rebaseline> for RebaselineJson<'a> {
    fn from(Rebaseline { by, reason }: &'a Rebaseline) -> Self {
        Self { by, reason }
    }
}

impl<'a> From<&'a Source> for SourceJson<'a> {
    fn from(source: &'a Source) -> Self {
        Self { format: &source.format, tool: &source.tool }
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

pub(crate) fn second(time: OffsetDateTime) -> String {
    let time = time.to_offset(UtcOffset::UTC);
    format!("{}T{:02}:{:02}:{:02}Z", time.date(), time.hour(), time.minute(), time.second())
}
