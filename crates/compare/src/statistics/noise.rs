//! How much a series varies from run to run: its own history and replicates, moderated by its suite.

use std::f64::consts::SQRT_2;

use super::order::{mean, median, variance_of_steps};
use super::row::{ENOUGH_HISTORY, Levels, Row};
use super::suite::ENOUGH_SERIES;

/// The variance of one run of a series, as a logarithm, and how well it is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noise {
    pub(super) variance: f64,
    pub(super) df: f64,
    pub(super) source: Source,
}

/// Where a variance comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// From the series' own history or replicates.
    Measured,
    /// From other series, or from thin air.
    Assumed,
}

/// A variance and the degrees of freedom it counts for.
#[derive(Clone, Copy, Debug)]
struct Own {
    variance: f64,
    weight: f64,
}

/// The suite's typical variance, and how much it counts.
#[derive(Clone, Copy, Debug)]
struct Prior {
    variance: f64,
    weight: f64,
    /// The degrees of freedom of a series with a single run.
    alone: f64,
    /// Whether nothing measured it.
    assumed: bool,
}

/// The noise assumed of a series about which nothing is known, as a standard deviation.
const UNKNOWN_SD: f64 = 0.05;
const UNKNOWN_WEIGHT: f64 = 2.0;
/// How many degrees of freedom the suite's typical noise counts for.
const TYPICAL_WEIGHT: f64 = 4.0;
/// More are never believed: histories are not independent draws.
const MOST_DF: f64 = 20.0;
/// What a single run is worth.
const ONE_RUN_DF: f64 = 3.0;
/// What a single pair is worth where many others tell how pairs differ.
const PAIR_DF: f64 = 5.0;
/// How well many single pairs are believed to repeat themselves at best.
const SMALLEST_SPREAD: f64 = 0.01;

/// Estimates the noise of every series.
///
/// A series' own variance is moderated towards the suite's typical one, as in Smyth's moderated t (Stat.
/// Appl. Genet. Mol. Biol. 3, 2004), but as logarithms and upwards only: a few runs that happen to agree must
/// not pass for a steady benchmark.
pub(super) fn noises(rows: &[Row], levels: &[Levels]) -> Vec<Noise> {
    let own: Vec<Option<Own>> = levels.iter().map(Own::of).collect();
    let prior = Prior::of(rows, levels, &own);
    let each = rows.iter().zip(levels).zip(&own);
    each.map(|((row, levels), own)| moderated(row, levels, *own, prior)).collect()
}

fn moderated(row: &Row, levels: &Levels, own: Option<Own>, prior: Prior) -> Noise {
    let (variance, df, source) = match own {
        Some(Own { variance, weight }) => {
            let sum = prior.weight + weight;
            let logs = prior.weight * prior.variance.ln() + weight * variance.max(row.floor).ln();
            // What was only assumed, and is exceeded, has told nothing.
            let df = if prior.assumed && variance > prior.variance { weight } else { sum };
            ((logs / sum).exp().max(variance), df, Source::Measured)
        }
        None => {
            // Its noise is at least half of what its base's two runs show, though they are only two.
            const SHARE: f64 = 0.5;
            let shown = SHARE.powi(2) * levels.of_replicates().0;
            (prior.variance.max(shown), prior.alone, Source::Assumed)
        }
    };
    let history = levels.history_of_base().len();
    let history = if history >= ENOUGH_HISTORY { history } else { 0 };
    let alone = levels.head.len() == 1 || levels.base.len() + history == 1;
    Noise {
        variance: variance.max(row.floor) + row.rounding,
        df: df.min(if alone { prior.alone } else { MOST_DF }),
        source,
    }
}

impl Own {
    fn of(levels: &Levels) -> Option<Self> {
        let (history, replicates) = (Self::from_history(levels), Self::from_replicates(levels));
        match (history, replicates) {
            (Some(one), Some(other)) => {
                let weight = one.weight + other.weight;
                let sum = one.variance * one.weight + other.variance * other.weight;
                Some(Self { variance: sum / weight, weight })
            }
            (one, other) => one.or(other),
        }
    }

    /// Neighbouring steps overlap and are trimmed, so each counts for 0.6 of a degree of freedom.
    fn from_history(levels: &Levels) -> Option<Self> {
        let steps = levels.history.len().saturating_sub(1) as f64;
        (levels.history.len() >= ENOUGH_HISTORY)
            .then(|| Self { variance: variance_of_steps(&levels.history), weight: (0.6 * steps).min(12.0) })
    }

    /// What the base's two runs differ by in a single pair hardly tells the noise of one series; that of all series
    /// together, it does ([`spread_of_changes`]).
    fn from_replicates(levels: &Levels) -> Option<Self> {
        if levels.is_one_pair() {
            return None;
        }
        let (variance, weight) = levels.of_replicates();
        (weight > 0.0).then_some(Self { variance, weight })
    }
}

impl Prior {
    fn of(rows: &[Row], levels: &[Levels], own: &[Option<Own>]) -> Self {
        let known =
            rows.iter().zip(own).filter_map(|(row, own)| Some(own.as_ref()?.variance.max(row.floor).ln()));
        let known: Vec<f64> = known.collect();
        if known.len() >= ENOUGH_SERIES {
            return Self {
                variance: mean(&known).exp(),
                weight: TYPICAL_WEIGHT,
                alone: ONE_RUN_DF,
                assumed: false,
            };
        }
        if known.is_empty() && is_large_and_paired(levels) {
            let variance = spread_of_changes(levels).max(SMALLEST_SPREAD.powi(2));
            return Self { variance, weight: TYPICAL_WEIGHT, alone: PAIR_DF, assumed: false };
        }
        if known.is_empty() && levels.len() >= ENOUGH_SERIES {
            return Self {
                variance: spread_of_changes(levels).max(UNKNOWN_SD.powi(2)),
                weight: TYPICAL_WEIGHT,
                alone: ONE_RUN_DF,
                assumed: true,
            };
        }
        Self { variance: UNKNOWN_SD.powi(2), weight: UNKNOWN_WEIGHT, alone: ONE_RUN_DF, assumed: true }
    }
}

/// Many differences between runs taken beside each other tell the noise: those of the pairs, and of the base's two runs.
fn is_large_and_paired(levels: &[Levels]) -> bool {
    const MANY_DIFFERENCES: usize = 20;
    let differences: usize = levels.iter().map(|levels| 1 + levels.own.len()).sum();
    differences >= MANY_DIFFERENCES && levels.iter().all(|levels| levels.paired)
}

/// Returns the variance of one run, from how the changes of the series differ among each other and how the two runs of
/// their base do.
///
/// It is robust, since some of the series may have changed; but between two runs of the base nothing did, so that all of
/// what these show is noise.
fn spread_of_changes(levels: &[Levels]) -> f64 {
    let change = |levels: &Levels| {
        let variance = 1.0 + 1.0 / levels.base_runs() as f64;
        (levels.head[0] - levels.base[0]) / variance.sqrt()
    };
    let mut changes: Vec<f64> = levels.iter().map(change).collect();
    let centre = median(&mut changes);
    changes.iter_mut().for_each(|change| *change = (*change - centre).abs());
    let own: Vec<f64> = levels.iter().flat_map(|levels| &levels.own).map(|own| own.abs() / SQRT_2).collect();
    let squares: f64 = own.iter().map(|own| own.powi(2)).sum();
    let of_base = squares / own.len().max(1) as f64;
    changes.extend(own);
    (1.4826 * median(&mut changes)).powi(2).max(of_base)
}
