//! Tells a person at a terminal that something takes its time, and how far it is.

use std::sync::LazyLock;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::Manner;

/// What takes less time than this shows nothing.
const PATIENCE: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(120);

/// What is on standard error; nothing ever is where that is no terminal.
static SHOWN: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Something that takes its time; it is over when this is dropped.
#[derive(Debug)]
pub(crate) struct Busy {
    bar: ProgressBar,
    waiting: Option<(Sender<()>, JoinHandle<()>)>,
}

/// Begins something of which nobody knows how long it takes.
pub(crate) fn busy(what: &str) -> Busy {
    begin(ProgressBar::no_length(), "{spinner} {msg} ({elapsed})", what)
}

/// Begins something that has so many steps.
pub(crate) fn counting(what: &str, steps: u64) -> Busy {
    begin(ProgressBar::new(steps), "{msg} {wide_bar} {pos}/{len} {eta}", what)
}

/// Does something that writes to the terminal, where it disturbs nothing that is shown.
pub(super) fn aside<T>(write: impl FnOnce() -> T) -> T {
    SHOWN.suspend(write)
}

fn begin(bar: ProgressBar, template: &str, what: &str) -> Busy {
    bar.set_draw_target(indicatif::ProgressDrawTarget::hidden());
    bar.set_style(ProgressStyle::with_template(template).expect("the template is valid"));
    bar.set_message(what.to_owned());
    if Manner::is_quiet() || SHOWN.is_hidden() {
        return Busy { bar, waiting: None };
    }
    let (ended, over) = mpsc::channel();
    let shown = bar.clone();
    let show = thread::spawn(move || {
        if over.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            SHOWN.add(shown.clone()).enable_steady_tick(TICK);
        }
    });
    Busy { bar, waiting: Some((ended, show)) }
}

impl Busy {
    /// Says what is being done now, and which step it is.
    pub(crate) fn step(&self, what: &'static str, position: u64) {
        self.bar.set_message(what);
        self.bar.set_position(position);
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some((ended, show)) = self.waiting.take() {
            drop(ended);
            // It only draws; whatever kept it from doing so is no failure of the work.
            let _ = show.join();
        }
        self.bar.finish_and_clear();
    }
}
