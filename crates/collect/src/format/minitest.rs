//! What the benchmarks of Ruby's minitest print: for each method the seconds of every size of its range.
//!
//! ```text
//! bench_sort\t 0.000021\t 0.000170\t 0.001672
//! ```
//!
//! The sizes themselves are not printed, so that the parameter `step` counts them from 1. Marks of the progress (`.`)
//! may stand before a name.

use perf_model::Metric;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::number::decimal;
use crate::output::{Case, Output, Spread};

pub(super) const FORMAT: Format = Format {
    name: "minitest-bench",
    description: "what the benchmarks of Ruby's minitest print",
    command: "ruby bench_test.rb",
    keeps: Keeps::Summary,
    link: "https://docs.seattlerb.org/minitest/",
    reader: Reader::File { detect, read },
};

fn detect(input: &Input) -> bool {
    input.any_line(|line| row(line).is_some())
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(FORMAT.name, FORMAT.name);
    for line in input.lines() {
        let Some((name, seconds)) = row(line.text) else { continue };
        for (step, seconds) in (1..).zip(seconds) {
            let case = Case::new(name, input.at(line)).with("step", step.to_string());
            output.summary(&case, Metric::time("time", "s"), seconds, Spread::default());
        }
    }
    output.number_repeats();
    Ok(output)
}

fn row(line: &str) -> Option<(&str, Vec<f64>)> {
    let mut cells = line.trim_end().split('\t');
    let name = cells.next()?.trim_start_matches(['.', 'F', 'E', 'S']).trim();
    let seconds: Vec<f64> = cells.map(|cell| decimal(cell.trim())).collect::<Option<_>>()?;
    (name.starts_with("bench_") && !seconds.is_empty()).then_some((name, seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests_of::found;

    #[test]
    fn reads_one_series_for_each_size() {
        let found = found(include_str!("../../fixtures/minitest_bench.txt"), FORMAT.name);
        assert_eq!(found.len(), 6);
        assert_eq!(found[5], ("bench_sort[step=3] time".into(), 0.001715, "s".into()));
        assert_eq!(found[0].0, "bench_const[step=1] time");
    }

    #[test]
    fn other_lines_say_nothing() {
        for line in ["bench_a", "bench_a\tfast", "test_a\t 0.1", ". 2 runs"] {
            assert_eq!(row(line), None, "{line}");
        }
    }
}
