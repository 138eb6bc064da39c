//! What text and Markdown say of a suite as a whole: its noise, and what all of it shares.

use perf_compare::statistics::{Judge, LevelUsed, Shift, Suite, TakenAs};
use perf_compare::{Claim, Comparison, Outcome, Reach, Verdict, reach};

use super::acceptance;
use super::row::word;
use crate::number::{counted, percent, share, things};
use crate::sink::Sink;

/// Says what could have been seen, and what was taken for the machine.
pub(crate) fn suite(comparison: &Comparison, outcome: &Outcome, sink: Sink) -> Vec<String> {
    if outcome.policy.judge == Judge::Limits {
        return vec![
            "judged by the limits alone: the reported change decides, whatever the noise".to_owned(),
        ];
    }
    let Suite { level, shift, noise, detectable } = &comparison.suite;
    let mut lines = vec![];
    if let (Some(noise), Some(detectable)) = (noise, detectable) {
        let source = match comparison.history {
            0 => "no earlier baselines".to_owned(),
            1 => "1 earlier baseline".to_owned(),
            many => format!("{} earlier baselines", counted(many)),
        };
        let (noise, detectable) = (share(*noise), share(*detectable));
        lines.push(format!(
            "noise: typically {noise} from run to run ({source}); a change of {detectable} would be noticed in \
             half of the series"
        ));
    }
    lines.extend(reach(comparison).map(|Reach { seen, rounds, for_half }| {
        let (half, seen, more) = (share(seen / 2.0), share(seen), counted(for_half));
        let (rounds, show) = (things(rounds, "round"), if rounds == 1 { "shows" } else { "show" });
        format!("in turns: {rounds} {show} a change of {seen}; {more} rounds would show one of {half}")
    }));
    let same = comparison.judged.iter().filter(|row| row.same_code).count();
    if same > 0 {
        lines.push(format!(
            "same executables on both sides: {} series; the change cannot have altered them, and their noise is not judged",
            counted(same)
        ));
    }
    if *level == LevelUsed::Best {
        lines.push("level of a run: its best sample, much steadier here than the median".to_owned());
    }
    let tells = |shift: &&Shift| shift.verdict != Verdict::Unchanged || percent(shift.change) != "0 %";
    let remark =
        acceptance::remark(comparison.suite_claim, outcome, sink).map(|remark| format!("; {remark}"));
    let remark = remark.unwrap_or_default();
    let told = percent(comparison.shift_change().unwrap_or_default());
    let described = if comparison.turns.is_some() { described_in_turns } else { described };
    lines.extend(shift.as_ref().filter(tells).map(|shift| described(shift, &told) + &remark));
    lines
}

/// Says that the suite as a whole is what fails or warns, where it is.
pub(crate) fn headline(comparison: &Comparison) -> Option<String> {
    let verdict = comparison.suite.shift.as_ref()?.verdict;
    let change = percent(comparison.shift_change()?);
    let accepted = if Claim::accepted(comparison.suite_claim).is_some() { ", accepted" } else { "" };
    matches!(verdict, Verdict::Regressed | Verdict::Slower)
        .then(|| format!("the whole suite {} as one by {}{accepted}", word(verdict), change))
}

fn described_in_turns(shift: &Shift, change: &str) -> String {
    let answer = word(shift.verdict);
    let taken = match shift.taken_as {
        TakenAs::Machine => "no more than the machine moves from run to run, and out of every change",
        TakenAs::Change => "more than the machine moves from run to run; it stays in every change",
    };
    format!("(whole suite) {answer}: {change} between runs in turns, {taken}")
}

fn described(shift: &Shift, change: &str) -> String {
    let answer = word(shift.verdict);
    let usual = shift.history_sd.map(|sd| format!(", whose own shifts vary by {}", share(sd)));
    let usual = usual.unwrap_or_default();
    match (shift.taken_as, shift.verdict) {
        (TakenAs::Machine, Verdict::Unchanged) => {
            format!("(whole suite) {answer}: {change}, taken for the machine{usual}, and out of every change")
        }
        (TakenAs::Machine, _) => format!(
            "(whole suite) {answer}: {change}, taken for the machine{usual}, and out of every change; machine and \
             change cannot be told apart from here: `perf compare --measure` measures base and head in turns"
        ),
        (TakenAs::Change, _) => {
            format!(
                "(whole suite) {answer}: {change}, more than the machine explains{usual}; it stays in every change"
            )
        }
    }
}
