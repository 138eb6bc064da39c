//! Load tests: from the files of Locust and k6 to a gate.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;

use crate::sandbox::{MACHINE, Sandbox};

const HEADER: &str = "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,\
    Min Response Time,Max Response Time,Average Content Size,Requests/s,Failures/s,50%,95%,99%,100%";

/// Locust's statistics of one endpoint; times in ms.
fn statistics(p95: f64, failures: u32) -> String {
    format!("{HEADER}\nGET,/items,2000,{failures},40,42.5,3,90,12,100.5,0,40,{p95},80,90\n")
}

fn collect(sandbox: &Sandbox, file: &str, content: &str, extra: &[&str]) -> (i32, String, String) {
    sandbox.write(file, content);
    let file = format!("../{file}");
    let mut args = vec!["collect", &file, "--time", "2026-01-02"];
    args.extend(MACHINE);
    args.extend(extra);
    let ended = sandbox.perf(&args);
    (ended.status, ended.stdout, ended.stderr)
}

#[test]
fn a_slower_percentile_of_a_locust_run_fails_the_gate() {
    let sandbox = Sandbox::new();
    let record = |p95: [f64; 5]| {
        for p95 in p95 {
            let (status, _, stderr) = collect(&sandbox, "run_stats.csv", &statistics(p95, 0), &[]);
            assert_eq!(status, 0, "{stderr}");
            assert!(stderr.contains("is read as locust"), "{stderr}");
        }
    };
    record([50.0, 51.0, 50.0, 49.0, 50.0]);
    sandbox.branch("feature");
    record([75.0, 76.0, 75.0, 74.0, 75.0]);
    let gate = sandbox.perf(&["compare"]);
    assert_eq!(gate.status, 1, "{}{}", gate.stdout, gate.stderr);
    assert!(gate.stdout.starts_with("FAIL: 1 of 7 series regressed"), "{}", gate.stdout);
    assert!(gate.stdout.contains("GET /items p95   50 ms   75 ms"), "{}", gate.stdout);
}

#[test]
fn a_load_test_without_one_good_request_is_shown_and_not_recorded() {
    let sandbox = Sandbox::new();
    let before = sandbox.state();
    let refused = statistics(2.0, 2000);
    let (status, stdout, stderr) = collect(&sandbox, "run_stats.csv", &refused, &[]);
    assert_eq!((status, stdout.as_str()), (2, ""), "{stderr}");
    let reason = "every one of its 2000 requests failed, and failing fast is not speed";
    let cause = format!("../run_stats.csv:2: `GET /items`: {reason}");
    let error = format!("error: ../run_stats.csv: holds no measurement\n  caused by: {cause}\n");
    assert!(stderr.contains(&error), "{stderr}");
    assert_eq!(sandbox.state(), before);
    let (status, stdout, _) = collect(&sandbox, "run_stats.csv", &refused, &["--dry-run", "--json"]);
    assert_eq!(status, 0);
    let shown: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let entries = shown["measurements"].as_array().unwrap();
    assert!(entries.len() == 7 && entries.iter().all(|entry| entry["withheld"].is_string()), "{shown}");
}

#[test]
fn a_summary_of_k6_is_recorded_with_its_thresholds() {
    let sandbox = Sandbox::new();
    let summary = r#"{"root_group": {}, "metrics": {
        "http_reqs": {"count": 200, "rate": 99.5},
        "http_req_failed": {"passes": 2, "fails": 198, "value": 0.01},
        "http_req_duration": {"avg": 5.5, "med": 4.5, "p(95)": 9.5, "thresholds": {"p(95)<9": true, "avg<100": false}},
        "score": {"avg": 7, "med": 7}}}"#;
    let (status, _, stderr) = collect(&sandbox, "summary.json", summary, &[]);
    assert_eq!(status, 0, "{stderr}");
    assert!(
        stderr.contains("2 series of `score`: is lower or higher better? `--better score=lower`"),
        "{stderr}"
    );
    let show = sandbox.perf(&["store", "show"]);
    for expected in ["http_req_duration p95", "http_req_duration violations", "http_req_failed failure-rate"]
    {
        assert!(show.stdout.contains(expected), "{expected}: {}", show.stdout);
    }
    let (status, stdout, _) =
        collect(&sandbox, "summary.json", summary, &["--better", "score=higher", "--dry-run", "--json"]);
    assert_eq!(status, 0);
    let shown: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let score = shown["measurements"].as_array().unwrap().iter().find(|entry| entry["benchmark"] == "score");
    assert_eq!(score.unwrap()["better"], "higher");
}

