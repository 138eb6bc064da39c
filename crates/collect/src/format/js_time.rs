//! What `console.time` and `console.timeEnd` print in JavaScript.
//!
//! ```text
//! parse: 47ms - timer ended        Firefox
//! parse: 0.06ms                    Node, Chrome, Deno, Bun
//! parse: 1:02.345 (m:ss.mmm)       Node, from a minute on
//! ```
//!
//! Firefox's lines are recognised. The others look like too much else: they are where at least half of the lines are
//! timers, and otherwise only when `--format js-time` asks for them. A label that occurs again is a further sample; lines
//! of `console.timeLog` with words behind the time are not read.

use perf_model::Metric;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::number::{decimal, split};
use crate::output::{Case, Output};

pub(super) const FORMAT: Format = Format {
    name: "js-time",
    description: "what `console.timeEnd` prints",
    command: "node bench.js",
    keeps: Keeps::Samples,
    link: "https://developer.mozilla.org/docs/Web/API/console/timeEnd_static",
    reader: Reader::File { detect, read },
};

const FIREFOX: &str = " - timer ended";

fn detect(input: &Input) -> bool {
    let is_firefox = |line: &str| line.trim_end().ends_with(FIREFOX) && timer(line).is_some();
    let lines = input.lines().filter(|line| !line.text.trim().is_empty());
    let (timers, others) = lines.fold((0, 0), |(timers, others), line| match timer(line.text) {
        Some(_) => (timers + 1, others),
        None => (timers, others + 1),
    });
    !input.is_json() && (timers > 0 && timers >= others || input.any_line(is_firefox))
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(FORMAT.name, FORMAT.name);
    for line in input.lines() {
        if let Some((label, milliseconds)) = timer(line.text) {
            let case = Case::new(label, input.at(line));
            output.samples(&case, Metric::time("time", "ms"), vec![milliseconds]);
        }
    }
    output.pool_repeats();
    Ok(output)
}

/// Reads a label and milliseconds.
fn timer(line: &str) -> Option<(&str, f64)> {
    let line = line.trim_end();
    let line = line.strip_suffix(FIREFOX).unwrap_or(line);
    let (label, time) = match line.rsplit_once(" (") {
        Some((before, "m:ss.mmm)" | "h:mm:ss.mmm)")) => {
            let (label, time) = before.rsplit_once(": ")?;
            (label, clock(time)?)
        }
        Some(_) | None => {
            let (label, time) = line.rsplit_once(": ")?;
            let (value, unit) = split(time)?;
            let factor = match unit {
                "ms" => 1.0,
                "s" => 1000.0,
                _ => return None,
            };
            (label, value * factor)
        }
    };
    Some((label.trim_start(), time)).filter(|(label, _)| !label.is_empty())
}

/// Reads `1:02.345` or `1:02:03.456` as milliseconds.
fn clock(text: &str) -> Option<f64> {
    let seconds = text.split(':').try_fold(0.0, |sum, part| Some(sum * 60.0 + decimal(part)?))?;
    Some(seconds * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests_of::{found, refusal};

    #[test]
    fn reads_the_timers_of_every_engine() {
        for (line, expected) in [
            ("parse: 47ms - timer ended", Some(("parse", 47.0))),
            ("a: b: 12.5ms - timer ended", Some(("a: b", 12.5))),
            ("fast: 0.273ms", Some(("fast", 0.273))),
            ("wait: 1.102s", Some(("wait", 1102.0))),
            ("long: 1:02.345 (m:ss.mmm)", Some(("long", 62_345.0))),
            ("day: 1:02:03.456 (h:mm:ss.mmm)", Some(("day", 3_723_456.0))),
            ("half: 9.312ms half 3", None),
            ("Timer precision: 30 ns", None),
            ("Total: fast", None),
            (": 1ms", None),
        ] {
            assert_eq!(timer(line), expected, "{line}");
        }
    }

    #[test]
    fn repeated_labels_are_samples() {
        let found = found("a: 1ms\nb: 5ms\na: 3ms\n", FORMAT.name);
        assert_eq!(found, [("a time".into(), 2.0, "ms".into()), ("b time".into(), 5.0, "ms".into())]);
    }

    #[test]
    fn timers_between_other_lines_are_read_on_request_only() {
        let text = "hello\nworld\nfast: 0.273ms\n";
        assert_eq!(found(text, FORMAT.name).len(), 1);
        assert!(refusal(text, "").contains("in no format that is recognised"));
    }
}
