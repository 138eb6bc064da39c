//! Measuring base and head in turns, with made-up suites whose noise is seeded.

use std::fs;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use crate::sandbox::{Ended, Sandbox};

/// Prints one line for each line `name level noise` of `levels`: nine samples around a level that the run shares.
const BENCH: &str = r#"
function gauss() { return sqrt(-2 * log(1 - rand())) * cos(6.283185307 * rand()) }
BEGIN { srand(seed); rand(); printf "{\"benchmarks\":[" }
NF == 3 {
  level = $2 * machine * ($1 == bad ? 1.6 : 1) * exp($3 * gauss())
  printf "%s{\"name\":\"%s\",\"unit\":\"ns\",\"samples\":[", (n++ ? "," : ""), $1
  for (i = 0; i < 9; i++) printf "%s%.6g", (i ? "," : ""), level * exp(0.002 * gauss())
  printf "]}"
}
END { printf "]}" }
"#;

/// Counts its runs in a file beside the repository; from run `hog` on the machine is 1.6 times slower, and so is the
/// benchmark in `bad`. The noise follows from the side and how often it has run, not from the order of turns, which
/// differs from session to session.
const RUN: &str = r#"
set -eu
n=$(cat "$1" 2>/dev/null || echo 0)
echo $((n + 1)) > "$1"
side=$(basename "$PWD")
own=$(cat "$1.$side" 2>/dev/null || echo 0)
echo $((own + 1)) > "$1.$side"
seed=$((1000 + 2 * own))
if [ "$side" = head ]; then seed=$((seed + 1)); fi
machine=1
if [ -e "$1.hog" ] && [ "$n" -ge "$(cat "$1.hog")" ]; then machine=1.6; fi
bad=$(cat "$1.bad" 2>/dev/null || echo none)
awk -v seed=$seed -v machine=$machine -v bad="$bad" -f bench.awk levels > out.json
"#;

/// A repository with a made-up suite of `series` benchmarks at 2 % noise, on `main`.
pub(crate) fn suite(series: usize) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("repo/bench.awk", BENCH);
    sandbox.write("repo/run.sh", RUN);
    sandbox.write("repo/.gitignore", "out.json\n");
    let run = format!("sh run.sh {}", sandbox.path("runs").display());
    sandbox.write(
        "repo/perf.toml",
        format!("[[suite]]\nname = \"made-up\"\npath = \"out.json\"\nrun = \"{run}\"\n"),
    );
    set(&sandbox, series, &[]);
    sandbox.git(&["add", "."]);
    sandbox.commit("A suite");
    sandbox
}

/// Gives the benchmarks of the work tree their levels: `changed` ones are that many times slower.
pub(crate) fn set(sandbox: &Sandbox, series: usize, changed: &[(usize, f64)]) {
    let factor = |i| changed.iter().find(|(index, _)| *index == i).map_or(1.0, |(_, factor)| *factor);
    let line = |i| format!("bench/{i} {} 0.02\n", (1000.0 + 10.0 * i as f64) * factor(i));
    sandbox.write("repo/levels", (0..series).map(line).collect::<String>());
}

fn change(sandbox: &Sandbox, series: usize, changed: &[(usize, f64)]) {
    sandbox.git(&["switch", "-q", "-c", "feature"]);
    set(sandbox, series, changed);
    sandbox.git(&["commit", "-q", "-a", "--allow-empty", "-m", "Change something"]);
}

fn measured(sandbox: &Sandbox, args: &[&str]) -> Ended {
    let mut all = vec!["compare", "--measure"];
    all.extend(args);
    let ended = sandbox.perf(&all);
    assert_tidy(sandbox);
    ended
}

fn assert_tidy(sandbox: &Sandbox) {
    assert_eq!(sandbox.git(&["worktree", "list"]).lines().count(), 1);
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    assert!(!sandbox.path("repo/.git/perf/worktrees").exists());
}

fn verdict_of<'a>(report: &'a serde_json::Value, name: &str) -> &'a str {
    let series = report["sections"][0]["series"].as_array().unwrap();
    series.iter().find(|row| row["benchmark"] == name).unwrap()["verdict"].as_str().unwrap()
}

fn json(ended: &Ended) -> serde_json::Value {
    assert!(ended.status < 2, "{}", ended.whole());
    ended.json()
}

