//! What iai prints: a name, and five indented lines from `Instructions:` to `Estimated Cycles:`.
//!
//! The numbers come from Cachegrind. iai names the level behind L1 `L2 Accesses`.

use perf_model::Metric;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::number;
use crate::output::{Case, Output, Spread};

pub(super) const FORMAT: Format = Format {
    name: "iai",
    description: "what iai prints",
    command: "cargo bench",
    keeps: Keeps::Exact,
    link: "https://docs.rs/iai",
    reader: Reader::Stream { detect, read },
};

type Make = fn() -> Metric;

/// What a line begins with, and the metric it becomes. The cache's counts vary by a few from run to run.
const METRICS: [(&str, Make); 5] = [
    ("Instructions", || Metric::exact("instructions", "instructions")),
    ("L1 Accesses", || Metric::count("l1-accesses", "accesses")),
    ("L2 Accesses", || Metric::count("l2-accesses", "accesses")),
    ("RAM Accesses", || Metric::count("ram-accesses", "accesses")),
    ("Estimated Cycles", || Metric::count("estimated-cycles", "cycles")),
];

fn detect(input: &Input) -> bool {
    input.any_line(|line| reading(line).is_some_and(|(metric, _)| metric.name == "l1-accesses"))
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(FORMAT.name, FORMAT.name);
    let mut name = "";
    for line in input.lines() {
        match reading(line.text) {
            Some((metric, value)) => {
                output.summary(&Case::new(name, input.at(line)), metric, value, Spread::default());
            }
            None if line.text.starts_with(' ') || line.text.is_empty() => {}
            None => name = line.text.trim_end(),
        }
    }
    output.number_repeats();
    Ok(output)
}

fn reading(line: &str) -> Option<(Metric, f64)> {
    let (name, rest) = line.strip_prefix("  ")?.split_once(':')?;
    let (_, metric) = METRICS.iter().find(|(word, _)| *word == name)?;
    let value = number::decimal(rest.split_whitespace().next()?)?;
    Some((metric(), value))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, parse};

    #[test]
    fn reads_all_five_counts() {
        let text = "\nshort\n  Instructions:                1798 (+0.5%)\n  L1 Accesses:                 2577\n  \
                    L2 Accesses:                    0 (No change)\n  RAM Accesses:                   3\n  \
                    Estimated Cycles:            2682\n\n";
        let expected = [
            "short estimated-cycles 2682 cycles",
            "short instructions 1798 instructions",
            "short l1-accesses 2577 accesses",
            "short l2-accesses 0 accesses",
            "short ram-accesses 3 accesses",
        ];
        assert_eq!(found(&parse(text)), expected);
    }
}
