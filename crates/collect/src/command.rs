use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, PipeReader, Read};
use std::num::NonZeroU32;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use perf_model::{Measurement, Metric, Reading, Samples};
use thiserror::Error;
use wait4::{ResUse, Wait4};

use crate::manner::{Counter, Manner, Started};
use crate::suite::{Waited, Watch, end, end_group, urge, wait};

/// How much of a command's output is kept for an error message.
const TAIL_BYTES: usize = 4096;
const TAIL_LINES: usize = 10;

/// How long the output of a command that has ended is waited for: a process that it left behind may hold the
/// pipe open for ever.
const DRAIN_TIME: Duration = Duration::from_millis(200);

/// How a command is measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program, looked up in `PATH`.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// How many runs are measured.
    pub runs: NonZeroU32,
    /// How many runs come before them and are not measured.
    pub warmup: u32,
    /// The benchmark's name; the command line where it is `None`.
    pub name: Option<String>,
    /// Where the command runs; the caller's own directory where it is `None`.
    pub dir: Option<PathBuf>,
    /// How it runs.
    pub manner: Manner,
}

/// A run that is about to begin; `number` counts from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It will not be measured.
    Warmup {
        /// Which one.
        number: u32,
        /// Of how many.
        of: u32,
    },
    /// It will be measured.
    Run {
        /// Which one.
        number: u32,
        /// Of how many.
        of: u32,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Warmup { number, of } => write!(f, "warm-up {number} of {of}"),
            Step::Run { number, of } => write!(f, "run {number} of {of}"),
        }
    }
}

/// Why a command gave no measurement.
#[derive(Debug, Error)]
pub enum CommandError {
    /// It could not be started.
    #[error("cannot run `{command}`")]
    NotStarted {
        /// The command line.
        command: String,
        /// What the system said.
        source: io::Error,
    },
    /// A run of it failed.
    #[error("`{command}` failed in {step}: {status}")]
    Failed {
        /// The command line.
        command: String,
        /// Which run.
        step: Step,
        /// Its exit status or signal.
        status: ExitStatus,
        /// What it printed last; `None` if it printed nothing.
        source: Option<LastOutput>,
    },
    /// A suite failed; its output is in a file.
    #[error("`{command}` failed: {status}; all that it printed: {}", log.display())]
    SuiteEnded {
        /// The command line.
        command: String,
        /// Its exit status or signal.
        status: ExitStatus,
        /// Where its output is.
        log: PathBuf,
        /// What it printed last; `None` if it printed nothing.
        source: Option<LastOutput>,
    },
    /// A suite took longer than it may.
    #[error("`{command}` took longer than {} s; all that it printed: {}", after.as_secs_f64(), log.display())]
    TimedOut {
        /// The command line.
        command: String,
        /// How long it may take.
        after: Duration,
        /// Where its output is.
        log: PathBuf,
    },
    /// This process was asked to end.
    #[error("`{command}` was interrupted")]
    Interrupted {
        /// The command line.
        command: String,
    },
    /// A suite failed; its output has been shown.
    #[error("`{command}` failed: {status}")]
    SuiteFailed {
        /// The command line.
        command: String,
        /// Its exit status or signal.
        status: ExitStatus,
    },
}

/// The last lines that a failed command wrote to its standard output and standard error.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("its last output was:\n{0}")]
pub struct LastOutput(pub String);

/// Runs a command and returns `time`, `user-time`, `system-time` (s) and `peak-rss` (B) of every measured run, and
/// its `instructions` where they were counted in all of them.
///
/// `on_run` is called before each run. The wall clock runs from just before the command is started until its
/// exit status is known. Each run is a process group of its own, of which `watch` hears; where that asks for it, the
/// group is ended and so is the whole. Standard input is empty; output is read and dropped. The peak memory is the one
/// that `wait4(2)` reports; on Linux it is never below that of this process, whose memory the command shares
/// until it is executed. The first run that fails ends the whole, since failing fast is not speed.
pub fn measure(
    plan: &Plan,
    watch: &dyn Watch,
    mut on_run: impl FnMut(Step),
) -> Result<Vec<Measurement>, CommandError> {
    let running = Running { watch, group: AtomicU32::new(0) };
    running.watched(|| runs(plan, &running, &mut on_run))
}

