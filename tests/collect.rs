use std::fs;
use std::process::Stdio;

use insta::assert_snapshot;

use crate::measure::until;
use crate::sandbox::{Sandbox, output};

#[test]
fn a_dry_run_prints_the_contract_and_records_nothing() {
    let sandbox = Sandbox::new();
    let json = r#"{"benchmarks":[
        {"name":"query/by id","metric":"latency","unit":"us","samples":[10.5,11.0,9.75,10.25]},
        {"name":"query/by id","metric":"rows","unit":"rows/s","better":"higher","value":95238.1},
        {"name":"sort","params":{"n":"100"},"unit":"ms","samples":[2]}]}"#;
    sandbox.write("out.json", json);
    let before = sandbox.state();
    assert_snapshot!(sandbox.perf(&["collect", "../out.json", "--dry-run", "--json"]).whole());
    assert_eq!(sandbox.state(), before);
    assert_eq!(
        sandbox.perf_in(".", &["collect", "out.json", "--dry-run", "--json"]).status,
        0,
        "no repository needed"
    );
}

#[test]
fn git_notes_shows_exactly_what_was_recorded() {
    let sandbox = Sandbox::new();
    sandbox.record(&output(&[("parse", 100.0)]));
    let log = sandbox.perf(&["store", "log", "--json"]).json();
    let fingerprint = log["rows"][0]["fingerprint"].as_str().unwrap().to_owned();
    let note = sandbox.git(&["notes", &format!("--ref=perf/{fingerprint}"), "show", "HEAD"]);
    let run: serde_json::Value = serde_json::from_str(note.trim()).unwrap();
    assert_eq!(run["commit"].as_str().unwrap(), sandbox.git(&["rev-parse", "HEAD"]).trim());
    assert_eq!(run["tree"].as_str().unwrap(), sandbox.git(&["rev-parse", "HEAD^{tree}"]).trim());
    assert_eq!(run["identity"]["cpu"], "Test CPU");
    assert_eq!(run["time"], "2026-01-02T00:00:00Z");
    assert_eq!(run["measurements"][0]["samples"].as_array().unwrap().len(), 30);
    assert_eq!(sandbox.git(&["fsck", "--strict", "--no-dangling"]), "");
}

#[test]
fn a_command_is_measured_run_by_run() {
    let sandbox = Sandbox::new();
    let args = ["collect", "--runs", "4", "--warmup", "1", "--name", "copy", "--", "cp", "/dev/null", "out"];
    let ended = sandbox.perf(&args);
    assert_eq!((ended.status, ended.stdout.as_str()), (0, ""), "{}", ended.stderr);
    let show = sandbox.perf(&["store", "show", "--json"]).json();
    let measurements = show["baselines"][0]["runs"][0]["measurements"].as_array().unwrap().clone();
    let metrics: Vec<_> = measurements.iter().map(|it| it["metric"].as_str().unwrap()).collect();
    assert_eq!(metrics, ["peak-rss", "system-time", "time", "user-time"]);
    for measurement in &measurements {
        assert_eq!(measurement["benchmark"], "copy");
        assert_eq!(measurement["samples"].as_array().unwrap().len(), 4, "the warm-up is no sample");
    }
    assert!(measurements[2]["value"].as_f64().unwrap() > 0.0);
}

#[test]
fn the_rounds_of_one_call_belong_together_and_say_how_they_ran() {
    let sandbox = Sandbox::new();
    let two = ["collect", "--rounds", "2", "--runs", "1", "--nice", "19", "--counters", "--", "true"];
    let ended = sandbox.perf(&two);
    assert_eq!(ended.status, 0, "{}", ended.whole());
    let log = sandbox.perf(&["store", "log", "--json"]).json();
    let fingerprint = log["rows"][0]["fingerprint"].as_str().unwrap();
    let note = sandbox.git(&["notes", &format!("--ref=perf/{fingerprint}"), "show", "HEAD"]);
    let runs: Vec<serde_json::Value> =
        note.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let mut rounds: Vec<_> = runs.iter().map(|run| run["turn"]["round"].as_u64().unwrap()).collect();
    rounds.sort_unstable();
    assert_eq!(rounds, [0, 1], "{note}");
    assert_eq!(runs[0]["turn"]["session"], runs[1]["turn"]["session"]);
    let counted = runs[0]["measurements"].as_array().unwrap().iter().any(|it| it["metric"] == "instructions");
    // Either they are counted, or the reason is told: once, not once in every round.
    let told = ended.stderr.matches("instructions are not counted: ").count();
    assert_eq!(told, usize::from(!counted), "{}", ended.whole());
    if cfg!(target_os = "linux") {
        assert_eq!(runs[0]["context"]["nice"], "19", "{note}");
    }
    let alone = sandbox.perf(&["collect", "--pin", "0", "--format", "criterion", "nowhere"]);
    assert!(alone.status == 2 && alone.stderr.contains("they need --run or a command"), "{}", alone.whole());
    for (flag, value, expected) in [
        ("--nice", "20", "from -20 to 19"),
        ("--nice=-21", "x", "-20"),
        ("--pin", "2-1", "processors such as"),
    ] {
        let wrong = sandbox.perf(&["collect", flag, value, "--", "true"]);
        assert!(wrong.status == 2 && wrong.stderr.contains(expected), "{}", wrong.whole());
    }
}

