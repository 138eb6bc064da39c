//! Which commit changed a noisy number.
//!
//! A search that keeps how likely each commit is to be the one, instead of believing every answer: what one probe
//! says is worth as much as it stands out of the noise (Waeber, Frazier and Henderson, *Bisection search with noisy
//! responses*, SIAM J. Control Optim. 51, 2013). It assumes one change, of the size that the end points show.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// A search among the commits from 1, the first after the good one, to the bad one. The good one is 0.
#[derive(Clone, Debug)]
pub struct Bisection {
    /// The logarithm of how likely each commit is to be the one, without a common factor; that of commit 1 first.
    weights: Vec<f64>,
    /// Commits that cannot be measured.
    skipped: BTreeSet<usize>,
    change: f64,
    sd: f64,
}

/// Where the change lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Located {
    /// The commits that it may be, as few as possible.
    pub commits: RangeInclusive<usize>,
    /// How likely it is one of them.
    pub confidence: f64,
}

/// The tails of the noise: few probes tell them, and a benchmark's noise has outliers.
const DF: f64 = 4.0;

impl Bisection {
    /// Begins a search among so many commits for one that changed the logarithm of a level by `change`, where the
    /// difference of one pair of runs has the standard deviation `sd`.
    pub fn new(commits: usize, change: f64, sd: f64) -> Self {
        Self { weights: vec![0.0; commits], skipped: BTreeSet::new(), change, sd }
    }

    /// Takes note of how far a commit lies from the good one: the mean of so many pairs of runs, as a logarithm.
    pub fn observe(&mut self, commit: usize, difference: f64, pairs: usize) {
        self.observe_within(commit, difference, self.sd / (pairs.max(1) as f64).sqrt());
    }

    /// Takes note of a difference with a standard error of its own.
    pub fn observe_within(&mut self, commit: usize, difference: f64, error: f64) {
        let log_likelihood = |expected: f64| {
            let z = (difference - expected) / error;
            -(DF + 1.0) / 2.0 * (z * z / DF).ln_1p()
        };
        let (changed, unchanged) = (log_likelihood(self.change), log_likelihood(0.0));
        for (weight, culprit) in self.weights.iter_mut().zip(1..) {
            *weight += if culprit <= commit { changed } else { unchanged };
        }
    }

    /// Takes note that a commit cannot be measured.
    pub fn skip(&mut self, commit: usize) {
        self.skipped.insert(commit);
    }

