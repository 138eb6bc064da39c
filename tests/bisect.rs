//! Finding the commit that changed a benchmark.

use crate::measure::{set, suite};
use crate::sandbox::Sandbox;

/// Twelve commits after `good`; from the seventh on `bench/1` is slower. The fourth and the fifth do not run.
fn history(factor: f64) -> Sandbox {
    let sandbox = suite(2);
    sandbox.git(&["tag", "good"]);
    let run = std::fs::read_to_string(sandbox.path("repo/run.sh")).unwrap();
    let changed = [(1, factor)];
    for number in 1..=12 {
        set(&sandbox, 2, if number >= 7 { &changed } else { &[] });
        sandbox.write("repo/run.sh", if (4..=5).contains(&number) { "exit 1" } else { &run });
        sandbox.git(&["add", "."]);
        sandbox.commit(&format!("Number {number}"));
    }
    sandbox
}

#[test]
fn the_commit_is_found_past_commits_that_do_not_run() {
    let sandbox = history(1.3);
    let ended = sandbox.perf(&["bisect", "bench/1", "good", "HEAD"]);
    assert_eq!(ended.status, 0, "{}", ended.whole());
    let first = ended.stdout.lines().next().unwrap();
    assert!(first.starts_with("bench/1 changed in ") && first.ends_with(" Number 7"), "{}", ended.whole());
    assert_eq!(sandbox.git(&["worktree", "list"]).lines().count(), 1);
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    // What was measured is stored: the second search asks it first.
    let again = sandbox.perf(&["bisect", "bench/1", "good", "HEAD", "--json"]);
    assert_eq!(again.status, 0, "{}", again.whole());
    let found = again.json();
    assert_eq!(found["commits"][0]["subject"], "Number 7", "{found}");
    assert!(found["free"].as_u64().unwrap() > 0, "{found}");
    assert!(found["confidence"].as_f64().unwrap() >= 0.95);
}

/// The noise is that of `measure::suite`: seeded, and the same whatever the order of turns. How often chance makes a
/// difference is told by `session-rates`, not here.
#[test]
fn ends_that_do_not_differ_are_a_refusal() {
    let sandbox = history(1.0);
    let ended = sandbox.perf(&["bisect", "bench/1", "good", "HEAD"]);
    assert_eq!(ended.status, 3, "{}", ended.whole());
    assert!(
        ended.stdout.starts_with("refused: ") && ended.stdout.contains("could not be told apart"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_change_in_several_steps_is_blamed_on_no_single_commit() {
    let sandbox = suite(2);
    sandbox.git(&["tag", "good"]);
    for number in 1..=16 {
        // Five percent in every other commit.
        set(&sandbox, 2, &[(1, 1.05_f64.powi(number / 2))]);
        sandbox.git(&["commit", "-q", "-a", "--allow-empty", "-m", &format!("Number {number}")]);
    }
    let ended = sandbox.perf(&["bisect", "bench/1", "good", "HEAD", "--json"]);
    assert_eq!(ended.status, 0, "{}", ended.whole());
    let found = ended.json();
    let named = found["commits"].as_array().unwrap().len();
    assert!(named > 1, "{found}");
    if found["step"].is_object() {
        assert_eq!((&found["step"]["is_the_change"], named), (&false.into(), 16), "{found}");
    }
}

#[test]
fn levels_without_a_ratio_are_an_error_and_no_refusal() {
    let sandbox = suite(2);
    sandbox.git(&["tag", "good"]);
    let exact = |value: u32| {
        format!(
            "echo '{{\"benchmarks\":[{{\"name\":\"x\",\"metric\":\"work\",\"kind\":\"exact\",\"better\":\"lower\",\"unit\":\"count\",\"value\":{value}}}]}}' > out.json"
        )
    };
    for value in [0, 1] {
        sandbox.write("repo/run.sh", exact(value));
        sandbox.git(&["commit", "-q", "-a", "-m", "Count"]);
    }
    let ended = sandbox.perf(&["bisect", "x", "HEAD~1", "HEAD"]);
    assert_eq!(ended.status, 2, "{}", ended.whole());
    assert!(ended.stderr.contains("goes from 0 to 1"), "{}", ended.stderr);
}

#[test]
fn wrong_questions_are_errors() {
    let sandbox = history(1.3);
    for (args, expected) in [
        (["bisect", "no/such", "good", "HEAD"], "no/such: the suites measure no such benchmark"),
        (["bisect", "bench/1", "HEAD", "good"], "no first-parent ancestor"),
        (["bisect", "bench/1", "good", "nowhere"], "no such revision"),
    ] {
        let ended = sandbox.perf(&args);
        assert_eq!(ended.status, 2, "{}", ended.whole());
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    }
}

#[test]
fn a_step_answers_as_git_bisect_wants_it() {
    let sandbox = history(1.3);
    // Three times the change asked for is as bad as the change.
    for (commit, change, status) in
        [("main~11", "30%", 0), ("main~7", "30%", 125), ("main", "30%", 1), ("main", "10%", 1)]
    {
        sandbox.git(&["checkout", "-q", commit]);
        let ended = sandbox.perf(&["bisect-step", "bench/1", "--good", "good", "--change", change]);
        assert_eq!(ended.status, status, "{commit} {change}: {}", ended.whole());
    }
    sandbox.git(&["checkout", "-q", "main"]);
    let perf = env!("CARGO_BIN_EXE_perf");
    let run = ["bisect", "run", perf, "bisect-step", "bench/1", "--good", "good", "--change", "30%"];
    sandbox.git(&["bisect", "start", "main", "good"]);
    let found = sandbox.git(&run);
    assert!(found.contains("is the first bad commit") && found.contains("Number 7"), "{found}");
}

#[test]
fn an_error_in_a_step_ends_the_search_and_blames_no_commit() {
    let sandbox = history(1.3);
    let perf = env!("CARGO_BIN_EXE_perf");
    for (step, expected) in [
        (&["no/such", "--good", "good"][..], "no/such: the suites measure no such benchmark"),
        (&["bench/1", "--good", "nowhere"], "no such revision"),
        (&["bench/1", "--good", "main~8"], "the base: `sh run.sh"),
        (&["bench/1", "--good", "good", "--change", "a lot"], "--change"),
        (&["bench/1"], "--good <REV>"),
    ] {
        sandbox.git(&["bisect", "start", "main", "good"]);
        let run = [&["bisect", "run", perf, "bisect-step"][..], step].concat();
        let ended = sandbox.command("git", "repo").args(run).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stdout) + String::from_utf8_lossy(&ended.stderr);
        assert!(!ended.status.success() && said.contains("128"), "{step:?}: {said}");
        assert!(said.contains(expected) && !said.contains("first bad commit"), "{step:?}: {said}");
        let log = sandbox.git(&["bisect", "log"]);
        assert_eq!(log.matches("git bisect bad").count(), 0, "{step:?}: {log}");
        sandbox.git(&["bisect", "reset"]);
    }
    for args in
        [&["--verbose", "bisect-step", "bench/1"][..], &["bisect-ste"], &["-C", "none", "bisect-step"]]
    {
        let ended = sandbox.perf(args);
        assert_eq!(ended.status, 128, "{args:?}: {}", ended.whole());
    }
    let help = sandbox.perf(&["bisect-step", "--help"]);
    assert_eq!(help.status, 0, "{}", help.whole());
}