fn runs(
    plan: &Plan,
    running: &Running<'_>,
    on_run: &mut impl FnMut(Step),
) -> Result<Vec<Measurement>, CommandError> {
    for number in 1..=plan.warmup {
        run((plan, running), Step::Warmup { number, of: plan.warmup }, on_run)?;
    }
    let of = plan.runs.get();
    let usages = (1..=of)
        .map(|number| run((plan, running), Step::Run { number, of }, on_run))
        .collect::<Result<Vec<Usage>, _>>()?;
    Ok(measurements(&plan.benchmark(), &usages))
}

/// The run that is measured, and whoever may end it.
///
/// Waiting for a run must not take turns with looking for interruptions: its end would be seen too late.
struct Running<'a> {
    watch: &'a dyn Watch,
    /// Its process group; 0 between two runs.
    group: AtomicU32,
}

impl Running<'_> {
    /// Does something, and ends what runs meanwhile where that is asked for.
    fn watched<T>(&self, measure: impl FnOnce() -> T) -> T {
        const PAUSE: Duration = Duration::from_millis(50);
        let (over, ended) = mpsc::channel::<()>();
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut asked = None;
                while ended.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                    if self.watch.interrupted() {
                        let asked = asked.get_or_insert_with(Instant::now);
                        urge(self.group.load(Ordering::Relaxed), asked.elapsed());
                    }
                }
            });
            let measured = measure();
            drop(over);
            measured
        })
    }

    fn is(&self, group: Option<u32>) {
        self.group.store(group.unwrap_or(0), Ordering::Relaxed);
        self.watch.group(group);
    }
}

/// Runs a shell command that writes results, in `dir`, and waits for it.
///
/// What it prints to either stream goes to the standard error of this process, whose standard output is for
/// data.
///
/// Returns its instructions, where they were counted.
///
/// It is a process group of its own, of which `watch` hears, and is ended where that asks for it.
pub fn run_suite(
    command: &str,
    dir: &Path,
    manner: &Manner,
    watch: &dyn Watch,
) -> Result<Option<f64>, CommandError> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(dir).stdin(Stdio::null()).stdout(io::stderr()).process_group(0);
    let line = || command.to_owned();
    let not_started = |source| CommandError::NotStarted { command: line(), source };
    let Started { mut child, counter, .. } = manner.start(&mut shell).map_err(not_started)?;
    watch.group(Some(child.id()));
    let waited = wait(&mut child, None, watch);
    if !matches!(waited, Ok(Waited::Ended(_))) {
        end(&mut child);
    }
    watch.group(None);
    match waited.map_err(not_started)? {
        Waited::Ended(status) if status.success() => Ok(counter.and_then(Counter::read)),
        Waited::Ended(_) if watch.interrupted() => Err(CommandError::Interrupted { command: line() }),
        Waited::Ended(status) => Err(CommandError::SuiteFailed { command: line(), status }),
        Waited::Interrupted | Waited::TimedOut(_) => Err(CommandError::Interrupted { command: line() }),
    }
}

impl Plan {
    /// Returns the name of the benchmark: the one given, or the command line as one would type it.
    fn benchmark(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.command_line())
    }

    fn command_line(&self) -> String {
        let words: Vec<_> = [&self.program].into_iter().chain(&self.args).map(quoted).collect();
        words.join(" ")
    }
}

/// What one run took, in seconds and bytes.
struct Usage {
    time: f64,
    user: f64,
    system: f64,
    memory: f64,
    instructions: Option<f64>,
}

type Column = fn(&Usage) -> f64;

fn measurements(benchmark: &str, usages: &[Usage]) -> Vec<Measurement> {
    let columns: [(Metric, Column); 4] = [
        (Metric::size("peak-rss", "B"), |usage| usage.memory),
        (Metric::time("system-time", "s"), |usage| usage.system),
        (Metric::time("time", "s"), |usage| usage.time),
        (Metric::time("user-time", "s"), |usage| usage.user),
    ];
    let column = |(metric, column): (Metric, Column)| {
        measurement(benchmark, metric, usages.iter().map(column).collect())
    };
    let counts: Option<Vec<f64>> = usages.iter().map(|usage| usage.instructions).collect();
    let counted = counts.map(|counts| instructions(benchmark, counts));
    counted.into_iter().chain(columns.into_iter().map(column)).collect()
}

/// Returns the instructions that every run of a benchmark executed outside of the kernel.
pub fn instructions(benchmark: &str, counts: Vec<f64>) -> Measurement {
    measurement(benchmark, Metric::exact("instructions", "instructions"), counts)
}

