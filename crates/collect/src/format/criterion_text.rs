//! What Criterion.rs prints: `NAME   time:   [lower ns estimate ns upper ns]`, and `thrpt:` below it.
//!
//! The estimate in the middle is the slope of the samples, or their mean where sampling is flat. Names of 24
//! columns and more stand alone on the line before. The lines of a `change:` block are in percent and are no
//! results. The source is `report.rs` (`CliReport`) of Criterion.rs. The directory `target/criterion` keeps
//! every sample: where it is there, read that.

use perf_model::Metric;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::number;
use crate::output::{Case, Output, Spread};

pub(super) const FORMAT: Format = Format {
    name: "criterion-text",
    description: "what Criterion.rs prints; `target/criterion` keeps more",
    command: "cargo bench",
    keeps: Keeps::Summary,
    link: "https://bheisler.github.io/criterion.rs/book/user_guide/command_line_output.html",
    reader: Reader::Stream { detect, read },
};

fn detect(input: &Input) -> bool {
    input.any_line(|line| estimate(line, "time:").is_some())
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(FORMAT.name, "criterion");
    let mut name = String::new();
    for line in input.lines() {
        if let Some((before, value, unit)) = estimate(line.text, "time:") {
            if !before.is_empty() {
                name = before.to_owned();
            }
            let case = Case::new(&name, input.at(line));
            match number::duration(&format!("{value} {unit}")) {
                Some((value, unit)) => {
                    let metric = Metric::time("time", unit.symbol());
                    output.summary(&case, metric, value, Spread::default());
                }
                None => output.skip(case.place, format!("`{name}`: `{unit}` is no unit of time")),
            }
        } else if let Some(("", value, unit)) = estimate(line.text, "thrpt:") {
            let (value, unit) = number::rate(value, unit);
            let metric = Metric::rate("throughput", unit.symbol());
            output.summary(&Case::new(&name, input.at(line)), metric, value, Spread::default());
        } else if !line.text.is_empty() && !line.text.starts_with([' ', '\t']) {
            name = line.text.trim_end().to_owned();
        }
    }
    output.number_repeats();
    Ok(output)
}

/// Returns what stands before `word`, and the middle one of the three values behind it.
fn estimate<'a>(line: &'a str, word: &str) -> Option<(&'a str, f64, &'a str)> {
    let (before, rest) = line.rsplit_once(word)?;
    let values = rest.trim().strip_prefix('[')?.strip_suffix(']')?;
    let mut words = values.split_whitespace();
    let mut next = || Some((number::decimal(words.next()?)?, words.next()?));
    let (_, estimate, _) = (next()?, next()?, next()?);
    words.next().is_none().then_some((before.trim(), estimate.0, estimate.1))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, parse};

    #[test]
    fn reads_names_on_either_line_and_any_unit() {
        let text = "\
Benchmarking short: Collecting 20 samples in estimated 603.65 ms (4200 iterations)
short                   time:   [395.59 ns 1.6511 µs 3.2375 µs]
                        change: [-46.1% +1.2% +3.4%] (p = 0.05 < 0.05)
Found 1 outliers among 10 measurements (10.00%)
  1 (10.00%) high mild

a rather long benchmark name that wraps
                        time:   [107.96 ps 154.33 ps 210.19 ps]
                        thrpt:  [599.05 MiB/s 836.54 MiB/s 1.0270 GiB/s]
                 change:
                        time:   [−30.2% −20.1% −10.0%] (p = 0.00 < 0.05)
                        thrpt:  [+11.1% +25.2% +43.3%]
                        Performance has improved.
time: tricky            time:   [0.0000 ps 0.0000 ps 0.0000 ps]
items/10                time:   [1.0 μs 1.2 μs 1.5 μs]
                        thrpt:  [5.8554 Melem/s 12.5 Melem/s 38.727 Melem/s]
";
        let expected = [
            "a rather long benchmark name that wraps throughput 836.54 MiB/s",
            "a rather long benchmark name that wraps time 154.33 ps",
            "items/10 throughput 12500000 elem/s",
            "items/10 time 1.2 us",
            "short time 1.6511 us",
            "time: tricky time 0 ps",
        ];
        let output = parse(text);
        assert_eq!(found(&output), expected);
        assert!(output.skipped.is_empty(), "{:?}", output.skipped);
    }

    #[test]
    fn colours_and_progress_lines_are_no_part_of_names() {
        let text =
            "Benchmarking a: Analyzing\r\u{1b}[32ma\u{1b}[0m  time:   [1 ns \u{1b}[1m2 ns\u{1b}[0m 3 ns]\r\n";
        assert_eq!(found(&parse(text)), ["a time 2 ns"]);
    }
}
