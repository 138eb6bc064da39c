//! What airspeed velocity (`asv run`) prints, and the results that it stores.
//!
//! Stored results (`results/MACHINE/COMMIT-ENV.json`, version 2) hold a value for every combination of parameters,
//! the last one changing fastest, and with `--record-samples` all samples, in seconds or bytes. The parameters'
//! names are in `benchmarks.json` beside them, so that here they are `param1` and so on. `null` is a benchmark that
//! failed, `NaN` one that was skipped. On the console a benchmark with parameters is a table whose columns are
//! values of all parameters but the first ones. asv takes any increase for worse, whatever it counts; so does this.
//! The source is asv's `results.py`, `commands/run.py` and `util.format_text_table`.

use std::collections::BTreeMap;

use perf_model::{Kind, Metric, Unit};
use serde::Deserialize;
use serde_json::Value;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::number;
use crate::output::{Case, Output, Spread};
use crate::text::Line;

pub(super) const FORMAT: Format = Format {
    name: "asv",
    description: "a results file of airspeed velocity, or what `asv run` prints",
    command: "asv run --record-samples",
    keeps: Keeps::Either,
    link: "https://asv.readthedocs.io",
    reader: Reader::File { detect, read },
};

#[derive(Deserialize)]
struct File {
    result_columns: Vec<String>,
    results: BTreeMap<String, Vec<Value>>,
}

fn detect(input: &Input) -> bool {
    input.has_all(&["result_columns", "results"]) || input.any_line(|line| entry(line).is_some())
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(FORMAT.name, FORMAT.name);
    if input.has_all(&["result_columns", "results"]) {
        let file: File = input.json("the results of asv")?;
        for (name, row) in &file.results {
            add_row(input.place(), name, &cells(&file.result_columns, row), &mut output);
        }
    } else {
        read_console(input, &mut output);
    }
    output.number_repeats();
    Ok(output)
}

fn cells<'a>(columns: &'a [String], row: &'a [Value]) -> BTreeMap<&'a str, &'a Value> {
    columns.iter().map(String::as_str).zip(row).collect()
}

fn add_row(place: &str, name: &str, cells: &BTreeMap<&str, &Value>, output: &mut Output) {
    let place = format!("{place}: results.{name}");
    let list = |column: &str| cells.get(column).and_then(|value| value.as_array()).cloned();
    let values =
        list("result").unwrap_or_else(|| cells.get("result").map(|one| (*one).clone()).into_iter().collect());
    let params: Vec<Vec<Value>> =
        list("params").unwrap_or_default().into_iter().filter_map(|list| list.as_array().cloned()).collect();
    let samples = list("samples").unwrap_or_default();
    if values.is_empty() || values.len() != params.iter().map(Vec::len).product::<usize>() {
        return output.skip(place, format!("`{name}` failed, or its results do not fit its parameters"));
    }
    for (index, value) in values.iter().enumerate() {
        let mut case = Case::new(name, &place);
        let mut rest = index;
        for (position, values) in params.iter().enumerate().rev() {
            let value = &values[rest % values.len()];
            rest /= values.len();
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            case = case.with(&format!("param{}", position + 1), text);
        }
        let metric = metric(name, Unit::new("s"));
        let raw: Vec<f64> = samples
            .get(index)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_f64)
            .collect();
        match value.as_f64() {
            Some(_) if !raw.is_empty() => output.samples(&case, metric, raw),
            Some(value) => output.summary(&case, metric, value, Spread::default()),
            None => output.skip(&case.place, format!("`{name}` failed or was skipped for some parameters")),
        }
    }
}

/// Returns what a benchmark measures, which the beginning of its name says.
fn metric(name: &str, time: Unit) -> Metric {
    let function = name.rsplit('.').next().unwrap_or(name);
    match function.split('_').next() {
        Some("mem" | "peakmem") => {
            Metric::size(if function.starts_with("peak") { "peak-memory" } else { "memory" }, "B")
        }
        Some("time" | "timeraw" | "Time") if Kind::of_unit(&time) == Kind::Time => {
            Metric::time("time", time.symbol())
        }
        Some(_) | None => Metric::count("value", "count"),
    }
}

