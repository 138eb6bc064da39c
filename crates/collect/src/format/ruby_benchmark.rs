//! What Ruby's `Benchmark.bm`, `.bmbm` and `.benchmark` print.
//!
//! ```text
//!               user     system      total        real
//! for:      0.950000   0.000000   0.950000 (  0.952039)
//! ```
//!
//! The source of the layout is `Benchmark::Tms#format`: seconds, the label before them with as little as one blank
//! between. `bmbm` prints a rehearsal first, which is not read. A label that occurs again, as in a second table, gets
//! the parameter `occurrence`.

use perf_model::Metric;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::number::decimal;
use crate::output::{Case, Output, Spread};

pub(super) const FORMAT: Format = Format {
    name: "ruby-benchmark",
    description: "what Ruby's `Benchmark` prints",
    command: "ruby bench.rb",
    keeps: Keeps::Summary,
    link: "https://docs.ruby-lang.org/en/master/Benchmark.html",
    reader: Reader::File { detect, read },
};

fn detect(input: &Input) -> bool {
    input.any_line(is_header)
}

fn is_header(line: &str) -> bool {
    line.split_whitespace().eq(["user", "system", "total", "real"])
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(FORMAT.name, FORMAT.name);
    let (mut in_table, mut in_rehearsal) = (false, false);
    for line in input.lines() {
        let text = line.text.trim();
        if is_header(text) {
            (in_table, in_rehearsal) = (true, false);
        } else if text.starts_with("Rehearsal --") {
            in_rehearsal = true;
        } else if let Some((label, [user, system, real])) = row(text) {
            let place = input.at(line);
            if label.is_empty() {
                output.skip(place, "a measurement without a label");
            } else if in_table && !in_rehearsal {
                let case = Case::new(label, place);
                for (metric, seconds) in [("time", real), ("user-time", user), ("system-time", system)] {
                    output.summary(&case, Metric::time(metric, "s"), seconds, Spread::default());
                }
            }
        }
    }
    output.number_repeats();
    Ok(output)
}

/// Reads a label with user, system and real seconds.
fn row(line: &str) -> Option<(&str, [f64; 3])> {
    let (rest, real) = line.strip_suffix(')')?.rsplit_once('(')?;
    let (rest, total) = last_word(rest)?;
    let (rest, system) = last_word(rest)?;
    let (label, user) = last_word(rest)?;
    decimal(total)?;
    Some((label.trim(), [decimal(user)?, decimal(system)?, decimal(real.trim())?]))
}

fn last_word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_end();
    let start = text.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    Some((&text[..start], &text[start..])).filter(|(_, word)| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests_of::{found, refusal};

    /// `Benchmark.bm`, `.bmbm`, `.benchmark` with totals, and a bare `Benchmark.measure` of Ruby 3.1.
    const RUN: &str = include_str!("../../fixtures/ruby_benchmark.txt");

    #[test]
    fn reads_every_table_but_the_rehearsal() {
        let found = found(RUN, FORMAT.name);
        let times: Vec<_> = found.iter().filter(|(name, ..)| name.ends_with(" time")).collect();
        let names: Vec<_> = times.iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                ">avg: time",
                ">total: time",
                "a longer label time",
                "for: time",
                "for:[occurrence=2] time",
                "sort time",
                "sort! time",
                "times: time",
            ]
        );
        assert_eq!((times[5].1, times[5].2.as_str()), (0.031211, "s"), "not the rehearsal's");
    }

    #[test]
    fn a_label_may_end_in_numbers() {
        assert_eq!(row("n = 5 0.1 0.2 0.3 (  0.4)"), Some(("n = 5", [0.1, 0.2, 0.4])));
        assert_eq!(row("(a) 0.1 0.2 (0.4)"), None);
        assert_eq!(row("0.1 0.2 0.3 (0.4)"), Some(("", [0.1, 0.2, 0.4])));
    }

    #[test]
    fn a_table_without_rows_is_an_error() {
        assert!(
            refusal("  user     system      total        real\n", FORMAT.name)
                .contains("holds no measurement")
        );
    }
}
