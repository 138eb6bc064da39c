//! Tables and JSON lines of one's own: which column, or key, holds what.
//!
//! Without a mapping the columns are found by their names:
//!
//! | column | |
//! |---|---|
//! | `benchmark` or `name` | required |
//! | `value` | required, a number |
//! | `metric` | `time` where it is missing and the unit is one of time |
//! | `unit` | any of those that are known, or any other word |
//! | `better` or `direction` | `lower` or `higher` |
//! | `param.NAME`, `param_NAME` | the parameter `NAME` |
//! | `sample`, `iteration`, `run` | which reading of the series this is; not read |
//!
//! Rows of one series are its samples. Columns may be divided by commas, semicolons or tabs. With a [`Mapping`] any
//! columns can be read.

use std::collections::BTreeMap;

use perf_model::{Better, Kind, Metric, Reading, Samples, Unit};
use serde_json::Value;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::number::decimal;
use crate::output::{Case, Output};
use crate::table::{Row, Table, header};

pub(super) const CSV: Format = Format {
    name: "csv",
    description: "a table with the columns `benchmark` and `value`; others by `[[input]]` in perf.toml",
    command: "any script",
    keeps: Keeps::Samples,
    link: "https://www.rfc-editor.org/rfc/rfc4180",
    reader: Reader::File { detect: |input| separator(input).is_some(), read: read_csv },
};

pub(super) const NDJSON: Format = Format {
    name: "ndjson",
    description: "JSON lines with the keys `benchmark` and `value`; others by `[[input]]` in perf.toml",
    link: "https://github.com/ndjson/ndjson-spec",
    reader: Reader::File { detect: detect_ndjson, read: read_ndjson },
    ..CSV
};

const BENCHMARK: [&str; 2] = ["benchmark", "name"];
const NOT_READ: [&str; 3] = ["sample", "iteration", "run"];

/// Which columns of a table, or keys of JSON lines, are read, and as what.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    /// What `--format` calls it.
    pub name: String,
    /// How the rows are written.
    pub rows: Rows,
    /// The columns whose cells, joined by `/`, are the name of the benchmark.
    pub benchmark: Vec<String>,
    /// The columns that are parameters.
    pub params: Vec<String>,
    /// The columns with numbers.
    pub values: Values,
}

/// How the rows of an input are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// One line for each row, with a header line before all.
    Table {
        /// What stands between two cells.
        separator: u8,
        /// What stands before the decimals: `.` or `,`.
        decimal: char,
    },
    /// One JSON object for each row. A column `a.b` is the key `b` of the object `a`.
    Ndjson,
}

/// Where the numbers of a row are.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Each row has one number and says in further columns what it is.
    One {
        /// The column of the number.
        value: String,
        /// The column of the metric's name.
        metric: Option<String>,
        /// The column of the unit.
        unit: Option<String>,
        /// The column of the direction.
        better: Option<String>,
    },
    /// Each row has several numbers.
    Several(Vec<Column>),
}

/// One column of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The column.
    pub column: String,
    /// The metric's name.
    pub metric: String,
    /// The unit.
    pub unit: String,
    /// Which way is better; `None` where the unit says it.
    pub better: Option<Better>,
    /// The kind; `None` where unit and name say it.
    pub kind: Option<Kind>,
}

/// One row, whatever it is written in.
struct Record {
    place: String,
    cells: BTreeMap<String, Cell>,
}

enum Cell {
    Text(String),
    /// A list of numbers, which JSON may hold.
    Numbers(Vec<f64>),
}

fn separator(input: &Input) -> Option<u8> {
    let fits = |separator: &u8| {
        let header = header(input.text(), *separator);
        let has = |wanted: &str| header.iter().any(|name| name.eq_ignore_ascii_case(wanted));
        BENCHMARK.into_iter().any(has) && has("value")
    };
    [b',', b';', b'\t'].into_iter().find(fits).filter(|_| !input.is_json())
}

