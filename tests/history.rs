//! Histories, who moved them, explanations, and pages for people.

use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;
use serde_json::Value;

use crate::sandbox::{Ended, MACHINE, Sandbox, output};

/// A little noise that is the same everywhere.
fn noisy(level: f64, number: usize) -> f64 {
    level * (1.0 + 0.002 * ((number * 7 % 5) as f64 - 2.0))
}

fn record_on(sandbox: &Sandbox, cores: &str, series: &[(&str, f64)]) {
    sandbox.write("out.json", output(series));
    let mut args: Vec<&str> = vec!["collect", "../out.json", "--time", "2026-01-02"];
    args.extend(MACHINE);
    let cores = format!("cores={cores}");
    args.extend(["--env", cores.as_str()]);
    let ended = sandbox.perf(&args);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
}

/// Fourteen commits at one level, one that makes `parse` a quarter slower, and twelve more.
fn stepped() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    let mut culprit = String::new();
    for number in 0..27 {
        let level = if number < 14 { 100.0 } else { 125.0 };
        sandbox.commit(&if number == 14 {
            "Count every token\n\nPerf-Accept: parse time <= +30%; tokens are counted".to_owned()
        } else {
            format!("Commit {number}")
        });
        if number == 14 {
            culprit = sandbox.git(&["rev-parse", "HEAD"]).trim().to_owned();
        }
        sandbox.record(&output(&[("lex", noisy(50.0, number)), ("parse", noisy(level, number))]));
    }
    (sandbox, culprit)
}

fn series<'a>(json: &'a Value, benchmark: &str) -> &'a Value {
    let all = json["series"].as_array().unwrap();
    all.iter().find(|it| it["benchmark"] == benchmark).unwrap()
}

fn good(ended: Ended) -> Ended {
    assert_eq!(ended.status, 0, "{}", ended.whole());
    ended
}

#[test]
fn a_history_tells_the_course_the_trend_and_the_changes() {
    let (sandbox, culprit) = stepped();
    assert_snapshot!(sandbox.perf(&["history"]).whole());

    let json = good(sandbox.perf(&["history", "--format", "json"])).json();
    let change = &series(&json, "parse")["changes"][0];
    assert_eq!((&change["upto"], &change["commits"]), (&culprit.as_str().into(), &1.into()));
    assert_eq!(change["after"], sandbox.git(&["rev-parse", &format!("{culprit}~1")]).trim());
    assert!((change["change"].as_f64().unwrap() - 0.25).abs() < 0.01, "{change}");
    assert_eq!(series(&json, "lex")["changes"], Value::Array(vec![]));
    assert_eq!(series(&json, "lex")["trend"]["direction"], "flat");
    assert_eq!(series(&json, "parse")["points"].as_array().unwrap().len(), 27);

    let csv = good(sandbox.perf(&["history", "parse", "--format", "csv"])).stdout;
    assert_eq!(csv.lines().count(), 28, "{csv}");
    let markdown = good(sandbox.perf(&["history", "p*", "--format", "markdown"])).stdout;
    assert!(markdown.contains("| `parse` `time` |") && markdown.contains("+25.0 % (slower)"), "{markdown}");
    assert!(!markdown.contains("`lex`"), "{markdown}");
}

#[test]
fn the_last_commits_or_days_narrow_what_is_shown_and_not_what_changed() {
    let (sandbox, culprit) = stepped();
    for (last, points, changes) in [("20", 20, 1), ("12", 12, 0), ("100000d", 27, 1)] {
        let json = good(sandbox.perf(&["history", "parse", "--last", last, "--format", "json"])).json();
        let parse = series(&json, "parse");
        assert_eq!(parse["points"].as_array().unwrap().len(), points, "{last}");
        assert_eq!(parse["changes"].as_array().unwrap().len(), changes, "{last}");
        assert!(changes == 0 || parse["changes"][0]["upto"] == culprit.as_str(), "{last}");
    }
    for (args, part) in [
        (&["history", "--last", "1w"][..], "90d"),
        (&["history", "none*"], "no series matches"),
        (&["history", "--of", "HEAD~28"], "none of the first parents"),
        (&["history", "--of", "nowhere"], "nowhere"),
    ] {
        let ended = sandbox.perf(args);
        assert!(ended.status == 2 && ended.stderr.contains(part), "{}", ended.whole());
    }
}

