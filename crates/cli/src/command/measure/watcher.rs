//! Ends what is measured with this process, however that ends.

use perf_collect::Watch;
use perf_store::Interrupts;

use super::guard::{Guard, Left};
use crate::failure::Result;
use crate::place::Place;

/// As long as one of these lives, a signal to end is noted, and what runs is ended with this process.
pub(crate) struct Watcher {
    guard: Guard,
    interrupts: Interrupts,
}

impl Watcher {
    /// Begins to watch; `left` is what else is put in order where this process is killed.
    pub(crate) fn start(place: &Place, left: Left, interrupts: Interrupts) -> Result<Self> {
        Ok(Self { guard: Guard::start(place, left)?, interrupts })
    }

    /// Forgets the signals that came: what is left to do is done to its end.
    pub(crate) fn settle(&self) {
        self.interrupts.settle();
    }
}

impl Watch for Watcher {
    fn group(&self, group: Option<u32>) {
        self.guard.group(group);
    }

    fn interrupted(&self) -> bool {
        self.interrupts.came()
    }
}