fn read_console(input: &Input, output: &mut Output) {
    let mut lines = input.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((name, value)) = entry(line.text) else { continue };
        let place = input.at(line);
        let mut table: Vec<&str> = Vec::new();
        if lines.peek().is_some_and(|line| entry_text(line.text).is_some_and(is_rule)) {
            // A table ends at the third rule of `=`, or the second where one of `-` is the one below the titles.
            while let Some(Line { text, .. }) = lines.next_if(|line| is_table(line.text)) {
                table.push(text);
            }
            add_table(&Case::new(name, place), &table, output);
        } else {
            add_value(&Case::new(name, place), value, output);
        }
    }
}

fn is_table(line: &str) -> bool {
    entry_text(line).is_some() || (line.starts_with(' ') && !line.trim().is_empty())
}

/// Returns what follows `[ 50.00%] ··· `.
fn entry_text(line: &str) -> Option<&str> {
    let (percent, rest) = line.strip_prefix('[')?.split_once("%]")?;
    number::decimal(percent.trim())?;
    Some(rest.trim_start().strip_prefix("··· ")?.trim())
}

/// Returns name and value of `[ 50.00%] ··· b.time_x    15.7±0μs`.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (name, value) = entry_text(line)?.rsplit_once("  ")?;
    let value = value.trim();
    let known = ["ok", "n/a", "failed"].contains(&value) || value.ends_with(" failed");
    (!name.contains('(') && (known || quantity(value).is_some())).then(|| (name.trim_end(), value))
}

/// Reads `15.7±0μs`, `2.1k` or `42.5`; the spread is dropped, since asv does not say what it is.
fn quantity(text: &str) -> Option<(f64, Unit)> {
    if let Some((value, spread)) = text.split_once('±') {
        let (_, unit) = number::duration(spread)?;
        return Some((number::decimal(value)?, unit));
    }
    let (value, suffix) = number::split(text)?;
    let factor = match suffix {
        "" => 1.0,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        other => return number::duration(&format!("{value}{other}")),
    };
    Some((value * factor, Unit::new("count")))
}

fn add_value(case: &Case, value: &str, output: &mut Output) {
    match quantity(value) {
        Some((value, unit)) => output.summary(case, metric(&case.name, unit), value, Spread::default()),
        None => output.skip(&case.place, format!("`{}`: {value}", case.name)),
    }
}

/// Says whether a line is made of runs of `=` or `-`.
fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.len() > 1
        && (line.bytes().all(|b| b == b'=' || b == b' ') || line.bytes().all(|b| b == b'-' || b == b' '))
}

/// Adds the cells of a table: rows below its last rule but one, columns as wide as the runs of its last rule.
fn add_table(case: &Case, table: &[&str], output: &mut Output) {
    let rules: Vec<usize> = (1..table.len()).filter(|row| is_rule(table[*row])).collect();
    let double = |row: &&usize| table[**row].contains('=');
    let Some(&bottom) = rules.iter().rfind(double) else {
        return output.skip(&case.place, format!("`{}` has no table of results", case.name));
    };
    let Some(&below_titles) = rules.iter().rfind(|row| **row < bottom) else {
        return output.skip(&case.place, format!("`{}` has no table of results", case.name));
    };
    let columns = runs(table[bottom]);
    // A second header row, `--`, names the parameters whose values are the titles of columns.
    let spanning = rules
        .iter()
        .find(|row| **row < below_titles)
        .map(|row| (table[*row - 1], runs(table[*row]).len() - 1));
    let fixed = spanning.map_or(columns.len() - 1, |(_, fixed)| fixed);
    let titles: Vec<&str> = columns.iter().map(|column| cell(table[below_titles - 1], *column)).collect();
    let names = spanning.map_or("", |(line, _)| line.trim().trim_start_matches("--").trim());
    for row in &table[below_titles + 1..bottom] {
        let cells: Vec<&str> = columns.iter().map(|column| cell(row, *column)).collect();
        for index in fixed..columns.len() {
            let mut case = case.clone();
            for (title, value) in titles.iter().zip(&cells).take(fixed) {
                case = case.with(title, *value);
            }
            case.params.extend(spread(names, titles[index]));
            add_value(&case, cells[index], output);
        }
    }
}

