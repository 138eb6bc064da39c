use perf_model::Better;

use crate::statistics::{Judge, Settings, SuiteShift};

/// How large a change for the worse must be before it warns, and before it fails.
///
/// Both are relative: `0.1` is 10 %. For a metric where higher is better, a limit of 10 % means a drop of
/// 10 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// From here on a series is `slower`.
    pub warn: f64,
    /// From here on a series is `regressed`.
    pub fail: f64,
}

impl Default for Limits {
    /// Warns at 10 % and fails at 25 %: above the run-to-run noise of shared runners, below what users notice.
    fn default() -> Self {
        Self { warn: 0.10, fail: 0.25 }
    }
}

/// Turns a relative limit into a logarithmic one: a rise of `limit`, or a drop of `limit` where higher is better.
///
/// A shade under the exact value, so that a change of precisely 10 % reaches a limit of 10 % despite rounding; but
/// above zero, so that no change at all reaches no limit.
pub(crate) fn log_limit(limit: f64, better: Better) -> f64 {
    const ROUNDING: f64 = 1e-12;
    let exact = match better {
        Better::Lower => limit.ln_1p(),
        Better::Higher if limit < 1.0 => -(-limit).ln_1p(),
        Better::Higher => f64::INFINITY,
    };
    (exact - ROUNDING).max(f64::MIN_POSITIVE)
}

/// What a series that cannot be decided means for the gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inconclusive {
    /// It is reported and does not fail.
    #[default]
    Pass,
    /// It fails like a regression.
    Fail,
}

/// What the project asks of its numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Policy {
    /// The limits of every series, and of the suite as a whole.
    pub limits: Limits,
    /// What an undecided series means.
    pub inconclusive: Inconclusive,
    /// What decides on a series.
    pub judge: Judge,
    /// Whether a single head run may fail.
    pub fail_on_one_run: bool,
    /// What a shift of the whole suite beyond its fail limit is.
    pub suite_shift: SuiteShift,
}

impl Policy {
    /// Returns what the statistics are to hold to.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            fail_on_one_run: self.fail_on_one_run,
            suite_shift: self.suite_shift,
            suite_limits: self.limits,
            ..Settings::default()
        }
    }
}
