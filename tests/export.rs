//! What other tools are given, read back by those tools where they are installed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use crate::sandbox::{MACHINE, Sandbox, skipped};

/// One run of a time, a rate and a size, each a little different from run to run.
fn run(step: usize) -> Value {
    let level = 100.0 + step as f64 / 8.0;
    json!({"benchmarks": [
        {"name": "parse/\"large\"", "unit": "ns", "samples": [level, level + 0.5, level + 1.0]},
        {"name": "serve", "metric": "throughput", "unit": "req/s", "better": "higher", "samples": [9_000.0 - level]},
        {"name": "serve", "metric": "peak-rss", "unit": "B", "samples": [1_048_576.0 + level]},
    ]})
}

/// Two commits of three runs each; those of the second commit at one moment.
fn measured() -> Sandbox {
    let sandbox = Sandbox::new();
    for (step, (commit, time)) in [
        ("HEAD~1", "2026-01-02T10:00:00Z"),
        ("HEAD~1", "2026-01-02T11:00:00Z"),
        ("HEAD~1", "2026-01-03T11:00:00Z"),
        ("HEAD", "2026-02-01T10:00:00Z"),
        ("HEAD", "2026-02-01T10:00:00Z"),
        ("HEAD", "2026-02-01T10:00:00Z"),
    ]
    .into_iter()
    .enumerate()
    {
        sandbox.write("out.json", run(step).to_string());
        let mut args = vec!["collect", "../out.json", "--time", time, "--commit", commit];
        args.extend(MACHINE);
        let ended = sandbox.perf(&args);
        assert_eq!(ended.status, 0, "{}", ended.stderr);
    }
    sandbox
}

fn export(sandbox: &Sandbox, args: &[&str]) -> String {
    let ended = sandbox.perf(&[&["store", "export", "--format"][..], args].concat());
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""), "{args:?}");
    ended.stdout
}

/// Every value that is stored: series and value, as often as there are runs.
fn stored(sandbox: &Sandbox) -> Vec<(String, f64)> {
    let mut all = vec![];
    for line in export(sandbox, &["ndjson"]).lines() {
        let run: Value = serde_json::from_str(line).unwrap();
        for it in run["measurements"].as_array().unwrap() {
            let name = format!("{} {}", it["benchmark"].as_str().unwrap(), it["metric"].as_str().unwrap());
            all.push((name, it["value"].as_f64().unwrap()));
        }
    }
    all.sort_by(|one, other| one.partial_cmp(other).unwrap());
    assert_eq!(all.len(), 18);
    all
}

#[test]
fn filters_narrow_every_format() {
    let sandbox = measured();
    let lines = |args: &[&str]| export(&sandbox, &[&["csv"], args].concat()).lines().count() - 1;
    assert_eq!(lines(&[]), 18);
    assert_eq!(lines(&["--benchmark", "serve"]), 12);
    assert_eq!(lines(&["--benchmark", "serve", "--metric", "peak-rss"]), 6);
    assert_eq!(lines(&["--since", "2026-01-03"]), 12);
    assert_eq!(lines(&["--last", "1"]), 9);
    assert_eq!(lines(&["--rev", "HEAD~1"]), 9);
    assert_eq!(lines(&["--benchmark", "nothing"]), 0);
    let wrong = sandbox.perf(&["store", "export", "--environment", "abcd"]);
    assert!(wrong.status == 2 && wrong.stderr.contains("perf store envs"), "{}", wrong.stderr);
    let whole = export(&sandbox, &["openmetrics"]);
    assert_eq!(export(&sandbox, &["openmetrics", "--out", "../perf.om"]), "");
    assert_eq!(fs::read_to_string(sandbox.path("perf.om")).unwrap(), whole);
    assert_eq!(sandbox.perf(&["store", "export", "--out", "no/such/dir"]).status, 2);
}

