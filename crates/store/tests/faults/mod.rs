//! What is in the way: file systems that refuse, clocks that jump, other programs' locks.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use perf_store::{Keep, Store, StoreError};
use time::macros::datetime;

use crate::{Sandbox, ids, options, shared};

#[test]
fn a_clock_that_jumps_loses_nothing() {
    let sandbox = shared(&["one"]);
    let run = sandbox.run("one", "HEAD", 1);
    let moments =
        [datetime!(2038-01-20 00:00 UTC), datetime!(1970-01-01 00:00 UTC), datetime!(2100-01-01 00:00 UTC)];
    for (id, now) in (1..).zip(moments) {
        let store = Store::open(&sandbox.path("one"), now).unwrap();
        let recorded = store.record(&sandbox.run("one", "HEAD", id)).unwrap();
        assert!(recorded.unfolded.is_none(), "{now}: {:?}", recorded.unfolded);
        let files = sandbox.path("one/.git/perf/kept").join(run.environment.fingerprint().as_str());
        let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
        let kept = fs::read_dir(files).unwrap().flat_map(|dir| fs::read_dir(dir.unwrap().path()).unwrap());
        for file in kept {
            fs::File::open(file.unwrap().path()).unwrap().set_modified(tomorrow).unwrap();
        }
        store.push(&options()).unwrap();
    }
    assert_eq!(ids(&sandbox.store("remote.git"), &run.lineage.commit), ["1", "2", "3"]);
    assert_eq!(sandbox.git("one", &["fsck", "--strict", "--no-dangling"]), "");
}

#[test]
fn a_journal_that_cannot_be_made_is_an_error_that_names_the_file() {
    let sandbox = Sandbox::new("sha1");
    let run = sandbox.run("repo", "HEAD", 1);
    fs::write(sandbox.path("repo/.git/perf"), "in the way").unwrap();
    let error = sandbox.store("repo").record(&run).unwrap_err();
    assert!(
        matches!(&error, StoreError::File { path, .. } if path.ends_with(run.environment.fingerprint().as_str()))
    );
    fs::remove_file(sandbox.path("repo/.git/perf")).unwrap();
    sandbox.store("repo").record(&run).unwrap();
    assert_eq!(ids(&sandbox.store("repo"), &run.lineage.commit), ["1"]);
}

#[test]
fn settings_that_cannot_be_read_are_no_settings_to_go_on_without() {
    let sandbox = shared(&["one"]);
    let config = sandbox.path("one/.git/config");
    let text = fs::read(&config).unwrap();
    fs::remove_file(&config).unwrap();
    // Root may read every file, but no directory as one.
    fs::create_dir(&config).unwrap();
    let error = Store::open(&sandbox.path("one"), datetime!(2026-01-01 00:00 UTC)).unwrap_err();
    assert!(error.is_of_system(), "{error}");
    fs::remove_dir(&config).unwrap();
    for nothing in [&b""[..], b"# nothing\n"] {
        fs::write(&config, nothing).unwrap();
        Store::open(&sandbox.path("one"), datetime!(2026-01-01 00:00 UTC)).unwrap();
    }
    fs::write(&config, text).unwrap();
    assert_eq!(sandbox.store("one").remotes(), ["origin"]);
}

#[test]
fn an_object_that_is_gone_is_an_error_and_not_a_note_to_pass_over() {
    let sandbox = Sandbox::new("sha1");
    let (store, run) = (|| sandbox.store("repo"), sandbox.run("repo", "HEAD", 1));
    store().record(&run).unwrap();
    fs::remove_dir_all(sandbox.path("repo/.git/perf")).unwrap();
    let name = format!("refs/notes/perf/{}", run.environment.fingerprint());
    for part in [format!("{name}^{{tree}}"), format!("{name}:{}", run.lineage.commit)] {
        let id = sandbox.git("repo", &["rev-parse", &part]);
        let file = sandbox.path(&format!("repo/.git/objects/{}/{}", &id[..2], id[2..].trim()));
        let away = sandbox.path("away");
        fs::rename(&file, &away).unwrap();
        assert!(store().find(&run.lineage.commit).is_err(), "find: {part}");
        assert!(store().prune(&Keep::default(), None).is_err(), "prune: {part}");
        assert!(store().repair(None).is_err(), "repair: {part}");
        fs::rename(&away, &file).unwrap();
        assert_eq!(ids(&store(), &run.lineage.commit), ["1"], "{part}");
    }
}