#[test]
fn a_table_of_ones_own_is_read_by_the_columns_that_perf_toml_names() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "repo/perf.toml",
        "[[input]]\nname = \"sql\"\ntype = \"csv\"\nseparator = \";\"\ndecimal = \",\"\nbenchmark = [\"suite\", \"query\"]\n\
         params = [\"rows\"]\n[[input.column]]\ncolumn = \"p95 (ms)\"\nmetric = \"p95\"\nunit = \"ms\"\n",
    );
    let table = "suite;query;rows;p95 (ms)\nshop;by id;100;1,5\nshop;by id;100;2,5\n";
    let (status, stdout, stderr) =
        collect(&sandbox, "sql.csv", table, &["--format", "sql", "--dry-run", "--json"]);
    assert_eq!(status, 0, "{stderr}");
    let shown: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        shown["measurements"],
        serde_json::json!([{"benchmark": "shop/by id", "params": {"rows": "100"}, "metric": "p95", "unit": "ms",
            "better": "lower", "kind": "percentile", "value": 2.0, "samples": 2, "raw": [1.5, 2.5]}])
    );
    let (status, _, stderr) = collect(&sandbox, "sql.csv", "suite;query;rows;p95\n", &["--format", "sql"]);
    assert_eq!(status, 2);
    assert!(stderr.contains("has no column `p95 (ms)`, which `sql` reads"), "{stderr}");
}

#[test]
fn a_prefix_tells_tests_of_two_pages_apart() {
    let sandbox = Sandbox::new();
    let table = "response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset\n\
                 0.0244,0.0005,0.0000,0.0001,0.0237,0.0001,200,0.0001\n";
    sandbox.write("b.csv", table);
    sandbox.write(
        "repo/perf.toml",
        "[[suite]]\nname = \"a\"\nprefix = \"a\"\npath = \"../a.csv\"\n\
         [[suite]]\nname = \"b\"\nprefix = \"b\"\npath = \"../b.csv\"\n",
    );
    let (status, stdout, stderr) = collect(&sandbox, "a.csv", table, &["--prefix", "page", "--dry-run"]);
    assert!(status == 0 && stdout.contains("page/hey p95"), "{stdout}{stderr}");
    let suites = sandbox.perf(&["collect", "--dry-run"]).stdout;
    assert!(suites.contains("a/hey latency") && suites.contains("b/hey latency"), "{suites}");
}

#[test]
fn a_real_run_of_locust_is_read() {
    if Command::new("locust").arg("--version").output().is_err() {
        eprintln!("skipped: locust is not installed");
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.write(
        "locustfile.py",
        "from locust import HttpUser, constant, task\n\n\nclass Visitor(HttpUser):\n    wait_time = constant(0.02)\n\n\
         \x20   @task(3)\n    def items(self):\n        self.client.get(\"/items\")\n\n\
         \x20   @task\n    def missing(self):\n        self.client.get(\"/missing\")\n",
    );
    let host = format!("http://{}", serve());
    let output = Command::new("locust")
        .current_dir(sandbox.path("."))
        .args(["--headless", "--users", "2", "--spawn-rate", "2", "--run-time", "3s", "--host", &host])
        .args(["--csv", "run", "--json"])
        .output()
        .unwrap();
    let statistics = fs::read_to_string(sandbox.path("run_stats.csv"))
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let json = String::from_utf8(output.stdout).unwrap();
    for (file, content) in [("run_stats.csv", &statistics), ("run.json", &json)] {
        let (status, _, stderr) = collect(&sandbox, file, content, &[]);
        assert_eq!(status, 0, "{file}: {stderr}");
        assert!(stderr.contains("`GET /missing`: every one of its"), "{file}: {stderr}");
    }
    let show = sandbox.perf(&["store", "show"]).stdout;
    for expected in
        ["GET /items latency", "GET /items p95", "GET /items throughput", "GET /missing failure-rate"]
    {
        assert!(show.contains(expected), "{expected}: {show}");
    }
    assert!(!show.contains("GET /missing latency"), "failing fast is not speed: {show}");
}

/// Answers `/missing` with 404 and everything else with 200, on a port of its own, until the test ends.
fn serve() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer(stream));
        }
    });
    address
}

fn answer(mut stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    while let Some(Ok(request)) = lines.next() {
        while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
        let status = if request.contains("/missing") { "404 Not Found" } else { "200 OK" };
        if write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok").is_err() {
            break;
        }
    }
}