/// The last line may be cut; all others have to be objects, so that lists of other formats are none of these.
fn detect_ndjson(input: &Input) -> bool {
    let lines = || input.lines().map(|line| line.text.trim()).filter(|line| !line.is_empty());
    let last = lines().count();
    let is_row =
        |(number, line): (usize, &str)| line.starts_with('{') && (line.ends_with('}') || number == last);
    let rows = (1..).zip(lines()).all(is_row);
    rows && BENCHMARK.into_iter().any(|name| input.has_all(&[name, "value"])) && !input.has("type")
}

fn read_csv(input: &Input) -> Result<Output, ReadError> {
    let separator = separator(input)
        .ok_or_else(|| input.refuse("expected a header line with the columns `benchmark` and `value`"))?;
    let table = Table::read(input, separator)?;
    let rows = Rows::Table { separator, decimal: '.' };
    let mut output = input.output(CSV.name, CSV.name);
    let mapping = by_name(rows, table.header(), input, &mut output);
    read_rows(input, &mapping, &mut output)?;
    Ok(output)
}

fn read_ndjson(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(NDJSON.name, NDJSON.name);
    let mut keys = Vec::new();
    for value in input.values() {
        if let Ok(Value::Object(object)) = serde_json::from_str(value) {
            keys.extend(flat(object).into_keys());
        }
    }
    keys.sort_unstable();
    keys.dedup();
    let mapping = by_name(Rows::Ndjson, &keys, input, &mut output);
    read_rows(input, &mapping, &mut output)?;
    Ok(output)
}

/// Reads an input whose columns somebody has named.
pub(super) fn read_mapped(input: &Input, mapping: &Mapping) -> Result<Output, ReadError> {
    let mut output = input.output(&mapping.name, &mapping.name);
    read_rows(input, mapping, &mut output)?;
    Ok(output)
}

/// Returns the mapping that the names of the columns stand for; a column that stands for nothing is said.
fn by_name(rows: Rows, header: &[String], input: &Input, output: &mut Output) -> Mapping {
    let find = |names: &[&str]| {
        let is_named = |column: &&String| names.iter().any(|name| column.eq_ignore_ascii_case(name));
        header.iter().find(is_named).cloned()
    };
    let values = Values::One {
        value: find(&["value"]).unwrap_or_default(),
        metric: find(&["metric"]),
        unit: find(&["unit"]),
        better: find(&["better", "direction"]),
    };
    let benchmark: Vec<_> = find(&BENCHMARK).into_iter().collect();
    let params: Vec<_> = header.iter().filter(|column| param(column) != column.as_str()).cloned().collect();
    let mapping = Mapping { name: CSV.name.to_owned(), rows, benchmark, params, values };
    let named = mapping.columns();
    for column in header.iter().filter(|column| !named.contains(&column.as_str())) {
        if !NOT_READ.iter().any(|known| column.eq_ignore_ascii_case(known)) {
            output
                .skip(input.place(), format!("the column `{column}`: `param.{column}` would be a parameter"));
        }
    }
    mapping
}

/// Returns the parameter that a column is, as `rows` of `param.rows`; other columns stand for themselves.
fn param(column: &str) -> &str {
    let ends = ["param.", "param_", "params.", "parameter_"];
    ends.iter().find_map(|start| column.strip_prefix(start)).filter(|name| !name.is_empty()).unwrap_or(column)
}

impl Mapping {
    /// Returns all columns that are read.
    fn columns(&self) -> Vec<&str> {
        let mut columns: Vec<&str> = self.benchmark.iter().chain(&self.params).map(String::as_str).collect();
        match &self.values {
            Values::One { value, metric, unit, better } => {
                columns.push(value);
                columns.extend([metric, unit, better].into_iter().flatten().map(String::as_str));
            }
            Values::Several(several) => columns.extend(several.iter().map(|column| column.column.as_str())),
        }
        columns
    }
}

fn read_rows(input: &Input, mapping: &Mapping, output: &mut Output) -> Result<(), ReadError> {
    let records = match mapping.rows {
        Rows::Table { separator, .. } => table_rows(input, mapping, separator, output)?,
        Rows::Ndjson => json_rows(input, output),
    };
    if let Some(column) = missing(mapping, &records) {
        let kind = if mapping.rows == Rows::Ndjson { "key" } else { "column" };
        return Err(input
            .refuse(format!("has no {kind} `{column}`, which `{}` reads", mapping.name))
            .with_hint("`[[input]]` in perf.toml names the columns"));
    }
    for record in &records {
        if let Err(problem) = add(mapping, record, output) {
            output.skip(&record.place, problem);
        }
    }
    output.pool_repeats();
    Ok(())
}

