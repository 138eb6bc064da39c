//! How much a series varies from run to run, from recorded baselines alone: nothing is compared.

use perf_model::{Better, Kind};

use super::order::{scatter, variance_of_steps};
use super::row::{HISTORY_USED, first, smallest_noise};
use super::series::Runs;

/// Returns the standard deviation of one run, as a logarithm, from baselines of one level, oldest first.
///
/// It is that of the steps between neighbouring baselines, or of replicate runs of one baseline where that is larger;
/// never below what the steadiest series of its kind is taken to have. `None` with fewer than two baselines, and where
/// a value has no logarithm.
pub fn variation(history: &[Runs], kind: Kind) -> Option<f64> {
    let recent = &history[history.len().saturating_sub(HISTORY_USED)..];
    if recent.iter().flatten().flatten().any(|level| level.middle <= 0.0) {
        return None;
    }
    let steps: Vec<f64> = recent.iter().filter_map(first).map(|level| level.middle.ln()).collect();
    let between = (steps.len() >= 2).then(|| variance_of_steps(&steps))?;
    let (mut squares, mut degrees) = (0.0, 0);
    for runs in recent {
        let logs: Vec<f64> = runs.iter().flatten().map(|level| level.middle.ln()).collect();
        if logs.len() >= 2 {
            squares += scatter(&logs);
            degrees += logs.len() - 1;
        }
    }
    let within = if degrees > 0 { squares / f64::from(u32::try_from(degrees).ok()?) } else { 0.0 };
    Some(between.max(within).sqrt().max(smallest_noise(kind)))
}

/// Returns the change for the worse that would be noticed in half of the series with this standard error: the minimum
/// detectable effect of `docs/verdict.md`.
pub fn detectable(standard_error: f64, better: Better) -> f64 {
    const ERRORS: f64 = 4.0;
    match better {
        Better::Lower => (ERRORS * standard_error).exp_m1(),
        Better::Higher => -(-ERRORS * standard_error).exp_m1(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Level;

    fn baselines(values: &[&[f64]]) -> Vec<Runs> {
        let level = |middle: &f64| Some(Level { middle: *middle, best: None, spread: None });
        values.iter().map(|runs| runs.iter().map(level).collect()).collect()
    }

    #[test]
    fn the_steps_between_baselines_and_the_replicates_are_both_seen() {
        let alternating: Vec<f64> = (0..20).map(|i| if i % 2 == 0 { 100.0 } else { 110.0 }).collect();
        let single: Vec<&[f64]> = alternating.iter().map(std::slice::from_ref).collect();
        let steps = variation(&baselines(&single), Kind::Time).unwrap();
        assert!((0.06..0.16).contains(&steps), "{steps}");
        let replicates = variation(&baselines(&[&[100.0, 120.0], &[100.0, 120.0]]), Kind::Time).unwrap();
        assert!((replicates - (1.2f64.ln() / 2f64.sqrt())).abs() < 1e-12, "{replicates}");
    }

    #[test]
    fn one_change_of_level_is_no_noise_and_nothing_is_perfectly_steady() {
        let stepped: Vec<f64> = (0..20).map(|i| if i < 10 { 100.0 } else { 200.0 }).collect();
        let stepped: Vec<&[f64]> = stepped.iter().map(std::slice::from_ref).collect();
        assert_eq!(variation(&baselines(&stepped), Kind::Time), Some(0.002));
        assert_eq!(variation(&baselines(&stepped), Kind::Exact), Some(0.0002));
    }

    #[test]
    fn too_few_and_zero_say_nothing() {
        assert_eq!(variation(&baselines(&[&[1.0]]), Kind::Time), None);
        assert_eq!(variation(&baselines(&[&[1.0], &[0.0], &[1.0]]), Kind::Count), None);
    }

    #[test]
    fn a_rate_cannot_lose_more_than_all() {
        assert!((detectable(0.01, Better::Lower) - 0.0408).abs() < 1e-4);
        assert!((detectable(0.01, Better::Higher) - 0.0392).abs() < 1e-4);
        assert!(detectable(10.0, Better::Higher) <= 1.0);
    }
}
