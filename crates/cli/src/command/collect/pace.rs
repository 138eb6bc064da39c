//! The rounds of `perf collect`: how long they will take, and what ends them early.

use std::time::Instant;

use perf_collect::Watch;
use perf_store::Interrupts;

use crate::command::measure::{Left, Progress, Watcher};
use crate::failure::{Failure, Result};
use crate::output;
use crate::place::Place;

/// Rounds that are measured, or one of what is only read.
pub(super) struct Pace {
    /// Ends what is measured with this process; nothing to end where nothing is.
    pub(super) watch: Watching,
    /// How many are to be measured.
    of: u32,
    /// How many were measured whole.
    pub(super) rounds: u32,
    began: Instant,
    progress: Progress,
    interrupted: bool,
}

/// A watcher where something is measured.
pub(super) struct Watching(Option<Watcher>);

impl Watch for Watching {
    fn group(&self, group: Option<u32>) {
        self.0.iter().for_each(|watcher| watcher.group(group));
    }

    fn interrupted(&self) -> bool {
        self.0.as_ref().is_some_and(Watcher::interrupted)
    }
}

/// The rounds are those of one thing.
const ALL: usize = 0;

impl Pace {
    pub(super) fn start(of: u32, place: &Place, measures: bool) -> Result<Self> {
        let watcher = || Watcher::start(place, Left::Nothing, Interrupts::watch());
        let watch = Watching(measures.then(watcher).transpose()?);
        let (began, progress) = (Instant::now(), Progress::default());
        Ok(Self { watch, of, rounds: 0, began, progress, interrupted: false })
    }

    /// Begins the next round, counted from 1; `None` after the last, and after a signal.
    pub(super) fn next_round(&mut self) -> Option<u32> {
        if self.rounds == self.of || self.is_interrupted() {
            return None;
        }
        let round = self.rounds + 1;
        if self.of > 1 {
            self.progress.begin(&format!("round {round} of {}", self.of), &[ALL], self.of - self.rounds);
        }
        self.began = Instant::now();
        Some(round)
    }

    /// Notes that a round was measured whole. What was measured is recorded whatever signal came.
    pub(super) fn measured(&mut self) {
        self.progress.note(ALL, self.began.elapsed());
        self.rounds += 1;
        self.is_interrupted();
        self.watch.0.iter().for_each(Watcher::settle);
    }

    /// Returns whether a signal asked for the end.
    pub(super) fn is_interrupted(&mut self) -> bool {
        self.interrupted |= self.watch.interrupted();
        self.interrupted
    }

    /// Says how far it got, where it did not get to the end.
    pub(super) fn end(mut self) -> Result<()> {
        if self.rounds == self.of || !self.is_interrupted() {
            return Ok(());
        }
        let rounds = output::counted(self.rounds as usize, "whole round");
        let failure = Failure::new(format!("interrupted after {rounds} of {}", self.of));
        Err(match self.rounds {
            0 => failure.hint("nothing was recorded; run the command again"),
            _ => failure.hint("these are recorded; `--rounds` with the rest measures more"),
        })
    }
}