#[test]
fn a_true_slow_down_is_found_and_both_sides_are_recorded_as_pairs() {
    let sandbox = suite(20);
    change(&sandbox, 20, &[(3, 1.35), (4, 1.17)]);
    let ended = measured(&sandbox, &["--output", "json"]);
    assert_eq!(ended.status, 1, "{}", ended.whole());
    let report = json(&ended);
    assert_eq!(verdict_of(&report, "bench/3"), "regressed");
    assert_eq!(verdict_of(&report, "bench/4"), "slower");
    assert_eq!(report["sections"][0]["census"]["regressed"], 1);
    let pairs = report["sections"][0]["turns"]["pairs"].as_u64().unwrap();
    assert!((2..=5).contains(&pairs), "{pairs} rounds");
    let again = sandbox.perf(&["compare", "--output", "json"]);
    assert_eq!(again.status, 1, "the stored runs give the same verdict: {}", again.whole());
    let mut stored = again.json()["sections"][0].clone();
    let mut measured = report["sections"][0].clone();
    assert_eq!(stored["turns"], measured["turns"], "the control's runs are paired too");
    let figures = |section: &mut serde_json::Value| section["series"].take();
    assert_eq!(figures(&mut stored), figures(&mut measured));
}

#[test]
fn nothing_changed_is_decided_after_two_rounds() {
    let sandbox = suite(20);
    change(&sandbox, 20, &[]);
    let report = json(&measured(&sandbox, &["--output", "json", "--fail", "40%", "--warn", "25%"]));
    assert_eq!(report["status"], "passed");
    assert_eq!(report["sections"][0]["turns"]["pairs"], 2, "{report}");
    assert_eq!(report["sections"][0]["census"]["unchanged"], 20);
}

#[test]
fn a_machine_that_slows_down_half_way_alters_no_verdict() {
    let sandbox = suite(20);
    change(&sandbox, 20, &[(3, 1.35)]);
    // Three runs a round: the second run of round 3 is the first slow one.
    sandbox.write("runs.hog", "7");
    let report = json(&measured(&sandbox, &["--output", "json", "--rounds", "5"]));
    let census = &report["sections"][0]["census"];
    assert_eq!(verdict_of(&report, "bench/3"), "regressed");
    assert_eq!(
        (&census["regressed"], &census["slower"], &census["improved"]),
        (&1.into(), &0.into(), &0.into())
    );
    // One side after the other, the same machine slows all of the head.
    sandbox.git(&["switch", "-q", "main"]);
    fs::remove_file(sandbox.path("runs")).unwrap();
    sandbox.write("runs.hog", "5");
    let apart = ["collect", "--run", "--rounds", "5", "--env", "order=apart"];
    assert_eq!(sandbox.perf(&apart).status, 0);
    sandbox.git(&["switch", "-q", "feature"]);
    assert_eq!(sandbox.perf(&apart).status, 0);
    let ended = sandbox.perf(&["compare", "--output", "json"]);
    let sections = ended.json()["sections"].clone();
    let section =
        sections.as_array().unwrap().iter().find(|it| it["environment"]["identity"]["order"] == "apart");
    let shift = &section.unwrap()["suite"]["shift"];
    assert_eq!(shift["verdict"], "regressed", "nothing tells the machine from the change: {shift}");
}

#[test]
fn a_base_that_differs_from_itself_makes_the_session_inadmissible() {
    let sandbox = suite(20);
    change(&sandbox, 20, &[]);
    // In a block of two rounds the runs 2 and 3 are of one side, and that side is never the head.
    let slow = "machine=1\nif [ $((n % 6)) -eq 2 ] || [ $((n % 6)) -eq 3 ]; then machine=2; fi\n";
    sandbox.write("repo/run.sh", RUN.replace("machine=1\n", slow));
    sandbox.git(&["commit", "-q", "-a", "-m", "Know the schedule"]);
    let before = sandbox.git(&["for-each-ref"]);
    let ended = measured(&sandbox, &["--rounds", "2", "--against", "HEAD"]);
    assert_eq!(ended.status, 3, "{}", ended.whole());
    assert!(ended.stdout.contains("the session is not admissible"), "{}", ended.whole());
    assert!(ended.stderr.contains("nothing of this session is recorded"), "{}", ended.whole());
    assert_eq!(sandbox.git(&["for-each-ref"]), before);
    fs::write(sandbox.path("runs"), "0").unwrap();
    let unchecked = measured(&sandbox, &["--rounds", "2", "--against", "HEAD", "--no-control"]);
    assert_ne!(unchecked.status, 3, "{}", unchecked.whole());
}

