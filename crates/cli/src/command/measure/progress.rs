//! Says on standard error how far a session is, and how long it will take.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::output;

/// How long the suites take, as far as they were run.
#[derive(Default)]
pub(crate) struct Progress {
    took: BTreeMap<usize, (Duration, u32)>,
}

impl Progress {
    /// Notes how long one run of a suite took.
    pub(crate) fn note(&mut self, suite: usize, took: Duration) {
        let (sum, runs) = self.took.entry(suite).or_default();
        *sum += took;
        *runs += 1;
    }

    /// Returns how long one run of these suites will take; `None` where one of them never ran.
    pub(super) fn of_one_run(&self, suites: &[usize]) -> Option<Duration> {
        let mean = |suite: &usize| self.took.get(suite).map(|(sum, runs)| *sum / *runs);
        suites.iter().map(mean).sum()
    }

    /// Says which run begins.
    pub(crate) fn begin(&self, what: &str, suites: &[usize], runs_left: u32) {
        let left = self.of_one_run(suites).map(|one| format!(", about {} left", words(one * runs_left)));
        output::note(&format!("measuring {what}{}", left.unwrap_or_default()));
    }
}

/// Writes a time for people who wait.
pub(super) fn words(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..=90 => format!("{seconds} s"),
        seconds @ ..=5400 => format!("{} min", seconds.div_ceil(60)),
        seconds => format!("{:.1} h", seconds as f64 / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_that_of_the_suites_that_still_run() {
        let mut progress = Progress::default();
        assert_eq!(progress.of_one_run(&[0]), None);
        for (suite, seconds) in [(0, 10), (0, 20), (1, 100)] {
            progress.note(suite, Duration::from_secs(seconds));
        }
        assert_eq!(progress.of_one_run(&[0, 1]), Some(Duration::from_secs(115)));
        assert_eq!(progress.of_one_run(&[0]), Some(Duration::from_secs(15)));
        for (seconds, expected) in
            [(0, "0 s"), (90, "90 s"), (91, "2 min"), (5400, "90 min"), (9000, "2.5 h")]
        {
            assert_eq!(words(Duration::from_secs(seconds)), expected);
        }
    }
}
