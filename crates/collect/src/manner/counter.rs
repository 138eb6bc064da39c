//! Counts what a command does, where the kernel allows it.

use std::io;

/// Counts an event in what this thread starts, from the moment that it becomes another program, and in all that
/// this starts in turn.
#[cfg(target_os = "linux")]
pub(crate) struct Counter(perf_event::Counter);

#[cfg(target_os = "linux")]
impl Counter {
    /// Begins to count instructions outside of the kernel.
    pub(super) fn instructions() -> io::Result<Self> {
        Self::of(perf_event::events::Hardware::INSTRUCTIONS)
    }

    fn of(event: impl perf_event::events::Event) -> io::Result<Self> {
        let mut builder = perf_event::Builder::new(event);
        builder.inherit(true).enable_on_exec(true).build().map(Self)
    }

    /// Returns the count; `None` where others had the counter for a part of the time, so that it would be a guess.
    pub(crate) fn read(mut self) -> Option<f64> {
        let read = self.0.read_count_and_time().ok()?;
        (read.time_running == read.time_enabled).then_some(read.count as f64)
    }
}

/// Nothing can be counted here.
#[cfg(not(target_os = "linux"))]
pub(crate) enum Counter {}

#[cfg(not(target_os = "linux"))]
impl Counter {
    pub(super) fn instructions() -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "only known on Linux"))
    }

    pub(crate) fn read(self) -> Option<f64> {
        match self {}
    }
}

/// Says why a counter cannot be had, and what would help.
pub(super) fn explained(error: io::Error) -> io::Error {
    let kind = error.kind();
    let why = match kind {
        io::ErrorKind::PermissionDenied => format!(
            "the kernel forbids it ({error}): `sysctl kernel.perf_event_paranoid=2` allows it, unless a container forbids \
             it as well"
        ),
        io::ErrorKind::NotFound => {
            format!("this machine has no such counter ({error}): many virtual machines have none")
        }
        _ => error.to_string(),
    };
    io::Error::new(kind, why)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::process::Command;
    use std::thread;

    use perf_event::events::Software;

    use super::*;

    /// Starts a script from a thread that ends at once, and counts page faults, which every kernel counts.
    fn page_faults(script: &str) -> io::Result<Option<f64>> {
        let (counter, mut child) = thread::scope(|scope| {
            let begun = scope.spawn(|| {
                let counter = Counter::of(Software::PAGE_FAULTS)?;
                io::Result::Ok((counter, Command::new("sh").args(["-c", script]).spawn()?))
            });
            begun.join().unwrap()
        })?;
        child.wait()?;
        Ok(counter.read())
    }

    #[test]
    fn what_a_command_and_its_children_do_is_counted_and_nothing_else() {
        let little = match page_faults(":") {
            Ok(count) => count.unwrap(),
            Err(error) => return eprintln!("skipped: no events can be counted here: {error}"),
        };
        let much = page_faults("sh -c 'head -c 20000000 /dev/zero | tail -c 10000000 > /dev/null'");
        assert!(little > 0.0 && much.unwrap().unwrap() > little + 1000.0, "{little}");
    }

    #[test]
    fn a_refusal_says_what_would_help() {
        for (kind, expected) in [
            (io::ErrorKind::PermissionDenied, "kernel.perf_event_paranoid=2"),
            (io::ErrorKind::NotFound, "has no such counter"),
            (io::ErrorKind::Unsupported, "unsupported"),
        ] {
            let why = explained(io::Error::from(kind)).to_string();
            assert!(why.contains(expected), "{why}");
        }
    }
}
