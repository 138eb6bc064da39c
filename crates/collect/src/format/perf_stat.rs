//! What the Linux profiler's `perf stat` prints with `-j` (JSON lines) or `-x SEPARATOR`.
//!
//! The source of both layouts is `tools/perf/util/stat-display.c` and the section *CSV FORMAT* of `perf-stat(1)`. A
//! line is one event: its value, the unit (blank for a count), its name, with `-r` the relative deviation, how long it
//! was counted and which share of that time. The command is not named, so that the benchmark is called `perf-stat`.
//! An event that occurs again, as where several outputs are in one file, is a further sample. Events that the machine
//! has not (`<not supported>`) are skipped, and lines of the command itself are not read.

use perf_model::{Kind, Metric, Reading, Samples, Unit};
use serde::Deserialize;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::number::decimal;
use crate::output::{Case, Output};

pub(super) const FORMAT: Format = Format {
    name: "perf-stat",
    description: "counters of the Linux profiler, `perf stat -j` or `-x,`",
    command: "/usr/bin/perf stat -j -o stat.json COMMAND",
    keeps: Keeps::Samples,
    link: "https://man7.org/linux/man-pages/man1/perf-stat.1.html",
    reader: Reader::File { detect, read },
};

const SEPARATORS: [char; 5] = [',', ';', '\t', '|', ':'];

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Event<'a> {
    counter_value: &'a str,
    unit: &'a str,
    event: &'a str,
    /// Seconds since the start, with `-I`.
    interval: Option<f64>,
}

fn detect(input: &Input) -> bool {
    input.has_all(&["counter-value", "event"]) || input.any_line(|line| row(line).is_some())
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(FORMAT.name, FORMAT.name);
    let case = Case::new(FORMAT.name, input.place());
    if input.has("counter-value") {
        for value in input.values() {
            let Ok(event) = serde_json::from_str::<Event<'_>>(value) else { continue };
            if event.interval.is_some() {
                return Err(input
                    .refuse("holds one number for each interval, expected totals")
                    .with_hint("`perf stat` without `-I` prints them"));
            }
            add(&mut output, &case, &event);
        }
    } else {
        for line in input.lines() {
            if let Some(event) = row(line.text) {
                add(&mut output, &Case { place: input.at(line), ..case.clone() }, &event);
            }
        }
    }
    output.pool_repeats();
    Ok(output)
}

fn add(output: &mut Output, case: &Case, event: &Event<'_>) {
    let Some(value) = decimal(event.counter_value) else {
        output.skip(&case.place, format!("`{}` has no number: {}", event.event, event.counter_value));
        return;
    };
    let unit = if event.unit.is_empty() { Unit::new("events") } else { Unit::new(event.unit) };
    let metric = match Kind::of_unit(&unit) {
        Kind::Time => Metric::time(event.event, unit.symbol()),
        Kind::Size => Metric::size(event.event, unit.symbol()),
        Kind::Rate | Kind::Ratio | Kind::Count | Kind::Percentile | Kind::Exact => {
            Metric::count(event.event, unit.symbol())
        }
    };
    output.reading(case, metric, Samples::new(vec![value]).map(Reading::Samples));
}

/// Reads `value,unit,event,[deviation%,]run time,share,...` with any of the usual separators.
fn row(line: &str) -> Option<Event<'_>> {
    let line = line.trim();
    let separator = SEPARATORS.into_iter().find(|separator| line.contains(*separator))?;
    let cells: Vec<&str> = line.split(separator).map(str::trim).collect();
    let [counter_value, unit, event, rest @ ..] = cells.as_slice() else { return None };
    let rest = match rest {
        [deviation, rest @ ..] if deviation.ends_with('%') => rest,
        rest => rest,
    };
    let [run_time, share, ..] = rest else { return None };
    let counted =
        decimal(counter_value).is_some() || ["<not supported>", "<not counted>"].contains(counter_value);
    let named = event.starts_with(|c: char| c.is_ascii_alphabetic()) && unit.parse::<f64>().is_err();
    let timed =
        run_time.parse::<u64>().is_ok() && decimal(share).is_some_and(|share| (0.0..=100.0).contains(&share));
    (counted && named && timed).then_some(Event { counter_value, unit, event, interval: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests_of::{found, refusal, skips};

    const JSON: &str = include_str!("../../fixtures/perf_stat.json");
    const TABLE: &str = include_str!("../../fixtures/perf_stat.csv");

    #[test]
    fn reads_json_lines_and_tables() {
        for (text, first) in [(JSON, 0.71342), (TABLE, 0.79)] {
            let found = found(text, "");
            let task = found.iter().find(|(name, ..)| name == "perf-stat task-clock");
            assert_eq!(task.map(|(_, value, unit)| (*value, unit.as_str())), Some((first, "ms")));
            assert_eq!(found.len(), 4);
            assert!(
                skips(text, "").iter().any(|skip| skip.ends_with("`cycles` has no number: <not supported>"))
            );
        }
    }

    #[test]
    fn outputs_in_one_file_are_samples() {
        let text =
            "12,,faults,570934,100.00,84.073,K/sec\nhello\n14,,faults:u,570934,99.5,,\n20,,faults,1,100.00\n";
        let expected = [("perf-stat faults", 16.0), ("perf-stat faults:u", 14.0)];
        assert_eq!(
            found(text, ""),
            expected.map(|(name, value)| (name.to_owned(), value, "events".to_owned()))
        );
    }

    #[test]
    fn intervals_are_refused() {
        let line = r#"{"interval" : 1.0, "counter-value" : "1.0", "unit" : "msec", "event" : "task-clock"}"#;
        assert!(refusal(line, "").contains("one number for each interval"));
    }

    #[test]
    fn other_tables_are_none_of_its_own() {
        for line in ["a,b,c,1,2", "1,2,3,4,5", "1,ms,x,1,200", "1,ms,x,y,100", "0.1,0.2,x,1,100"] {
            assert!(row(line).is_none(), "{line}");
        }
    }
}
