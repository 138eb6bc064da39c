//! One series of a report.

use perf_compare::statistics::{Doubt, Evidence, Judge};
use perf_compare::{
    Comparison, Interval, Judged, Limit, Obstacle, OneSided, Outcome, Tier, Unjudged, Verdict,
};
use perf_model::{Better, Dimension, Kind, Metric};

use super::{acceptance, alias};
use crate::number::{counted, limit, number, percent, share};
use crate::page::{Column, numbers, words};
use crate::sink::Sink;

/// The columns of a changed series.
pub(crate) const COLUMNS: [Column; 9] = [
    words("series"),
    numbers("base"),
    numbers("head"),
    numbers("change"),
    numbers("95 % interval"),
    numbers("noise floor"),
    words("limit"),
    words("verdict"),
    numbers("runs base/head/history"),
];

/// What the rows of a report are about, in the order in which they are given up when space is short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// No change for the worse that would matter.
    Unchanged,
    /// Only the head has it.
    New,
    /// Only the base has it.
    Missing,
    /// On both sides, in readings that do not compare.
    Unjudged,
    /// Cannot tell.
    Inconclusive,
    /// Better.
    Improved,
    /// Worse, warned of.
    Slower,
    /// Worse, failed.
    Regressed,
}

/// The classes that change nothing or decide nothing, in the order of a report.
pub(crate) const FOLDED: [Class; 5] =
    [Class::Inconclusive, Class::Unjudged, Class::Missing, Class::New, Class::Unchanged];

/// What the noise floor of a changed series means.
pub(crate) const NOISE_FLOOR: &str =
    "noise floor: how far one run lies from the next without any change (standard deviation)";

/// The classes that a report shows in full, worst first.
pub(crate) const CHANGED: [Class; 3] = [Class::Regressed, Class::Slower, Class::Improved];

impl Class {
    /// Returns the word for the rows, as the census has it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Class::Unchanged => "unchanged",
            Class::New => "new",
            Class::Missing => "missing",
            Class::Unjudged => "unjudged",
            Class::Inconclusive => "inconclusive",
            Class::Improved => "improved",
            Class::Slower => "slower",
            Class::Regressed => "regressed",
        }
    }

    /// Returns the word with what it means.
    pub(crate) fn title(self) -> String {
        let meaning = match self {
            Class::Unchanged => return self.word().to_owned(),
            Class::New => "only the head has them",
            Class::Missing => "only the base has them",
            Class::Unjudged => "the two sides do not compare",
            Class::Inconclusive => "cannot tell",
            Class::Improved => "better than the warn limit asks",
            Class::Slower => "worse by the warn limit or more",
            Class::Regressed => "worse by the fail limit or more",
        };
        format!("{} ({meaning})", self.word())
    }
}

/// Returns the series of a class of verdicts.
pub(crate) fn judged(comparison: &Comparison, class: Class) -> impl Iterator<Item = &Judged> {
    let of_class = move |verdict| match verdict {
        Verdict::Improved => class == Class::Improved,
        Verdict::Slower => class == Class::Slower,
        Verdict::Regressed => class == Class::Regressed,
        Verdict::Inconclusive => class == Class::Inconclusive,
        Verdict::Unchanged => class == Class::Unchanged,
    };
    comparison.judged.iter().filter(move |row| of_class(row.finding.verdict))
}

/// Returns one line for each series of a folded class.
pub(crate) fn folded(comparison: &Comparison, class: Class, outcome: &Outcome, sink: Sink) -> Vec<String> {
    match class {
        Class::New => comparison.new.iter().map(|row| one_sided(row, sink)).collect(),
        Class::Missing => comparison.missing.iter().map(|row| one_sided(row, sink)).collect(),
        Class::Unjudged => comparison.unjudged.iter().map(|row| unjudged(row, sink)).collect(),
        Class::Unchanged | Class::Inconclusive | Class::Improved | Class::Slower | Class::Regressed => {
            judged(comparison, class).map(|row| figures(row, outcome, sink)).collect()
        }
    }
}

/// Returns the cells of a changed series.
pub(crate) fn cells(row: &Judged, outcome: &Outcome, sink: Sink) -> [String; COLUMNS.len()] {
    let [before, after] = sink.amounts(&row.metric.unit, [row.before, row.after]);
    [
        sink.series(&row.series),
        before,
        after,
        difference(row, sink),
        interval(row, sink),
        noise(row, sink),
        crossed(row, sink),
        answer_and_doubt(row, outcome, sink),
        runs(row),
    ]
}

