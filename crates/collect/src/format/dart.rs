//! What Dart's benchmark_harness prints: `Name(RunTime): 1523.4 us.`
//!
//! A name that occurs again is a further sample.

use perf_model::{Metric, Unit};

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::number::split;
use crate::output::{Case, Output};

pub(super) const FORMAT: Format = Format {
    name: "dart",
    description: "what Dart's benchmark_harness prints",
    command: "dart run bench.dart",
    keeps: Keeps::Samples,
    link: "https://pub.dev/packages/benchmark_harness",
    reader: Reader::File { detect, read },
};

fn detect(input: &Input) -> bool {
    input.any_line(|line| row(line).is_some())
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(FORMAT.name, FORMAT.name);
    for line in input.lines() {
        if let Some((name, value, unit)) = row(line.text) {
            let case = Case::new(name, input.at(line));
            output.samples(&case, Metric::time("time", unit.symbol()), vec![value]);
        }
    }
    output.pool_repeats();
    Ok(output)
}

fn row(line: &str) -> Option<(&str, f64, Unit)> {
    let (name, rest) = line.trim().rsplit_once("(RunTime): ")?;
    let (value, unit) = split(rest.strip_suffix('.')?)?;
    let unit = Unit::new(unit);
    unit.factor_to(&Unit::new("s"))?;
    Some((name, value, unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests_of::found;

    #[test]
    fn repeated_lines_are_samples() {
        let text =
            "Building...\nSort(RunTime): 1523.4 us.\nA (b)(RunTime): 1e-3 us.\r\nSort(RunTime): 1500 us.\n";
        let expected = [("A (b) time".into(), 0.001, "us".into()), ("Sort time".into(), 1511.7, "us".into())];
        assert_eq!(found(text, FORMAT.name), expected);
    }

    #[test]
    fn other_lines_say_nothing() {
        for line in
            ["Sort(RunTime): fast.", "Sort(RunTime): 1 us", "Sort(RunTime): 1 widgets.", "Sort: 1 us."]
        {
            assert_eq!(row(line), None, "{line}");
        }
    }
}