#[test]
fn bootstrap_measures_only_what_is_missing() {
    let sandbox = suite(6);
    change(&sandbox, 6, &[(2, 1.6)]);
    let refused = sandbox.perf(&["compare"]);
    assert_eq!(refused.status, 3);
    assert!(refused.stdout.contains("--measure` measures both here"), "{}", refused.whole());
    let first = sandbox.perf(&["compare", "--bootstrap"]);
    assert_eq!(first.status, 1, "{}", first.whole());
    assert!(first.stderr.contains("never measured: measuring base and head here"), "{}", first.stderr);
    let second = sandbox.perf(&["compare", "--bootstrap"]);
    assert_eq!(second.status, 1, "{}", second.whole());
    assert!(!second.stderr.contains("measuring"), "{}", second.stderr);
    assert_tidy(&sandbox);
}

#[test]
fn bootstrap_measures_the_very_comparison_that_lacked_something() {
    let sandbox = suite(6);
    set(&sandbox, 6, &[(2, 1.6)]);
    sandbox.git(&["commit", "-q", "-a", "-m", "Slower"]);
    // On the base branch the newest commit is held against its parent; changes on top of it are no part of that.
    set(&sandbox, 6, &[(2, 1.6), (3, 1.6)]);
    let ended = sandbox.perf(&["compare", "--bootstrap", "--output", "json"]);
    let report = json(&ended);
    assert_eq!(report["head"]["commit"], sandbox.git(&["rev-parse", "HEAD"]).trim(), "{report}");
    assert_eq!(report["base"]["commit"], sandbox.git(&["rev-parse", "HEAD~1"]).trim());
    assert_eq!(report["policy"]["commit"], report["base"]["commit"], "{report}");
    assert_eq!((verdict_of(&report, "bench/2"), verdict_of(&report, "bench/3")), ("regressed", "unchanged"));
    assert!(ended.stderr.contains("uncommitted changes are not measured"), "{}", ended.stderr);
}

#[test]
fn bootstrap_says_whose_environment_was_another() {
    for (commits, expected) in [
        (0, "note: the base was measured in another environment: measuring"),
        (
            1,
            "note: the base was never measured, and what was before it was in another environment: measuring",
        ),
    ] {
        let sandbox = suite(3);
        let elsewhere = sandbox.perf(&["collect", "--run", "--env", "runner=other"]);
        assert_eq!(elsewhere.status, 0, "{}", elsewhere.whole());
        for _ in 0..commits {
            sandbox.git(&["commit", "-q", "--allow-empty", "-m", "Something else"]);
        }
        change(&sandbox, 3, &[(1, 2.0)]);
        assert_eq!(sandbox.perf(&["collect", "--run"]).status, 0);
        let ended = sandbox.perf(&["compare", "--bootstrap", "--rounds", "1", "--no-control"]);
        assert!(ended.stderr.contains(expected), "{}", ended.whole());
    }
}

#[test]
fn uncommitted_changes_are_measured_as_they_are_and_stay() {
    let sandbox = suite(6);
    change(&sandbox, 6, &[]);
    set(&sandbox, 6, &[(1, 2.0)]);
    let status = sandbox.git(&["status", "--porcelain"]);
    let stashes = sandbox.git(&["stash", "list"]);
    let ended = sandbox.perf(&["compare", "--measure", "--against", "HEAD", "--output", "json"]);
    assert_eq!(verdict_of(&json(&ended), "bench/1"), "regressed");
    assert_eq!(ended.json()["head"]["kind"], "worktree");
    assert_eq!((sandbox.git(&["status", "--porcelain"]), sandbox.git(&["stash", "list"])), (status, stashes));
    let log = sandbox.perf(&["store", "log"]).stdout;
    assert!(log.lines().count() > 0, "the base is recorded: {log}");
}

#[test]
fn suites_that_fail_or_write_nothing_are_errors_that_name_them() {
    let sandbox = suite(3);
    change(&sandbox, 3, &[]);
    for (run, expected) in [
        ("echo broken >&2; exit 7", "`echo broken >&2; exit 7` failed: exit status: 7"),
        ("true", "out.json"),
        ("sleep 600", "took longer than 1 s"),
    ] {
        let toml = format!("[[suite]]\nname = \"x\"\npath = \"out.json\"\ntimeout = 1\nrun = \"{run}\"\n");
        sandbox.write("repo/perf.toml", toml);
        let ended = sandbox.perf(&["compare", "--measure", "--head", "HEAD"]);
        assert_eq!(ended.status, 2, "{}", ended.whole());
        assert!(ended.stderr.contains(expected), "{run}: {}", ended.stderr);
        assert_eq!(sandbox.git(&["worktree", "list"]).lines().count(), 1);
    }
}

