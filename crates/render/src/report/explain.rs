//! How a verdict came about, step by step.

use perf_compare::statistics::{Judge, LevelUsed, TakenAs};
use perf_compare::{Comparison, Judged, Outcome, Section, Status};
use perf_model::{Baseline, Measurement, Reading, Run, SeriesId};

use super::row::{answer_and_doubt, asked, difference, interval, noise};
use super::{refusal, sentence, sides, suite};
use crate::escape::terminal;
use crate::number::{counted, number, percent, share};
use crate::policy;
use crate::sink::{Sink, short};
use crate::store::minute;

const SINK: Sink = Sink::Text;

/// Derives the verdicts on some series; `None` where neither side has such a series.
pub fn explain(outcome: &Outcome, wanted: &dyn Fn(&SeriesId) -> bool) -> Option<String> {
    let mut parts: Vec<String> = part(outcome, wanted).into_iter().collect();
    parts.extend(outcome.references.iter().filter_map(|reference| {
        Some(format!("since {}:\n\n{}", sentence::since(reference, SINK), part(reference, wanted)?))
    }));
    (!parts.is_empty()).then(|| parts.join("\n"))
}

fn part(outcome: &Outcome, wanted: &dyn Fn(&SeriesId) -> bool) -> Option<String> {
    let mut blocks = vec![sides::sides(outcome, SINK).join("\n")];
    let before = blocks.len();
    for section in &outcome.sections {
        match &section.result {
            Err(reason) => blocks.push(refused(section, reason, outcome)),
            Ok(comparison) => blocks.extend(of_section(section, comparison, outcome, wanted)),
        }
    }
    (blocks.len() > before).then(|| blocks.join("\n\n") + "\n")
}

fn refused(section: &Section, reason: &perf_compare::Refusal, outcome: &Outcome) -> String {
    let mut lines = vec![
        format!("environment {}", sides::place(section, SINK)),
        format!("refused: {}", refusal::introduction(reason, outcome, SINK)),
    ];
    lines.extend(refusal::facts(reason, terminal));
    lines.extend(refusal::hints(reason, outcome));
    lines.join("\n")
}

fn of_section(
    section: &Section,
    comparison: &Comparison,
    outcome: &Outcome,
    wanted: &dyn Fn(&SeriesId) -> bool,
) -> Vec<String> {
    let rows = comparison.judged.iter().filter(|row| wanted(&row.series));
    let mut blocks: Vec<String> = rows.map(|row| judged(row, (section, comparison), outcome)).collect();
    let unjudged = comparison.unjudged.iter().filter(|row| wanted(&row.series));
    blocks.extend(unjudged.map(|row| format!("not judged: {}", super::row::unjudged(row, SINK))));
    for (side, rows) in [("base", &comparison.missing), ("head", &comparison.new)] {
        let only = rows.iter().filter(|row| wanted(&row.series));
        blocks.extend(only.map(|row| {
            format!(
                "only the {side} has {}, so there is nothing to compare",
                super::row::one_sided(row, SINK)
            )
        }));
    }
    blocks
}

fn judged(row: &Judged, (section, comparison): (&Section, &Comparison), outcome: &Outcome) -> String {
    let steps = [
        ("runs", runs(row, comparison)),
        ("change", change(row, comparison)),
        ("is it real?", real(row, comparison, outcome)),
        ("is it large enough to matter?", large(row, outcome)),
        ("what it means for the gate", gate(row, outcome)),
    ];
    let mut lines = vec![format!(
        "{} in environment {}: {}",
        SINK.series(&row.series),
        sides::place(section, SINK),
        answer_and_doubt(row, outcome, SINK)
    )];
    for (number, (title, step)) in steps.into_iter().enumerate() {
        lines.push(format!("{}. {title}", number + 1));
        lines.extend(step.into_iter().map(|line| format!("   {line}")));
    }
    lines.join("\n")
}

fn runs(row: &Judged, comparison: &Comparison) -> Vec<String> {
    let mut lines = vec![];
    for (side, baseline) in [("base", comparison.pair.before()), ("head", comparison.pair.after())] {
        lines.push(format!("{side} {}:", SINK.commit(&baseline.commit)));
        lines.extend(of_side(row, baseline));
    }
    let earlier = &comparison.earlier;
    lines.push(match (earlier.first(), earlier.last()) {
        (Some(first), Some(last)) => format!(
            "earlier baselines of the base's first parents: {} ({}..{}), {} of them with this series",
            counted(earlier.len()),
            short(first),
            short(last),
            counted(row.finding.history)
        ),
        (None, _) | (_, None) => "earlier baselines of the base's first parents: none".to_owned(),
    });
    lines
}

