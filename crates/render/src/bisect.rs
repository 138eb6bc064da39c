//! What a search for a commit found.

use perf_model::{CommitId, Unit};
use serde::Serialize;

use crate::json::{VERSION, line};
use crate::number::{counted, percent, share};
use crate::sink::Sink;

/// A commit and the first line of its message.
pub type Named = (CommitId, String);

/// Everything that a search found out.
#[derive(Clone, Debug)]
pub struct Found {
    /// The benchmark.
    pub benchmark: String,
    /// The good and the bad end of the line of commits.
    pub line: (CommitId, CommitId),
    /// What the ends were measured at; `None` where they do not differ.
    pub ends: Option<Ends>,
    /// The commits that it may be, oldest first; the one before them is good.
    pub commits: Vec<Named>,
    /// How likely it is one of them.
    pub confidence: f64,
    /// How many stored baselines had something to say.
    pub free: usize,
    /// How many commits were measured.
    pub probes: usize,
    /// How many commits could not be measured.
    pub skipped: usize,
}

/// What the two ends of a search were measured at.
#[derive(Clone, Debug)]
pub struct Ends {
    /// The level of the good end.
    pub good: f64,
    /// The level of the bad end.
    pub bad: f64,
    /// The unit of both.
    pub unit: Unit,
    /// How many rounds of turns they were measured in.
    pub pairs: usize,
}

impl Found {
    /// Returns a search that found nothing yet.
    pub fn of(benchmark: &str, line: (CommitId, CommitId)) -> Self {
        let benchmark = benchmark.to_owned();
        Self { benchmark, line, ends: None, commits: vec![], confidence: 0.0, free: 0, probes: 0, skipped: 0 }
    }
}

/// Returns what a search found, for a terminal.
pub fn text(found: &Found) -> String {
    let sink = Sink::Text;
    let (benchmark, good, bad) =
        (sink.name(&found.benchmark), sink.commit(&found.line.0), sink.commit(&found.line.1));
    let Some(ends) = &found.ends else {
        return format!(
            "refused: {good} and {bad} do not differ in {benchmark} on this machine: there is nothing to find\n\
             hint: `perf compare --measure --against {good} --head {bad}` shows what could have been seen\n"
        );
    };
    let mut lines = vec![match found.commits.as_slice() {
        [only] => format!("{benchmark} changed in {}", named(only)),
        several => {
            format!("{benchmark} changed in one of {} commits, oldest first:", counted(several.len()))
        }
    }];
    if found.commits.len() > 1 {
        lines.extend(found.commits.iter().take(MOST).map(|commit| format!("  {}", named(commit))));
        let rest = found.commits.len().saturating_sub(MOST);
        lines.extend((rest > 0).then(|| format!("  ... and {} more", counted(rest))));
    }
    let [before, after] = sink.amounts(&ends.unit, [ends.good, ends.bad]);
    let change = percent(ends.bad / ends.good - 1.0);
    lines.push(format!("confidence: {}", share(found.confidence)));
    lines.push(format!(
        "ends: good {good} {before}, bad {bad} {after} ({change}), measured in {} rounds of turns",
        counted(ends.pairs)
    ));
    let (free, probes, skipped) = (counted(found.free), counted(found.probes), counted(found.skipped));
    lines.push(format!("asked: {free} stored baselines, {probes} measured commits; skipped: {skipped}"));
    lines.join("\n") + "\n"
}

/// More commits than this are only counted.
const MOST: usize = 20;

fn named((id, subject): &Named) -> String {
    format!("{} {}", Sink::Text.commit(id), Sink::Text.name(subject))
}

/// Returns what a search found, for programs:
///
/// ```text
/// version  1
/// benchmark  good  bad  the ends, as full commit ids
/// ends     null: they do not differ; or {good, bad, unit, pairs}
/// commits  [{commit, subject}]: it is one of these, oldest first
/// confidence  free  probes  skipped
/// ```
pub fn json(found: &Found) -> String {
    line(&Report {
        version: VERSION,
        benchmark: &found.benchmark,
        good: found.line.0.as_str(),
        bad: found.line.1.as_str(),
        ends: found.ends.as_ref().map(|ends| EndsJson {
            good: ends.good,
            bad: ends.bad,
            unit: ends.unit.symbol(),
            pairs: ends.pairs,
        }),
        commits: found
            .commits
            .iter()
            .map(|(commit, subject)| CommitJson { commit: commit.as_str(), subject })
            .collect(),
        confidence: found.confidence,
        free: found.free,
        probes: found.probes,
        skipped: found.skipped,
    })
}

#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    benchmark: &'a str,
    good: &'a str,
    bad: &'a str,
    ends: Option<EndsJson<'a>>,
    commits: Vec<CommitJson<'a>>,
    confidence: f64,
    free: usize,
    probes: usize,
    skipped: usize,
}

#[derive(Serialize)]
struct EndsJson<'a> {
    good: f64,
    bad: f64,
    unit: &'a str,
    pairs: usize,
}

#[derive(Serialize)]
struct CommitJson<'a> {
    commit: &'a str,
    subject: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(digit: char) -> CommitId {
        digit.to_string().repeat(40).parse().unwrap()
    }

    fn found(commits: Vec<Named>) -> Found {
        Found {
            ends: Some(Ends { good: 1000.0, bad: 1150.0, unit: Unit::new("ns"), pairs: 5 }),
            commits,
            confidence: 0.97,
            free: 2,
            probes: 6,
            skipped: 1,
            ..Found::of("parse/\u{202e}large", (commit('a'), commit('b')))
        }
    }

    #[test]
    fn a_commit_is_named_with_both_levels_and_how_sure_it_is() {
        let text = text(&found(vec![(commit('c'), "Slow\u{1b}[31m down".into())]));
        assert!(text.starts_with("parse/"), "{text}");
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text}");
        for part in
            ["changed in cccccccccccc Slow", "confidence: 97", "1 us", "1.150 us", "+15.0 %", "skipped: 1"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn a_range_lists_its_commits() {
        let text = text(&found((0..30).map(|i| (commit('c'), format!("number {i}"))).collect()));
        assert!(text.contains("one of 30 commits") && text.contains("... and 10 more"), "{text}");
    }

    #[test]
    fn ends_that_do_not_differ_are_a_refusal() {
        let nothing = Found::of("a", (commit('a'), commit('b')));
        assert!(text(&nothing).starts_with("refused: aaaaaaaaaaaa and bbbbbbbbbbbb do not differ in a"));
        let report: serde_json::Value = serde_json::from_str(&json(&nothing)).unwrap();
        assert_eq!(
            (&report["ends"], report["commits"].as_array().unwrap().len()),
            (&serde_json::Value::Null, 0)
        );
    }
}
