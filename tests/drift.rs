//! Many small steps, releases, old and retracted baselines: what a comparison with the base alone does not show.

use serde_json::Value;

use crate::forge::save;
use crate::sandbox::{Ended, MACHINE, Sandbox, output};

/// Commits with another content, so that no two have one tree.
fn step(sandbox: &Sandbox, subject: &str) {
    sandbox.write("repo/code.rs", format!("// {subject}\n"));
    sandbox.git(&["commit", "-q", "-am", subject]);
}

fn tag(sandbox: &Sandbox, name: &str) {
    sandbox.git(&["tag", name]);
}

/// Main from release 1.0.0 on, each of five commits 6 % slower than the one before it; a branch that changes nothing.
fn creeping() -> Sandbox {
    let sandbox = Sandbox::new();
    tag(&sandbox, "v1.0.0");
    let measure = |sandbox: &Sandbox, level: f64| sandbox.measure(&[("parse", level), ("lex", 50.0)]);
    let mut level = 100.0;
    measure(&sandbox, level);
    for number in 1..=5 {
        level *= 1.06;
        step(&sandbox, &format!("Step {number}"));
        measure(&sandbox, level);
    }
    sandbox.git(&["switch", "-q", "-c", "feature", "main"]);
    step(&sandbox, "Work");
    measure(&sandbox, level);
    sandbox
}

fn reference(ended: &Ended) -> Value {
    ended.json()["references"][0].clone()
}

