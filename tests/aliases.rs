//! Benchmarks that got another name: declared, never guessed.

use crate::sandbox::{Sandbox, output};

/// What is measured at the base and at the head, as names of one level.
type Sides<'a> = (&'a [(&'a str, f64)], &'a [(&'a str, f64)]);

/// The base has this configuration.
fn renamed(config: &str, (before, after): Sides) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("repo/perf.toml", config);
    sandbox.git(&["add", "perf.toml"]);
    sandbox.commit("Configure");
    sandbox.measure(before);
    sandbox.branch("feature");
    sandbox.measure(after);
    sandbox
}

fn alias(from: &str, to: &str) -> String {
    format!("[[alias]]\nfrom = \"{from}\"\nto = \"{to}\"\n")
}

#[test]
fn a_renamed_benchmark_keeps_its_baseline() {
    let sides: Sides = (&[("parse/old", 100.0), ("lex", 5.0)], &[("parser/new", 130.0), ("lex", 5.0)]);
    let sandbox = renamed(&alias("parse/old", "parser/new"), sides);
    let ended = sandbox.perf(&["compare"]);
    assert_eq!(ended.status, 1, "{}", ended.stdout);
    for said in [
        "FAIL: 1 of 2 series regressed beyond its fail limit (worst: parser/new time, +30.0 %)\n",
        "regressed (slower); renamed from parse/old",
        "renamed: 1\nparser/new time: renamed from parse/old\n",
        "2 series: 1 regressed, 0 slower, 0 improved, 1 unchanged, 0 inconclusive\n",
    ] {
        assert!(ended.stdout.contains(said), "{said}: {}", ended.stdout);
    }
    let row = &sandbox.perf(&["compare", "--output", "json"]).json()["sections"][0]["series"][0];
    assert_eq!(row["renamed_from"]["benchmark"], "parse/old");
    let markdown = sandbox.perf(&["compare", "--output", "markdown"]).stdout;
    assert!(markdown.contains("`parser/new` `time`: renamed from `parse/old`"), "{markdown}");
}

#[test]
fn a_star_renames_many_and_the_fallen_names_are_not_missed() {
    let sides: Sides = (
        &[("parse/a", 100.0), ("parse/b", 100.0), ("lex", 5.0)],
        &[("parser/a", 100.0), ("parser/b", 100.0), ("lex", 5.0)],
    );
    let sandbox = renamed(&alias("parse/*", "parser/*"), sides);
    let report = sandbox.perf(&["compare", "--output", "json"]).json();
    let census = &report["sections"][0]["census"];
    assert_eq!((&census["unchanged"], &census["missing"], &census["new"]), (&3.into(), &0.into(), &0.into()));
}

#[test]
fn an_alias_that_is_not_clear_is_not_used_and_said() {
    let before: &[(&str, f64)] = &[("a", 100.0), ("b", 100.0), ("lex", 5.0)];
    for (config, after, said) in [
        (
            alias("a", "c") + &alias("b", "c"),
            vec![("c", 100.0), ("lex", 5.0)],
            "warning: alias not used: a, b would all become c",
        ),
        (
            alias("a", "c"),
            vec![("a", 100.0), ("b", 100.0), ("c", 100.0), ("lex", 5.0)],
            "warning: alias not used: the head has both a and c",
        ),
    ] {
        let ended = renamed(&config, (before, &after)).perf(&["compare"]);
        assert_eq!(ended.status, 0, "{}", ended.stdout);
        assert!(ended.stdout.contains(said), "{}", ended.stdout);
        assert!(!ended.stdout.contains("renamed from"), "{}", ended.stdout);
    }
}

#[test]
fn aliases_in_a_circle_are_an_error() {
    let sandbox = Sandbox::new();
    sandbox.write("repo/perf.toml", alias("a", "b") + &alias("b", "c") + &alias("c", "a"));
    let ended = sandbox.perf(&["rules", "a"]);
    assert_eq!(ended.status, 2);
    assert!(ended.stderr.contains("[[alias]] 1: `a` becomes `a` again in a circle"), "{}", ended.stderr);
}

/// Returns the aliases that a report proposes.
fn proposal(report: &str) -> String {
    let after = report.lines().skip_while(|line| !line.starts_with("perhaps renamed"));
    let lines = after.skip(1).map(str::trim).skip_while(|line| line.is_empty() || line.starts_with("```"));
    lines.take_while(|line| !line.is_empty() && *line != "```").map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_likely_rename_is_proposed_and_what_is_proposed_works() {
    for (old, new) in [
        ("parse/large", "parser/large"),
        ("GET /users \"all\"", "GET /v2/users \"all\""),
        ("a\\b # c", "a\\b # d"),
        ("\u{1b}[2J grün x", "\u{1b}[2J grün y"),
        ("```\nfence", "```\nfences"),
    ] {
        let sandbox = renamed("", (&[(old, 100.0), ("lex", 5.0)], &[(new, 100.0), ("lex", 5.0)]));
        let ended = sandbox.perf(&["compare"]);
        assert_eq!(ended.status, 0, "never guessed: {}", ended.stdout);
        assert!(!ended.stdout.contains("renamed from"), "{}", ended.stdout);
        let markdown = sandbox.perf(&["compare", "--output", "markdown"]).stdout;
        for report in [&ended.stdout, &markdown] {
            let config = proposal(report);
            assert!(config.starts_with("[[alias]]\n"), "{report}");
            let told = renamed(&config, (&[(old, 100.0), ("lex", 5.0)], &[(new, 100.0), ("lex", 5.0)]));
            let census = &told.perf(&["compare", "--output", "json"]).json()["sections"][0]["census"];
            assert_eq!((&census["unchanged"], &census["missing"]), (&2.into(), &0.into()), "{config}");
        }
    }
}

#[test]
fn where_everything_was_renamed_the_refusal_proposes_it() {
    let sandbox = renamed(
        "",
        (&[("parse_old/a", 1.0), ("parse_old/b", 1.0)], &[("parse_new/a", 1.0), ("parse_new/b", 1.0)]),
    );
    let ended = sandbox.perf(&["compare"]);
    assert_eq!(ended.status, 3);
    let config = proposal(&ended.stdout);
    assert_eq!(
        config, "[[alias]] # 2 benchmarks\nfrom = \"parse_old*\"\nto = \"parse_new*\"\n",
        "{}",
        ended.stdout
    );
    let told = renamed(
        &config,
        (&[("parse_old/a", 1.0), ("parse_old/b", 1.0)], &[("parse_new/a", 1.0), ("parse_new/b", 1.0)]),
    );
    assert_eq!(told.perf(&["compare"]).status, 0);
}

#[test]
fn rules_show_the_former_name() {
    let sandbox = Sandbox::new();
    sandbox.write("repo/perf.toml", alias("parse/*", "parser/*"));
    let shown = sandbox.perf(&["rules", "parser/a"]).stdout;
    assert!(shown.contains("  formerly  parse/*                [[alias]] 1 (to parser/*)\n"), "{shown}");
    assert!(!sandbox.perf(&["rules", "parse/a"]).stdout.contains("formerly"));
}

#[test]
fn the_change_that_renames_brings_the_alias_and_the_report_says_whose_it_is() {
    for (of_base, from, to) in [("", "old", "new"), ("fail = \"25%\"\n", "old", "new"), ("", "old*", "new*")]
    {
        let sandbox = renamed(of_base, (&[("old", 100.0)], &[("new", 130.0)]));
        sandbox.git(&["checkout", "-q", "-b", "rename", "main"]);
        sandbox.write("repo/perf.toml", format!("{of_base}{}", alias(from, to)));
        sandbox.git(&["add", "perf.toml"]);
        sandbox.commit("Rename");
        sandbox.measure(&[("new", 130.0)]);
        let ended = sandbox.perf(&["compare"]);
        assert_eq!(ended.status, 1, "{}", ended.whole());
        assert!(ended.stdout.contains("renamed from old"), "{}", ended.stdout);
        assert!(ended.stdout.contains("by an alias that only the head's perf.toml has"), "{}", ended.stdout);
        assert!(!ended.stdout.contains("holds once"), "it holds already: {}", ended.stdout);
    }
}

#[test]
fn an_alias_of_the_head_changes_none_of_the_base() {
    let sides: Sides = (&[("old", 100.0), ("other", 100.0)], &[("new", 130.0), ("lex", 1.0)]);
    let sandbox = renamed(&alias("old", "new"), sides);
    // `old` would be compared with nothing.
    sandbox.write("repo/perf.toml", alias("old", "gone"));
    sandbox.git(&["add", "perf.toml"]);
    sandbox.commit("Hide");
    sandbox.measure(&[("new", 130.0), ("lex", 1.0)]);
    let ended = sandbox.perf(&["compare"]);
    assert_eq!(ended.status, 1, "{}", ended.whole());
    assert!(ended.stdout.contains("renamed from old"), "{}", ended.stdout);
}

#[test]
fn a_new_name_brings_no_other_limits() {
    let of_base = "[[rule]]\nbenchmark = \"old\"\nfail = \"5%\"\nmax = \"125 ns\"\n";
    for (level, said) in [
        (110.0, "regressed beyond its fail limit (worst: new time, +10.0 %)"),
        (130.0, "1 budget broken (new time"),
    ] {
        let sandbox = renamed(of_base, (&[("old", 100.0)], &[("old", 100.0)]));
        sandbox.git(&["checkout", "-q", "-b", "rename", "main"]);
        sandbox.write("repo/perf.toml", format!("{of_base}{}", alias("old", "new")));
        sandbox.git(&["add", "perf.toml"]);
        sandbox.commit("Rename");
        sandbox.measure(&[("new", level)]);
        let ended = sandbox.perf(&["compare"]);
        assert_eq!(ended.status, 1, "{}", ended.whole());
        assert!(ended.stdout.contains(said), "{}", ended.stdout);
    }
}

/// Twelve commits with the former name, twelve slower ones with the name of today.
fn long_ago_renamed(config: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("repo/perf.toml", config);
    sandbox.git(&["add", "perf.toml"]);
    for number in 0..24 {
        sandbox.commit(&format!("Commit {number}"));
        let noise = f64::from(number * 7 % 5) / 10.0;
        let (name, level) = if number < 12 { ("parse/large", 100.0) } else { ("parser/large", 125.0) };
        sandbox.record(&output(&[(name, level + noise)]));
    }
    sandbox
}

#[test]
fn a_renamed_series_has_one_history_by_either_name() {
    let sandbox = long_ago_renamed(&alias("parse/*", "parser/*"));
    for name in ["parser/large", "parse/large", "parse/*"] {
        let history = sandbox.perf(&["history", name, "--format", "json"]).json();
        let [series] = history["series"].as_array().unwrap().as_slice() else { panic!("one: {history}") };
        assert_eq!(
            (&series["benchmark"], &series["formerly"][0]),
            (&"parser/large".into(), &"parse/large".into())
        );
        assert_eq!(series["points"].as_array().unwrap().len(), 24, "{name}");
        assert_eq!(series["changes"].as_array().unwrap().len(), 1, "{name}");
    }
    let text = sandbox.perf(&["history"]).stdout;
    assert!(text.contains("parser/large time (formerly parse/large)"), "{text}");
    for name in ["parser/large", "parse/large"] {
        let blamed = sandbox.perf(&["blame", name]);
        assert!(blamed.stdout.contains("Commit 12"), "{}", blamed.whole());
        let explained = sandbox.perf(&["explain", name, "--against", "HEAD~12"]);
        assert!(explained.stdout.contains("parser/large time"), "{}", explained.whole());
    }
    let learned = sandbox.perf(&["calibrate", "--output", "json"]).json();
    let [series] = learned["series"].as_array().unwrap().as_slice() else { panic!("one: {learned}") };
    assert_eq!((&series["benchmark"], &series["baselines"]), (&"parser/large".into(), &24.into()));
}

#[test]
fn without_an_alias_they_are_two_series() {
    let sandbox = long_ago_renamed("");
    let history = sandbox.perf(&["history", "--format", "json"]).json();
    assert_eq!(history["series"].as_array().unwrap().len(), 2);
    assert_eq!(history["series"][0]["formerly"], serde_json::Value::Null);
}

#[test]
fn a_name_that_is_measured_beside_the_former_one_is_a_series_of_its_own() {
    let sandbox = long_ago_renamed(&alias("parse/large", "parser/large"));
    sandbox.commit("Both");
    sandbox.record(&output(&[("parse/large", 100.0), ("parser/large", 125.0)]));
    let ended = sandbox.perf(&["history", "parse/large", "--format", "json"]);
    assert!(ended.stderr.contains("parser/large time: measured beside a former name"), "{}", ended.stderr);
    assert_eq!(ended.json()["series"].as_array().unwrap().len(), 2);
}

#[test]
fn an_alias_of_the_head_does_not_switch_off_one_of_the_base() {
    let sides: Sides = (&[("a", 100.0), ("c", 100.0)], &[("b", 130.0)]);
    let sandbox = renamed(&alias("a", "b"), sides);
    sandbox.write("repo/perf.toml", alias("a", "b") + &alias("c", "b"));
    sandbox.git(&["commit", "-qam", "Confuse"]);
    sandbox.measure(&[("b", 130.0)]);
    let ended = sandbox.perf(&["compare"]);
    assert_eq!(ended.status, 1, "{}", ended.whole());
    assert!(ended.stdout.contains("b time: renamed from a"), "{}", ended.stdout);
}