/// Returns a column that no row has.
fn missing<'a>(mapping: &'a Mapping, records: &[Record]) -> Option<&'a str> {
    let has = |column: &str| records.iter().any(|record| record.cells.contains_key(column));
    mapping.columns().into_iter().find(|column| !records.is_empty() && !has(column))
}

fn table_rows(
    input: &Input,
    mapping: &Mapping,
    separator: u8,
    output: &mut Output,
) -> Result<Vec<Record>, ReadError> {
    let table = Table::read(input, separator)?;
    let columns = mapping.columns();
    if let Some(column) = columns.iter().find(|column| !table.header().iter().any(|name| name == *column)) {
        return Err(input
            .refuse(format!("has no column `{column}`, which `{}` reads", mapping.name))
            .with_hint("`[[input]]` in perf.toml names the columns"));
    }
    let mut records = Vec::new();
    for row in table.rows() {
        let place = format!("{}:{}", input.place(), row.line());
        match row.ragged() {
            Some(cells) => {
                output.skip(place, format!("a row of {cells} cells, expected {}", table.header().len()));
            }
            None => records.push(Record { place, cells: cells(row, &columns) }),
        }
    }
    Ok(records)
}

fn cells(row: Row<'_>, columns: &[&str]) -> BTreeMap<String, Cell> {
    let cell = |column: &&str| Some(((*column).to_owned(), Cell::Text(row.get(&[column])?.to_owned())));
    columns.iter().filter_map(cell).collect()
}

fn json_rows(input: &Input, output: &mut Output) -> Vec<Record> {
    let mut records = Vec::new();
    for (value, number) in input.values().zip(1..) {
        let place = format!("{}: value {number}", input.place());
        match serde_json::from_str(value) {
            Ok(Value::Object(object)) => records.push(Record { place, cells: flat(object) }),
            Ok(_) => output.skip(place, "expected an object"),
            Err(cause) => output.skip(place, cause.to_string()),
        }
    }
    records
}

/// Returns the cells of an object; those of an object in it are called `outer.inner`.
fn flat(object: serde_json::Map<String, Value>) -> BTreeMap<String, Cell> {
    let mut cells = BTreeMap::new();
    for (key, value) in object {
        match value {
            Value::Object(inner) => {
                cells.extend(flat(inner).into_iter().map(|(inner, cell)| (format!("{key}.{inner}"), cell)));
            }
            Value::String(text) => drop(cells.insert(key, Cell::Text(text))),
            Value::Number(number) => drop(cells.insert(key, Cell::Text(number.to_string()))),
            Value::Bool(value) => drop(cells.insert(key, Cell::Text(value.to_string()))),
            Value::Array(values) => {
                let numbers = values.iter().map(Value::as_f64).collect::<Option<_>>();
                cells.extend(numbers.map(|numbers| (key, Cell::Numbers(numbers))));
            }
            Value::Null => {}
        }
    }
    cells
}

/// Adds what a row says; an error is the reason why it says nothing.
fn add(mapping: &Mapping, record: &Record, output: &mut Output) -> Result<(), String> {
    let names: Vec<&str> =
        mapping.benchmark.iter().map(|column| record.text(column).unwrap_or_default()).collect();
    let mut case = Case::new(names.join("/"), &record.place);
    for column in &mapping.params {
        let value = record.text(column).filter(|value| !value.is_empty());
        case.params.extend(value.map(|value| (param(column).to_owned(), value.to_owned())));
    }
    match &mapping.values {
        Values::One { value, metric, unit, better } => {
            let cell = |column: &Option<String>| column.as_ref().and_then(|column| record.text(column));
            let unit = Unit::new(cell(unit).unwrap_or_default());
            let given = cell(better).filter(|word| !word.is_empty());
            let better = given.map(direction).transpose()?;
            let name = cell(metric).filter(|name| !name.is_empty());
            put(output, &case, named(name, &unit, None)?, better, record.numbers(value, mapping.rows)?);
        }
        Values::Several(columns) => {
            for column in columns {
                let unit = Unit::new(&column.unit);
                let metric = named(Some(&column.metric), &unit, column.kind)?;
                put(output, &case, metric, column.better, record.numbers(&column.column, mapping.rows)?);
            }
        }
    }
    Ok(())
}

