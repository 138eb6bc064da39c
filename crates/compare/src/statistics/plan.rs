use perf_model::{Better, Kind};

use super::absolute::{self, Outcome};
use super::class::Class;
use super::finding::{Doubt, Finding};
use super::limits::judge_values;
use super::measured::Test;
use super::order::median_of;
use super::row::{first, recent_history};
use super::series::{Judge, Runs, Series};
use super::settings::Settings;
use crate::verdict::Verdict;

/// How a series is judged.
#[derive(Clone, Debug)]
pub(super) enum Plan {
    /// It needs no statistics, or none are possible.
    Settled(Finding),
    /// By the test of its differences.
    Absolute(Test),
    /// By a test of ratios, together with its class.
    Relative(Class),
}

impl Plan {
    pub(super) fn of(series: &Series, settings: &Settings) -> Self {
        let (mut base, head) = (middles(&series.again), middles(&series.head));
        base.extend(middles(&series.base));
        let (Some(&newest_base), Some(&newest_head)) = (base.last(), head.last()) else {
            let doubt = if base.is_empty() { Doubt::NoBase } else { Doubt::NoHead };
            return undecided(doubt, Finding::bare(Verdict::Inconclusive));
        };
        if series.kind == Kind::Exact {
            return Self::Settled(judge_values(series, newest_base, newest_head));
        }
        let values = || judge_values(series, median_of(&base), median_of(&head));
        let by_medians = || Self::Settled(values());
        match (series.judge, series.absolute) {
            (Judge::Limits, _) => by_medians(),
            (Judge::Noise, _) if is_constant(series, &base, &head) => by_medians(),
            (Judge::Noise, Some(limits)) => match absolute::test(series, limits, settings) {
                Outcome::Test(test) => Self::Absolute(test),
                Outcome::Constant => by_medians(),
                Outcome::NoiseUnknown => undecided(Doubt::NoiseUnknown, values()),
            },
            (Judge::Noise, None) if series.has_ratios() => Self::Relative(Class::of(series.kind)),
            (Judge::Noise, None) if base.iter().chain(&head).all(|value| *value == base[0]) => by_medians(),
            // All of a throughput is lost: that is a ratio, though without a logarithm.
            (Judge::Noise, None) if is_lost(series, &base, &head) => by_medians(),
            (Judge::Noise, None) => undecided(Doubt::NoRatio, values()),
        }
    }

    pub(super) fn is_relative(&self, class: Class) -> bool {
        match self {
            Self::Relative(own) => *own == class,
            Self::Settled(_) | Self::Absolute(_) => false,
        }
    }
}

fn undecided(doubt: Doubt, measured: Finding) -> Plan {
    Plan::Settled(Finding { verdict: Verdict::Inconclusive, doubt: Some(doubt), ..measured })
}

fn middles(runs: &Runs) -> Vec<f64> {
    runs.iter().flatten().map(|level| level.middle).collect()
}

/// Returns whether something of which more is better went from some to none.
fn is_lost(series: &Series, base: &[f64], head: &[f64]) -> bool {
    series.better == Better::Higher
        && base.iter().all(|value| *value > 0.0)
        && head.iter().all(|value| *value == 0.0)
}

/// Returns whether the series behaves like a count that two runs of the same code reproduce: it does not vary
/// at all, or each side agrees with itself in two runs or more and the history changed level at most once.
fn is_constant(series: &Series, base: &[f64], head: &[f64]) -> bool {
    let all = |values: &[f64], expected: f64| values.iter().all(|value| *value == expected);
    if !all(base, base[0]) || !all(head, head[0]) {
        return false;
    }
    let history: Vec<f64> =
        recent_history(series).iter().filter_map(first).map(|level| level.middle).collect();
    if head[0] == base[0] && all(&history, base[0]) {
        return true;
    }
    let levels = history.windows(2).filter(|pair| pair[0] != pair[1]).count() + 1;
    base.len() >= 2 && head.len() >= 2 && history.len() >= 5 && levels <= 2
}