fn measurement(benchmark: &str, metric: Metric, samples: Vec<f64>) -> Measurement {
    let samples = Samples::new(samples).expect("one run or more, all finite");
    let (benchmark, reading) = (benchmark.to_owned(), Reading::Samples(samples));
    Measurement { benchmark, params: BTreeMap::new(), metric, reading }
}

fn run(
    (plan, running): (&Plan, &Running<'_>),
    step: Step,
    on_run: &mut impl FnMut(Step),
) -> Result<Usage, CommandError> {
    let interrupted = || CommandError::Interrupted { command: plan.command_line() };
    if running.watch.interrupted() {
        return Err(interrupted());
    }
    on_run(step);
    let Executed { elapsed, used, output, instructions } = execute(plan, running)
        .map_err(|source| CommandError::NotStarted { command: plan.command_line(), source })?;
    if used.status.success() {
        return Ok(Usage {
            time: elapsed.as_secs_f64(),
            user: used.rusage.utime.as_secs_f64(),
            system: used.rusage.stime.as_secs_f64(),
            memory: used.rusage.maxrss as f64,
            instructions,
        });
    }
    if running.watch.interrupted() {
        return Err(interrupted());
    }
    let source = Some(output).filter(|output| !output.is_empty()).map(LastOutput);
    Err(CommandError::Failed { command: plan.command_line(), step, status: used.status, source })
}

/// How a run went.
struct Executed {
    elapsed: Duration,
    used: ResUse,
    /// What it printed last.
    output: String,
    instructions: Option<f64>,
}

fn execute(plan: &Plan, running: &Running<'_>) -> io::Result<Executed> {
    let (reader, writer) = io::pipe()?;
    let mut command = Command::new(&plan.program);
    command.args(&plan.args).stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    command.process_group(0);
    if let Some(dir) = &plan.dir {
        command.current_dir(dir);
    }
    let tail = drain(reader);
    let started = plan.manner.start(&mut command)?;
    let group = started.child.id();
    running.is(Some(group));
    let used = started.child.wait4();
    let elapsed = started.began.elapsed();
    if running.watch.interrupted() {
        end_group(group);
    }
    running.is(None);
    let used = used?;
    // It holds the writing ends of the pipe, without whose end the reader waits for more.
    drop(command);
    let instructions = started.counter.and_then(Counter::read);
    Ok(Executed { elapsed, used, output: last_lines(&tail), instructions })
}

/// Reads the pipe to its end beside the run, so that the command never waits, and then sends its last bytes.
fn drain(mut reader: PipeReader) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut tail = Vec::new();
        let mut buffer = [0; 1 << 16];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => tail.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
            tail.drain(..tail.len().saturating_sub(TAIL_BYTES));
        }
        // Nobody listens if a process that the command left behind kept the pipe open for long.
        let _ = sender.send(tail);
    });
    receiver
}

fn last_lines(tail: &Receiver<Vec<u8>>) -> String {
    last_lines_of(&tail.recv_timeout(DRAIN_TIME).unwrap_or_default())
}