fn put(output: &mut Output, case: &Case, metric: Metric, better: Option<Better>, values: Vec<f64>) {
    if values.is_empty() {
        return;
    }
    let reading = Samples::new(values).map(Reading::Samples);
    let usual =
        if metric.kind == Kind::Percentile { Some(Better::Lower) } else { metric.kind.usual_direction() };
    match better.or(usual) {
        Some(better) => output.reading(case, Metric { better, ..metric }, reading),
        None => output.undirected(case, metric, reading),
    }
}

fn direction(word: &str) -> Result<Better, String> {
    let found = Better::from_word(&word.to_lowercase());
    found.ok_or_else(|| format!("expected the direction to be `lower` or `higher`, found `{word}`"))
}

/// Returns the metric of this name. `p95` of times is a percentile; times need no name.
fn named(name: Option<&str>, unit: &Unit, kind: Option<Kind>) -> Result<Metric, String> {
    let implied = Kind::of_unit(unit);
    let name = match name {
        Some(name) => name,
        None if implied == Kind::Time => "time",
        None => return Err(format!("expected `metric` to say what is measured in `{unit}`")),
    };
    let percentile = Metric { name: name.to_owned(), ..Metric::percentile("", unit.symbol()) };
    if kind.is_none() && implied == Kind::Time && percentile.rank().is_some() {
        return Ok(percentile);
    }
    Ok(Metric { kind: kind.unwrap_or(implied), ..percentile })
}

impl Record {
    fn text(&self, column: &str) -> Option<&str> {
        match self.cells.get(column) {
            Some(Cell::Text(text)) => Some(text.trim()),
            Some(Cell::Numbers(_)) | None => None,
        }
    }

