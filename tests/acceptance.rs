//! What somebody answers for may become worse: by a trailer of a commit, or by an entry in perf.toml.

use insta::assert_snapshot;

use crate::sandbox::{Ended, MACHINE, Sandbox, output};

/// Main has a baseline; a branch with one commit of this message was measured, and `parse` became half as slow again.
fn slower(message: &str) -> Sandbox {
    slower_named("parse", message)
}

fn slower_named(name: &str, message: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.measure(&[(name, 100.0), ("lex", 100.0)]);
    sandbox.git(&["switch", "-q", "-c", "feature", "main"]);
    sandbox.commit(message);
    sandbox.measure(&[(name, 150.0), ("lex", 100.0)]);
    sandbox
}

fn first_line(ended: &Ended) -> &str {
    ended.stdout.lines().next().unwrap()
}

#[test]
fn a_trailer_accepts_what_it_names() {
    for (trailer, status, said) in [
        ("Perf-Accept: parse; checks every byte", 0, "1 of 2 series worse and accepted"),
        (
            "Perf-Accept: p* time <= +50%; checks every byte",
            0,
            "regressed, accepted: checks every byte (Tester, ",
        ),
        ("Perf-Accept: parse <= +20%; checks", 1, " covers at most +20 % and not this"),
        ("Perf-Accept: parse p95; checks", 1, "names no series: it accepts nothing"),
        ("Perf-Accept: prase; checks", 1, "names no series: it accepts nothing"),
        ("Perf-Accept: lex; checks", 1, "was not needed: none of its series became worse"),
        ("Perf-Accept: parse", 1, " accepts nothing: it gives no reason"),
        ("Perf-Accept: parse; <why>", 1, " accepts nothing: it gives no reason"),
        ("Perf-Accept: parse <= lots; checks", 1, " accepts nothing: after `<=`: `lots`: expected"),
        ("Perf-Accept: pa[rse; checks", 1, "is no glob"),
    ] {
        let ended = slower(&format!("Check every byte\n\n{trailer}\n")).perf(&["compare"]);
        assert_eq!(ended.status, status, "{trailer}: {}", ended.stdout);
        assert!(ended.stdout.contains(said), "{trailer}: {}", ended.stdout);
        assert!(ended.stdout.contains("1 regressed"), "the verdict stays: {}", ended.stdout);
    }
}

#[test]
fn the_reports_name_who_accepts_what_and_why() {
    let sandbox = slower("Check every byte\n\nPerf-Accept: parse time <= +60%; checks every byte\n");
    assert_snapshot!("accepted_text", sandbox.perf(&["compare"]).whole());
    assert_snapshot!("accepted_markdown", sandbox.perf(&["compare", "--output", "markdown"]).whole());
    let report = sandbox.perf(&["compare", "--output", "json"]).json();
    let accepted = &report["sections"][0]["series"][0]["accepted"];
    let head = sandbox.git(&["rev-parse", "HEAD"]);
    assert_eq!(
        *accepted,
        serde_json::json!({
            "reason": "checks every byte", "who": "Tester",
            "where": { "kind": "commit", "commit": head.trim() }
        })
    );
    assert_eq!(report["status"], "passed");
}

#[test]
fn a_failing_report_prints_the_line_that_accepts_it() {
    assert_snapshot!("to_accept_text", slower("Check every byte").perf(&["compare"]).whole());
    assert_snapshot!(
        "to_accept_markdown",
        slower("Check every byte").perf(&["compare", "--output", "markdown"]).whole()
    );
}

/// Runs the command of a failing report in a shell, as whoever pastes it.
fn paste(sandbox: &Sandbox, report: &str) {
    let command = report.lines().find(|line| line.trim_start().starts_with("git commit")).unwrap();
    let command = command.trim().replace("<why>", "needed");
    sandbox.shell(&command.replacen("--amend", "--amend --no-edit --allow-empty", 1));
}

