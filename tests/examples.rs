//! Every example of docs/limits.md, executed.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::sandbox::Sandbox;

/// One row of a table: a pull request that changes one series.
struct Row<'a> {
    name: [&'a str; 4],
    levels: [f64; 2],
    status: i32,
    word: &'a str,
}

/// Each block of limits with the rows of the table below it.
fn examples(page: &str) -> Vec<(&str, Vec<Row<'_>>)> {
    let blocks = page.split("```toml\n").skip(1).map(|rest| rest.split_once("```").unwrap());
    let row = |line| {
        let cells: Vec<&str> = str::split(line, '|').map(str::trim).collect();
        let [_, benchmark, metric, kind, unit, base, head, status, word, _] = cells[..] else {
            panic!("{line}: not eight cells")
        };
        Row {
            name: [benchmark, metric, kind, unit],
            levels: [base.parse().unwrap(), head.parse().unwrap()],
            status: status.parse().unwrap(),
            word,
        }
    };
    let rows = |text| str::lines(text).filter(|line| line.starts_with('|')).skip(2).map(row).collect();
    blocks.map(|(limits, rest)| (limits, rows(rest.split("\n## ").next().unwrap()))).collect()
}

fn measurement([benchmark, metric, kind, unit]: [&str; 4], value: f64) -> Value {
    let better = if kind == "rate" { "higher" } else { "lower" };
    json!({"name": benchmark, "metric": metric, "unit": unit, "better": better, "kind": kind, "value": value,
           "n": 20_000})
}

/// Three runs that differ by a thousandth.
fn record(sandbox: &Sandbox, series: &[([&str; 4], f64)]) {
    for factor in [0.999, 1.001, 1.0] {
        let all: Vec<Value> = series.iter().map(|(name, level)| measurement(*name, level * factor)).collect();
        sandbox.record(&json!({ "benchmarks": all }).to_string());
    }
}

#[test]
fn every_example_of_the_page_on_limits_behaves_as_it_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/limits.md");
    let page = fs::read_to_string(page).unwrap();
    let examples = examples(&page);
    assert_eq!(examples.iter().map(|(_, rows)| rows.len()).collect::<Vec<_>>(), [7, 9, 4, 3, 2]);
    for (limits, rows) in &examples {
        let mut usual: Vec<([&str; 4], f64)> = rows.iter().map(|row| (row.name, row.levels[0])).collect();
        usual.dedup();
        let sandbox = Sandbox::new();
        sandbox.write("repo/perf.toml", limits);
        sandbox.git(&["add", "perf.toml"]);
        sandbox.commit("Set limits");
        record(&sandbox, &usual);
        for (row, number) in rows.iter().zip(1..) {
            sandbox.branch(&format!("pull-request-{number}"));
            let changed: Vec<_> = usual
                .iter()
                .map(|(name, level)| (*name, if *name == row.name { row.levels[1] } else { *level }))
                .collect();
            record(&sandbox, &changed);
            let ended = sandbox.perf(&["compare"]);
            let found = (ended.status, ended.stdout.split(':').next().unwrap());
            assert_eq!(found, (row.status, row.word), "{:?} {:?}: {}", row.name, row.levels, ended.stdout);
        }
    }
}
