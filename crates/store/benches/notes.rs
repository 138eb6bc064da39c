//! Recording a run, and finding one commit's baseline among 10,000 notes.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use perf_model::{CommitId, Environment, Lineage, Measurement, Metric, Reading, Run, RunId, Samples, Source};
use perf_store::{Store, encode};
use time::OffsetDateTime;

const NOTES: usize = 10_000;

fn run(commit: &CommitId, id: u128) -> Run {
    let measurements = (0..20).map(|n| Measurement {
        benchmark: format!("group/{n}"),
        params: BTreeMap::new(),
        metric: Metric::time("time", "ns"),
        reading: Reading::Samples(
            Samples::new((0..20).map(|k| 1000.0 + f64::from(n * k)).collect()).expect("finite samples"),
        ),
    });
    Run {
        id: RunId::from_bits(id),
        lineage: Lineage { commit: commit.clone(), tree: commit.clone(), parents: vec![] },
        time: OffsetDateTime::UNIX_EPOCH,
        recorder: "bench".into(),
        environment: Environment::default(),
        sources: vec![Source { format: "criterion".into(), tool: "criterion".into() }],
        measurements: measurements.collect(),
        turn: None,
        rebaseline: None,
    }
}

/// A commit that need not exist: notes are keyed by its name.
fn commit(n: usize) -> CommitId {
    blake3::hash(&n.to_le_bytes()).to_hex()[..40].parse().expect("40 hex digits")
}

/// Writes the notes with git itself, in one stream.
fn repository(dir: &Path) -> Store {
    git(dir, &["init", "-q", "-b", "main"], b"");
    git(dir, &["commit", "-q", "--allow-empty", "-m", "one"], b"");
    let fingerprint = Environment::default().fingerprint();
    let mut stream = format!(
        "commit refs/notes/perf/{fingerprint}\ncommitter Bench <bench@example.com> 0 +0000\ndata 0\n"
    )
    .into_bytes();
    for n in 0..NOTES {
        let line = encode(&run(&commit(n), n as u128)).expect("a sound run");
        let hex = commit(n);
        let path = format!("{}/{}", &hex.as_str()[..2], &hex.as_str()[2..]);
        stream.extend(format!("M 100644 inline {path}\ndata {}\n", line.len() + 1).bytes());
        stream.extend(line);
        stream.extend(b"\n\n");
    }
    git(dir, &["fast-import", "--quiet"], &stream);
    Store::open(dir, OffsetDateTime::UNIX_EPOCH).expect("a repository")
}

fn git(dir: &Path, args: &[&str], input: &[u8]) {
    let mut child = Command::new("git")
        .args(["-c", "user.name=Bench", "-c", "user.email=bench@example.com"])
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::piped())
        .spawn()
        .expect("git is installed");
    child.stdin.take().expect("standard input is piped").write_all(input).expect("git reads its input");
    assert!(child.wait().expect("git ends").success(), "git {args:?}");
}

fn bench(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let store = repository(dir.path());
    let mut group = criterion.benchmark_group("store");
    group.sample_size(20);
    let mut next = 0;
    group.bench_function("find one of 10,000 notes", |bencher| {
        bencher.iter(|| {
            next = (next + 7919) % NOTES;
            let found = store.find(black_box(&commit(next))).expect("a readable store");
            assert_eq!(found.baselines.len(), 1);
            found
        });
    });
    let mut id = NOTES as u128;
    group.bench_function("record a run of 20 series beside 10,000 notes", |bencher| {
        bencher.iter_batched(
            || {
                id += 1;
                run(&commit(id as usize), id)
            },
            |run| store.record(&run).expect("a writable store"),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