/// Returns the last lines of an output, or of the end of one.
pub(crate) fn last_lines_of(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<_> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

/// Returns a word as one would type it in a POSIX shell.
pub fn quoted(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref().to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(all(test, unix))]
mod tests {
    use std::error::Error;
    use std::sync::atomic::AtomicBool;

    use super::*;

    /// Asks for the end as soon as a run has begun, where it is to.
    #[derive(Default)]
    struct Watcher {
        impatient: bool,
        began: AtomicBool,
    }

    impl Watch for Watcher {
        fn group(&self, _: Option<u32>) {
            self.began.store(self.impatient, Ordering::Relaxed);
        }

        fn interrupted(&self) -> bool {
            self.began.load(Ordering::Relaxed)
        }
    }

    fn shell(script: &str) -> Plan {
        Plan {
            program: "sh".into(),
            args: vec!["-c".into(), script.into()],
            runs: NonZeroU32::new(3).expect("three is not zero"),
            warmup: 0,
            name: None,
            dir: None,
            manner: Manner::default(),
        }
    }

    #[test]
    fn reads_four_metrics_of_every_run() {
        let found = measure(&shell("sleep 0.02"), &Watcher::default(), |_| ()).unwrap();
        let names: Vec<_> = found.iter().map(|m| m.metric.name.as_str()).collect();
        assert_eq!(names, ["peak-rss", "system-time", "time", "user-time"]);
        for measurement in &found {
            assert_eq!(measurement.benchmark, "sh -c 'sleep 0.02'");
            assert_eq!(measurement.reading.samples().len(), 3, "{}", measurement.metric.name);
        }
        assert!(found[0].reading.location() > 0.0, "some memory");
        assert!(found[2].reading.samples().iter().all(|seconds| *seconds >= 0.02), "{found:?}");
    }

    #[test]
    fn warm_up_runs_are_run_and_not_recorded() {
        let mut steps = vec![];
        let plan = Plan { warmup: 2, runs: NonZeroU32::MIN, ..shell("true") };
        let found = measure(&plan, &Watcher::default(), |step| steps.push(step.to_string())).unwrap();
        assert_eq!(steps, ["warm-up 1 of 2", "warm-up 2 of 2", "run 1 of 1"]);
        assert_eq!(found[0].reading.samples().len(), 1);
    }

    #[test]
    fn a_command_runs_in_its_directory_under_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let plan = Plan { dir: Some(dir.path().into()), name: Some("touch".into()), ..shell("touch here") };
        assert_eq!(measure(&plan, &Watcher::default(), |_| ()).unwrap()[0].benchmark, "touch");
        assert!(dir.path().join("here").exists());
    }

    #[test]
    fn a_failing_run_is_an_error_with_its_last_output() {
        let dir = tempfile::tempdir().unwrap();
        let script = "seq 1000; echo oops >&2; test -e once && exit 3; touch once";
        let plan = Plan { dir: Some(dir.path().into()), ..shell(script) };
        let error = measure(&plan, &Watcher::default(), |_| ()).unwrap_err();
        assert!(error.to_string().ends_with("failed in run 2 of 3: exit status: 3"), "{error}");
        let output = error.source().unwrap().to_string();
        assert!(output.ends_with("999\n1000\noops"), "{output}");
        assert_eq!(output.lines().count(), 1 + TAIL_LINES);
    }

    #[test]
    fn a_signal_and_a_missing_program_are_errors() {
        let killed = measure(&shell("kill -9 $$"), &Watcher::default(), |_| ()).unwrap_err();
        assert!(killed.to_string().contains("failed in run 1 of 3: signal: 9"), "{killed}");
        let plan = Plan { program: "no such program".into(), args: vec![], ..shell("") };
        let missing = measure(&plan, &Watcher::default(), |_| ()).unwrap_err();
        assert_eq!(missing.to_string(), "cannot run `'no such program'`");
    }

    #[test]
    fn neither_much_output_nor_a_process_left_behind_blocks() {
        let found =
            measure(&shell("head -c 5000000 /dev/zero; sleep 30 &"), &Watcher::default(), |_| ()).unwrap();
        assert!(found[2].reading.location() < 20.0);
    }

    #[test]
    fn a_suite_runs_in_its_directory_and_its_failure_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let manner = Manner::default();
        run_suite("echo data > results.json", dir.path(), &manner, &Watcher::default()).unwrap();
        assert!(dir.path().join("results.json").exists());
        let error = run_suite("exit 7", dir.path(), &manner, &Watcher::default()).unwrap_err();
        assert_eq!(error.to_string(), "`exit 7` failed: exit status: 7");
    }

    #[test]
    fn whoever_watches_ends_a_run_with_all_it_started() {
        let watcher = || Watcher { impatient: true, ..Watcher::default() };
        let mut steps = 0;
        let stopped = measure(&shell("sleep 600 & sleep 600"), &watcher(), |_| steps += 1).unwrap_err();
        assert!(matches!(stopped, CommandError::Interrupted { .. }), "{stopped}");
        assert_eq!(steps, 1);
        let dir = tempfile::tempdir().unwrap();
        let stopped = run_suite("sleep 600", dir.path(), &Manner::default(), &watcher()).unwrap_err();
        assert!(matches!(stopped, CommandError::Interrupted { .. }), "{stopped}");
    }

    #[test]
    fn names_are_what_one_would_type() {
        for (word, expected) in [
            ("ls", "ls"),
            ("a b", "'a b'"),
            ("", "''"),
            ("it's", r"'it'\''s'"),
            ("--x=é/1", "--x=é/1"),
            ("*", "'*'"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }
}