#[test]
fn what_our_readers_read_back_is_what_was_written() {
    let sandbox = measured();
    let read = |file: &str, better: &[&str]| {
        let mut args = vec!["collect", file, "--dry-run", "--json"];
        better.iter().for_each(|it| args.extend(["--better", it]));
        let ended = sandbox.perf(&args);
        assert_eq!(ended.status, 0, "{}", ended.stderr);
        let answer = ended.json();
        let values = answer["measurements"].as_array().unwrap().iter().map(|it| {
            let value = it["value"].as_f64().unwrap();
            (it["better"].as_str().unwrap().to_owned(), value.to_string())
        });
        values.collect::<BTreeSet<_>>()
    };
    let pairs = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(better, value)| ((*better).to_owned(), (*value).to_owned()))
            .collect::<BTreeSet<_>>()
    };
    // The newest run is the last of the second commit.
    let data = export(&sandbox, &["github-action-benchmark"]);
    sandbox.write("repo/data.js", &data);
    let newest = read("data.js", &[]);
    assert_eq!(newest.len(), 3);
    for (better, value) in &newest {
        let found = stored(&sandbox).iter().any(|(_, stored)| stored.to_string() == *value);
        assert!(found, "{better} {value}");
    }
    assert_eq!(newest.iter().filter(|(better, _)| better == "higher").count(), 1, "{newest:?}");
    let whole: Value = serde_json::from_str(data.trim_start_matches("window.BENCHMARK_DATA = ")).unwrap();
    let mut values = vec![];
    for (suite, entries) in whole["entries"].as_object().unwrap() {
        let dates: Vec<u64> =
            entries.as_array().unwrap().iter().map(|entry| entry["date"].as_u64().unwrap()).collect();
        assert!(dates.is_sorted() && dates.len() == 6, "{suite}: {dates:?}");
        for bench in entries.as_array().unwrap().iter().flat_map(|entry| entry["benches"].as_array().unwrap())
        {
            values.push((bench["name"].as_str().unwrap().to_owned(), bench["value"].as_f64().unwrap()));
        }
    }
    values.sort_by(|one, other| one.partial_cmp(other).unwrap());
    assert_eq!(values, stored(&sandbox));

    let bmf = export(&sandbox, &["bmf"]);
    sandbox.write("repo/bmf.json", &bmf);
    let expected = [("higher", "8899.5"), ("lower", "1048676.5"), ("lower", "101")];
    assert_eq!(read("bmf.json", &[]), pairs(&expected), "{bmf}");
    let first = export(&sandbox, &["bmf", "--rev", "HEAD~1"]);
    assert!(first.contains("\"lower_value\": 100.5") && first.contains("\"upper_value\": 100.75"), "{first}");

    sandbox.write("repo/go.txt", export(&sandbox, &["benchstat", "--rev", "HEAD~1"]));
    let ended = sandbox.perf(&["collect", "go.txt", "--format", "go", "--dry-run", "--json"]);
    let read = ended.json();
    let read = read["measurements"].as_array().unwrap();
    assert_eq!(read.len(), 3, "{read:?}");
    assert_eq!(read[0]["samples"], 9, "{read:?}");
}

#[test]
fn a_format_without_a_place_for_environments_asks_for_one() {
    let sandbox = measured();
    sandbox.write("out.json", run(9).to_string());
    let mut args = vec!["collect", "../out.json"];
    args.extend(MACHINE);
    args.extend(["--env", "cores=8"]);
    assert_eq!(sandbox.perf(&args).status, 0);
    let refused = sandbox.perf(&["store", "export", "--format", "bmf"]);
    assert!(refused.status == 2 && refused.stdout.is_empty(), "{}", refused.whole());
    let command = refused.stderr.split('`').find(|text| text.starts_with("perf store export")).unwrap();
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    assert_eq!(sandbox.perf(&words).status, 0, "the hint is a command that works: {command}");
}