#[test]
fn an_alarm_that_does_not_repeat_is_not_confirmed_and_one_that_does_is() {
    for (changed, status, repeated) in [(vec![], 0, 0), (vec![(4, 1.6)], 1, 1)] {
        let sandbox = suite(6);
        assert_eq!(sandbox.perf(&["collect", "--run", "--rounds", "3"]).status, 0);
        change(&sandbox, 6, &changed);
        // The numbers of a bad day.
        sandbox.write("runs.bad", "bench/4");
        assert_eq!(sandbox.perf(&["collect", "--run", "--rounds", "3"]).status, 0);
        fs::remove_file(sandbox.path("runs.bad")).unwrap();
        assert_eq!(sandbox.perf(&["compare"]).status, 1);
        let ended = sandbox.perf(&["compare", "--confirm", "--output", "json"]);
        assert_eq!(ended.status, status, "{}", ended.whole());
        let report = ended.json();
        // One round is too little to fail by itself, and enough to say that it was no accident.
        let short = sandbox.perf(&["compare", "--confirm", "--rounds", "1"]);
        assert_eq!(short.status, status, "{}", short.whole());
        let notice = &report["notices"][0];
        assert_eq!((&notice["kind"], &notice["again"]), (&"measured-again".into(), &1.into()), "{report}");
        assert_eq!(notice["repeated"], repeated);
        let rows = report["sections"][0]["series"].as_array().unwrap();
        let row = rows.iter().find(|row| row["benchmark"] == "bench/4").unwrap();
        let expected = if repeated == 0 { ("inconclusive", "not-confirmed") } else { ("regressed", "") };
        assert_eq!((row["verdict"].as_str().unwrap(), row["doubt"].as_str().unwrap_or("")), expected);
        assert_tidy(&sandbox);
    }
}

#[test]
fn a_target_plans_as_many_rounds_as_it_takes() {
    let sandbox = suite(6);
    change(&sandbox, 6, &[]);
    let pairs = |target: &str| {
        let ended = measured(
            &sandbox,
            &["--target-mde", target, "--rounds", "30", "--no-control", "--output", "json"],
        );
        json(&ended)["sections"][0]["turns"]["pairs"].as_u64().unwrap()
    };
    let (coarse, fine) = (pairs("20%"), pairs("3%"));
    assert!(coarse < fine && fine <= 30, "{coarse} {fine}");
    let ended = sandbox.perf(&["compare"]);
    assert!(ended.stdout.contains("rounds show a change of"), "{}", ended.stdout);
}

#[test]
fn the_same_executables_on_both_sides_are_not_judged_for_their_noise() {
    let (one, own) = ("one", "$(git rev-parse HEAD)");
    let globs = "binaries = [\"target/deps/*\"]\n";
    for (built, named, expected) in [
        (one, globs, ("unchanged", true)),
        (own, globs, ("regressed", false)),
        (one, "", ("unchanged", true)),
        (own, "", ("regressed", false)),
    ] {
        let sandbox = suite(6);
        let toml = fs::read_to_string(sandbox.path("repo/perf.toml")).unwrap();
        // As cargo's --message-format=json; the file has another name in every checkout.
        let message =
            r#"{"package_id":"x#0.1.0","target":{"kind":["bench"],"name":"b"},"executable":"%s"}\n"#;
        sandbox.write(
            "repo/build.sh",
            format!(
                "mkdir -p target/deps\nif [ -z '{named}' ]; then file=bench-$(basename $PWD)\nelse file=bench; fi\n\
                 echo {built} > target/deps/$file\n\
                 if [ -z '{named}' ]; then printf '{message}' $PWD/target/deps/$file; fi\n"
            ),
        );
        sandbox.write("repo/perf.toml", format!("{toml}build = \"sh build.sh\"\n{named}"));
        sandbox.git(&["add", "."]);
        sandbox.git(&["commit", "-q", "-a", "-m", "Build"]);
        change(&sandbox, 6, &[(2, 1.6)]);
        let report = json(&measured(&sandbox, &["--output", "json", "--no-control"]));
        assert_eq!(
            (verdict_of(&report, "bench/2"), report["sections"][0]["series"][0]["same_code"] == true),
            expected,
            "{built} {named}"
        );
        // A change that large is no noise: something else that the suite reads differs.
        let notices = report["notices"].as_array().unwrap();
        let told = notices.iter().any(|it| it["kind"] == "worse-with-same-code" && it["series"] == 1);
        assert_eq!(told, expected.1, "{report}");
    }
}