#[test]
fn a_failing_command_is_an_error_and_nothing_is_recorded() {
    let sandbox = Sandbox::new();
    let before = sandbox.state();
    assert_snapshot!(
        sandbox.perf(&["collect", "--runs", "3", "--", "sh", "-c", "echo about to fail; exit 7"]).whole()
    );
    assert_snapshot!("a_missing_command", sandbox.perf(&["collect", "--", "no-such-program"]).whole());
    assert_eq!(sandbox.state(), before);
}

#[test]
fn a_signal_ends_the_rounds_and_what_was_measured_stays_recorded() {
    for (signal, save) in [("INT", false), ("TERM", true), ("HUP", false), ("KILL", false)] {
        let sandbox = Sandbox::new();
        // The third execution never ends, and neither does what it started.
        sandbox.write(
            "repo/slow.sh",
            "echo >> ../count; test $(wc -l < ../count) = 3 || exit 0; sleep 600 & echo $! > ../pid; wait\n",
        );
        sandbox.git(&["add", "."]);
        sandbox.commit("A slow command");
        let mut args = vec!["collect", "--rounds", "5", "--runs", "1"];
        args.extend(save.then_some(["--save", "../saved"]).into_iter().flatten());
        args.extend(["--", "sh", "slow.sh"]);
        let mut command = sandbox.command(env!("CARGO_BIN_EXE_perf"), "repo");
        let child = command.args(&args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        until(|| fs::read_to_string(sandbox.path("pid")).is_ok_and(|pid| pid.ends_with('\n')));
        let slow = fs::read_to_string(sandbox.path("pid")).unwrap();
        let kill = |args: &str| {
            let mut shell = sandbox.command("sh", ".");
            shell.args(["-c", &format!("kill {args}")]).stderr(Stdio::null()).status().unwrap().success()
        };
        assert!(kill(&format!("-{signal} {}", child.id())));
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        until(|| !kill(&format!("-0 {}", slow.trim())));
        if signal != "KILL" {
            assert_eq!(ended.status.code(), Some(2), "{signal}: {said}");
            assert!(said.contains("interrupted after 2 whole rounds of 5"), "{signal}: {said}");
        }
        assert!(said.contains("measuring round 2 of 5, about "), "{signal}: {said}");
        let recorded = match save {
            true => fs::read_to_string(sandbox.path("saved")).unwrap().lines().count(),
            false => {
                let show = sandbox.perf(&["store", "show", "--json"]).json();
                show["baselines"][0]["runs"].as_array().unwrap().len()
            }
        };
        assert_eq!(recorded, 2, "{signal}");
    }
}

#[test]
fn suites_are_run_and_read_round_by_round() {
    let sandbox = Sandbox::new();
    sandbox.write("two.json", output(&[("two", 5.0)]));
    sandbox.write("repo/make.sh", "echo chatter; n=$(($(cat ../count) + 1)); echo $n > ../count\nprintf '{\"benchmarks\":[{\"name\":\"one\",\"unit\":\"ns\",\"samples\":[%d,2]}]}' $n > ../one.json\n");
    sandbox.write("count", "0");
    sandbox.write(
        "repo/perf.toml",
        "[[suite]]\nname = \"one\"\npath = \"../one.json\"\nrun = \"sh make.sh\"\n\
         [[suite]]\nname = \"two\"\nformat = \"perf\"\npath = \"../two.json\"\nrun = \"true\"\n",
    );
    let ended = sandbox.perf(&["collect"]);
    assert_eq!(ended.status, 2, "nothing has been measured yet: {}", ended.stderr);
    let ended = sandbox.perf(&["collect", "--run", "--rounds", "3"]);
    assert_eq!((ended.status, ended.stdout.as_str()), (0, ""), "{}", ended.stderr);
    let show = sandbox.perf(&["store", "show", "--json"]).json();
    let runs = show["baselines"][0]["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 3);
    assert!(runs.iter().all(|run| run["measurements"].as_array().unwrap().len() == 2));
    assert_eq!(sandbox.perf(&["collect"]).status, 0);
    assert_eq!(sandbox.perf(&["collect", "--rounds", "2"]).status, 2);
}

#[test]
fn a_suite_that_fails_records_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("one.json", output(&[("one", 5.0)]));
    sandbox.write("repo/perf.toml", "[[suite]]\nname = \"one\"\npath = \"../one.json\"\nrun = \"exit 3\"\n");
    let before = sandbox.state();
    let ended = sandbox.perf(&["collect", "--run"]);
    assert_eq!(ended.status, 2);
    assert!(
        ended.stderr.contains("exit status: 3") || ended.stderr.contains("exit status 3"),
        "{}",
        ended.stderr
    );
    assert_eq!(sandbox.state(), before);
}

#[test]
fn a_dirty_work_tree_never_gets_a_commits_name() {
    let sandbox = Sandbox::new();
    sandbox.write("repo/code.rs", "changed");
    sandbox.record(&output(&[("parse", 100.0)]));
    assert!(sandbox.git(&["for-each-ref", "refs/notes"]).is_empty());
    let explicit = sandbox.perf(&["collect", "../out.json", "--commit", "HEAD"]);
    assert_eq!(explicit.status, 2);
    assert!(explicit.stderr.contains("uncommitted changes"), "{}", explicit.stderr);
    let import = sandbox.perf(&["collect", "../out.json", "--commit", "HEAD~1"]);
    assert_eq!(import.status, 0, "an import for another commit is no measurement of this work tree");
}

#[test]
fn reading_the_same_output_twice_is_pointed_out() {
    let sandbox = Sandbox::new();
    sandbox.record(&output(&[("parse", 100.0)]));
    let again = sandbox.record(&output(&[("parse", 100.0)]));
    assert!(again.stderr.contains("exactly these numbers"), "{}", again.stderr);
}

#[test]
fn results_of_an_earlier_commit_are_pointed_out() {
    let sandbox = Sandbox::new();
    let at = |name: &str, year: u64| {
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs((year - 1970) * 31_557_600);
        fs::File::options().write(true).open(sandbox.path(name)).unwrap().set_modified(time).unwrap();
    };
    for (name, year) in [("old", 2020), ("new", 2027)] {
        let dir = format!("tree/{name}/new");
        sandbox
            .write(&format!("{dir}/benchmark.json"), format!(r#"{{"full_id":"{name}","throughput":null}}"#));
        sandbox.write(&format!("{dir}/sample.json"), r#"{"iters":[1.0,1.0],"times":[5.0,6.0]}"#);
        at(&format!("{dir}/sample.json"), year);
    }
    let some = sandbox.perf(&["collect", "../tree"]);
    assert!(some.stderr.contains("do those benchmarks still exist?"), "{}", some.stderr);
    at("tree/new/new/sample.json", 2020);
    let all = sandbox.perf(&["collect", "../tree"]);
    assert!(all.stderr.contains("is it of an earlier commit?"), "{}", all.stderr);
    assert_eq!((some.status, all.status), (0, 0));
}

#[test]
fn init_writes_a_file_that_works_and_keeps_an_existing_one() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.perf(&["init"]).whole());
    let written = fs::read_to_string(sandbox.path("repo/perf.toml")).unwrap();
    assert_eq!(sandbox.perf(&["init"]).status, 2);
    assert_eq!(sandbox.perf(&["init", "--print"]).stdout, written);
    assert_eq!(sandbox.perf(&["compare"]).status, 0, "a new project is warned, not blocked");
}

#[test]
fn doctor_names_problems_with_their_remedies() {
    let sandbox = Sandbox::new();
    let healthy = sandbox.perf(&["doctor"]);
    assert_eq!(healthy.status, 0, "{}", healthy.stdout);
    for part in ["`perf init` writes one", "no remote is configured", "no baselines here"] {
        assert!(healthy.stdout.contains(part), "{part}: {}", healthy.stdout);
    }
    sandbox.git_in(".", &["clone", "-q", "--bare", "repo", "origin.git"]);
    let url = format!("file://{}", sandbox.path("origin.git").display());
    sandbox.git_in(".", &["clone", "-q", "--depth", "1", &url, "shallow"]);
    let shallow = sandbox.perf_in("shallow", &["doctor"]);
    assert_eq!(shallow.status, 0, "the gate works here: {}", shallow.stdout);
    assert!(shallow.stdout.contains("git fetch --unshallow"), "{}", shallow.stdout);
    assert!(shallow.stdout.contains("origin takes notes"), "{}", shallow.stdout);
    sandbox.git_in("shallow", &["remote", "set-url", "origin", "../gone.git"]);
    let cut_off = sandbox.perf_in("shallow", &["doctor"]);
    assert_eq!(cut_off.status, 1);
    assert!(cut_off.stdout.contains("problem  origin takes no notes from here"), "{}", cut_off.stdout);
}

#[test]
fn the_environment_is_shown_and_compared() {
    let sandbox = Sandbox::new();
    sandbox.record(&output(&[("parse", 100.0)]));
    let here = sandbox.perf(&["env", "--json"]).json();
    assert_eq!(here["fingerprint"].as_str().unwrap().len(), 16);
    assert!(here["environment"]["identity"]["cpu"].is_string());
    let diff = sandbox.perf(&["env", "diff", "HEAD", "here"]);
    assert_eq!(diff.status, 0);
    assert!(diff.stdout.contains("- cpu") && diff.stdout.contains("Test CPU"), "{}", diff.stdout);
    let fingerprint = sandbox.perf(&["store", "log", "--json"]).json()["rows"][0]["fingerprint"].clone();
    let same = sandbox.perf(&["env", "diff", "HEAD", &fingerprint.as_str().unwrap()[..6]]);
    assert!(same.stdout.contains("identity is the same"), "{}", same.stdout);
}
