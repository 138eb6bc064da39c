//! Signals that ask this process to end, while it has something to put in order first.

use gix::interrupt::Deregister;

/// As long as one of these lives, such a signal is noted and ends calls of `git`, but not this process.
///
/// A second one ends the process at once.
pub struct Interrupts {
    handler: Option<Deregister>,
}

impl Interrupts {
    /// Begins to note signals.
    pub fn watch() -> Self {
        // Where no handler can be set the signal ends the process, as it does without one.
        Self { handler: gix::interrupt::init_handler_default(1).ok() }
    }

    /// Returns whether one came.
    pub fn came(&self) -> bool {
        gix::interrupt::is_triggered()
    }

    /// Forgets those that came: what is left to do is done to its end.
    pub fn settle(&self) {
        gix::interrupt::reset();
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        // Only setting the default behaviour again can fail: the handler then notes signals until the end.
        let _ = self.handler.take().map(Deregister::deregister);
    }
}
