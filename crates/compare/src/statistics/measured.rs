//! One series, measured and tested: all that its verdict depends on but the rest of the suite.

use super::finding::Doubt;
use super::separation::Separation;
use super::settings::Settings;
use super::student::{self, Tails, tails};
use crate::verdict::Verdict;

/// What was measured of one series.
///
/// Changes are larger where they are worse: logarithms of ratios, or differences where ratios make no sense.
#[derive(Clone, Copy, Debug)]
pub(super) struct Test {
    /// The change that is reported, from medians.
    pub(super) change: f64,
    /// The change that is tested, from means.
    pub(super) estimate: f64,
    /// The largest change for the worse that the same runs show when they are read another way.
    pub(super) largest: f64,
    pub(super) standard_error: f64,
    pub(super) df: f64,
    /// The standard deviation of one run.
    pub(super) noise: f64,
    pub(super) separation: Separation,
    pub(super) firmness: Firmness,
    pub(super) warn: f64,
    pub(super) fail: f64,
    pub(super) head_runs: usize,
    pub(super) two_modes: bool,
    /// Whether the machine moved so far that it may hide a share of the change.
    pub(super) machine: bool,
}

/// What the runs of a series are enough for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Firmness {
    /// A failure.
    Full,
    /// A warning.
    Capped(Doubt),
}

/// The p-values or q-values of one series, for a change in each direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Significance {
    pub(super) worse: f64,
    pub(super) better: f64,
}

/// An answer, and why it is not a firmer one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) verdict: Verdict,
    pub(super) doubt: Option<Doubt>,
    pub(super) runs_needed: Option<usize>,
}

impl Test {
    /// Returns how likely so bad a result, and so good a one, is without any change.
    pub(super) fn p_values(&self) -> Significance {
        let Tails { upper, lower } = tails(self.estimate / self.standard_error, self.df);
        Significance { worse: upper, better: lower }
    }

    /// Returns where the change lies, given the quantile of the t distribution. Always includes the reported
    /// change, which medians can put beyond what the means allow for, and what the largest reading allows for.
    pub(super) fn interval(&self, quantile: f64) -> (f64, f64) {
        let half = quantile * self.standard_error;
        ((self.estimate - half).min(self.change), (self.largest + half).max(self.change))
    }

    /// Gives the verdict: the change must be significant, separated from all that was seen before, and large.
    pub(super) fn answer(&self, q: Significance, high: f64, settings: &Settings) -> Answer {
        let worse = self.separation == Separation::Above && q.worse <= settings.q_warn;
        let better = self.separation == Separation::Below && q.better <= settings.q_warn;
        if worse && self.change >= self.fail {
            let doubt = match self.firmness {
                Firmness::Full if q.worse <= settings.q_fail => return Answer::firm(Verdict::Regressed),
                Firmness::Full => Doubt::TooNoisy,
                Firmness::Capped(doubt) => doubt,
            };
            let runs_needed = self.runs_needed(self.change);
            return Answer { verdict: Verdict::Slower, doubt: Some(doubt), runs_needed };
        }
        if worse && self.change >= self.warn {
            return Answer::firm(Verdict::Slower);
        }
        if better && self.change <= -self.warn {
            return Answer::firm(Verdict::Improved);
        }
        if high < self.warn {
            return Answer::firm(Verdict::Unchanged);
        }
        let doubt = self.doubt(q, high, settings);
        let runs_needed = if doubt == Doubt::Machine { None } else { self.runs_needed(self.warn) };
        Answer { verdict: Verdict::Inconclusive, doubt: Some(doubt), runs_needed }
    }

    fn doubt(&self, q: Significance, high: f64, settings: &Settings) -> Doubt {
        match self.firmness {
            Firmness::Capped(doubt) => doubt,
            Firmness::Full if q.worse <= settings.q_warn && self.change >= self.warn => Doubt::Overlap,
            // The runs themselves exclude the warn limit: only what the machine may hide does not.
            Firmness::Full if self.machine && high - self.largest + self.estimate < self.warn => {
                Doubt::Machine
            }
            Firmness::Full => Doubt::TooNoisy,
        }
    }

    /// Returns how many runs a side tell a change of this size from none, four standard errors wide: always more
    /// than there are.
    fn runs_needed(&self, change: f64) -> Option<usize> {
        let runs = 2.0 * (4.0 * self.noise / change).powi(2);
        // A saturating cast: an infinite change needs no runs, a tiny one more than anybody has.
        (change > 0.0).then(|| (runs.ceil() as usize).max(self.head_runs + 1))
    }
}

impl Answer {
    fn firm(verdict: Verdict) -> Self {
        Self { verdict, doubt: None, runs_needed: None }
    }
}

/// Quantiles of Student's t by degrees of freedom. Most series of a suite share theirs.
#[derive(Debug)]
pub(super) struct Quantiles {
    confidence: f64,
    known: Vec<(f64, f64)>,
}

impl Quantiles {
    pub(super) fn new(confidence: f64) -> Self {
        Self { confidence, known: vec![] }
    }

    pub(super) fn get(&mut self, df: f64) -> f64 {
        if let Some((_, quantile)) = self.known.iter().find(|(known, _)| *known == df) {
            return *quantile;
        }
        let quantile = student::two_sided_quantile(self.confidence, df);
        self.known.push((df, quantile));
        quantile
    }
}
