//! The rule as a whole: special inputs, laws, and how well it does on simulated suites.

mod changes;
mod figures;
mod laws;
mod special;
mod suites;

use perf_compare::statistics::{Finding, Judge, Level, Runs, Series, Settings, judge};
use perf_compare::{Limits, Verdict};
use perf_model::{Better, Kind};

/// A time with the default limits (10 % and 25 %) and no history.
fn time(base: &[f64], head: &[f64]) -> Series {
    Series {
        better: Better::Lower,
        kind: Kind::Time,
        judge: Judge::Noise,
        limits: Limits::default(),
        absolute: None,
        base: runs(base),
        again: vec![],
        head: runs(head),
        history: vec![],
    }
}

fn with_history(history: &[f64], series: Series) -> Series {
    Series { history: history.iter().map(|value| runs(&[*value])).collect(), ..series }
}

fn runs(values: &[f64]) -> Runs {
    values.iter().map(|&middle| Some(Level { middle, best: None, spread: None })).collect()
}

/// Three runs around `level`, 1 % apart.
fn three(level: f64) -> [f64; 3] {
    [0.99, 1.0, 1.01].map(|factor| factor * level)
}

/// Twenty earlier baselines around `level`, with a standard deviation of about 1 %.
fn steady(level: f64) -> Vec<f64> {
    (0..20).map(|i| level * (1.0 + 0.007 * f64::from(i * 7 % 5 - 2))).collect()
}

fn alone(series: Series) -> Finding {
    judge(&[series], &Settings::default()).series.remove(0)
}

fn is_worse(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Slower | Verdict::Regressed)
}
