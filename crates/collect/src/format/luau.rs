//! What Luau's `bench/bench.py` prints: `SUCCESS: base64   :   15.041ms +/-  0.636% on luau`.
//!
//! The number is the mean, the percentage its deviation. The table that follows repeats both.

use perf_model::{Metric, Unit};

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::number::{decimal, duration};
use crate::output::{Case, Output, Spread};

pub(super) const FORMAT: Format = Format {
    name: "luau",
    description: "what Luau's `bench.py` prints",
    command: "python3 bench/bench.py",
    keeps: Keeps::Summary,
    link: "https://github.com/luau-lang/luau/tree/master/bench",
    reader: Reader::File { detect, read },
};

fn detect(input: &Input) -> bool {
    input.any_line(|line| row(line).is_some())
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(FORMAT.name, FORMAT.name);
    for line in input.lines() {
        let place = input.at(line);
        if let Some(row) = row(line.text) {
            let case = Case::new(row.name, place).with("driver", row.driver);
            let spread = Spread { sd: Some(row.mean * row.percent / 100.0), n: None };
            output.summary(&case, Metric::time("time", row.unit.symbol()), row.mean, spread);
        } else if line.text.starts_with("FAILED") {
            output.skip(place, line.text.trim());
        }
    }
    output.number_repeats();
    Ok(output)
}

#[derive(Debug, PartialEq)]
struct Row<'a> {
    name: &'a str,
    mean: f64,
    unit: Unit,
    percent: f64,
    driver: &'a str,
}

fn row(line: &str) -> Option<Row<'_>> {
    let (rest, driver) = line.trim().strip_prefix("SUCCESS:")?.rsplit_once("% on ")?;
    let (rest, percent) = rest.rsplit_once("+/-")?;
    let (name, mean) = rest.rsplit_once(':')?;
    let (mean, unit) = duration(mean)?;
    Some(Row { name: name.trim(), mean, unit, percent: decimal(percent.trim())?, driver: driver.trim() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests_of::found;

    #[test]
    fn reads_the_lines_and_not_the_table() {
        let text = "SUCCESS: sort::big   :    1.204s  +/-  0.636% on luau\n\
                    SUCCESS: sort::big   :   15.041ms +/-  0.2% on luau --codegen\n\
                    Test | Min | Average\nsort::big | 1.2s | 1.204s\n";
        let expected = [
            ("sort::big[driver=luau] time".into(), 1.204, "s".into()),
            ("sort::big[driver=luau --codegen] time".into(), 15.041, "ms".into()),
        ];
        assert_eq!(found(text, FORMAT.name), expected);
    }
}
