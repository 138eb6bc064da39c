//! How a command runs: on which processors, with which priority, and whether its instructions are counted.

mod counter;
mod processors;

use std::io;
use std::panic::resume_unwind;
use std::process::{Child, Command};
use std::thread;
use std::time::Instant;

use perf_model::Facts;

pub(crate) use self::counter::Counter;
pub use self::processors::{Processors, ProcessorsError};

/// How a command runs; by default like any other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// The processors that it may use.
    pub pin: Option<Processors>,
    /// Its priority, from -20 (most) to 19 (least).
    pub nice: Option<i32>,
    /// Whether its instructions are counted, with those of all that it starts.
    pub counted: bool,
}

/// A command that runs.
pub(crate) struct Started {
    pub(crate) child: Child,
    /// Just before it was started.
    pub(crate) began: Instant,
    /// What counts its instructions, where that was wanted and is possible.
    pub(crate) counter: Option<Counter>,
}

impl Manner {
    /// Returns what of this manner the machine allows, and what it does not, each with the reason.
    pub fn allowed(&self) -> (Self, Vec<String>) {
        let try_all = || {
            let mut refused = vec![];
            let mut kept = |what: &str, result: io::Result<()>| {
                refused.extend(result.err().map(|why| format!("{what}: {why}")));
            };
            if let Some(pin) = &self.pin {
                kept(&format!("processors {pin}: commands are not pinned to them"), pin.take());
            }
            if let Some(nice) = self.nice {
                kept(&format!("nice {nice}: the priority stays as it is"), set_priority(nice));
            }
            if self.counted {
                let counter = Counter::instructions().map(|_| ()).map_err(counter::explained);
                kept("instructions are not counted", counter);
            }
            refused
        };
        // A thread that ends takes what it was allowed with it.
        let refused = in_a_thread(try_all);
        let holds = |word: &str| !refused.iter().any(|it| it.starts_with(word));
        let allowed = Self {
            pin: self.pin.clone().filter(|_| holds("processors")),
            nice: self.nice.filter(|_| holds("nice")),
            counted: self.counted && holds("instructions"),
        };
        (allowed, refused)
    }

    /// Returns what is to be recorded of it: it explains a number, and tells no environments apart.
    pub fn facts(&self) -> Facts {
        let pinned = self.pin.as_ref().map(|pin| ("pinned".to_owned(), pin.to_string()));
        let nice = self.nice.map(|nice| ("nice".to_owned(), nice.to_string()));
        pinned.into_iter().chain(nice).collect()
    }

    /// Starts a command in this manner.
    ///
    /// What a thread is allowed its children are allowed as well, from their first instruction on; so a thread that
    /// does nothing else starts it. What the machine does not allow is left out: [`Manner::allowed`] says so.
    pub(crate) fn start(&self, command: &mut Command) -> io::Result<Started> {
        let spawn = |counter, command: &mut Command| {
            let began = Instant::now();
            Ok(Started { child: command.spawn()?, began, counter })
        };
        if *self == Self::default() {
            return spawn(None, command);
        }
        in_a_thread(|| {
            let _ = self.pin.as_ref().map(Processors::take);
            let _ = self.nice.map(set_priority);
            spawn(self.counted.then(|| Counter::instructions().ok()).flatten(), command)
        })
    }
}

fn in_a_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(work).join().unwrap_or_else(|panic| resume_unwind(panic)))
}

/// Sets the priority of this thread, and of nothing else: so only Linux does.
#[cfg(target_os = "linux")]
fn set_priority(nice: i32) -> io::Result<()> {
    rustix::process::setpriority_process(None, nice).map_err(Into::into)
}

#[cfg(not(target_os = "linux"))]
fn set_priority(_: i32) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "only known on Linux"))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::process::Stdio;

    use super::*;

    fn printed(manner: &Manner, script: &str) -> String {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(Stdio::piped());
        let output = manner.start(&mut command).unwrap().child.wait_with_output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    #[test]
    fn a_command_has_the_processors_and_the_priority_and_this_process_keeps_its_own() {
        let script = "grep Cpus_allowed_list /proc/self/status | cut -f2; nice";
        let own = printed(&Manner::default(), script);
        let first = Processors::of_this_thread().unwrap().first();
        let nice: i32 = own.lines().last().unwrap().parse().unwrap();
        let nicer = (nice + 3).min(19);
        let manner = Manner { pin: Some(first.clone()), nice: Some(nicer), counted: false };
        assert_eq!(manner.allowed(), (manner.clone(), vec![]));
        assert_eq!(printed(&manner, script), format!("{first}\n{nicer}"));
        assert_eq!(printed(&Manner::default(), script), own);
        let facts: Vec<(String, String)> = manner.facts().into_iter().collect();
        assert_eq!(facts, [("nice".into(), nicer.to_string()), ("pinned".into(), first.to_string())]);
    }

    #[test]
    fn what_the_machine_does_not_have_is_refused_with_the_reason_and_left_out() {
        let manner = Manner { pin: Some("1023".parse().unwrap()), ..Manner::default() };
        let (allowed, refused) = manner.allowed();
        if Processors::of_this_thread().unwrap().to_string().ends_with("1023") {
            return eprintln!("skipped: this machine has 1024 processors");
        }
        assert_eq!(allowed, Manner::default());
        assert!(refused[0].starts_with("processors 1023: commands are not pinned"), "{refused:?}");
        // It runs all the same.
        assert_eq!(printed(&manner, "echo ran"), "ran");
    }

    #[test]
    fn instructions_are_counted_or_refused_with_the_reason() {
        let manner = Manner { counted: true, ..Manner::default() };
        let (allowed, refused) = manner.allowed();
        match refused.as_slice() {
            [] => {
                assert_eq!(allowed, manner);
                let count = |script: &str| {
                    let mut command = Command::new("sh");
                    let mut started = manner.start(command.args(["-c", script])).unwrap();
                    started.child.wait().unwrap();
                    started.counter.unwrap().read()
                };
                let (none, much) = (count(":"), count("i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done"));
                assert!(none.unwrap() * 2.0 < much.unwrap(), "{none:?} {much:?}");
            }
            [why] => {
                assert_eq!(allowed, Manner::default());
                assert!(why.starts_with("instructions are not counted: "), "{why}");
                eprintln!("skipped: {why}");
            }
            more => panic!("{more:?}"),
        }
    }
}
