//! A store that version 0.1.0 wrote, as a stream of `git fast-import`. Every later version must read it so.

use perf_store::FaultKind;

use crate::{Sandbox, ids};

#[test]
fn the_store_that_version_0_1_0_wrote_is_read_as_it_was() {
    let sandbox = Sandbox::new("sha1");
    sandbox.git(".", &["init", "-q", "-b", "main", "example"]);
    let stream =
        std::fs::File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/example/store-0.1.0.stream"));
    let mut import = crate::git(&sandbox.path("example"), &["fast-import", "--quiet"]);
    assert!(import.stdin(stream.unwrap()).status().unwrap().success());
    let store = sandbox.store("example");
    let at = |revision: &str| store.find(&store.resolve(revision).unwrap().lineage.commit).unwrap();
    let seen = |revision: &str| -> Vec<(String, usize)> {
        let of = |stored: &perf_store::Stored| (stored.fingerprint.to_string(), stored.baseline.runs.len());
        at(revision).baselines.iter().map(of).collect()
    };
    let (four, sixteen) = ("b1a5047068fd4138", "6a6feffa349f1b2d");
    assert_eq!(seen("main"), [(four.to_owned(), 1)]);
    assert_eq!(seen("main~2"), [(four.to_owned(), 2)]);
    assert_eq!(seen("main~1"), [(four.to_owned(), 1)], "the other was taken back");
    let retracted = &at("main~1").unusable[0];
    assert_eq!(retracted.fingerprint.as_str(), sixteen);
    assert!(retracted.reason.contains("by Tester <tester@example.com>"), "{}", retracted.reason);
    assert!(retracted.reason.ends_with("the machine was throttled"), "{}", retracted.reason);
    let newest = at("main").baselines.remove(0).baseline;
    let readings: Vec<_> = newest.runs[0]
        .measurements
        .iter()
        .map(|it| (it.series().to_string(), it.reading.location(), it.reading.samples().to_vec()))
        .collect();
    assert_eq!(readings[0], ("bytes size".to_owned(), 4096.0, vec![]));
    assert_eq!(readings[1].2, [1519.75, 1102.0, 1510.5]);
    assert_eq!(newest.environment.context["load"], "0.1");
    let verified = store.verify().unwrap();
    let mut kinds: Vec<FaultKind> = verified.faults.iter().map(|fault| fault.kind).collect();
    kinds.sort();
    assert_eq!(kinds, [FaultKind::Unreadable, FaultKind::Future]);
    assert_eq!((verified.lines, verified.runs, verified.retracted), (8, 4, 1));
    store.record(&sandbox.run("example", "main", 1)).unwrap();
    assert_eq!(ids(&store, &store.resolve("main").unwrap().lineage.commit).len(), 2, "and is written on");
}