#[test]
fn what_was_not_measured_and_what_was_measured_elsewhere_is_a_break() {
    let sandbox = Sandbox::new();
    let mut commits = vec![];
    for number in 0..6 {
        sandbox.commit(&format!("Commit {number}"));
        commits.push(sandbox.git(&["rev-parse", "HEAD"]).trim().to_owned());
        match number {
            2 => {}
            0..=3 => record_on(&sandbox, "4", &[("parse", 100.0)]),
            _ => record_on(&sandbox, "8", &[("parse", 60.0)]),
        }
    }
    let json = good(sandbox.perf(&["history", "--format", "json"])).json();
    let all = json["series"].as_array().unwrap();
    assert_eq!(all.len(), 2, "one for each environment");
    let breaks: Vec<&Value> = all.iter().flat_map(|it| it["breaks"].as_array().unwrap()).collect();
    assert_eq!(breaks.len(), 2, "{breaks:?}");
    assert_eq!(
        (&breaks[0]["reason"], &breaks[0]["before"]),
        (&"environment".into(), &commits[4].as_str().into())
    );
    let gap = breaks[1];
    assert_eq!((&gap["reason"], &gap["commits"]), (&"not-measured".into(), &1.into()));
    assert_eq!((&gap["after"], &gap["before"]), (&commits[1].as_str().into(), &commits[3].as_str().into()));
    assert_snapshot!(sandbox.perf(&["history", "parse"]).stdout);
}