#[test]
fn the_line_that_is_printed_accepts_whatever_the_names_are() {
    for name in [
        "parse",
        "GET /users/{id}?page=1",
        "a;b",
        "[*] {x,y}",
        "it's \"quoted\" `here` $(touch owned) \\",
        "two\nlines\n\nPerf-Accept: lex; forged",
        "\u{1b}[2Jgrün \u{202e}x",
        "##[error]x # y",
        "<= -x",
        "-n",
        "'; touch owned; '",
        &"long/".repeat(80),
    ] {
        let sandbox = slower_named(name, "Check every byte");
        let failed = sandbox.perf(&["compare"]);
        assert_eq!(failed.status, 1, "{name:?}");
        for report in [failed.stdout, sandbox.perf(&["compare", "--output", "markdown"]).stdout] {
            paste(&sandbox, &report);
            sandbox.measure(&[(name, 150.0), ("lex", 100.0)]);
            let ended = sandbox.perf(&["compare"]);
            assert_eq!(ended.status, 0, "{name:?}: {}", ended.stdout);
            assert!(!ended.stdout.contains("accepted: forged"), "{name:?}: {}", ended.stdout);
            assert!(!sandbox.path("repo/owned").exists(), "{name:?}");
        }
    }
}

#[test]
fn trailers_count_through_merges_squashes_and_rebases() {
    let trailer = "Perf-Accept: parse; checks every byte";
    let branch = || {
        let sandbox = Sandbox::new();
        sandbox.measure(&[("parse", 100.0), ("lex", 100.0)]);
        sandbox.branch("feature");
        sandbox.write("repo/code.rs", "fn main() { check() }\n");
        sandbox.git(&["commit", "-q", "-a", "-m", &format!("Check every byte\n\n{trailer}")]);
        sandbox
    };
    let judge = |sandbox: &Sandbox, case: &str| {
        sandbox.measure(&[("parse", 150.0), ("lex", 100.0)]);
        let ended = sandbox.perf(&["compare"]);
        assert_eq!(ended.status, 0, "{case}: {}{}", ended.stdout, ended.stderr);
        assert!(ended.stdout.contains("accepted: checks every byte"), "{case}: {}", ended.stdout);
    };
    let sandbox = branch();
    sandbox.commit("More work");
    judge(&sandbox, "below other commits");

    let sandbox = branch();
    sandbox.git(&["switch", "-q", "-c", "other", "main"]);
    sandbox.commit("Other work");
    sandbox.git(&["merge", "-q", "--no-ff", "-m", "Merge feature", "feature"]);
    judge(&sandbox, "through a merge on the branch");

    let sandbox = branch();
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.git(&["merge", "-q", "--no-ff", "-m", "Merge feature", "feature"]);
    judge(&sandbox, "of the merge commit on main");

    let sandbox = branch();
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.git(&["merge", "-q", "--squash", "feature"]);
    sandbox.git(&["commit", "-q", "--no-edit"]);
    judge(&sandbox, "as git's own squash writes it");

    let sandbox = branch();
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.git(&["merge", "-q", "--squash", "feature"]);
    sandbox.git(&["commit", "-q", "-m", &format!("Check (#1)\n\n* Check\n\n{trailer}\n\n* More\n\nwork")]);
    judge(&sandbox, "in the middle, as forges squash");

    let sandbox = branch();
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.commit("Meanwhile");
    sandbox.measure(&[("parse", 100.0), ("lex", 100.0)]);
    sandbox.git(&["switch", "-q", "feature"]);
    sandbox.git(&["rebase", "-q", "main"]);
    judge(&sandbox, "after a rebase");
}

#[test]
fn what_was_accepted_before_the_base_accepts_nothing_here() {
    let sandbox = Sandbox::new();
    sandbox.commit("Slower\n\nPerf-Accept: *; long ago");
    sandbox.measure(&[("parse", 100.0)]);
    sandbox.branch("feature");
    sandbox.measure(&[("parse", 150.0)]);
    assert_eq!(sandbox.perf(&["compare"]).status, 1);
}

#[test]
fn notes_and_tags_accept_nothing() {
    let sandbox = slower("Check every byte");
    sandbox.git(&["notes", "add", "-m", "Perf-Accept: *; from outside"]);
    sandbox.git(&["tag", "-a", "v1", "-m", "Perf-Accept: *; from outside"]);
    assert_eq!(sandbox.perf(&["compare"]).status, 1);
}

fn entry(keys: &str) -> String {
    format!("[[accept]]\nbenchmark = \"parse\"\nreason = \"checks every byte\"\nauthor = \"Ada\"\n{keys}\n")
}

/// Main asks for this, and the branch became slower.
fn slower_under(config: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("repo/perf.toml", config);
    sandbox.git(&["add", "perf.toml"]);
    sandbox.commit("Accept");
    sandbox.measure(&[("parse", 100.0), ("lex", 100.0)]);
    sandbox.branch("feature");
    sandbox.measure(&[("parse", 150.0), ("lex", 100.0)]);
    sandbox
}