    /// Returns the numbers in a cell; none where it is blank.
    fn numbers(&self, column: &str, rows: Rows) -> Result<Vec<f64>, String> {
        let text = match self.cells.get(column) {
            None => return Ok(Vec::new()),
            Some(Cell::Numbers(numbers)) => return Ok(numbers.clone()),
            Some(Cell::Text(text)) if text.trim().is_empty() => return Ok(Vec::new()),
            Some(Cell::Text(text)) => text.trim(),
        };
        let value = match rows {
            Rows::Table { decimal: ',', .. } => decimal(&text.replace('.', "").replace(',', ".")),
            Rows::Table { .. } | Rows::Ndjson => decimal(text),
        };
        value.map(|value| vec![value]).ok_or_else(|| {
            let hint = if text.contains(',') { "; `decimal = \",\"` reads decimal commas" } else { "" };
            format!("expected `{column}` to be a number, found `{text}`{hint}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Options;
    use crate::format::tests_of::{found, found_with, refusal, skips, withheld};

    const LONG: &str = "benchmark,metric,value,unit,direction,sample,param.rows\n\
        \"encode, fast\",time,1.25,ms,lower,1,10\n\
        \"encode, fast\",time,1.75,ms,lower,2,10\n\
        \"say \"\"hi\"\"\",throughput,512.5,MB/s,,1,10\n\
        \"say \"\"hi\"\"\",p99,3,ms,,1,10\n";

    fn mapping(rows: Rows, values: Values) -> Options {
        let name = "mine".to_owned();
        let mapping = Mapping {
            name: name.clone(),
            rows,
            benchmark: vec!["suite".into(), "case".into()],
            params: vec!["n".into()],
            values,
        };
        Options { format: Some(name), inputs: vec![mapping], ..Options::default() }
    }

    fn columns() -> Values {
        let column = |column: &str, metric: &str, unit: &str, better| Column {
            column: column.into(),
            metric: metric.into(),
            unit: unit.into(),
            better,
            kind: None,
        };
        Values::Several(vec![
            column("ms", "time", "ms", None),
            column("score", "score", "points", Some(Better::Higher)),
        ])
    }

    #[test]
    fn columns_are_found_by_their_names() {
        let expected = [
            ("encode, fast[rows=10] time", 1.5, "ms"),
            ("say \"hi\"[rows=10] p99", 3.0, "ms"),
            ("say \"hi\"[rows=10] throughput", 512.5, "MB/s"),
        ];
        let expected = expected.map(|(name, value, unit)| (name.to_owned(), value, unit.to_owned()));
        assert_eq!(found(LONG, ""), expected);
        assert_eq!(found(&LONG.replace(',', ";"), "")[1..], expected[1..], "semicolons");
        assert_eq!(
            found(&LONG.replace("\"encode, fast\"", "a").replace(',', "\t"), "")[1..],
            expected[1..],
            "tabs"
        );
    }

    #[test]
    fn json_lines_are_rows_too() {
        let text = r#"{"name": "a", "value": [1, 2, 6], "unit": "ms", "params": {"n": 7}, "more": "x"}
{"name": "b", "value": 3, "unit": "widgets", "metric": "count", "better": "higher"}"#;
        let expected = [("a[n=7] time", 2.0, "ms"), ("b count", 3.0, "widgets")];
        assert_eq!(
            found(text, ""),
            expected.map(|(name, value, unit)| (name.to_owned(), value, unit.to_owned()))
        );
        assert_eq!(skips(text, ""), ["in: the column `more`: `param.more` would be a parameter"]);
    }

    #[test]
    fn rows_that_say_nothing_are_skipped_aloud() {
        for (row, expected) in [
            ("b,time,ms", "in:3: a row of 3 cells, expected 4"),
            (
                "b,time,\"1,5\",ms",
                "in:3: expected `value` to be a number, found `1,5`; `decimal = \",\"` reads decimal commas",
            ),
            ("b,time,1e999,ms", "in:3: expected `value` to be a number, found `1e999`"),
            ("b,,1,points", "in:3: expected `metric` to say what is measured in `points`"),
            ("\"b,time,1", "in:3: a row of 1 cells, expected 4"),
        ] {
            let text = format!("benchmark,metric,value,unit\na,time,1,ms\n{row}\n");
            assert_eq!(skips(&text, ""), [expected]);
        }
        let open = "name,value,unit,metric\na,1,points,score\n";
        assert_eq!(withheld(open, "")[0].0, "a score");
        assert!(refusal("benchmark,metric,value\n", "").contains("holds no measurement"));
    }

    #[test]
    fn a_mapping_reads_any_columns() {
        let table = "suite;case;n;ms;score\nparse;big;10;1.234,5;7\nparse;big;10;2.234,5;8\n";
        let options = mapping(Rows::Table { separator: b';', decimal: ',' }, columns());
        let expected = [("parse/big[n=10] score", 7.5, "points"), ("parse/big[n=10] time", 1734.5, "ms")];
        let expected = expected.map(|(name, value, unit)| (name.to_owned(), value, unit.to_owned()));
        assert_eq!(found_with(table, &options).unwrap(), expected);
        let lines =
            "{\"suite\":\"parse\",\"case\":\"big\",\"n\":10,\"ms\":1734.5,\"score\":7.5}\n{\"suite\":1}\n";
        assert_eq!(found_with(lines, &mapping(Rows::Ndjson, columns())).unwrap(), expected);
    }

    #[test]
    fn a_column_that_is_not_there_is_named() {
        let options = mapping(Rows::Table { separator: b',', decimal: '.' }, columns());
        let error = found_with("suite,case,n,ms\na,b,1,2\n", &options).unwrap_err();
        assert_eq!(error.to_string(), "in: has no column `score`, which `mine` reads");
        let error = found_with("{\"suite\":1}\n", &mapping(Rows::Ndjson, columns())).unwrap_err();
        assert_eq!(error.to_string(), "in: has no key `case`, which `mine` reads");
    }
}
