//! What `hyperfine --export-csv` writes: one row per command, without the times of its runs.
//!
//! 1.x has the columns `mean`, `stddev`, `median`, `user`, `system` in seconds; 2.0 has `QUANTITY_unit`,
//! `QUANTITY_mean` and so on for every quantity. Parameters stand in columns `parameter_NAME`.

use std::collections::BTreeMap;

use perf_model::{Better, Kind, Metric, Unit};

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::number;
use crate::output::{Case, Output, Spread};

pub(super) const FORMAT: Format = Format {
    name: "hyperfine-csv",
    description: "the CSV export of hyperfine 1 and 2; the JSON export keeps more",
    command: "hyperfine --export-csv FILE COMMAND",
    keeps: Keeps::Summary,
    link: "https://github.com/sharkdp/hyperfine",
    reader: Reader::File { detect, read },
};

/// The quantities of hyperfine 2.0 that are read, with the metric each becomes.
const QUANTITIES: [(&str, &str); 5] = [
    ("time_wall_clock", "time"),
    ("time_cpu", "cpu-time"),
    ("time_user", "user-time"),
    ("time_system", "system-time"),
    ("memory_peak_resident", "peak-rss"),
];

fn detect(input: &Input) -> bool {
    input.begins("command,mean,") || input.begins("command,time_wall_clock_unit,")
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(FORMAT.name, "hyperfine");
    let mut reader = input.csv();
    let header: Vec<String> = match reader.headers() {
        Ok(header) => header.iter().map(str::to_owned).collect(),
        Err(cause) => return Err(input.refuse("expected CSV of hyperfine").caused_by(cause)),
    };
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(cause) => {
                output.skip(input.place(), cause.to_string());
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let place = format!("{}:{line}", input.place());
        if record.len() != header.len() {
            output.skip(place, format!("{} cells under {} columns", record.len(), header.len()));
            continue;
        }
        let cells: BTreeMap<&str, &str> = header.iter().map(String::as_str).zip(&record).collect();
        add(&cells, place, &mut output);
    }
    output.number_repeats();
    Ok(output)
}

fn add(cells: &BTreeMap<&str, &str>, place: String, output: &mut Output) {
    let mut case = Case::new(cells.get("command").copied().unwrap_or_default(), place);
    for (column, value) in cells {
        if let Some(name) = column.strip_prefix("parameter_") {
            case = case.with(name, *value);
        }
    }
    let number = |column: &str| cells.get(column).and_then(|cell| number::decimal(cell));
    if cells.contains_key("mean") {
        for (location, metric) in [("median", "time"), ("user", "user-time"), ("system", "system-time")] {
            let sd = number("stddev").filter(|_| metric == "time");
            if let Some(value) = number(location) {
                output.summary(&case, Metric::time(metric, "s"), value, Spread { sd, n: None });
            } else {
                output.skip(&case.place, format!("`{}`: expected `{location}` to be a number", case.name));
            }
        }
        return;
    }
    for (quantity, metric) in QUANTITIES {
        let column = |what: &str| format!("{quantity}_{what}");
        let unit = cells.get(column("unit").as_str()).map(|unit| Unit::new(unit));
        let location = number(&column("median")).or_else(|| number(&column("mean")));
        if let (Some(unit), Some(value)) = (unit, location) {
            let kind = Kind::of_unit(&unit);
            let metric = Metric { name: metric.to_owned(), unit, better: Better::Lower, kind };
            output.summary(&case, metric, value, Spread { sd: number(&column("stddev")), n: None });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, parse};

    #[test]
    fn reads_both_versions_and_skips_ragged_rows() {
        let one = "command,mean,stddev,median,user,system,min,max,parameter_d\n\
            \"sleep \"\"1\"\", a\",2,0.5,1.5,0.1,0.2,1,3,x y\nshort,1\n";
        let output = parse(one);
        let case = "sleep \"1\", a[d=x y]";
        let expected = [
            format!("{case} system-time 0.2 s"),
            format!("{case} time 1.5 s"),
            format!("{case} user-time 0.1 s"),
        ];
        assert_eq!(found(&output), expected);
        assert_eq!(output.skipped[0].reason, "2 cells under 9 columns");
        let two = "command,time_wall_clock_unit,time_wall_clock_mean,time_wall_clock_stddev,\
            time_wall_clock_median,memory_peak_resident_unit,memory_peak_resident_median,parameter_d\n\
            a,s,2,0.5,1.5,B,4096,7\n";
        assert_eq!(found(&parse(two)), ["a[d=7] peak-rss 4096 B", "a[d=7] time 1.5 s"]);
    }
}