#[test]
fn nothing_outside_of_a_checkout_is_removed_whatever_the_suite_calls_its_output() {
    let sandbox = suite(3);
    fs::create_dir_all(sandbox.path("victim/sub")).unwrap();
    sandbox.write("victim/sub/kept", "precious");
    std::os::unix::fs::symlink(sandbox.path("victim"), sandbox.path("repo/link")).unwrap();
    sandbox.git(&["add", "link"]);
    change(&sandbox, 3, &[]);
    let toml = fs::read_to_string(sandbox.path("repo/perf.toml")).unwrap();
    for path in ["../../..", "link/sub", "link/sub/kept", ".git", "../../../../victim/sub"] {
        sandbox.write("repo/perf.toml", toml.replace("path = \"out.json\"", &format!("path = \"{path}\"")));
        let ended = sandbox.perf(&["compare", "--measure", "--head", "HEAD", "--rounds", "1"]);
        assert_eq!(ended.status, 2, "{path}: {}", ended.whole());
        let kept = fs::read_to_string(sandbox.path("victim/sub/kept")).unwrap();
        assert_eq!(kept, "precious", "{path}");
        assert_eq!(sandbox.git(&["fsck"]), "", "{path}");
        assert_eq!(sandbox.git(&["worktree", "list"]).lines().count(), 1, "{path}");
    }
    sandbox.write("repo/perf.toml", format!("{toml}[measure]\nkeep = [\"link/new\"]\n"));
    let ended = sandbox.perf(&["compare", "--measure", "--head", "HEAD", "--rounds", "1"]);
    assert!(ended.status < 2, "{}", ended.whole());
    assert!(!sandbox.path("victim/new").exists(), "a link of the commit leads out of its checkout");
}

#[test]
fn what_cannot_be_removed_does_not_hinder_the_next_session() {
    let sandbox = suite(3);
    let run = RUN.to_owned() + "mkdir -p shut/in\ntouch shut/in/file\nchmod 555 shut/in shut\n";
    sandbox.write("repo/run.sh", run);
    sandbox.write("repo/.gitignore", "out.json\nshut\n");
    sandbox.git(&["commit", "-q", "-a", "-m", "Shut"]);
    change(&sandbox, 3, &[]);
    for _ in 0..2 {
        let ended = measured(&sandbox, &["--rounds", "1"]);
        assert!(ended.status < 2, "{}", ended.whole());
        assert!(!sandbox.path("repo/.git/perf/removed").exists());
    }
}

#[test]
fn a_suite_that_only_the_head_has_is_new_and_the_others_are_judged() {
    let sandbox = suite(3);
    sandbox.git(&["switch", "-q", "-c", "feature"]);
    let toml = fs::read_to_string(sandbox.path("repo/perf.toml")).unwrap();
    let two = "[[suite]]\nname = \"two\"\npath = \"two.json\"\nrun = \"sh two.sh\"\n";
    sandbox.write("repo/perf.toml", format!("{toml}{two}"));
    let json_of = r#"{"benchmarks":[{"name":"two/1","unit":"ns","samples":[1,2,3]}]}"#;
    sandbox.write("repo/two.sh", format!("echo '{json_of}' > two.json\n"));
    sandbox.write("repo/.gitignore", "out.json\ntwo.json\n");
    sandbox.git(&["add", "."]);
    sandbox.commit("Another suite");
    let ended = measured(&sandbox, &["--rounds", "2", "--output", "json"]);
    let report = json(&ended);
    assert_eq!(report["sections"][0]["series"].as_array().unwrap().len(), 3, "{report}");
    assert_eq!(report["sections"][0]["census"]["new"], 1, "{report}");
    assert!(ended.stderr.contains("suite two is not measured at"), "{}", ended.stderr);
}