#[test]
fn hostile_names_forge_no_line_of_any_format() {
    let sandbox = Sandbox::new();
    let names =
        ["a\"} 1 1\n# EOF", "=1+1", "\u{1b}[2J", "::error::x", "x\u{2028}y", r"\", "Benchmark 1 1 ns/op"];
    let benchmarks: Vec<Value> =
        names.iter().map(|name| json!({"name": name, "unit": "ns", "samples": [1.0]})).collect();
    sandbox.record(&json!({"benchmarks": benchmarks}).to_string());
    for (format, marker) in [
        ("openmetrics", "perf_value{"),
        ("csv", ",time,ns,"),
        ("benchstat", "Benchmark"),
        ("ndjson", "{\"version\""),
    ] {
        let text = export(&sandbox, &[format]);
        assert!(!text.contains('\u{1b}') && !text.contains('\u{2028}'), "{format}: {text}");
        let expected = if format == "ndjson" { 1 } else { names.len() };
        assert_eq!(text.lines().filter(|line| line.contains(marker)).count(), expected, "{format}: {text}");
        assert!(!text.lines().any(|line| line.starts_with("::")), "{format}: {text}");
    }
}

/// A running Prometheus; it ends with the test.
struct Prometheus {
    process: Child,
    port: u16,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Prometheus {
    fn start(dir: &Path) -> Self {
        fs::write(dir.join("prometheus.yml"), "global: {}\n").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new("prometheus")
            .current_dir(dir)
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .arg("--storage.tsdb.retention.time=100y")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut prometheus = Self { process, port };
        for _ in 0..600 {
            if prometheus.get("/-/ready").is_some_and(|answer| answer.starts_with("HTTP/1.0 200")) {
                return prometheus;
            }
            assert!(prometheus.process.try_wait().unwrap().is_none(), "prometheus ended at once");
            sleep(Duration::from_millis(100));
        }
        panic!("prometheus does not become ready")
    }

    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// Asks at a moment after all runs.
    fn query(&self, expression: &str) -> Value {
        let encoded: String = expression.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let answer = self.get(&format!("/api/v1/query?query={encoded}&time=1771000000")).unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        let answer: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
        answer["data"]["result"].clone()
    }
}

fn is_installed(tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

#[test]
fn a_real_prometheus_answers_with_the_numbers_that_are_in_the_notes() {
    if !is_installed("prometheus") || !is_installed("promtool") {
        skipped("prometheus and promtool are not installed, so that nothing was filled and asked");
        return;
    }
    let sandbox = measured();
    export(&sandbox, &["openmetrics", "--out", "../perf.om"]);
    let text = fs::read_to_string(sandbox.path("perf.om")).unwrap();
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    let check = |command: &mut Command| {
        let output = command.current_dir(sandbox.path(".")).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{command:?}: {said}");
        said
    };
    let linted = check(
        Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(fs::File::open(sandbox.path("perf.om")).unwrap()),
    );
    assert_eq!(linted, "", "promtool has nothing to say");
    check(Command::new("promtool").args(["tsdb", "create-blocks-from", "openmetrics", "perf.om", "data"]));
    let prometheus = Prometheus::start(&sandbox.path("."));
    let mut answered = vec![];
    for series in prometheus.query("perf_value[1000d]").as_array().unwrap() {
        let text = |label: &str| series["metric"][label].as_str().unwrap();
        for value in series["values"].as_array().unwrap() {
            let name = format!("{} {}", text("benchmark"), text("metric"));
            answered.push((name, value[1].as_str().unwrap().parse::<f64>().unwrap()));
        }
    }
    answered.sort_by(|one, other| one.partial_cmp(other).unwrap());
    assert_eq!(answered, stored(&sandbox));
    let commits = prometheus.query("last_over_time(perf_commit_info[1000d])");
    let named: BTreeSet<&str> =
        commits.as_array().unwrap().iter().map(|it| it["metric"]["commit"].as_str().unwrap()).collect();
    let expected = sandbox.git(&["rev-parse", "HEAD", "HEAD~1"]);
    assert_eq!(named, expected.lines().collect());
    let environment = commits[0]["metric"]["environment"].as_str().unwrap();
    for expression in dashboard_expressions() {
        let asked = expression
            .replace("$__interval", "1000d")
            .replace("$__range", "1000d")
            .replace("$environment", environment)
            .replace("$metric", "time")
            .replace("$benchmark", ".*");
        assert!(!asked.contains('$'), "{asked}");
        assert!(!prometheus.query(&asked).as_array().unwrap().is_empty(), "{asked}");
    }
}

fn dashboard() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/grafana/perf.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn dashboard_expressions() -> Vec<String> {
    let dashboard = dashboard();
    let targets =
        dashboard["panels"].as_array().unwrap().iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let annotations = dashboard["annotations"]["list"].as_array().unwrap().iter();
    let all = targets.chain(annotations).map(|it| it["expr"].as_str().expect("an expression").to_owned());
    all.collect()
}

#[test]
fn the_dashboard_is_one() {
    let dashboard = dashboard();
    assert!(dashboard["schemaVersion"].is_u64() && dashboard["title"].is_string());
    let variables: BTreeMap<&str, &Value> = dashboard["templating"]["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| (variable["name"].as_str().unwrap(), variable))
        .collect();
    assert_eq!(variables["datasource"]["query"], "prometheus");
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{panel}");
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{panel}");
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "two panels at {x}, {y}");
            }
        }
    }
    for expression in dashboard_expressions() {
        for name in expression.split('$').skip(1).map(|rest| {
            rest.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next().unwrap()
        }) {
            assert!(name.starts_with("__") || variables.contains_key(name), "{expression}: ${name}");
        }
    }
}

#[test]
fn the_documented_queries_of_duckdb_give_what_is_stored() {
    let has_duckdb =
        Command::new("python3").args(["-c", "import duckdb, pytz"]).stderr(Stdio::null()).status();
    if !has_duckdb.is_ok_and(|status| status.success()) {
        skipped("python3 has no duckdb with pytz, so that the documented queries were not run");
        return;
    }
    let sandbox = measured();
    export(&sandbox, &["ndjson", "--out", "../perf.ndjson"]);
    export(&sandbox, &["csv", "--out", "../perf.csv"]);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/export.md");
    let page = fs::read_to_string(page).unwrap();
    let queries: Vec<&str> =
        page.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let answer = |query: &str| -> Value {
        let script =
            "import duckdb, json, sys\nprint(json.dumps(duckdb.sql(sys.argv[1]).fetchall(), default=str))";
        let output = Command::new("python3")
            .args(["-c", script, query])
            .current_dir(sandbox.path("."))
            .output()
            .unwrap();
        assert!(output.status.success(), "{query}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let times = answer(queries[0]);
    let mut values: Vec<f64> = times.as_array().unwrap().iter().map(|row| row[3].as_f64().unwrap()).collect();
    values.sort_by(f64::total_cmp);
    let expected: Vec<f64> = stored(&sandbox)
        .iter()
        .filter(|(name, _)| name.ends_with(" time"))
        .map(|(_, value)| *value)
        .collect();
    assert_eq!(values, expected);
    let summary = answer(queries[1]);
    assert_eq!(summary.as_array().unwrap().len(), 3, "{summary}");
    assert!(summary.as_array().unwrap().iter().all(|row| row[3] == 6), "{summary}");
    assert_eq!(queries.len(), 2);
}