#[test]
fn an_entry_in_the_configuration_holds_until_it_expires() {
    for (keys, status, said) in [
        ("expires = 2999-12-31", 0, "regressed, accepted: checks every byte (Ada, perf.toml)"),
        ("expires = \"2999-12-31\"\nmetric = \"time\"\nat-most = \"60%\"", 0, "worse and accepted"),
        ("expires = 2999-12-31\nat-most = \"20%\"", 1, "the acceptance in perf.toml covers at most +20 %"),
        ("expires = 2020-01-31", 1, "its acceptance in perf.toml expired after 2020-01-31"),
    ] {
        let ended = slower_under(&entry(keys)).perf(&["compare"]);
        assert_eq!(ended.status, status, "{keys}: {}", ended.stdout);
        assert!(ended.stdout.contains(said), "{keys}: {}", ended.stdout);
    }
    for (keys, said) in [
        ("", "missing field `expires`"),
        ("expires = 2026-01-01\nwho = \"me\"", "unknown key `who` in `accept`"),
        ("expires = \"soon\"", "expected a date such as 2026-12-31"),
    ] {
        let ended = slower_under("").with("repo/perf.toml", &entry(keys)).perf(&["rules", "parse"]);
        assert_eq!(ended.status, 2, "{keys}");
        assert!(ended.stderr.contains(said), "{keys}: {}", ended.stderr);
    }
}

#[test]
fn two_files_know_the_configuration_only() {
    let sandbox = slower_under(&entry("expires = 2999-12-31"));
    let save = |level: f64, name: &str| {
        sandbox.write("out.json", output(&[("parse", level), ("lex", 100.0)]));
        let mut args = vec!["collect", "../out.json", "--time", "2026-01-02", "--save", name];
        args.extend(MACHINE);
        let ended = sandbox.perf(&args);
        assert_eq!(ended.status, 0, "{}", ended.stderr);
    };
    save(100.0, "../base.jsonl");
    save(150.0, "../head.jsonl");
    let files =
        ["compare", "--judge", "limits", "--base-file", "../base.jsonl", "--head-file", "../head.jsonl"];
    assert_eq!(sandbox.perf(&files).status, 0);
    sandbox.write("repo/perf.toml", "");
    let failed = sandbox.perf(&files);
    assert_eq!(failed.status, 1, "{}", failed.stdout);
    assert!(!failed.stdout.contains("git commit"), "{}", failed.stdout);
}