fn of_side(row: &Judged, baseline: &Baseline) -> Vec<String> {
    let line = |run: &Run| {
        let of = |it: &&Measurement| it.series() == row.series;
        let name = &run.id.as_str()[..8];
        let Some(found) = run.measurements.iter().find(of) else {
            return format!("  run {name} {}: without this series", minute(run.time));
        };
        let [level] = SINK.amounts(&found.metric.unit, [found.reading.location()]);
        let readings = match &found.reading {
            Reading::Samples(samples) => format!("median of {} readings", counted(samples.as_slice().len())),
            Reading::Summary(_) => "as its tool reported it".to_owned(),
        };
        format!("  run {name} {}: {level}, {readings}", minute(run.time))
    };
    baseline.runs.iter().map(line).collect()
}

fn change(row: &Judged, comparison: &Comparison) -> Vec<String> {
    let [before, after] = SINK.amounts(&row.metric.unit, [row.before, row.after]);
    let level = match comparison.suite.level {
        LevelUsed::Median => "the median over its runs",
        LevelUsed::Best => {
            "the median over its runs, each at its best reading, much steadier here than the median"
        }
    };
    let mut lines = vec![format!("a side's level is {level}: base {before}, head {after}")];
    if let Some(shift) = &comparison.suite.shift {
        let what = match shift.taken_as {
            TakenAs::Machine => "taken for the machine and out of every change",
            TakenAs::Change => "more than the machine explains: it stays in every change",
        };
        lines.push(format!("the whole suite shifted by {}: {what}", percent(shift.change)));
    }
    lines.push(format!("the change that is judged: {}", difference(row, SINK)));
    let differs = |(change, measured): (f64, f64)| (change - measured).abs() >= 0.005;
    if row.finding.change.zip(row.measured_change()).is_some_and(differs) {
        lines.push(
            "  (where they agree, earlier baselines count for the base's level; the machine's share is out)"
                .to_owned(),
        );
    }
    lines
}

fn real(row: &Judged, comparison: &Comparison, outcome: &Outcome) -> Vec<String> {
    if row.judge == Judge::Limits {
        return vec![
            "not asked: judge = \"limits\" lets the reported change decide, whatever the noise".to_owned(),
        ];
    }
    let Some(evidence) = &row.finding.evidence else {
        return vec![
            format!("no statistics: {}", noise(row, SINK)),
            "values that never varied, and exact counts, are compared as they are".to_owned(),
        ];
    };
    let mut lines = vec![
        format!(
            "noise floor: {} from run to run (standard deviation, {} degrees of freedom), from this series' history and \
             replicate runs, moderated by its suite",
            noise(row, SINK),
            number(evidence.df)
        ),
        format!("95 % interval of the change: {}", interval(row, SINK)),
        format!(
            "false alarms to expect among changes as clear as this (q): {}; at most 5 % warn, at most 1 % fail",
            share(evidence.q)
        ),
    ];
    lines.extend(evidence.two_modes.then(|| "the history jumps between two levels".to_owned()));
    lines.extend(suite::suite(comparison, outcome, SINK));
    lines
}

fn large(row: &Judged, outcome: &Outcome) -> Vec<String> {
    let (warn, fail) = &row.asked;
    let mut lines = vec![format!(
        "held against its limits: warn {}, fail {}",
        asked(warn, &row.metric, SINK),
        asked(fail, &row.metric, SINK)
    )];
    lines.push("what perf.toml asks of it, and which rule asks it:".to_owned());
    lines.extend(policy::rules(&row.series, &outcome.policy).lines().skip(1).map(str::to_owned));
    lines
}

fn gate(row: &Judged, outcome: &Outcome) -> Vec<String> {
    let mut lines = vec![format!("verdict: {}", answer_and_doubt(row, outcome, SINK))];
    lines.push(if row.fails() {
        "it fails the gate".to_owned()
    } else if outcome.fails_undecided(row) {
        "it fails the gate: inconclusive = \"fail\"".to_owned()
    } else {
        "it does not fail the gate".to_owned()
    });
    if outcome.status() != Status::Refused {
        lines.push(format!("the comparison as a whole: {}", sentence::verdict(outcome, SINK)));
    }
    lines.push("the rule behind each word: docs/verdict.md".to_owned());
    lines
}
