//! The benchmarks that Catch2 reports, as XML (2 and 3) or on the console.
//!
//! XML: `BenchmarkResults` with a `mean` in nanoseconds, inside `TestCase` and nested `Section` elements. Console:
//! the case stands between dashes with its sections indented below, then come three lines per benchmark: samples,
//! mean and deviation, each value with its unit. Long names take several lines, in 2.x beside the numbers. The
//! mean is all that both hold of the location. The source is `catch_reporter_xml.cpp` and
//! `catch_reporter_console.cpp`. The JSON and JUnit reporters leave benchmarks out.

use perf_model::{Metric, Unit};

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::number;
use crate::output::{Case, Output, Spread};

pub(super) const FORMAT: Format = Format {
    name: "catch2",
    description: "benchmarks of Catch2 2 and 3, as XML or on the console",
    command: "TESTS --reporter xml",
    keeps: Keeps::Summary,
    link: "https://github.com/catchorg/Catch2/blob/devel/docs/benchmarks.md",
    reader: Reader::File { detect, read },
};

fn detect(input: &Input) -> bool {
    is_xml(input) || is_json(input) || input.any_line(is_title)
}

fn is_xml(input: &Input) -> bool {
    matches!(input.xml_root(), Some("Catch" | "Catch2TestRun"))
}

fn is_json(input: &Input) -> bool {
    input.has_all(&["version", "metadata", "test-run"])
}

/// Says whether a line is the title of a table: it changed from `estimated` to `est run time` in 3.5.
fn is_title(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.starts_with(&["benchmark", "name", "samples", "iterations"])
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(FORMAT.name, "Catch2");
    if is_json(input) {
        return Err(input
            .refuse("is a report of Catch2's JSON reporter, which leaves benchmarks out")
            .with_hint("run the tests with `--reporter xml`"));
    }
    if is_xml(input) {
        read_xml(input, &mut output)?
    } else {
        Console::read(input, &mut output)
    }
    output.number_repeats();
    Ok(output)
}

fn read_xml(input: &Input, output: &mut Output) -> Result<(), ReadError> {
    let document = input.xml()?;
    output.note_version(document.root_element().attribute("catch2-version"));
    for results in document.descendants().filter(|node| node.has_tag_name("BenchmarkResults")) {
        let outer =
            results.ancestors().filter(|node| node.has_tag_name("Section") || node.has_tag_name("TestCase"));
        let mut path: Vec<&str> = outer.filter_map(|node| node.attribute("name")).map(str::trim).collect();
        path.reverse();
        path.extend(results.attribute("name"));
        let line = document.text_pos_at(results.range().start).row;
        let case = Case::new(path.join("/"), format!("{}:{line}", input.place()));
        let value = |tag: &str| {
            let node = results.children().find(|node| node.has_tag_name(tag))?;
            number::decimal(node.attribute("value")?)
        };
        let samples = results.attribute("samples").and_then(|samples| samples.parse().ok());
        match value("mean") {
            Some(mean) => {
                let spread = Spread { sd: value("standardDeviation"), n: samples };
                output.summary(&case, Metric::time("time", "ns"), mean, spread);
            }
            None => output.skip(case.place, format!("`{}` has no mean: it may have failed", case.name)),
        }
    }
    Ok(())
}

/// What has been seen of the console's output.
#[derive(Default)]
struct Console {
    /// The case and its sections.
    path: Vec<String>,
    /// Lines of a heading that the dashes below may close.
    heading: Option<Vec<String>>,
    in_table: bool,
    /// Whether the lines are still those of the title.
    awaits_rule: bool,
    /// Whether the table has the mean on the first line (`--benchmark-no-analysis`).
    plain: bool,
    name: String,
    samples: Option<u64>,
    mean: Option<(f64, Unit)>,
    place: String,
}