#[test]
fn many_small_steps_are_seen_from_the_last_release() {
    let sandbox = creeping();
    assert_eq!(sandbox.perf(&["compare"]).status, 0, "each step is small");
    let ended = sandbox.perf(&[
        "compare",
        "--and",
        "last-release",
        "--output",
        "markdown=../comment.md",
        "--output",
        "html=../page.html",
        "--output",
        "github=../annotations",
        "--output",
        "check=../check.json",
        "--output",
        "text",
    ]);
    assert_eq!(ended.status, 1, "{}", ended.stdout);
    let first = ended.stdout.lines().next().unwrap();
    assert!(first.starts_with("FAIL: against the base: none of 2 series"), "{first}");
    assert!(first.contains("; since v1.0.0: 1 of 2 series regressed beyond its fail limit"), "{first}");
    for part in ["\nsince v1.0.0: FAIL: ", "(last release v1.0.0)", " --and v1.0.0`"] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    let comment = std::fs::read_to_string(sandbox.path("comment.md")).unwrap();
    assert!(comment.contains("### Since `v1.0.0`") && comment.contains("[!CAUTION]"), "{comment}");
    let read = |file: &str| std::fs::read_to_string(sandbox.path(file)).unwrap();
    let (page, annotations, check) = (read("page.html"), read("annotations"), read("check.json"));
    assert!(page.contains("<p class=\"verdict worse\">FAIL: against the base: "), "{page}");
    assert!(page.contains("<h2>Since ") && page.matches("<table").count() == 2, "{page}");
    assert!(annotations.starts_with("::error title=perf%3A FAIL::against the base: "), "{annotations}");
    assert!(annotations.contains("\n::error title=perf::regressed: parse time: "), "{annotations}");
    assert!(check.contains("\"conclusion\":\"failure\""), "{check}");
    let explained = sandbox.perf(&["explain", "parse", "--and", "v1.0.0"]).stdout;
    let (base, reference) = explained.split_once("\nsince v1.0.0:\n").unwrap();
    assert!(base.contains("unchanged") && reference.contains("regressed"), "{explained}");
    let ended = sandbox.perf(&["compare", "--and", "v1.0.0", "--and", "main~1", "--output", "json"]);
    let report = ended.json();
    assert_eq!((ended.status, &report["status"]), (1, &"failed".into()));
    let statuses: Vec<_> =
        report["references"].as_array().unwrap().iter().map(|it| it["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["failed", "passed"]);
}

#[test]
fn a_reference_that_cannot_be_judged_is_a_refusal_of_its_part() {
    let sandbox = Sandbox::new();
    sandbox.measure(&[("parse", 100.0)]);
    sandbox.branch("feature");
    sandbox.measure(&[("parse", 100.0)]);
    let none = sandbox.perf(&["compare", "--and", "last-release"]);
    assert_eq!(none.status, 3, "{}", none.stdout);
    assert!(none.stdout.starts_with("refused: against the base: none of 1 series"), "{}", none.stdout);
    assert!(none.stdout.contains("since the last release: refused: no version tag is reachable"));
    let warned = sandbox.perf(&["compare", "--and", "last-release", "--on-refusal", "warn"]);
    assert_eq!(warned.status, 0);
    assert!(warned.stderr.contains("NOT EVERYTHING WAS COMPARED"), "{}", warned.stderr);
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.git(&["tag", "v0.1.0", "main~1"]);
    step(&sandbox, "Another tree than the release");
    sandbox.measure(&[("parse", 100.0)]);
    sandbox.git(&["switch", "-q", "-c", "late"]);
    step(&sandbox, "Work");
    sandbox.measure(&[("parse", 100.0)]);
    sandbox.git(&["update-ref", "-d", "refs/tags/v0.1.0"]);
    let empty = sandbox.git(&["hash-object", "-t", "tree", "-w", "/dev/null"]);
    let first = sandbox.git(&["commit-tree", "-m", "Alone", empty.trim()]);
    let ended = sandbox.perf(&["compare", "--and", first.trim(), "--output", "json"]);
    assert_eq!(ended.status, 3, "a commit without a baseline: {}", ended.stdout);
    assert_eq!(reference(&ended)["sections"][0]["refusal"]["reason"], "base-not-measured");
    assert_eq!(sandbox.perf(&["compare", "--and", "v9.9.9"]).status, 2, "no such revision is an error");
}

#[test]
fn the_last_release_is_the_nearest_version_tag_below_the_base() {
    let sandbox = creeping();
    sandbox.git(&["tag", "app-v1.1.0", "main~3"]);
    sandbox.git(&["tag", "v1.2.0-rc.1", "main~1"]);
    sandbox.git(&["tag", "nightly", "main"]);
    tag(&sandbox, "v2.0.0");
    let found = reference(&sandbox.perf(&["compare", "--and", "last-release", "--output", "json"]));
    assert_eq!(
        found["choice"]["tag"], "app-v1.1.0",
        "the head's own tag, pre-releases and others do not count"
    );
    sandbox.git(&["tag", "-a", "-m", "Release", "v1.1.1", "main~3"]);
    let found = reference(&sandbox.perf(&["compare", "--and", "last-release", "--output", "json"]));
    assert_eq!(found["choice"]["tag"], "v1.1.1", "of two on one commit the higher, annotated or not");
}

/// A release 1.0.0, and a head on main after it.
fn release(limits: &str, before: &[(&str, f64)], after: &[(&str, f64)]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("repo/perf.toml", limits);
    sandbox.git(&["add", "perf.toml"]);
    sandbox.commit("Set limits");
    sandbox.measure(before);
    tag(&sandbox, "v1.0.0");
    step(&sandbox, "Between");
    sandbox.measure(before);
    step(&sandbox, "Release");
    sandbox.measure(after);
    sandbox
}

#[test]
fn a_release_passes_only_where_everything_was_judged() {
    let usual: &[(&str, f64)] = &[("parse", 100.0), ("lex", 50.0)];
    let slower: &[(&str, f64)] = &[("parse", 150.0), ("lex", 50.0)];
    let less: &[(&str, f64)] = &[("parse", 100.0)];
    let budget = "[[rule]]\nbenchmark = \"start\"\nmax = \"500ms\"\n";
    let exhibit = "[[rule]]\nbenchmark = \"lex\"\ntier = \"exhibit\"\n";
    for (limits, after, status, said) in [
        ("", usual, 0, "pass: against the base"),
        ("on-refusal = \"warn\"\n", less, 3, "1 series that the head has not (first: lex time)"),
        (exhibit, less, 0, "pass: against the base"),
        ("", slower, 1, "since v1.0.0: 1 of 2 series regressed"),
        (budget, usual, 3, "not judged, and a release must be: 1 budget"),
    ] {
        let ended = release(limits, usual, after).perf(&["release-check"]);
        assert_eq!(ended.status, status, "{limits} {after:?}: {}", ended.stdout);
        let headline = ended.stdout.lines().next().unwrap();
        assert!(headline.contains(said) && !headline.contains("1 budgets"), "{said}: {}", ended.stdout);
        assert!(ended.stdout.contains("(last release v1.0.0)"), "the reference is named: {}", ended.stdout);
        assert!(ended.stdout.contains("reproduce: `perf release-check --head "), "{}", ended.stdout);
    }
}

#[test]
fn a_release_is_judged_by_runs_that_were_handed_in() {
    let usual: &[(&str, f64)] = &[("parse", 100.0), ("lex", 50.0)];
    let sandbox = release("", usual, usual);
    step(&sandbox, "Next");
    tag(&sandbox, "v1.1.0");
    for (level, status) in [(100.0, 0), (150.0, 1)] {
        save(&sandbox, "runs.jsonl", &[("parse", level), ("lex", 50.0)], &[]);
        let args = ["release-check", "--head", "v1.1.0", "--head-file", "../runs.jsonl"];
        let ended = sandbox.perf(&args);
        assert_eq!(ended.status, status, "{level}: {}", ended.whole());
        assert!(ended.stdout.contains("(last release v1.0.0)"), "{}", ended.stdout);
    }
}

#[test]
fn a_first_release_is_refused_until_a_reference_is_named() {
    let sandbox = Sandbox::new();
    sandbox.measure(&[("parse", 100.0)]);
    step(&sandbox, "Release");
    sandbox.measure(&[("parse", 100.0)]);
    let ended = sandbox.perf(&["release-check"]);
    assert_eq!(ended.status, 3, "{}", ended.stdout);
    assert!(ended.stdout.contains("no version tag is reachable"), "{}", ended.stdout);
    assert_eq!(sandbox.perf(&["release-check", "--and", "HEAD~1"]).status, 0);
}

#[test]
fn drift_is_measured_from_a_declared_new_level() {
    let sandbox = creeping();
    assert_eq!(sandbox.perf(&["compare", "--and", "last-release"]).status, 1);
    let commit = sandbox.git(&["rev-parse", "main~1"]).trim().to_owned();
    let notes = sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/notes/perf/"]);
    let notes = format!("--ref={}", notes.trim());
    let note = sandbox.git(&["notes", &notes, "show", &commit]);
    let mark = r#""rebaseline":{"by":"Ann <ann@example.com>","reason":"a safer hash"},"recorder":"#;
    sandbox.write("note", note.replace(r#""recorder":"#, mark));
    sandbox.git(&["notes", &notes, "add", "-f", "-F", "../note", &commit]);
    let ended = sandbox.perf(&["compare", "--and", "last-release"]);
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    let said =
        format!("drift is measured from {} on. Ann <ann@example.com> says: a safer hash", &commit[..12]);
    assert!(ended.stdout.contains(&said), "{said}: {}", ended.stdout);
}

#[test]
fn an_old_baseline_is_named_with_its_date() {
    for (max_age, warns) in [("30d", true), ("52w", false), ("off", false)] {
        let sandbox = Sandbox::new();
        sandbox.write("repo/perf.toml", format!("max-age = \"{max_age}\"\n"));
        for _ in 0..3 {
            sandbox.write("out.json", output(&[("parse", 100.0)]));
            let mut args = vec!["collect", "../out.json", "--time", "2025-11-20"];
            args.extend(MACHINE);
            assert_eq!(sandbox.perf(&args).status, 0);
        }
        sandbox.branch("feature");
        sandbox.measure(&[("parse", 100.0)]);
        let ended = sandbox.perf(&["compare"]);
        let said = "was measured on 2025-11-20, 43 days before the head; max-age is 30 days";
        assert_eq!(ended.stdout.contains(said), warns, "{max_age}: {}", ended.stdout);
        assert!(ended.stdout.contains("runs: base 3 (2025-11-20), head 3"), "{}", ended.stdout);
        assert_eq!(ended.status, 0);
    }
}

#[test]
fn a_retracted_head_is_not_called_never_measured() {
    let sandbox = Sandbox::new();
    sandbox.measure(&[("parse", 100.0)]);
    sandbox.branch("feature");
    sandbox.measure(&[("parse", 100.0)]);
    assert_eq!(sandbox.perf(&["store", "retract", "HEAD", "--reason", "a noisy neighbour"]).status, 0);
    let refused = sandbox.perf(&["compare"]);
    assert_eq!(refused.status, 3);
    let first = refused.stdout.lines().next().unwrap();
    assert!(
        first.contains("was measured, and its runs were retracted by Tester <tester@example.com>"),
        "{first}"
    );
    assert!(first.ends_with(": a noisy neighbour"), "{first}");
    let shown = sandbox.perf(&["store", "show", "HEAD"]);
    assert_eq!(shown.status, 0, "{}", shown.stderr);
    assert!(shown.stdout.contains("no runs are stored for it that count"), "{}", shown.stdout);
    assert!(shown.stderr.contains("retracted by Tester <tester@example.com>"), "{}", shown.stderr);
    // What is taken back at the base is named as well.
    sandbox.git(&["switch", "-q", "--detach", "main"]);
    assert_eq!(sandbox.perf(&["store", "retract", "HEAD", "--reason", "wrong input"]).status, 0);
    sandbox.git(&["switch", "-q", "feature"]);
    sandbox.measure(&[("parse", 100.0)]);
    let refused = sandbox.perf(&["compare"]);
    assert_eq!(refused.status, 3);
    assert!(refused.stdout.contains("not used: 3, retracted by Tester"), "{}", refused.stdout);
}

#[test]
fn a_rule_about_nothing_and_a_silent_budget_are_warnings() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "repo/perf.toml",
        "[[rule]]\nbenchmark = \"prase\"\nfail = \"5%\"\n[[rule]]\nbenchmark = \"start\"\nmax = \"500ms\"\n",
    );
    sandbox.measure(&[("parse", 100.0), ("start", 100.0)]);
    sandbox.branch("feature");
    sandbox.measure(&[("parse", 100.0)]);
    let ended = sandbox.perf(&["compare"]);
    assert_eq!(ended.status, 0, "{}", ended.stdout);
    assert!(ended.stdout.starts_with("WARN: 1 budget of series that the head has not"), "{}", ended.stdout);
    for part in [
        "warning: [[rule]] 1 (benchmark prase) matches no series: it limits nothing",
        "warning: budgets of series that the base has and the head has not, and not checked: 1 (first: start time)",
    ] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    let budgets = &sandbox.perf(&["compare", "--output", "json"]).json()["sections"][0]["budgets"];
    assert_eq!(budgets["silent"][0]["benchmark"], "start");
}

#[test]
fn a_broken_budget_hides_no_warning() {
    let sandbox = Sandbox::new();
    sandbox.write("repo/perf.toml", "[[rule]]\nbenchmark = \"start\"\nmax = \"50ns\"\n");
    sandbox.measure(&[("parse", 100.0), ("lex", 100.0), ("start", 100.0)]);
    sandbox.branch("feature");
    sandbox.measure(&[("parse", 118.0), ("lex", 100.0), ("start", 100.0)]);
    let ended = sandbox.perf(&["compare"]);
    let first = ended.stdout.lines().next().unwrap();
    assert!(first.starts_with("FAIL: 1 budget broken (start time: "), "{first}");
    assert!(first.contains("; 1 of 3 series slower beyond its warn limit (worst: parse time"), "{first}");
}

#[test]
fn a_refusal_for_want_of_a_judgeable_series_gives_the_reasons() {
    let sandbox = Sandbox::new();
    let one = |unit: &str| {
        format!(
            r#"{{"benchmarks":[{{"name":"a","metric":"size","unit":"{unit}","better":"lower","samples":[5,5,5]}}]}}"#
        )
    };
    sandbox.record(&one("widgets"));
    sandbox.branch("feature");
    sandbox.record(&one("gadgets"));
    let ended = sandbox.perf(&["compare"]);
    assert_eq!(ended.status, 3, "{}", ended.stdout);
    let first = ended.stdout.lines().next().unwrap();
    assert!(
        first.ends_with("could be judged: a size: the base is in widgets, the head in gadgets"),
        "{first}"
    );
}