#[test]
fn blame_names_the_commit_or_the_range() {
    let (sandbox, culprit) = stepped();
    let text = good(sandbox.perf(&["blame", "parse"])).stdout;
    let before = sandbox.git(&["rev-parse", &format!("{culprit}~1")]);
    for part in [
        culprit.as_str(),
        before.trim(),
        "Tester: Count every token",
        "+25.0 % (slower)",
        "confidence",
        "accepted by Tester: tokens are counted",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let text = good(sandbox.perf(&["blame", "lex"])).stdout;
    assert!(text.contains("no change of level in 27 measured commits"), "{text}");

    let sandbox = Sandbox::new();
    for number in 0..24 {
        sandbox.commit(&format!("Commit {number} a"));
        sandbox.commit(&format!("Commit {number} b"));
        sandbox.record(&output(&[("parse", noisy(if number < 12 { 100.0 } else { 80.0 }, number))]));
    }
    let text = good(sandbox.perf(&["blame", "parse"])).stdout;
    for part in ["-20.0 % (faster)", "one of 2 commits", "Commit 12 a", "Commit 12 b", "git switch --detach"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_verdict_is_derived_step_by_step() {
    let sandbox = Sandbox::new();
    sandbox.write("repo/perf.toml", "[[rule]]\nbenchmark = \"parse\"\nwarn = \"5%\"\nfail = \"20%\"\n");
    sandbox.measure(&[("parse", 100.0), ("lex", 50.0)]);
    sandbox.branch("feature");
    sandbox.measure(&[("parse", 130.0), ("lex", 50.0)]);
    let ended = sandbox.perf(&["explain", "parse"]);
    let text = good(ended).stdout;
    for part in [
        "parse time in environment ",
        "1. runs",
        "median of 30 readings",
        "2. change",
        "base 100 ns, head 130 ns",
        "3. is it real?",
        "noise floor",
        "4. is it large enough to matter?",
        "warn 5 %, fail 20 %",
        "[[rule]] 1 (benchmark parse)",
        "5. what it means for the gate",
        "it fails the gate",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(sandbox.perf(&["explain", "nothing"]).status, 2);
}

#[test]
fn what_was_refused_is_explained_by_the_refusal() {
    let sandbox = Sandbox::new();
    sandbox.commit("Before");
    record_on(&sandbox, "4", &[("parse", 100.0)]);
    sandbox.commit("After");
    record_on(&sandbox, "16", &[("parse", 130.0)]);
    let ended = sandbox.perf(&["explain", "parse", "--against", "HEAD~1"]);
    assert_eq!(ended.status, 3, "{}", ended.whole());
    for part in ["were measured in different environments", "- cores   4\n+ cores   16\n", "--across cores"] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    assert!(!ended.stdout.contains("1. runs"), "nothing was judged: {}", ended.stdout);
}

#[test]
fn two_records_are_set_side_by_side() {
    let sandbox = Sandbox::new();
    sandbox.measure(&[("parse", 100.0), ("gone", 5.0)]);
    sandbox.commit("Replace it");
    sandbox.measure(&[("parse", 130.0), ("born", 7.0)]);
    assert_snapshot!(sandbox.perf(&["store", "diff", "HEAD~1", "HEAD"]).whole());
    let ended = sandbox.perf(&["store", "diff", "HEAD~2", "HEAD"]);
    assert!(ended.status == 2 && ended.stderr.contains("nothing usable"), "{}", ended.whole());
}

/// What the reports of other people's names must never become.
const HOSTILE: &str =
    "</script><script>alert(1)</script><!-- \u{2028} \u{202e}x & <img src=x onerror=alert(1)>";

fn pages() -> Sandbox {
    let (sandbox, _) = stepped();
    sandbox.commit(HOSTILE);
    sandbox.record(&output(&[("lex", 50.0), ("parse", 125.0), (HOSTILE, 1.0)]));
    good(sandbox.perf(&["history", "--format", "html", "--out", "../page"]));
    let html = ["--output", "html=../compare.html"];
    let ended = sandbox.perf(&["compare", "--against", "HEAD~20", html[0], html[1]]);
    assert!(ended.status < 2, "{}", ended.whole());
    sandbox
}

#[test]
fn pages_stand_alone_and_names_forge_nothing_in_them() {
    let sandbox = pages();
    for (page, scripts) in [("page/index.html", 4), ("compare.html", 4)] {
        let text = std::fs::read_to_string(sandbox.path(page)).unwrap();
        assert_eq!(text.matches("<script").count(), scripts, "{page}");
        assert_eq!(text.matches("</script").count(), scripts, "{page}");
        for forbidden in
            ["<img", "<!--", "onerror=alert(1)>", " src=\"", "<link", "http-equiv=\"refresh", "\u{202e}"]
        {
            assert!(!text.contains(forbidden), "{page}: {forbidden}");
        }
        assert!(text.contains("default-src 'none'; style-src 'sha256-"), "{page}");
        assert!(text.contains("parse"), "{page}");
    }
    for (page, series) in [("page/index.html", 3), ("compare.html", 1)] {
        let text = std::fs::read_to_string(sandbox.path(page)).unwrap();
        let data = text.split("id=\"data\">").nth(1).unwrap().split("</script>").next().unwrap();
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["series"].as_array().unwrap().len(), series, "{page}");
    }
    let text = std::fs::read_to_string(sandbox.path("page/index.html")).unwrap();
    assert!(
        text.contains("<noscript>") && text.contains("Newest values"),
        "readers without scripts have tables"
    );
}

#[test]
fn a_browser_draws_the_page_within_its_policy() {
    let Some(chromium) =
        ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| is_there(name))
    else {
        eprintln!("skipped: no Chromium is installed");
        return;
    };
    let sandbox = pages();
    for (page, drawn) in
        [("page/index.html", "<canvas"), ("compare.html", "2 of 2 shown"), ("compare.html", "<canvas")]
    {
        let (dom, log) = opened(chromium, &sandbox.path(page), &sandbox);
        assert!(dom.contains(drawn), "{page}: {log}\n{}", &dom[dom.len().saturating_sub(2_000)..]);
        for flaw in ["Content Security Policy", "Uncaught", "Refused to"] {
            assert!(!log.contains(flaw), "{page}: {log}");
        }
    }
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Opens a page in a browser without a window; returns what became of it, and what the browser logged.
fn opened(chromium: &str, page: &Path, sandbox: &Sandbox) -> (String, String) {
    let profile = format!("--user-data-dir={}", sandbox.path("profile").display());
    let output = Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args(["--enable-logging=stderr", "--virtual-time-budget=5000", "--dump-dom", profile.as_str()])
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (text(output.stdout), text(output.stderr))
}
