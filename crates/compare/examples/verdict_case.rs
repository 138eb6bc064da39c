//! Judges cases of the evaluation harness (`docs/verdict-evaluation.md`): reads them as JSON from a file, or
//! from standard input, and prints one line of JSON with the verdicts of each.

#![expect(clippy::print_stdout, reason = "an example prints its answer")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{self, Read};

use perf_compare::statistics::{
    Finding, Findings, Judge, Level, LevelUsed, Runs, Series, Settings, TakenAs, judge,
};
use perf_compare::{Limits, Verdict};
use perf_model::{Better, Kind, Reading, Samples, Summary, Unit};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Case {
    thresholds: Thresholds,
    benchmarks: Vec<Benchmark>,
}

#[derive(Deserialize)]
struct Thresholds {
    warn: f64,
    fail: f64,
}

#[derive(Deserialize)]
struct Benchmark {
    name: String,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    better: String,
    #[serde(default)]
    deterministic: bool,
    absolute: Option<f64>,
    baseline: Vec<Run>,
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

fn main() -> Result<(), Box<dyn Error>> {
    let text = match std::env::args().nth(1) {
        Some(path) if path != "-" => fs::read_to_string(path)?,
        Some(_) | None => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text)?;
            text
        }
    };
    for case in serde_json::Deserializer::from_str(&text).into_iter::<Case>() {
        println!("{}", answer(&case?)?);
    }
    Ok(())
}

fn answer(case: &Case) -> Result<Value, Box<dyn Error>> {
    let limits = Limits { warn: case.thresholds.warn, fail: case.thresholds.fail };
    let series: Result<Vec<Series>, _> =
        case.benchmarks.iter().map(|benchmark| series(benchmark, limits)).collect();
    let Findings { series: findings, suite } =
        judge(&series?, &Settings { suite_limits: limits, ..Settings::default() });
    let verdicts: BTreeMap<&str, Value> = case
        .benchmarks
        .iter()
        .zip(&findings)
        .map(|(benchmark, finding)| (benchmark.name.as_str(), verdict(benchmark, finding)))
        .collect();
    Ok(json!({
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
    }))
}

fn series(benchmark: &Benchmark, limits: Limits) -> Result<Series, Box<dyn Error>> {
    let better = Better::from_word(&benchmark.better).unwrap_or(Better::Lower);
    let runs = |runs: &[Run]| -> Result<Runs, Box<dyn Error>> {
        runs.iter().map(|run| Ok(Some(Level::of(&reading(run)?, better)))).collect()
    };
    let kind = if benchmark.deterministic { Kind::Exact } else { kind(&Unit::new(&benchmark.unit)) };
    Ok(Series {
        better,
        kind,
        judge: Judge::Noise,
        limits,
        absolute: benchmark.absolute,
        base: runs(&benchmark.baseline)?,
        head: runs(&benchmark.candidate)?,
        history: benchmark.history.iter().map(|entry| runs(entry)).collect::<Result<_, _>>()?,
    })
}

fn reading(run: &Run) -> Result<Reading, Box<dyn Error>> {
    Ok(match (&run.samples, run.value) {
        (Some(samples), _) => Reading::Samples(Samples::new(samples.clone())?),
        (None, Some(value)) => Reading::Summary(Summary::new(value, run.sd, run.n)?),
        (None, None) => return Err("a run has neither samples nor a value".into()),
    })
}

fn verdict(benchmark: &Benchmark, finding: &Finding) -> Value {
    let evidence = finding.evidence;
    json!({
        "verdict": word(finding.verdict),
        "better": benchmark.better,
        "change": finding.change,
        "difference": finding.difference,
        "low": evidence.map(|evidence| evidence.interval.low),
        "high": evidence.map(|evidence| evidence.interval.high),
        "noise": evidence.map(|evidence| evidence.noise),
        "df": evidence.map(|evidence| evidence.df),
        "q": evidence.map(|evidence| evidence.q),
        "runs_needed": finding.runs_needed,
        "doubt": finding.doubt.map(|doubt| format!("{doubt:?}")),
    })
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Improved => "improved",
        Verdict::Unchanged => "pass",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Slower => "warn",
        Verdict::Regressed => "fail",
    }
}

/// Memory does not share the machine's speed. Every other unit of the pools is some spelling of a time or a
/// rate.
fn kind(unit: &Unit) -> Kind {
    match Kind::of_unit(unit) {
        Kind::Size => Kind::Size,
        Kind::Time | Kind::Rate | Kind::Ratio | Kind::Count | Kind::Percentile | Kind::Exact => Kind::Time,
    }
}