/// Returns the level of both sides.
pub(crate) fn levels(row: &Judged, sink: Sink) -> String {
    let [before, after] = sink.amounts(&row.metric.unit, [row.before, row.after]);
    format!("{before} -> {after}")
}

/// Returns the relative change, or the absolute one where there is no ratio. Where the machine's share was taken
/// out of it, or earlier baselines count for the base, the change as measured stands beside it.
pub(crate) fn difference(row: &Judged, sink: Sink) -> String {
    /// So small a share of the machine or of the history needs no words.
    const SMALL: f64 = 0.005;
    match (row.finding.change, row.measured_change()) {
        (Some(change), Some(measured)) if (measured - change).abs() >= SMALL => {
            format!("{} ({} as measured)", percent(change), percent(measured))
        }
        (Some(change), _) => percent(change),
        (None, _) => signed_amount(row.after - row.before, row, sink),
    }
}

fn signed_amount(difference: f64, row: &Judged, sink: Sink) -> String {
    let [amount] = sink.amounts(&row.metric.unit, [difference]);
    if difference > 0.0 { format!("+{amount}") } else { amount }
}

fn runs(row: &Judged) -> String {
    let finding = &row.finding;
    format!("{}/{}/{}", finding.base_runs, finding.head_runs, finding.history)
}

/// Returns the word for a verdict.
pub(crate) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Improved => "improved",
        Verdict::Unchanged => "unchanged",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Slower => "slower",
        Verdict::Regressed => "regressed",
    }
}

/// Returns the verdict, which way the series went, and why the answer is not a firmer one.
pub(crate) fn answer_and_doubt(row: &Judged, outcome: &Outcome, sink: Sink) -> String {
    let exhibit = row.tier == Tier::Exhibit && row.finding.verdict == Verdict::Regressed;
    let exhibit = exhibit.then(|| "an exhibit, which never fails".to_owned());
    let accepted = acceptance::remark(row.claim, outcome, sink);
    let parts = [Some(answer(row)), accepted, doubt(row), exhibit, alias::remark(row, sink)];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join("; ")
}

/// Returns the verdict and which way the series went: `regressed (more memory)`.
fn answer(row: &Judged) -> String {
    match (word(row.finding.verdict), direction(&row.metric, row.after - row.before)) {
        (verdict, direction) if verdict == direction => verdict.to_owned(),
        (verdict, direction) => format!("{verdict} ({direction})"),
    }
}

/// Says which way a series went in the words of what was measured.
pub(crate) fn direction(metric: &Metric, difference: f64) -> &'static str {
    let (more, less) = match (metric.kind, metric.unit.dimension(), metric.better) {
        (Kind::Rate, _, Better::Higher) => ("higher throughput", "lower throughput"),
        (Kind::Rate, _, Better::Lower) => ("higher rate", "lower rate"),
        (_, Some(Dimension::Time), Better::Lower) => ("slower", "faster"),
        (_, Some(Dimension::Time), Better::Higher) => ("longer", "shorter"),
        (_, Some(Dimension::Bytes), _) => ("more memory", "less memory"),
        (_, Some(Dimension::BytesPerSecond | Dimension::PerSecond), _) => ("higher rate", "lower rate"),
        (Kind::Ratio, ..) | (_, Some(Dimension::Ratio), _) => ("higher share", "lower share"),
        (Kind::Time | Kind::Size | Kind::Count | Kind::Percentile | Kind::Exact, None, _) => {
            ("more", "fewer")
        }
    };
    if difference > 0.0 { more } else { less }
}

fn crossed(row: &Judged, sink: Sink) -> String {
    let (warn, fail) = &row.asked;
    match row.finding.verdict {
        Verdict::Regressed => format!("fail {}", asked(fail, &row.metric, sink)),
        Verdict::Slower => format!("warn {}", asked(warn, &row.metric, sink)),
        Verdict::Improved | Verdict::Unchanged | Verdict::Inconclusive => asked(warn, &row.metric, sink),
    }
}

