use std::fs;
use std::path::{Path, PathBuf};

use crate::sandbox::Sandbox;

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(name: &str) -> String {
    fs::read_to_string(top().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn the_command_line_reference_is_that_of_the_binary() {
    let reference = Sandbox::empty().perf_in(".", &["reference"]).stdout;
    assert!(reference == read("docs/cli.md"), "docs/cli.md is old: run `just cli-reference`");
}

#[test]
fn the_table_of_formats_is_that_of_the_binary() {
    let reference = Sandbox::empty().perf_in(".", &["reference", "formats"]).stdout;
    assert!(reference == read("docs/formats.md"), "docs/formats.md is old: run `just format-reference`");
}

#[test]
fn the_schemas_are_those_of_the_binary() {
    for (topic, file) in [("config-schema", "perf-toml"), ("report-schema", "perf-report")] {
        let made = Sandbox::empty().perf_in(".", &["reference", topic]).stdout;
        let name = format!("docs/schema/{file}.schema.json");
        assert!(made == read(&name), "{name} is old: run `just {topic}`");
    }
}

#[test]
fn the_readmes_test_command_is_what_ci_runs_last() {
    let ci = read(".ci/run");
    let last =
        ci.lines().rfind(|line| line.starts_with("step ")).unwrap().trim_start_matches("step ").to_owned();
    assert!(read("README.md").contains(&format!("    {last}\n")), "README.md does not say `{last}`");
}

#[test]
fn the_storage_contract_gives_the_fingerprint_that_the_code_computes() {
    // The very example of the page, also a test of `perf-model`.
    assert!(read("baselines.git-notes.md").contains("054096e85e5d2aeb"));
    assert!(read("crates/model/src/environment.rs").contains("054096e85e5d2aeb"));
}

#[test]
fn every_decision_page_is_listed() {
    let list = read("docs/decisions/README.md");
    for entry in fs::read_dir(top().join("docs/decisions")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "README.md" || list.contains(&format!("({name})")), "{name} is not listed");
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    for page in [
        "README.md",
        "CHANGELOG.md",
        "baselines.git-notes.md",
        "docs/acceptance.md",
        "docs/aliases.md",
        "docs/architecture.md",
        "docs/BENCHMARKS.md",
        "docs/ci.md",
        "docs/contract.md",
        "docs/export.md",
        "docs/formats.md",
        "docs/glossary.md",
        "docs/import.md",
        "docs/history.md",
        "docs/limits.md",
        "docs/load-tests.md",
        "docs/measuring.md",
        "docs/verdict.md",
        "docs/verdict-evaluation.md",
        "docs/rebaselining.md",
        "docs/percentiles.md",
        "docs/calibration.md",
        "docs/decisions/README.md",
    ] {
        let text = read(page);
        let dir = top().join(page).parent().unwrap().to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap();
            let outside = link.starts_with("http") || file.is_empty();
            assert!(outside || dir.join(file).exists(), "{page}: {link} leads nowhere");
        }
    }
}
