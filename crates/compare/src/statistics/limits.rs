use perf_model::Better;

use super::finding::Finding;
use super::series::Series;
use crate::policy::{Limits, log_limit};
use crate::verdict::Verdict;

/// Limits as logarithms of ratios, for a change that is positive where it is for the worse.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogLimits {
    pub(super) warn: f64,
    pub(super) fail: f64,
}

impl LogLimits {
    pub(super) fn new(limits: Limits, better: Better) -> Self {
        let fail = log_limit(limits.fail, better);
        Self { warn: log_limit(limits.warn, better).min(fail), fail }
    }
}

/// Judges a series by its limits alone, from one value a side.
///
/// From zero, any step for the worse is beyond every relative limit.
pub(super) fn judge_values(series: &Series, before: f64, after: f64) -> Finding {
    let limits = LogLimits::new(series.limits, series.better);
    let ratio = (before > 0.0 && after >= 0.0).then(|| after / before);
    let worsening = match (ratio, series.absolute) {
        (_, Some(_)) => signed(after - before, series.better),
        (Some(ratio), None) => signed(ratio.ln(), series.better),
        (None, None) if before == after => 0.0,
        (None, None) => signed(after - before, series.better).signum() * f64::INFINITY,
    };
    let (warn, fail) = match series.absolute {
        Some(absolute) => differences(absolute),
        None => (limits.warn, limits.fail),
    };
    let verdict = match worsening {
        worse if worse >= fail => Verdict::Regressed,
        worse if worse >= warn => Verdict::Slower,
        better if better <= -warn => Verdict::Improved,
        _ => Verdict::Unchanged,
    };
    Finding {
        change: ratio.map(|ratio| ratio - 1.0),
        difference: Some(after - before),
        ..Finding::bare(verdict)
    }
}

/// Returns the differences from which on a series warns and fails: a shade under the exact limits, so that a
/// difference of precisely the limit reaches it despite rounding; but no difference at all reaches no limit.
pub(super) fn differences(absolute: Limits) -> (f64, f64) {
    let reached = |limit: f64| (limit * (1.0 - 1e-12)).max(f64::MIN_POSITIVE);
    let fail = reached(absolute.fail);
    (reached(absolute.warn).min(fail), fail)
}

/// Returns `rise` as seen by the metric: positive where it is for the worse.
pub(super) fn signed(rise: f64, better: Better) -> f64 {
    match better {
        Better::Lower => rise,
        Better::Higher => -rise,
    }
}
