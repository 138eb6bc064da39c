//! The `data.js` of github-action-benchmark, which its page draws (the action's `src/write.ts`).
//!
//! Of a suite all results have one direction: the action has a tool for each. So every environment has two suites.

use perf_model::{Better, Measurement, Reading, Run};
use serde::Serialize;

use super::super::json::second;
use crate::escape;

/// What stands before the suites.
pub const GITHUB_ACTION_BEGIN: &str = "window.BENCHMARK_DATA = {\"lastUpdate\": ";

/// What stands after the suites.
pub const GITHUB_ACTION_END: &str = "}}\n";

/// One run as an entry of a suite.
#[derive(Debug)]
pub struct GithubActionEntry {
    /// The name of the suite: its direction and its environment.
    pub suite: String,
    /// When it was measured, in milliseconds since 1970.
    pub date: i128,
    /// The entry, in JSON.
    pub json: String,
}

#[derive(Serialize)]
struct Entry<'a> {
    commit: Commit<'a>,
    date: i128,
    tool: &'static str,
    benches: Vec<Bench>,
}

#[derive(Serialize)]
struct Commit<'a> {
    author: Person,
    committer: Person,
    id: &'a str,
    message: &'a str,
    timestamp: String,
    tree_id: &'a str,
    url: &'static str,
}

#[derive(Clone, Copy, Serialize)]
struct Person {
    email: &'static str,
    name: &'static str,
    username: &'static str,
}

#[derive(Serialize)]
struct Bench {
    name: String,
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    unit: String,
    extra: String,
}

/// Returns the entries of a run: one for what is better when lower, one for what is better when higher, where there is
/// such. `subject` is the first line of the commit's message, where the commit is known.
///
/// Authors are left empty: a record has none.
pub fn github_action_entries(run: &Run, fingerprint: &str, subject: Option<&str>) -> Vec<GithubActionEntry> {
    let date = run.time.unix_timestamp_nanos() / 1_000_000;
    [(Better::Lower, "customSmallerIsBetter"), (Better::Higher, "customBiggerIsBetter")]
        .into_iter()
        .filter_map(|(better, tool)| {
            let benches: Vec<Bench> =
                run.measurements.iter().filter(|it| it.metric.better == better).map(bench).collect();
            let entry = Entry { commit: commit(run, subject), date, tool, benches };
            let json = serde_json::to_string(&entry).expect("strings and finite numbers");
            let suite = format!("{} is better, {fingerprint}", better.word());
            (!entry.benches.is_empty()).then(|| GithubActionEntry {
                suite,
                date,
                json: escape::json(json).into_owned(),
            })
        })
        .collect()
}

fn commit<'a>(run: &'a Run, subject: Option<&'a str>) -> Commit<'a> {
    let nobody = Person { email: "", name: "", username: "" };
    Commit {
        author: nobody,
        committer: nobody,
        id: run.lineage.commit.as_str(),
        message: subject.unwrap_or_default(),
        timestamp: second(run.time),
        tree_id: run.lineage.tree.as_str(),
        url: "",
    }
}

fn bench(measurement: &Measurement) -> Bench {
    let (range, extra) = match &measurement.reading {
        Reading::Samples(samples) => (None, format!("median of {} samples", samples.as_slice().len())),
        Reading::Summary(summary) => {
            (summary.sd().map(|sd| format!("± {sd}")), "as its tool reported it".to_owned())
        }
    };
    Bench {
        name: measurement.series().to_string(),
        value: measurement.reading.location(),
        range,
        unit: measurement.metric.unit.symbol().to_owned(),
        extra,
    }
}