#[test]
fn a_run_that_fails_late_costs_its_round_and_no_other() {
    let sandbox = suite(3);
    let run = RUN.replace("machine=1\n", "machine=1\nif [ \"$n\" -ge 7 ]; then exit 9; fi\n");
    sandbox.write("repo/run.sh", run);
    sandbox.git(&["commit", "-q", "-a", "-m", "Fail late"]);
    change(&sandbox, 3, &[]);
    let ended = measured(&sandbox, &["--rounds", "4"]);
    assert_eq!(ended.status, 2, "{}", ended.whole());
    assert!(ended.stderr.contains("after 2 whole rounds: ") && ended.stderr.contains("exit status: 9"));
    assert!(ended.stdout.contains("3 series"), "{}", ended.stdout);
    let stored = sandbox.perf(&["store", "show", "HEAD", "--json"]).json();
    assert_eq!(stored["baselines"][0]["runs"].as_array().unwrap().len(), 2, "{stored}");
}

#[test]
fn suites_that_can_are_asked_for_single_benchmarks() {
    let sandbox = suite(6);
    let one = "if [ $# -ge 2 ]; then grep \"^$2 \" all > levels; fi; echo \"${2:-all}\" >> \"$1.asked\"";
    let run = RUN.replace("machine=1\n", &format!("machine=1\ncp levels all\n{one}\n")) + "mv all levels\n";
    sandbox.write("repo/run.sh", run);
    let toml = fs::read_to_string(sandbox.path("repo/perf.toml")).unwrap();
    let run = format!("sh run.sh {}", sandbox.path("runs").display());
    sandbox.write("repo/perf.toml", format!("{toml}only = \"{run} {{benchmark}}\"\n"));
    sandbox.git(&["commit", "-q", "-a", "-m", "One by one"]);
    // Which side of the fail limit it lies on is not clear before the last round.
    change(&sandbox, 6, &[(2, 1.44)]);
    let report =
        json(&measured(&sandbox, &["--output", "json", "--fail", "50%", "--warn", "45%", "--no-control"]));
    assert!(["slower", "regressed"].contains(&verdict_of(&report, "bench/2")), "{report}");
    let asked = fs::read_to_string(sandbox.path("runs.asked")).unwrap();
    assert_eq!(asked.lines().filter(|line| *line == "all").count(), 4, "{asked}");
    let alone = asked.lines().filter(|line| *line == "bench/2").count();
    assert!([2, 4, 6].contains(&alone), "{asked}");
}

/// Starts a session whose suite never ends, and waits until it runs.
fn endless(sandbox: &Sandbox) -> Child {
    let toml = "[[suite]]\nname = \"endless\"\npath = \"out.json\"\nrun = \"echo $$ > ../../../../../pid; sleep 600\"\n";
    sandbox.write("repo/perf.toml", toml);
    sandbox.git(&["commit", "-q", "-a", "-m", "Endless"]);
    let _ = fs::remove_file(sandbox.path("pid"));
    let mut command = sandbox.command(env!("CARGO_BIN_EXE_perf"), "repo");
    let child =
        command.args(["compare", "--measure"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until(|| fs::read_to_string(sandbox.path("pid")).is_ok_and(|pid| pid.ends_with('\n')));
    child
}

pub(crate) fn until(done: impl Fn() -> bool) {
    for _ in 0..3000 {
        if done() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("it never happened");
}

#[test]
fn killed_by_whatever_signal_it_leaves_nothing_behind() {
    for signal in ["INT", "TERM", "HUP", "KILL"] {
        let sandbox = suite(3);
        change(&sandbox, 3, &[]);
        let mut child = endless(&sandbox);
        assert_eq!(sandbox.git(&["worktree", "list"]).lines().count(), 3);
        let suite = fs::read_to_string(sandbox.path("pid")).unwrap();
        let id = child.id().to_string();
        let killed =
            sandbox.command("sh", ".").args(["-c", &format!("kill -{signal} {id}")]).status().unwrap();
        assert!(killed.success());
        let status = child.wait().unwrap();
        if signal != "KILL" {
            assert_eq!(status.code(), Some(2), "{signal}");
        }
        // A second process tidies up after one that was killed.
        until(|| !sandbox.path("repo/.git/perf/worktrees").exists());
        assert_tidy(&sandbox);
        let alive = format!("kill -0 {}", suite.trim());
        until(|| {
            !sandbox.command("sh", ".").args(["-c", &alive]).stderr(Stdio::null()).status().unwrap().success()
        });
    }
}
