//! The local index against a full read.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use perf_model::{CommitId, Environment, Lineage, Measurement, Metric, Reading, Run, RunId, Samples};
use perf_store::Store;
use proptest::prelude::*;
use time::OffsetDateTime;

fn git(dir: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.current_dir(dir).args(["-c", "user.name=T", "-c", "user.email=t@example.com"]).args(args);
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn repository() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "-q", "-b", "main"]);
    git(dir.path(), &["commit", "-q", "--allow-empty", "-m", "one"]);
    dir
}

fn open(dir: &Path) -> Store {
    Store::open(dir, OffsetDateTime::UNIX_EPOCH).unwrap()
}

/// A commit that need not exist: notes are keyed by its name.
fn commit(n: u8) -> CommitId {
    format!("{n:02x}").repeat(20).parse().unwrap()
}

fn run(n: u8, id: u128, cores: u8) -> Run {
    let measurement = |benchmark: &str, value: f64| Measurement {
        benchmark: benchmark.into(),
        params: BTreeMap::new(),
        metric: Metric::time("time", "ns"),
        reading: Reading::Samples(Samples::new(vec![value, value + 1.0, value + 5.0]).unwrap()),
    };
    Run {
        id: RunId::from_bits(id),
        lineage: Lineage { commit: commit(n), tree: commit(n % 4), parents: vec![] },
        time: OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(id as i64),
        recorder: "test".into(),
        environment: Environment {
            identity: BTreeMap::from([("cores".into(), cores.to_string())]),
            context: BTreeMap::new(),
        },
        sources: vec![],
        measurements: vec![measurement("parse", f64::from(n)), measurement("lex", id as f64)],
        turn: None,
        rebaseline: None,
    }
}

/// What a full read says of the index's two questions, in a form that compares.
fn read_in_full(store: &Store) -> (Vec<String>, Vec<String>) {
    let (mut points, mut twins) = (Vec::new(), Vec::new());
    store
        .each(|found| {
            for run in found.baselines.iter().flat_map(|stored| &stored.baseline.runs) {
                let lineage = &run.lineage;
                twins.push(format!("{} {}", run.environment.fingerprint(), lineage.commit));
                for it in run.measurements.iter().filter(|it| it.benchmark == "parse") {
                    points.push(format!("{} {} {}", lineage.commit, run.id.as_str(), it.reading.location()));
                }
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    points.sort();
    twins.sort();
    twins.dedup();
    (points, twins)
}

fn read_by_index(store: &Store) -> (Vec<String>, Vec<String>) {
    let (points, _) = store.points("parse").unwrap();
    let mut points: Vec<_> =
        points.iter().map(|it| format!("{} {} {}", it.commit, it.run.as_str(), it.value)).collect();
    points.sort();
    let mut twins = Vec::new();
    for fingerprint in store.fingerprints().unwrap() {
        for tree in 0..4 {
            let found = store.measured_with_tree(&fingerprint, &commit(tree)).unwrap();
            twins.extend(found.iter().map(|commit| format!("{fingerprint} {commit}")));
        }
    }
    twins.sort();
    (points, twins)
}

fn index_files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.join(".git/perf/index")).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[derive(Clone, Debug)]
enum Step {
    Record {
        commit: u8,
        cores: u8,
    },
    /// Kept lines stand beside the notes until a remote has them: without them the notes alone speak.
    DropTheJournal,
    RemoveANote {
        commit: u8,
    },
    Pack,
    DeleteTheIndex,
    Damage {
        at: usize,
        with: u8,
    },
    CutOff {
        at: usize,
    },
    Ask,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0u8..12, 1u8..3).prop_map(|(commit, cores)| Step::Record { commit, cores }),
        2 => Just(Step::DropTheJournal),
        1 => (0u8..12).prop_map(|commit| Step::RemoveANote { commit }),
        1 => Just(Step::Pack),
        1 => Just(Step::DeleteTheIndex),
        2 => (0usize..4000, 1u8..=255).prop_map(|(at, with)| Step::Damage { at, with }),
        1 => (0usize..4000).prop_map(|at| Step::CutOff { at }),
        3 => Just(Step::Ask),
    ]
}

fn take(step: &Step, dir: &Path, id: u128) {
    match step {
        Step::Record { commit, cores } => {
            assert!(open(dir).record(&run(*commit, id, *cores)).unwrap().unfolded.is_none());
        }
        Step::DropTheJournal => {
            let _ = fs::remove_dir_all(dir.join(".git/perf/kept"));
        }
        Step::RemoveANote { commit: n } => {
            let _ = fs::remove_dir_all(dir.join(".git/perf/kept"));
            let reference = format!("--ref=perf/{}", run(0, 0, 1).environment.fingerprint());
            if !open(dir).fingerprints().unwrap().is_empty() {
                git(dir, &["notes", &reference, "remove", "--ignore-missing", commit(*n).as_str()]);
            }
        }
        Step::Pack => git(dir, &["gc", "-q", "--prune=now"]),
        Step::DeleteTheIndex => {
            let _ = fs::remove_dir_all(dir.join(".git/perf/index"));
        }
        Step::Damage { at, with } => {
            for file in index_files(dir) {
                let mut bytes = fs::read(&file).unwrap();
                let at = at % bytes.len();
                bytes[at] ^= with;
                fs::write(&file, bytes).unwrap();
            }
        }
        Step::CutOff { at } => {
            for file in index_files(dir) {
                let bytes = fs::read(&file).unwrap();
                fs::write(&file, &bytes[..at % bytes.len()]).unwrap();
            }
        }
        Step::Ask => {
            read_by_index(&open(dir));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_index_says_what_a_full_read_says_whatever_happened(steps in prop::collection::vec(step(), 1..14)) {
        let repository = repository();
        let dir = repository.path();
        for (step, id) in steps.iter().zip(1..) {
            take(step, dir, id);
        }
        let store = open(dir);
        prop_assert_eq!(read_by_index(&store), read_in_full(&store), "first");
        prop_assert_eq!(read_by_index(&store), read_in_full(&store), "from the file");
    }
}

/// Set in the processes that [`processes_that_record_and_read_at_once_agree`] starts.
const WORKER: &str = "PERF_TEST_INDEX_WORKER";

#[test]
fn processes_that_record_and_read_at_once_agree() {
    if let Ok(work) = std::env::var(WORKER) {
        let (dir, number) = work.rsplit_once('|').unwrap();
        let number: u8 = number.parse().unwrap();
        for round in 0..5 {
            let id = u128::from(number) * 100 + round + 1;
            open(Path::new(dir)).record(&run(number, id, 1)).unwrap();
            let (points, _) = open(Path::new(dir)).points("parse").unwrap();
            let own = points.iter().filter(|point| point.commit == commit(number)).count();
            assert_eq!(own as u128, round + 1, "each process sees at once what it recorded");
        }
        return;
    }
    let repository = repository();
    let dir = repository.path();
    let start = |number: usize| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "processes_that_record_and_read_at_once_agree"])
            .env(WORKER, format!("{}|{number}", dir.display()))
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let workers: Vec<_> = (0..6).map(start).collect();
    for mut worker in workers {
        assert!(worker.wait().unwrap().success());
    }
    let store = open(dir);
    let (points, twins) = read_by_index(&store);
    assert_eq!(points.len(), 30);
    assert_eq!((points, twins), read_in_full(&store));
    assert_eq!(index_files(dir).len(), 1, "no temporary file is left");
}
