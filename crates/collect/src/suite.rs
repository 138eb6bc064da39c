//! Runs the shell commands of suites: in a group of their own, with a time-out, and with their output in a file.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::command::{CommandError, LastOutput, last_lines_of};
use crate::manner::{Counter, Manner, Started};

/// One call of a suite's command.
#[derive(Clone, Debug)]
pub struct SuiteCall<'a> {
    /// The shell command.
    pub command: &'a str,
    /// Where it runs.
    pub dir: PathBuf,
    /// Variables that are set for it, or removed.
    pub variables: Vec<(&'a str, Option<OsString>)>,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// What it prints is appended to this file.
    pub log: PathBuf,
    /// How it runs.
    pub manner: Manner,
}

/// How a call that succeeded went.
#[derive(Clone, Copy, Debug)]
pub struct Ran {
    /// How long it took.
    pub took: Duration,
    /// Its instructions, where they were counted.
    pub instructions: Option<f64>,
}

/// Whoever watches over a call.
pub trait Watch: Sync {
    /// A process group was started; `None` when it is gone.
    fn group(&self, group: Option<u32>);
    /// Returns whether the call is to be ended.
    fn interrupted(&self) -> bool;
}

/// How much of the output an error shows.
const TAIL_BYTES: u64 = 4096;
/// After being asked to end, a group has so long before it is killed.
const GRACE: Duration = Duration::from_secs(2);

/// Runs a suite's command. Whatever it left running is ended with it.
///
/// # Errors
///
/// [`CommandError`]: it could not be started, failed, took too long, or was interrupted.
pub fn run_in_group(call: &SuiteCall<'_>, watch: &dyn Watch) -> Result<Ran, CommandError> {
    let command = || call.command.to_owned();
    let not_started = |source| CommandError::NotStarted { command: command(), source };
    let log = File::options().create(true).append(true).open(&call.log).map_err(not_started)?;
    let Started { mut child, began, counter } = spawn(call, &log).map_err(not_started)?;
    watch.group(Some(child.id()));
    let waited = wait(&mut child, call.timeout, watch);
    end(&mut child);
    watch.group(None);
    match waited.map_err(not_started)? {
        Waited::Ended(status) if status.success() => {
            Ok(Ran { took: began.elapsed(), instructions: counter.and_then(Counter::read) })
        }
        Waited::Ended(status) => {
            let source = tail(&call.log).map(LastOutput);
            Err(CommandError::SuiteEnded { command: command(), status, log: call.log.clone(), source })
        }
        Waited::TimedOut(after) => {
            Err(CommandError::TimedOut { command: command(), after, log: call.log.clone() })
        }
        Waited::Interrupted => Err(CommandError::Interrupted { command: command() }),
    }
}

fn spawn(call: &SuiteCall<'_>, log: &File) -> io::Result<Started> {
    let mut command = Command::new("sh");
    command.args(["-c", call.command]).current_dir(&call.dir).stdin(Stdio::null());
    command.stdout(log.try_clone()?).stderr(log.try_clone()?).process_group(0);
    for (name, value) in &call.variables {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    call.manner.start(&mut command)
}

/// How waiting for a process ended.
pub(crate) enum Waited {
    Ended(ExitStatus),
    TimedOut(Duration),
    Interrupted,
}

pub(crate) fn wait(child: &mut Child, timeout: Option<Duration>, watch: &dyn Watch) -> io::Result<Waited> {
    let began = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Waited::Ended(status));
        }
        if watch.interrupted() {
            return Ok(Waited::Interrupted);
        }
        if let Some(after) = timeout.filter(|timeout| began.elapsed() >= *timeout) {
            return Ok(Waited::TimedOut(after));
        }
        thread::sleep(pause);
        // Looking seldom leaves the processors to what is measured.
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Ends a process group, first politely, and takes leave of the child.
pub(crate) fn end(child: &mut Child) {
    let running = |child: &mut Child| matches!(child.try_wait(), Ok(None));
    if running(child) {
        signal(child.id(), Signal::TERM);
        let deadline = Instant::now() + GRACE;
        while running(child) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(10));
        }
    }
    end_group(child.id());
    // It has ended, or was just killed.
    let _ = child.wait();
}

/// Asks a process group to end, and kills it where it was asked long ago.
pub(crate) fn urge(group: u32, asked: Duration) {
    signal(group, if asked < GRACE { Signal::TERM } else { Signal::KILL });
}

/// Kills what is left of a process group.
pub fn end_group(group: u32) {
    signal(group, Signal::KILL);
}

fn signal(group: u32, signal: Signal) {
    if let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        // None of the group may be left: that is what was wanted.
        let _ = kill_process_group(group, signal);
    }
}

fn tail(log: &PathBuf) -> Option<String> {
    let mut file = File::open(log).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES))).ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes).ok()?;
    Some(last_lines_of(&bytes)).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::fs;
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Watcher {
        groups: Mutex<Vec<Option<u32>>>,
        interrupt: bool,
    }

    impl Watch for Watcher {
        fn group(&self, group: Option<u32>) {
            self.groups.lock().unwrap().push(group);
        }

        fn interrupted(&self) -> bool {
            self.interrupt
        }
    }

    fn run(command: &str, timeout: Option<Duration>, interrupt: bool) -> (Result<Ran, CommandError>, String) {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let variables = vec![("SET", Some("yes".into())), ("PATH_TO_NOTHING", None)];
        let dir = dir.path().to_owned();
        let call =
            SuiteCall { command, dir, variables, timeout, log: log.clone(), manner: Manner::default() };
        let watcher = Watcher { interrupt, ..Watcher::default() };
        let result = run_in_group(&call, &watcher);
        let groups = watcher.groups.into_inner().unwrap();
        assert!(matches!(groups[..], [Some(_), None]), "{groups:?}");
        (result, fs::read_to_string(log).unwrap())
    }

    #[test]
    fn output_goes_to_the_log_and_variables_are_set() {
        let (result, log) = run("echo $SET; echo oops >&2", None, false);
        assert!(result.is_ok());
        assert_eq!(log, "yes\noops\n");
    }

    #[test]
    fn a_failure_shows_its_last_output() {
        let error = run("seq 100; exit 3", None, false).0.unwrap_err();
        assert!(error.to_string().starts_with("`seq 100; exit 3` failed: exit status: 3"), "{error}");
        assert!(error.source().unwrap().to_string().ends_with("99\n100"));
    }

    #[test]
    fn what_takes_too_long_or_is_interrupted_is_ended_with_all_it_started() {
        let timed_out = run("sleep 600 & sleep 600", Some(Duration::from_millis(50)), false).0.unwrap_err();
        assert!(matches!(timed_out, CommandError::TimedOut { .. }), "{timed_out}");
        let interrupted = run("sleep 600 & sleep 600", None, true).0.unwrap_err();
        assert!(matches!(interrupted, CommandError::Interrupted { .. }), "{interrupted}");
    }

    #[test]
    fn what_a_suite_leaves_behind_is_ended() {
        let (result, log) = run("sleep 600 & echo $!", None, false);
        assert!(result.is_ok());
        let left: i32 = log.trim().parse().unwrap();
        let is_alive = || {
            let status = fs::read_to_string(format!("/proc/{left}/status")).unwrap_or_default();
            !status.is_empty() && !status.contains("State:\tZ")
        };
        // The kernel may take a moment to bury it.
        for _ in 0..1000 {
            if !is_alive() {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("{left} lives");
    }
}