/// Returns a limit as the policy asks for it: `5 % and 200 us`.
pub(crate) fn asked(wanted: &Limit, metric: &Metric, sink: Sink) -> String {
    let amount = wanted.absolute.as_ref().map(|amount| {
        let unit = amount.unit.as_ref().unwrap_or(&metric.unit);
        // A percent sign would read as a share of the base.
        if unit.symbol() == "%" {
            return format!("{} pp", number(amount.value));
        }
        let [amount] = sink.amounts(unit, [amount.value]);
        amount
    });
    let parts: Vec<String> = wanted.relative.map(limit).into_iter().chain(amount).collect();
    parts.join(" and ")
}

/// Returns where the change lies, or why that is not known.
pub(crate) fn interval(row: &Judged, sink: Sink) -> String {
    let Some(Evidence { interval: Interval { low, high }, .. }) = row.finding.evidence else {
        return without_noise(row).to_owned();
    };
    match row.finding.change {
        Some(_) => format!("{} to {}", percent(low), percent(high)),
        None => format!("{} to {}", signed_amount(low, row, sink), signed_amount(high, row, sink)),
    }
}

/// Returns the noise floor, or why there is none.
pub(crate) fn noise(row: &Judged, sink: Sink) -> String {
    match (&row.finding.evidence, row.finding.change) {
        (None, _) => without_noise(row).to_owned(),
        (Some(evidence), Some(_)) => share(evidence.noise),
        (Some(evidence), None) => {
            let [amount] = sink.amounts(&row.metric.unit, [evidence.noise]);
            amount
        }
    }
}

/// Says why there is no interval: none is needed, or the runs allow none.
fn without_noise(row: &Judged) -> &'static str {
    match (row.judge, row.metric.kind, row.finding.doubt) {
        (_, Kind::Exact, _) => "exact",
        (Judge::Limits, ..) => "not asked",
        (Judge::Noise, _, Some(_)) => "unknown",
        (Judge::Noise, _, None) => "none",
    }
}

/// Nobody measures so often; what is so noisy has to be measured in another way.
const MOST_RUNS: usize = 100;

/// Says why the answer is not a firmer one, and what it would take.
fn doubt(row: &Judged) -> Option<String> {
    let more = |reason: &str, outcome: &str| match row.finding.runs_needed {
        None => reason.to_owned(),
        Some(runs) if runs > MOST_RUNS => {
            format!("{reason}: it would take more than {MOST_RUNS} runs a side to {outcome}")
        }
        Some(runs) => format!("{reason}: it would take {} runs a side to {outcome}", counted(runs)),
    };
    let outcome = match row.finding.verdict {
        Verdict::Slower => "let it fail",
        Verdict::Improved | Verdict::Unchanged | Verdict::Inconclusive | Verdict::Regressed => "settle it",
    };
    let reason = match row.finding.doubt? {
        Doubt::NoBase => "no run at the base".to_owned(),
        Doubt::NoHead => "no run at the head".to_owned(),
        Doubt::NoRatio => "a value of zero has no ratio".to_owned(),
        Doubt::OneRun => more("one run", outcome),
        Doubt::NoiseUnknown => more("noise never measured", outcome),
        Doubt::Overlap => more("runs overlap", outcome),
        Doubt::Machine => "machine and change cannot be told apart".to_owned(),
        Doubt::TooNoisy => more("too noisy", outcome),
        Doubt::NotConfirmed => "not confirmed: measured again, it did not show".to_owned(),
    };
    let modes = row.finding.evidence.is_some_and(|evidence| evidence.two_modes);
    Some(if modes { format!("{reason}; the history has two modes") } else { reason })
}

pub(super) fn figures(row: &Judged, outcome: &Outcome, sink: Sink) -> String {
    let [series, before, after, change, interval, noise, limit, _, runs] = cells(row, outcome, sink);
    let remarks = [doubt(row), acceptance::remark(row.claim, outcome, sink), alias::remark(row, sink)];
    let doubt: String = remarks.into_iter().flatten().map(|remark| format!("; {remark}")).collect();
    format!(
        "{series}: {before} -> {after}, {change} (95 % interval: {interval}; noise floor {noise}; limit {limit}; \
         runs {runs}{doubt})"
    )
}

/// Says what the only side has.
pub(crate) fn one_sided(row: &OneSided, sink: Sink) -> String {
    let [level] = sink.amounts(&row.unit, [row.level]);
    format!("{}: {level}", sink.series(&row.series))
}

