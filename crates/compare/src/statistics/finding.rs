use crate::verdict::{Interval, Verdict};

/// What was found out about all series of one comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Findings {
    /// One for each series, in the order given.
    pub series: Vec<Finding>,
    /// What holds for all times and rates together.
    pub suite: Suite,
}

/// What was found out about one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The answer.
    pub verdict: Verdict,
    /// `head / base - 1`, without the machine's share; `None` where there is no ratio.
    pub change: Option<f64>,
    /// `head - base` in the metric's unit; `None` where a side is missing.
    pub difference: Option<f64>,
    /// What the answer rests on; `None` where no statistics were needed or none were possible.
    pub evidence: Option<Evidence>,
    /// How many runs the base has of it.
    pub base_runs: usize,
    /// How many runs the head has of it.
    pub head_runs: usize,
    /// How many earlier baselines were used.
    pub history: usize,
    /// How many runs a side would probably settle an inconclusive answer, or let a warning fail.
    pub runs_needed: Option<usize>,
    /// Why the answer is not a firmer one.
    pub doubt: Option<Doubt>,
}

/// What an answer rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// Where the change lies; a relative change, or a difference where ratios make no sense.
    pub interval: Interval,
    /// The standard deviation from run to run; relative, or in the unit where ratios make no sense.
    pub noise: f64,
    /// How many degrees of freedom that standard deviation has.
    pub df: f64,
    /// The share of false alarms to expect if every series with at least this evidence were reported
    /// (Benjamini and Hochberg 1995), in the direction of the change.
    pub q: f64,
    /// Whether the history has two levels that it jumps between.
    pub two_modes: bool,
}

/// Why an answer is not a firmer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The base has no run of this series.
    NoBase,
    /// The head has no run of this series.
    NoHead,
    /// A value is zero or negative, so that there is no ratio, and no absolute limit is set.
    NoRatio,
    /// The head was run once: it warns, and a second run would let it fail.
    OneRun,
    /// Nothing measured the noise: neither replicate runs nor three earlier baselines.
    NoiseUnknown,
    /// Runs of the head overlap with runs of the base or with recent baselines.
    Overlap,
    /// The machine moved so far that it may hide a change of the warn limit: more runs tell nothing.
    Machine,
    /// The interval is too wide to exclude a change of the warn limit.
    TooNoisy,
    /// It looked changed, was measured again, and did not.
    NotConfirmed,
}

/// What holds for all times and rates of a comparison together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suite {
    /// What was taken as the level of a run.
    pub level: LevelUsed,
    /// The shift that all series share; `None` where they are too few to tell.
    pub shift: Option<Shift>,
    /// The typical standard deviation from run to run, relative; `None` without series to judge.
    pub noise: Option<f64>,
    /// The relative change that would be noticed in half of the series, with these runs.
    pub detectable: Option<f64>,
}

/// What was taken as the level of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LevelUsed {
    /// The median of its samples.
    #[default]
    Median,
    /// The best of its samples: on this machine it is much steadier.
    Best,
}

/// A change that the whole suite shares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// How much slower the suite as a whole became, as a relative change of its times.
    pub change: f64,
    /// The answer for the suite as a whole.
    pub verdict: Verdict,
    /// What it was taken for.
    pub taken_as: TakenAs,
    /// The standard deviation of this environment's own shifts, relative; `None` with too little history.
    pub history_sd: Option<f64>,
    /// How likely runs in turns differ so much by chance; `None` for runs that were not taken in turns.
    pub chance: Option<f64>,
}

/// What a change that the whole suite shares was taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakenAs {
    /// The machine: it was taken out of every series.
    Machine,
    /// The change under test: it stays in every series.
    Change,
}

impl Doubt {
    /// Returns the word that programs read.
    pub fn word(self) -> &'static str {
        match self {
            Doubt::NoBase => "no-base",
            Doubt::NoHead => "no-head",
            Doubt::NoRatio => "no-ratio",
            Doubt::OneRun => "one-run",
            Doubt::NoiseUnknown => "noise-unknown",
            Doubt::Overlap => "overlap",
            Doubt::Machine => "machine",
            Doubt::TooNoisy => "too-noisy",
            Doubt::NotConfirmed => "not-confirmed",
        }
    }
}

impl Finding {
    /// Returns a finding with nothing but its verdict.
    pub(super) fn bare(verdict: Verdict) -> Self {
        Self {
            verdict,
            change: None,
            difference: None,
            evidence: None,
            base_runs: 0,
            head_runs: 0,
            history: 0,
            runs_needed: None,
            doubt: None,
        }
    }
}
