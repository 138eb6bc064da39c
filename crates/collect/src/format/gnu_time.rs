//! What GNU `time --verbose` prints after a command, on standard error and so between the lines of the command.
//!
//! The source of the layout is GNU time's `time.c`. The time is wall-clock time with a resolution of 10 ms, the memory
//! is the largest resident set in KiB. A command that a signal ended has `Exit status: 0` all the same; the line
//! before the block tells (`Command terminated by signal 9`). A command that is timed again is a further sample.

use perf_model::{Metric, Reading, Samples};

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::number::decimal;
use crate::output::{Case, Output};
use crate::text::Line;

pub(super) const FORMAT: Format = Format {
    name: "gnu-time",
    description: "what GNU `time --verbose` prints",
    command: "/usr/bin/time --verbose -o time.txt COMMAND",
    keeps: Keeps::Samples,
    link: "https://www.gnu.org/software/time/",
    reader: Reader::File { detect, read },
};

/// One command: where its block begins, and what is in it.
struct Block<'a> {
    line: Line<'a>,
    command: &'a str,
    /// Why it failed, where a line before the block says it.
    failure: Option<&'a str>,
    fields: Vec<(&'a str, &'a str)>,
}

fn detect(input: &Input) -> bool {
    input.any_line(|line| command(line).is_some())
}

fn command(line: &str) -> Option<&str> {
    line.strip_prefix("\tCommand being timed: \"")?.trim_end().strip_suffix('"')
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(FORMAT.name, FORMAT.name);
    for block in blocks(input) {
        let case = Case::new(block.command, input.at(block.line));
        let mut add = |metric: Metric, value: f64| {
            let reading = Samples::new(vec![value]).map(Reading::Samples);
            match block.failure() {
                Some(why) => output.withhold(&case, metric, reading, &why),
                None => output.reading(&case, metric, reading),
            }
        };
        let seconds = |key: &str| block.field(key).and_then(decimal);
        if let Some(elapsed) = block.field("Elapsed (wall clock) time (h:mm:ss or m:ss)").and_then(clock) {
            add(Metric::time("time", "s"), elapsed);
        }
        for (metric, key) in [("user-time", "User time (seconds)"), ("system-time", "System time (seconds)")]
        {
            if let Some(seconds) = seconds(key) {
                add(Metric::time(metric, "s"), seconds);
            }
        }
        if let Some(size) = block.field("Maximum resident set size (kbytes)").and_then(decimal) {
            add(Metric::size("peak-rss", "KiB"), size);
        }
    }
    output.pool_repeats();
    Ok(output)
}

fn blocks<'a>(input: &'a Input) -> Vec<Block<'a>> {
    let mut blocks: Vec<Block<'a>> = Vec::new();
    let mut failure = None;
    for line in input.lines() {
        if let Some(command) = command(line.text) {
            blocks.push(Block { line, command, failure: failure.take(), fields: Vec::new() });
        } else if is_failure(line.text) {
            failure = Some(line.text.trim());
        } else if let (Some(block), Some(field)) = (blocks.last_mut(), line.text.strip_prefix('\t')) {
            block.fields.extend(field.split_once(": ").map(|(key, value)| (key, value.trim())));
        }
    }
    blocks
}

fn is_failure(line: &str) -> bool {
    ["Command exited with", "Command terminated by", "Command stopped by"]
        .iter()
        .any(|start| line.starts_with(start))
}

impl<'a> Block<'a> {
    fn field(&self, key: &str) -> Option<&'a str> {
        self.fields.iter().find(|(name, _)| *name == key).map(|(_, value)| *value)
    }

    fn failure(&self) -> Option<String> {
        let status = self.field("Exit status").filter(|status| *status != "0");
        let status =
            status.map(|status| format!("it ended with status {status}, and failing fast is not speed"));
        self.failure.map(|line| format!("`{line}`, and failing fast is not speed")).or(status)
    }
}

/// Reads `1:02:03` or `1:02.34` as seconds.
fn clock(text: &str) -> Option<f64> {
    text.split(':').try_fold(0.0, |sum, part| Some(sum * 60.0 + decimal(part)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests_of::{found, withheld};

    /// `sleep 0.05` twice with its own standard error before, one that exits with 3, one that a signal ends.
    const RUNS: &str = include_str!("../../fixtures/gnu_time.txt");

    #[test]
    fn a_command_timed_twice_has_two_samples() {
        let found = found(RUNS, FORMAT.name);
        let names: Vec<_> = found.iter().map(|(name, ..)| name.as_str()).collect();
        let command = "sh -c echo hello >&2; sleep 0.05";
        let expected =
            ["peak-rss", "system-time", "time", "user-time"].map(|metric| format!("{command} {metric}"));
        assert_eq!(names, expected);
        assert_eq!((found[2].1, found[2].2.as_str()), (0.055, "s"));
        assert_eq!(found[0].2, "KiB");
    }

    #[test]
    fn a_command_that_failed_is_no_result() {
        let reasons: Vec<_> =
            withheld(RUNS, FORMAT.name).into_iter().filter(|(name, _)| name.ends_with(" time")).collect();
        let expected = [
            ("sh -c exit 3 time", "`Command exited with non-zero status 3`, and failing fast is not speed"),
            ("sh -c kill -9 $$ time", "`Command terminated by signal 9`, and failing fast is not speed"),
        ];
        assert_eq!(reasons, expected.map(|(name, reason)| (name.to_owned(), reason.to_owned())));
    }

    #[test]
    fn reads_minutes_and_hours() {
        for (text, seconds) in
            [("0:00.06", Some(0.06)), ("1:02.34", Some(62.34)), ("1:02:03", Some(3723.0)), ("x", None)]
        {
            assert_eq!(clock(text), seconds, "{text}");
        }
    }
}
