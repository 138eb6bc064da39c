//! Where a repository is: as git's own environment variables say.

use crate::sandbox::{MACHINE, Sandbox, output};

#[test]
fn the_repository_that_git_dir_names_is_used_from_anywhere() {
    let sandbox = Sandbox::new();
    sandbox.write("out.json", output(&[("parse", 100.0)]));
    sandbox.git_in(".", &["init", "-q", "-b", "main", "elsewhere"]);
    let (git_dir, work_tree) = (sandbox.path("repo/.git"), sandbox.path("repo"));
    let variables =
        [format!("GIT_DIR={}", git_dir.display()), format!("GIT_WORK_TREE={}", work_tree.display())];
    let named: Vec<&str> = std::iter::once("env").chain(variables.iter().map(String::as_str)).collect();
    let mut record = vec!["collect", "../out.json", "--time", "2026-01-02"];
    record.extend(MACHINE);
    // In another repository, and in none.
    for dir in ["elsewhere", "home"] {
        let recorded = sandbox.perf_under(&named, dir, &record);
        assert_eq!(recorded.status, 0, "{dir}: {}", recorded.stderr);
    }
    let runs = |ended: crate::sandbox::Ended| ended.json()["baselines"][0]["runs"].as_array().unwrap().len();
    assert_eq!(runs(sandbox.perf(&["store", "show", "--json"])), 2);
    assert_eq!(runs(sandbox.perf_under(&named, "elsewhere", &["store", "show", "--json"])), 2);
    assert_eq!(sandbox.git_in("elsewhere", &["for-each-ref"]), "", "the repository here is left alone");
    // What is tracked there decides whether a run is of the commit.
    sandbox.write("repo/code.rs", "changed\n");
    let changed = sandbox.perf_under(&named, "elsewhere", &record);
    assert!(changed.stderr.contains("uncommitted changes"), "{}", changed.stderr);
}