    /// Returns the commit to measure next: the one whose answer is most open. `None` where none is left to ask.
    pub fn next(&self) -> Option<usize> {
        let shares = self.shares();
        let mut until = 0.0;
        let openness = shares.iter().zip(1..).map(|(share, commit)| {
            until += share;
            (commit, until.min(1.0 - until))
        });
        let candidates = openness.take(shares.len().saturating_sub(1));
        let open = candidates.filter(|(commit, open)| !self.skipped.contains(commit) && *open > 1e-6);
        open.max_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(commit, _)| commit)
    }

    /// Returns the fewest neighbouring commits that hold the change with a confidence.
    pub fn located(&self, confidence: f64) -> Located {
        let shares = self.shares();
        let mut best: Option<Located> = None;
        for first in 0..shares.len() {
            let mut sum = 0.0;
            for (last, share) in shares.iter().enumerate().skip(first) {
                sum += share;
                let better = best.as_ref().is_none_or(|best| {
                    let width = best.commits.end() - best.commits.start();
                    last - first < width || (last - first == width && sum > best.confidence)
                });
                if sum >= confidence - 1e-12 {
                    if better {
                        best = Some(Located { commits: first + 1..=last + 1, confidence: sum.min(1.0) });
                    }
                    break;
                }
            }
        }
        best.unwrap_or(Located { commits: 1..=shares.len(), confidence: 1.0 })
    }

    /// Returns whether more probes can tell no more: one commit is left, or those that are cannot be measured.
    pub fn is_done(&self, confidence: f64) -> bool {
        let Located { commits, .. } = self.located(confidence);
        // The last of them need not be asked: before it all others were.
        (*commits.start()..*commits.end()).all(|commit| self.skipped.contains(&commit))
            || self.next().is_none()
    }

    fn shares(&self) -> Vec<f64> {
        let largest = self.weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let shares: Vec<f64> = self.weights.iter().map(|weight| (weight - largest).exp()).collect();
        let sum: f64 = shares.iter().sum();
        shares.into_iter().map(|share| share / sum).collect()
    }
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;
    use proptest::prelude::*;

    use super::*;

    fn normal(random: &mut Rng) -> f64 {
        (-2.0 * (1.0 - random.f64()).ln()).sqrt() * (std::f64::consts::TAU * random.f64()).cos()
    }

    /// Searches among 64 commits with so much noise in a pair; returns where, and after how many pairs.
    fn search(culprit: usize, sd: f64, seed: u64) -> (Located, usize) {
        let mut random = Rng::with_seed(seed);
        let mut search = Bisection::new(64, 0.14, sd);
        for probes in 0..200 {
            if search.is_done(0.95) {
                return (search.located(0.95), 2 * probes);
            }
            let commit = search.next().unwrap();
            let level = if commit >= culprit { 0.14 } else { 0.0 };
            let difference = level + sd * (normal(&mut random) + normal(&mut random)) / 2.0;
            search.observe(commit, difference, 2);
        }
        (search.located(0.95), 400)
    }

    #[test]
    fn a_step_among_64_commits_is_found_on_noisy_benches() {
        for (sd, most) in [(0.01, 16), (0.05, 30), (0.1, 80)] {
            let runs: Vec<(Located, usize, usize)> = (0..200)
                .map(|seed| {
                    let culprit = 1 + (seed as usize * 37) % 64;
                    let (located, pairs) = search(culprit, sd, seed);
                    (located, pairs, culprit)
                })
                .collect();
            let right = runs.iter().filter(|(it, _, culprit)| it.commits == (*culprit..=*culprit)).count();
            let pairs = runs.iter().map(|(_, pairs, _)| pairs).sum::<usize>() / runs.len();
            assert!(right >= 190, "{right} of 200 at a noise of {sd}");
            assert!(pairs <= most, "{pairs} pairs at a noise of {sd}");
        }
    }

    #[test]
    fn commits_that_cannot_be_measured_leave_a_range() {
        let mut search = Bisection::new(10, 0.2, 0.01);
        for commit in 4..=6 {
            search.skip(commit);
        }
        while !search.is_done(0.95) {
            let commit = search.next().unwrap();
            assert!(!(4..=6).contains(&commit));
            search.observe(commit, if commit >= 6 { 0.2 } else { 0.0 }, 2);
        }
        let located = search.located(0.95);
        assert_eq!(located.commits, 4..=7);
        assert!(located.confidence > 0.95);
    }

    proptest! {
        #[test]
        fn the_answer_holds_what_it_promises(
            probes in prop::collection::vec((1usize..30, -0.5f64..0.5), 0..40),
            confidence in 0.5f64..0.99,
        ) {
            let mut search = Bisection::new(30, 0.2, 0.05);
            for (commit, difference) in probes {
                search.observe(commit, difference, 1);
            }
            let located = search.located(confidence);
            prop_assert!(located.confidence >= confidence - 1e-9 && located.confidence <= 1.0);
            prop_assert!(*located.commits.start() >= 1 && *located.commits.end() <= 30);
            let sum: f64 = search.shares().iter().sum();
            prop_assert!((sum - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_single_commit_needs_no_probe() {
        let search = Bisection::new(1, 0.2, 0.01);
        assert!(search.is_done(0.95));
        assert_eq!(search.located(0.95), Located { commits: 1..=1, confidence: 1.0 });
    }
}
