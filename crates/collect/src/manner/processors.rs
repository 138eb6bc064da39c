use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::str::FromStr;

use thiserror::Error;

/// Logical processors, written as the kernel and `taskset` write them: `0`, `2-3`, `0,2-3`. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Processors(BTreeSet<usize>);

/// A text that is no list of processors.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("expected processors such as 0, 2-3 or 0,2-3, none above {MOST}")]
pub struct ProcessorsError;

/// The highest number that the kernel's usual mask has room for.
const MOST: usize = 1023;

impl FromStr for Processors {
    type Err = ProcessorsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = BTreeSet::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let number = |digits: &str| {
                let number = digits.trim().parse().ok();
                number.filter(|number| *number <= MOST).ok_or(ProcessorsError)
            };
            let (first, last): (usize, usize) = (number(first)?, number(last)?);
            if first > last {
                return Err(ProcessorsError);
            }
            all.extend(first..=last);
        }
        Ok(Self(all))
    }
}

impl fmt::Display for Processors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.0.iter().copied().peekable();
        let mut between = "";
        while let Some(first) = left.next() {
            let mut last = first;
            while left.next_if_eq(&(last + 1)).is_some() {
                last += 1;
            }
            match last - first {
                0 => write!(f, "{between}{first}")?,
                1.. => write!(f, "{between}{first}-{last}")?,
            }
            between = ",";
        }
        Ok(())
    }
}

#[cfg(target_os = "linux")]
impl Processors {
    /// Keeps this thread, and what it starts, on these processors.
    pub(super) fn take(&self) -> io::Result<()> {
        use rustix::thread::{CpuSet, sched_setaffinity};

        let mut set = CpuSet::new();
        self.0.iter().filter(|number| **number < CpuSet::MAX_CPU).for_each(|number| set.set(*number));
        sched_setaffinity(None, &set)?;
        // The kernel takes those that there are, and says nothing of the others.
        match Self::of_this_thread()? {
            taken if taken == *self => Ok(()),
            taken => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("only {taken} may be used"))),
        }
    }

    /// Returns the processors that this thread may use.
    pub(super) fn of_this_thread() -> io::Result<Self> {
        let set = rustix::thread::sched_getaffinity(None)?;
        Ok(Self((0..rustix::thread::CpuSet::MAX_CPU).filter(|number| set.is_set(*number)).collect()))
    }

    /// Returns the first of them alone.
    #[cfg(test)]
    pub(super) fn first(&self) -> Self {
        Self(self.0.iter().take(1).copied().collect())
    }
}

#[cfg(not(target_os = "linux"))]
impl Processors {
    pub(super) fn take(&self) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "only known on Linux"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_and_written_as_the_kernel_writes_them() {
        for (text, expected) in [
            ("0", Some("0")),
            ("2-3", Some("2-3")),
            ("3,0,1", Some("0-1,3")),
            ("0, 2 - 4,4", Some("0,2-4")),
            ("1023", Some("1023")),
            ("1024", None),
            ("0-99999999999", None),
            ("3-2", None),
            ("", None),
            ("0,", None),
            ("-1", None),
            ("all", None),
        ] {
            let read = text.parse::<Processors>().ok().map(|it| it.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }
}