/// Says what stands in the way of a series.
pub(crate) fn unjudged(row: &Unjudged, sink: Sink) -> String {
    let obstacle = match &row.obstacle {
        Obstacle::Units { base, head } => {
            let (base, head) = (sink.name(base.symbol()), sink.name(head.symbol()));
            format!("the base is in {base}, the head in {head}")
        }
        Obstacle::Directions { base, head } => {
            let (base, head) = (base.word(), head.word());
            format!("for the base {base} is better, for the head {head}")
        }
        Obstacle::LimitUnit { limit, metric } => {
            let (limit, metric) = (sink.name(limit.symbol()), sink.name(metric.symbol()));
            format!("its limit is in {limit}, its numbers are in {metric}")
        }
        Obstacle::TooFewReadings { found, needed } => {
            let (found, needed) = (number(*found as f64), number(*needed as f64));
            format!("a percentile of {found} readings follows chance; it takes {needed}")
        }
    };
    format!("{}: {obstacle}", sink.series(&row.series))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{compared, measurement, mixed, steady};

    #[test]
    fn the_direction_is_in_the_words_of_what_was_measured() {
        let better = |better, metric: Metric| Metric { better, ..metric };
        let count = |unit| Metric { kind: Kind::Count, ..Metric::time("m", unit) };
        let exact = |unit| Metric { kind: Kind::Exact, ..Metric::time("m", unit) };
        for (metric, worse, improved) in [
            (Metric::time("m", "ns"), "regressed (slower)", "improved (faster)"),
            (better(Better::Higher, Metric::time("m", "h")), "regressed (shorter)", "improved (longer)"),
            (Metric::size("m", "MiB"), "regressed (more memory)", "improved (less memory)"),
            (Metric::rate("m", "req/s"), "regressed (lower throughput)", "improved (higher throughput)"),
            (
                better(Better::Lower, Metric::rate("m", "err/s")),
                "regressed (higher rate)",
                "improved (lower rate)",
            ),
            (count("%"), "regressed (higher share)", "improved (lower share)"),
            (count("allocations"), "regressed (more)", "improved (fewer)"),
            (exact("instructions"), "regressed (more)", "improved (fewer)"),
        ] {
            let side = |level| vec![measurement("b", metric.clone(), &steady(level))];
            let (low, high) = (side(100.0), side(200.0));
            let verdict = |before, after| answer(&compared(before, after).unwrap().judged[0]);
            let found = match metric.better {
                Better::Lower => (verdict(low.clone(), high.clone()), verdict(high, low)),
                Better::Higher => (verdict(high.clone(), low.clone()), verdict(low, high)),
            };
            assert_eq!(found, (worse.to_owned(), improved.to_owned()), "{metric:?}");
        }
    }

    #[test]
    fn a_series_without_a_ratio_shows_its_absolute_change() {
        let errors = Metric { kind: Kind::Exact, ..Metric::time("errors", "errors") };
        let side = |level| vec![measurement("b", errors.clone(), &[level])];
        let comparison = compared(side(0.0), side(3.0)).unwrap();
        assert_eq!(
            cells(&comparison.judged[0], &mixed(), Sink::Text),
            [
                "b errors",
                "0 errors",
                "3 errors",
                "+3 errors",
                "exact",
                "exact",
                "fail 25 %",
                "regressed (more)",
                "1/1/0"
            ]
        );
    }

    #[test]
    fn sides_that_do_not_compare_say_why() {
        let before = vec![
            measurement("a", Metric::time("m", "widgets"), &[1.0]),
            measurement("b", Metric::time("m", "s"), &[1.0]),
        ];
        let after = vec![
            measurement("a", Metric::time("m", "gad|gets"), &[1.0]),
            measurement("b", Metric::rate("m", "s"), &[1.0]),
        ];
        let same = || measurement("same", Metric::time("m", "s"), &[1.0]);
        let (mut before, mut after) = (before, after);
        before.push(same());
        after.push(same());
        let comparison = compared(before, after).unwrap();
        assert_eq!(
            folded(&comparison, Class::Unjudged, &mixed(), Sink::Markdown),
            [
                r"`a` `m`: the base is in `widgets`, the head in `gad\u{7c}gets`",
                "`b` `m`: for the base lower is better, for the head higher",
            ]
        );
    }
}
