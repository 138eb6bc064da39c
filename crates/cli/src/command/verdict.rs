use std::collections::BTreeMap;
use std::path::PathBuf;

use perf_compare::statistics::{
    Doubt, Finding, Findings, Judge, Level, LevelUsed, Runs, Series, Settings, TakenAs, judge,
};
use perf_compare::{Limits, Verdict};
use perf_model::{Better, Kind, Reading, ReadingError, Samples, Summary, Unit};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::command::{Status, plumbing};
use crate::failure::{Failure, Result};
use crate::output;
use crate::place::Place;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The case: a file, or `-` for standard input
    #[arg(long, value_name = "FILE")]
    case: PathBuf,
}

#[derive(Deserialize)]
struct Case {
    #[serde(default)]
    thresholds: Thresholds,
    benchmarks: Vec<Benchmark>,
}

#[derive(Deserialize)]
#[serde(default)]
struct Thresholds {
    warn: f64,
    fail: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        let Limits { warn, fail } = Limits::default();
        Self { warn, fail }
    }
}

#[derive(Deserialize)]
struct Benchmark {
    name: String,
    #[serde(default)]
    unit: String,
    better: Option<String>,
    #[serde(default)]
    deterministic: bool,
    absolute: Option<f64>,
    #[serde(default)]
    baseline: Vec<Run>,
    #[serde(default)]
    candidate: Vec<Run>,
    #[serde(default)]
    history: Vec<Vec<Run>>,
}

#[derive(Deserialize)]
struct Run {
    samples: Option<Vec<f64>>,
    value: Option<f64>,
    sd: Option<f64>,
    n: Option<u64>,
}

pub(crate) fn run(args: &Args, place: &Place) -> Result<Status> {
    let case: Case = plumbing::read(&args.case, place)?;
    let Thresholds { warn, fail } = case.thresholds;
    let limits = Limits { warn: warn.min(fail), fail };
    let mut series = Vec::new();
    for benchmark in &case.benchmarks {
        let read = read(benchmark, limits);
        series.push(
            read.map_err(|problem| Failure::new(format!("benchmark `{}`: {problem}", benchmark.name)))?,
        );
    }
    let Findings { series: findings, suite } = judge(&series, &Settings::default());
    let named = case.benchmarks.iter().zip(&findings);
    let verdicts: BTreeMap<&str, Value> =
        named.map(|(it, finding)| (it.name.as_str(), verdict(finding))).collect();
    output::print(&format!(
        "{}\n",
        json!({
            "verdicts": verdicts,
            "suite": {
                "level": match suite.level { LevelUsed::Median => "median", LevelUsed::Best => "minimum" },
                "noise": suite.noise,
                "detectable": suite.detectable,
                "shift": suite.shift.map(|shift| shift.change),
                "shift_verdict": suite.shift.map(|shift| word(shift.verdict)),
                "kept": suite.shift.map(|shift| shift.taken_as == TakenAs::Change),
                "shift_sd": suite.shift.and_then(|shift| shift.history_sd),
            },
        })
    ))?;
    Ok(Status::Done)
}

fn read(benchmark: &Benchmark, limits: Limits) -> std::result::Result<Series, String> {
    let better = match benchmark.better.as_deref() {
        None => Better::Lower,
        Some(word) => {
            Better::from_word(word).ok_or_else(|| format!("`better` is `{word}`, not `lower` or `higher`"))?
        }
    };
    let runs = |runs: &[Run]| -> std::result::Result<Runs, String> {
        runs.iter().map(|run| Ok(Some(Level::of(&reading(run)?, better)))).collect()
    };
    Ok(Series {
        better,
        kind: if benchmark.deterministic { Kind::Exact } else { kind(&Unit::new(&benchmark.unit)) },
        judge: Judge::Noise,
        limits,
        absolute: benchmark.absolute.map(|limit| Limits { warn: limit, fail: limit }),
        base: runs(&benchmark.baseline)?,
        again: vec![],
        head: runs(&benchmark.candidate)?,
        history: benchmark.history.iter().map(|entry| runs(entry)).collect::<std::result::Result<_, _>>()?,
    })
}

fn reading(run: &Run) -> std::result::Result<Reading, String> {
    let checked = match (&run.samples, run.value) {
        (Some(samples), _) => Samples::new(samples.clone()).map(Reading::Samples),
        (None, Some(value)) => Summary::new(value, run.sd, run.n).map(Reading::Summary),
        (None, None) => return Err("a run has neither `samples` nor a `value`".into()),
    };
    checked.map_err(|error: ReadingError| format!("a run {error}"))
}

fn verdict(finding: &Finding) -> Value {
    let evidence = finding.evidence;
    json!({
        "verdict": word(finding.verdict),
        "change": finding.change,
        "difference": finding.difference,
        "low": evidence.map(|evidence| evidence.interval.low),
        "high": evidence.map(|evidence| evidence.interval.high),
        "noise": evidence.map(|evidence| evidence.noise),
        "df": evidence.map(|evidence| evidence.df),
        "q": evidence.map(|evidence| evidence.q),
        "runs_needed": finding.runs_needed,
        "doubt": finding.doubt.map(Doubt::word),
    })
}

/// The words of the case format, which are older than those of the reports.
fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Improved => "improved",
        Verdict::Unchanged => "pass",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Slower => "warn",
        Verdict::Regressed => "fail",
    }
}

/// Memory does not share the machine's speed; a unit that is not known is taken for some spelling of a time.
fn kind(unit: &Unit) -> Kind {
    match Kind::of_unit(unit) {
        Kind::Size => Kind::Size,
        Kind::Time | Kind::Rate | Kind::Ratio | Kind::Count | Kind::Percentile | Kind::Exact => Kind::Time,
    }
}