#[test]
fn a_fetch_that_brings_nothing_shows_what_was_pushed_and_not_what_was_fetched_before() {
    let sandbox = shared(&["one"]);
    let (one, run) = (sandbox.store("one"), sandbox.run("one", "HEAD", 1));
    one.record(&run).unwrap();
    one.push(&options()).unwrap();
    one.record(&sandbox.run("one", "HEAD", 2)).unwrap();
    one.push(&options()).unwrap();
    let fingerprint = run.environment.fingerprint();
    let at = |name: &str| sandbox.git("one", &["rev-parse", &format!("{name}/{fingerprint}")]);
    assert_eq!(at("refs/perf/fetched/origin"), at("refs/notes/perf"));
    assert_eq!(at("refs/perf/remotes/origin"), at("refs/notes/perf"));
}

#[test]
fn objects_that_cannot_be_written_leave_the_run_in_the_journal() {
    let sandbox = Sandbox::new("sha1");
    let (store, run) = (sandbox.store("repo"), sandbox.run("repo", "HEAD", 1));
    // A file where the directory of refs should be stops everybody, root too.
    fs::write(sandbox.path("repo/.git/refs/notes"), "in the way").unwrap();
    let recorded = store.record(&run).unwrap();
    assert!(recorded.unfolded.is_some());
    assert_eq!(ids(&store, &run.lineage.commit), ["1"], "readers see the journal");
    fs::remove_file(sandbox.path("repo/.git/refs/notes")).unwrap();
    assert!(store.record(&sandbox.run("repo", "HEAD", 2)).unwrap().unfolded.is_none());
    let name = format!("--ref=perf/{}", run.environment.fingerprint());
    assert_eq!(sandbox.git("repo", &["notes", &name, "show", "HEAD"]).lines().count(), 2);
}

#[test]
fn a_remote_whose_server_dies_half_way_is_an_error_and_the_next_push_delivers() {
    let sandbox = shared(&["one"]);
    let (one, run) = (sandbox.store("one"), sandbox.run("one", "HEAD", 1));
    one.record(&run).unwrap();
    let hook = sandbox.path("remote.git/hooks/pre-receive");
    // The objects have arrived, the refs have not changed.
    fs::write(&hook, "#!/bin/sh\nkill -9 $PPID\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let error = one.push(&options()).unwrap_err();
    assert!(matches!(error, StoreError::PushRejected { .. }), "{error}");
    fs::write(&hook, "#!/bin/sh\nexit 0\n").unwrap();
    one.push(&options()).unwrap();
    assert_eq!(ids(&sandbox.store("remote.git"), &run.lineage.commit), ["1"]);
    // The refs have changed, the answer has not arrived.
    let hook = sandbox.path("remote.git/hooks/post-receive");
    fs::write(&hook, "#!/bin/sh\nkill -9 $PPID\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    one.record(&sandbox.run("one", "HEAD", 2)).unwrap();
    let _ = one.push(&options());
    assert_eq!(one.push(&options()).unwrap().attempts, 0, "it was delivered");
    assert_eq!(ids(&sandbox.store("remote.git"), &run.lineage.commit), ["1", "2"]);
    assert_eq!(sandbox.git("remote.git", &["fsck", "--strict", "--no-dangling"]), "");
}

#[test]
fn the_users_core_fsync_is_accepted_in_every_form() {
    let sandbox = Sandbox::new("sha1");
    for (id, value) in
        (1..).zip(["all", "committed,loose-object", "none", "reference", "default,-pack", "nonsense"])
    {
        sandbox.git("repo", &["config", "core.fsync", value]);
        let recorded = sandbox.store("repo").record(&sandbox.run("repo", "HEAD", id)).unwrap();
        assert!(recorded.unfolded.is_none(), "{value}: {:?}", recorded.unfolded);
    }
}