/// Pairs names such as `y / z` with values such as `1 / 2`.
fn spread(names: &str, values: &str) -> BTreeMap<String, String> {
    let (each, all): (Vec<&str>, Vec<&str>) = (names.split(" / ").collect(), values.split(" / ").collect());
    let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    match () {
        () if names.is_empty() => BTreeMap::new(),
        () if each.len() == all.len() => each.into_iter().zip(all).map(pair).collect(),
        () => BTreeMap::from([pair((names, values))]),
    }
}

/// Returns where the runs of a rule begin and end, in characters.
fn runs(rule: &str) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut begin = None;
    for (at, character) in rule.chars().chain([' ']).enumerate() {
        match (character, begin) {
            (' ', Some(from)) => {
                runs.push((from, at));
                begin = None;
            }
            (' ', None) | (_, Some(_)) => {}
            (_, None) => begin = Some(at),
        }
    }
    runs
}

fn cell(line: &str, (from, to): (usize, usize)) -> &str {
    let byte = |at| line.char_indices().nth(at).map_or(line.len(), |(byte, _)| byte);
    line[byte(from)..byte(to)].trim()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, parse};

    #[test]
    fn reads_stored_results_with_their_parameters() {
        let text = r#"{"commit_hash": "c", "result_columns": ["result", "params", "version", "samples"], "results": {
            "b.S.time_t": [[1e-06, NaN, 3, null], [["1", "2"], ["'a b'", "None"]], "v", [[1e-06, 3e-06], null, null, null]],
            "b.mem_x": [[856], []], "b.track_y": [42.5, []], "b.time_fails": [null, []]}, "version": 2}"#;
        let output = parse(text);
        assert_eq!(
            found(&output),
            [
                "b.S.time_t[param1=1,param2='a b'] time 0.000002 s",
                "b.S.time_t[param1=2,param2='a b'] time 3 s",
                "b.mem_x memory 856 B",
                "b.track_y value 42.5 count",
            ]
        );
        assert_eq!(output.measurements[0].reading.samples(), [1e-6, 3e-6]);
        assert_eq!(output.skipped.len(), 3);
    }

    #[test]
    fn reads_the_console_with_its_tables() {
        let text = "\
· Discovering benchmarks
[ 0.00%] ·· Benchmarking existing-py
[ 6.25%] ··· Running (b.One.time_sum--).....
[56.25%] ··· b.One.time_sum                                                  ok
[56.25%] ··· ===== ============
               n               
             ----- ------------
               10    578±70ns  
              100   1.85±0.1μs 
             ===== ============

[62.50%] ··· b.Three.track_t                                         2/4 failed
[62.50%] ··· === ============ ============
             --           y / λ           
             --- -------------------------
              x   a b / True   a b / None 
             === ============ ============
              1       1          failed   
              2       n/a          2.5k   
             === ============ ============
             For parameters: 1, 'a b', None
             Traceback (most recent call last):

[75.00%] ··· b.peakmem_x                                                  25.7M
[87.50%] ··· b.time_fails                                                failed
[100.00%] ··· b.time_plain                                              20.4±2μs
";
        let output = parse(text);
        assert_eq!(
            found(&output),
            [
                "b.One.time_sum[n=10] time 578 ns",
                "b.One.time_sum[n=100] time 1.85 us",
                "b.Three.track_t[x=1,y=a b,λ=True] value 1 count",
                "b.Three.track_t[x=2,y=a b,λ=None] value 2500 count",
                "b.peakmem_x peak-memory 25700000 B",
                "b.time_plain time 20.4 us",
            ]
        );
        assert_eq!(output.skipped.len(), 3, "{:?}", output.skipped);
    }
}