impl Console {
    fn read(input: &Input, output: &mut Output) {
        let mut console = Self::default();
        for line in input.lines() {
            if is_title(line.text) {
                console.in_table = true;
                console.awaits_rule = true;
                console.plain = line.text.contains(" mean");
                console.name.clear();
            } else if is_rule(line.text) {
                console.rule(output);
            } else if console.awaits_rule {
                // The other lines of the title.
            } else if console.in_table {
                console.place = input.at(line);
                console.table_line(line.text, output);
            } else if let Some(heading) = &mut console.heading {
                heading.push(line.text.trim().to_owned());
            }
        }
        console.lost(output);
    }

    /// A line of dashes opens a heading, or closes it; the one below the title opens the rows.
    fn rule(&mut self, output: &mut Output) {
        if self.awaits_rule {
            self.awaits_rule = false;
            return;
        }
        self.lost(output);
        self.in_table = false;
        match self.heading.take() {
            Some(heading) if !heading.is_empty() => self.path = heading,
            Some(_) | None => self.heading = Some(Vec::new()),
        }
    }

    fn table_line(&mut self, line: &str, output: &mut Output) {
        if line.trim().is_empty() {
            // The first blank line after a row opens the way for the next heading.
            return self.lost(output);
        }
        if let Some((name, values)) = durations(line) {
            return self.values(&name, &values, output);
        }
        if let Some((name, samples)) = counts(line) {
            if self.samples.is_some() {
                self.lost(output);
            }
            self.extend(&name);
            self.samples = Some(samples);
            if let (true, Some((_, value, unit))) = (self.plain, last_duration(line)) {
                self.mean = Some((value, unit));
                self.add(None, output);
            }
            return;
        }
        if self.samples.is_some() {
            self.lost(output);
        }
        self.extend(line.trim());
    }

    /// The second line of a row has the mean, the third the deviation; both may go on with the name.
    fn values(&mut self, name: &str, values: &[(f64, Unit)], output: &mut Output) {
        if self.samples.is_none() {
            return;
        }
        self.extend(name);
        match self.mean {
            None => self.mean = values.first().cloned(),
            Some(_) => self.add(values.first().cloned(), output),
        }
    }

    fn extend(&mut self, name: &str) {
        if !self.name.is_empty() && !name.is_empty() {
            self.name.push(' ');
        }
        self.name.push_str(name);
    }

    fn add(&mut self, sd: Option<(f64, Unit)>, output: &mut Output) {
        if let Some((mean, unit)) = self.mean.take() {
            let path: Vec<&str> = self.path.iter().chain([&self.name]).map(String::as_str).collect();
            let case = Case::new(path.join("/"), &self.place);
            let sd = sd.and_then(|(sd, of)| Some(sd * of.factor_to(&unit)?));
            output.summary(&case, Metric::time("time", unit.symbol()), mean, Spread { sd, n: self.samples });
        }
        self.samples = None;
        self.name.clear();
    }

    /// A benchmark that throws has its name and samples and no mean.
    fn lost(&mut self, output: &mut Output) {
        if self.mean.is_some() {
            return self.add(None, output);
        }
        if self.samples.take().is_some() {
            output.skip(&self.place, format!("`{}` has no mean: it may have failed", self.name));
        }
        self.name.clear();
    }
}

fn is_rule(line: &str) -> bool {
    let line = line.trim_end();
    line.len() >= 20 && line.bytes().all(|byte| byte == b'-')
}

/// Returns what stands before three durations at the end of a line, and these.
fn durations(line: &str) -> Option<(String, Vec<(f64, Unit)>)> {
    let (name, third, third_unit) = last_duration(line)?;
    let (name, second, second_unit) = last_duration(name)?;
    let (name, first, first_unit) = last_duration(name)?;
    Some((name.trim().to_owned(), vec![(first, first_unit), (second, second_unit), (third, third_unit)]))
}

