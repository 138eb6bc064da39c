//! A second process that puts things in order where the first one is killed before it can.

use std::io::{self, BufRead, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use crate::command::Status;
use crate::failure::{Failure, Result};
use crate::place::Place;

/// How long the checkouts may be in use by whoever came next; that one removes them itself.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Nothing is checked out: end only what runs
    #[arg(long)]
    no_checkouts: bool,
}

/// What a process that is killed leaves behind, beside what it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Checkouts.
    Checkouts,
    /// Nothing.
    Nothing,
}

/// The other end of the pipe that the second process listens at.
pub(super) struct Guard {
    child: Child,
    pipe: Option<ChildStdin>,
}

impl Guard {
    /// Starts the second process, in a group of its own: a signal for this one does not reach it.
    pub(super) fn start(place: &Place, left: Left) -> Result<Self> {
        let failed = |error: io::Error| Failure::new("no second `perf` can be started").because(&error);
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.arg("-C").arg(&place.dir).arg("tidy");
        command.args((left == Left::Nothing).then_some("--no-checkouts"));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(failed)?;
        let pipe = child.stdin.take();
        Ok(Self { child, pipe })
    }

    /// Says which process group is to be ended with this process.
    pub(super) fn group(&self, group: Option<u32>) {
        if let Some(mut pipe) = self.pipe.as_ref() {
            // Without its guard a session is as safe as without a guard from the start.
            let _ = writeln!(pipe, "{}", group.unwrap_or(0));
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.pipe = None;
        let _ = self.child.wait();
    }
}

pub(crate) fn run(args: &Args, place: &Place) -> Result<Status> {
    let mut group = 0;
    for line in io::stdin().lock().lines().map_while(io::Result::ok) {
        group = line.trim().parse().unwrap_or(0);
    }
    if group > 0 {
        perf_collect::end_group(group);
    }
    if !args.no_checkouts {
        place.store()?.remove_checkouts(PATIENCE)?;
    }
    Ok(Status::Done)
}