#[test]
fn the_whole_suite_is_accepted_by_its_name() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let sandbox = Sandbox::new();
    sandbox.measure(&names.map(|name| (name, 100.0)));
    sandbox.branch("feature");
    let judged = || {
        sandbox.measure(&names.map(|name| (name, 150.0)));
        sandbox.perf(&["compare"])
    };
    let failed = judged();
    assert_eq!(failed.status, 1);
    assert!(
        failed.stdout.contains("--trailer 'Perf-Accept: whole-suite <= +50%; <why>'"),
        "{}",
        failed.stdout
    );
    paste(&sandbox, &failed.stdout);
    let ended = judged();
    assert_eq!(ended.status, 0, "{}", ended.stdout);
    assert!(
        first_line(&ended).contains("the whole suite regressed as one by +50.0 %, accepted"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_broken_budget_is_accepted_by_a_trailer_that_names_its_metric() {
    let config = "[[rule]]\nbenchmark = \"lex\"\nmax = \"80 ns\"\n";
    for (trailer, status) in
        [("lex; larger tables", 1), ("lex time; larger tables", 0), ("lex time <= +10%; larger tables", 1)]
    {
        let sandbox = Sandbox::new();
        sandbox.write("repo/perf.toml", config);
        sandbox.git(&["add", "perf.toml"]);
        sandbox.commit("Set a budget");
        sandbox.measure(&[("lex", 100.0)]);
        sandbox.git(&["switch", "-q", "-c", "feature"]);
        sandbox.commit(&format!("Grow\n\nPerf-Accept: {trailer}"));
        sandbox.measure(&[("lex", 100.0)]);
        let ended = sandbox.perf(&["compare"]);
        assert_eq!(ended.status, status, "{trailer}: {}", ended.stdout);
        let told = ended.stdout.contains("over budget, accepted: larger tables");
        assert_eq!(told, status == 0, "{trailer}: {}", ended.stdout);
    }
}

#[test]
fn a_shallow_clone_fetches_the_commits_that_accept() {
    let sandbox = slower("Check every byte\n\nPerf-Accept: parse; checks every byte");
    for number in 0..5 {
        sandbox.commit(&format!("Work {number}"));
    }
    sandbox.measure(&[("parse", 150.0), ("lex", 100.0)]);
    let base = sandbox.git(&["rev-parse", "main"]);
    let origin = format!("file://{}", sandbox.path("repo").display());
    sandbox.git_in(".", &["clone", "-q", "--depth", "2", "--branch", "feature", &origin, "shallow"]);
    sandbox.git_in("shallow", &["fetch", "-q", "--depth", "1", "origin", base.trim()]);
    sandbox.git_in("shallow", &["fetch", "-q", "origin", "+refs/notes/perf/*:refs/notes/perf/*"]);
    let offline = sandbox.perf_in("shallow", &["compare", "--against", base.trim(), "--offline"]);
    assert_eq!(offline.status, 1, "{}", offline.whole());
    assert!(
        offline.stdout.contains("warning: not all commits between base and head could be read"),
        "{}",
        offline.whole()
    );
    let ended = sandbox.perf_in("shallow", &["compare", "--against", base.trim()]);
    assert_eq!(ended.status, 0, "{}", ended.whole());
}

#[test]
fn rules_show_what_is_accepted() {
    let sandbox = Sandbox::new();
    sandbox.write("repo/perf.toml", entry("at-most = \"20%\"\nexpires = 2999-12-31"));
    assert_snapshot!(sandbox.perf(&["rules", "parse"]).whole());
}

#[test]
fn a_suite_of_rates_is_told_and_accepted_as_rates() {
    let record = |sandbox: &Sandbox, level: f64| {
        for factor in [0.999, 1.001, 1.0] {
            let rates: Vec<_> = ["a", "b", "c", "d", "e", "f", "g", "h"]
                .map(|name| {
                    serde_json::json!({"name": name, "metric": "throughput", "unit": "req/s", "better": "higher",
                        "kind": "rate", "value": level * factor, "n": 1_000})
                })
                .to_vec();
            sandbox.record(&serde_json::json!({ "benchmarks": rates }).to_string());
        }
    };
    let sandbox = Sandbox::new();
    record(&sandbox, 1_000.0);
    sandbox.branch("feature");
    record(&sandbox, 500.0);
    let failed = sandbox.perf(&["compare"]);
    assert_eq!(failed.status, 1);
    assert!(first_line(&failed).contains("the whole suite regressed as one by -50.0 %"), "{}", failed.stdout);
    assert!(failed.stdout.contains("Perf-Accept: whole-suite <= +50%"), "{}", failed.stdout);
    paste(&sandbox, &failed.stdout);
    record(&sandbox, 500.0);
    assert_eq!(sandbox.perf(&["compare"]).status, 0);
}

#[test]
fn what_stands_in_for_the_base_in_one_environment_brings_nothing_into_another() {
    let sandbox = Sandbox::new();
    let on = |cpu: &str, level: f64| {
        for factor in [0.999, 1.001, 1.0] {
            sandbox.write("out.json", output(&[("parse", level * factor), ("lex", 5.0 * factor)]));
            let cpu = format!("cpu={cpu}");
            let mut args = vec!["collect", "../out.json", "--time", "2026-01-02"];
            args.extend(MACHINE.iter().map(|it| if it.starts_with("cpu=") { cpu.as_str() } else { *it }));
            assert_eq!(sandbox.perf(&args).status, 0);
        }
    };
    on("One", 80.0);
    on("Two", 80.0);
    sandbox.write("repo/code.rs", "fn main() { /* slower */ }\n");
    sandbox.git(&["commit", "-qam", "Slower\n\nPerf-Accept: parse time; an old cost"]);
    on("One", 100.0);
    sandbox.branch("feature");
    sandbox.write("repo/code.rs", "fn main() { /* slower again */ }\n");
    sandbox.git(&["commit", "-qam", "Slower again"]);
    on("One", 150.0);
    assert_eq!(sandbox.perf(&["compare"]).status, 1);
    on("Two", 100.0);
    let ended = sandbox.perf(&["compare"]);
    assert_eq!(ended.status, 1, "{}", ended.whole());
    // The old cost is accepted where an ancestor stands in.
    assert!(ended.stdout.contains("1 of 4 series regressed beyond its fail limit"), "{}", ended.stdout);
    assert!(ended.stdout.contains("an old cost"), "{}", ended.stdout);
}