/// Cuts the last duration, two words, off a line.
fn last_duration(line: &str) -> Option<(&str, f64, Unit)> {
    let (rest, unit) = line.trim_end().rsplit_once(' ')?;
    let (rest, value) = rest.trim_end().rsplit_once(' ')?;
    let unit = Unit::new(if unit == "m" { "min" } else { unit });
    let is_time = unit.dimension() == Some(perf_model::Dimension::Time);
    Some((rest, number::decimal(value).filter(|_| is_time)?, unit))
}

/// Returns the name and the samples of a row's first line: `name samples iterations estimated`.
fn counts(line: &str) -> Option<(String, u64)> {
    let (rest, _, _) = last_duration(line)?;
    let (rest, iterations) = rest.trim_end().rsplit_once(' ')?;
    let (name, samples) = rest.trim_end().rsplit_once(' ').unwrap_or(("", rest.trim()));
    iterations.parse::<u64>().ok()?;
    Some((name.trim().to_owned(), samples.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, parse, refused};

    const CONSOLE: &str = "
-------------------------------------------------------------------------------
Case one
  inner/section
-------------------------------------------------------------------------------
a.cpp:3
...............................................................................

benchmark name                       samples       iterations    est run time
                                     mean          low mean      high mean
                                     std dev       low std dev   high std dev
-------------------------------------------------------------------------------
fib 5                                           10           654    1.42572 ms 
                                        18.6179 ns    18.4486 ns    18.8239 ns 
                                       0.300743 us   0.221203 ns   0.340245 ns 
                                                                               
a long name that                                                               
goes on                                         10          2094    1.42392 ms 
and on                                  6.57832 us    6.11566 ns    7.42684 ns 
to here                                0.982721 ns   0.547052 ns    1.51428 ns 
                                                                               
throws                                          10             1    1.42392 ms 

-------------------------------------------------------------------------------
Case two
-------------------------------------------------------------------------------
a.cpp:9
...............................................................................

benchmark name                       samples       iterations    est run time
                                     mean          low mean      high mean
                                     std dev       low std dev   high std dev
-------------------------------------------------------------------------------
fib 5                                           10           654    1.42572 ms 
                                              2 ns          1 ns          3 ns 
                                              0 ns          0 ns          0 ns 

===============================================================================
test cases: 2 | 2 passed
";

    #[test]
    fn reads_the_console() {
        let output = parse(CONSOLE);
        assert_eq!(
            found(&output),
            [
                "Case one/inner/section/a long name that goes on and on to here time 6.57832 us",
                "Case one/inner/section/fib 5 time 18.6179 ns",
                "Case two/fib 5 time 2 ns",
            ]
        );
        assert_eq!(output.skipped.len(), 1, "{:?}", output.skipped);
        assert!(output.skipped[0].reason.contains("`throws` has no mean"));
    }

    #[test]
    fn reads_xml_of_both_versions() {
        let case = r#"<TestCase name="Case"><Section name="a &amp; b"><BenchmarkResults name="x/y" samples="12"
            iterations="1"><mean value="23.5" lowerBound="1"/><standardDeviation value="2"/></BenchmarkResults>
            <BenchmarkResults name="bad"/></Section></TestCase>"#;
        for text in [
            format!("<?xml version=\"1.0\"?>\n<Catch name=\"c\"><Group name=\"g\">{case}</Group></Catch>"),
            format!("<Catch2TestRun name=\"c\" catch2-version=\"3.7.1\">{case}</Catch2TestRun>"),
        ] {
            let output = parse(&text);
            assert_eq!(found(&output), ["Case/a & b/x/y time 23.5 ns"], "{text}");
            assert!(output.skipped[0].reason.starts_with("`Case/a & b/bad` has no mean"));
        }
    }

    #[test]
    fn the_json_reporter_has_no_benchmarks() {
        let text = r#"{"version": 1, "metadata": {}, "test-run": {}}"#;
        assert!(refused(text).contains("leaves benchmarks out"));
    }
}
