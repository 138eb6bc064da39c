//! The tree that divan prints: a box of columns `fastest │ slowest │ median │ mean │ samples │ iters`.
//!
//! A benchmark's name is the path of labels from the binary's name down. The median is read, and the median
//! throughput from the row below; divan prints four digits and no samples. Rows without a branch (`├─`, `╰─`)
//! belong to the benchmark above. The source is divan's `tree_painter.rs`.

use perf_model::{Metric, Summary};

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::number;
use crate::output::{Case, Output, Spread};

pub(super) const FORMAT: Format = Format {
    name: "divan",
    description: "the tree that divan prints",
    command: "cargo bench",
    keeps: Keeps::Summary,
    link: "https://docs.rs/divan",
    reader: Reader::Stream { detect, read },
};

/// One row of the tree.
struct Row<'a> {
    /// How deep its branch hangs; `None` for a row that belongs to the one above.
    depth: Option<usize>,
    /// The label with what stands in the first column.
    label: &'a str,
    median: &'a str,
    samples: &'a str,
}

fn detect(input: &Input) -> bool {
    input.any_line(|line| root(line).is_some())
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(FORMAT.name, FORMAT.name);
    let mut path: Vec<String> = Vec::new();
    let mut case = None;
    for line in input.lines() {
        if let Some(root) = root(line.text) {
            (path, case) = (vec![root.to_owned()], None);
            continue;
        }
        let Some(row) = row(line.text).filter(|_| !path.is_empty()) else { continue };
        let Some(depth) = row.depth else {
            add_throughput(&mut output, case.as_ref(), row.median);
            continue;
        };
        path.truncate(depth + 1);
        path.push(label(row.label, row.median).to_owned());
        case = add_time(&mut output, Case::new(path.join("/"), input.at(line)), &row);
    }
    output.number_repeats();
    Ok(output)
}

fn add_time(output: &mut Output, case: Case, row: &Row<'_>) -> Option<Case> {
    if row.median.is_empty() {
        return None;
    }
    let Some((value, unit)) = number::duration(row.median) else {
        output.skip(case.place, format!("`{}`: `{}` is no time", case.name, row.median));
        return None;
    };
    let spread = Spread { sd: None, n: row.samples.parse().ok() };
    output.summary(&case, Metric::time("time", unit.symbol()), value, spread);
    Some(case)
}

fn add_throughput(output: &mut Output, case: Option<&Case>, median: &str) {
    let (Some(case), Some((value, unit))) = (case, number::split(median)) else { return };
    if unit.ends_with("/s") || unit.ends_with("Hz") {
        let (value, unit) = number::rate(value, unit);
        let name = if unit.dimension() == Some(perf_model::Dimension::BytesPerSecond) {
            "throughput-bytes"
        } else {
            "throughput"
        };
        let summary = Summary::new(value, None, None).map(perf_model::Reading::Summary);
        output.reading(case, Metric::rate(name, unit.symbol()), summary);
    }
}

/// Returns the label of a header line.
fn root(line: &str) -> Option<&str> {
    let (label, columns) = line.split_once(" fastest ")?;
    let mut columns = columns.split('│').map(str::trim);
    let is_header =
        ["", "slowest", "median", "mean", "samples", "iters"].iter().all(|name| columns.next() == Some(name));
    Some(label.trim()).filter(|label| is_header && !label.is_empty())
}

fn row(line: &str) -> Option<Row<'_>> {
    let mut columns = line.rsplitn(6, '│').map(str::trim);
    let (_iters, samples, _mean, median) =
        (columns.next()?, columns.next()?, columns.next()?, columns.next()?);
    let (_slowest, first) = (columns.next()?, columns.next()?);
    // The trimmed first column of a line without a branch may have lost blanks, but no branch.
    let before = line.split(['├', '╰']).next()?;
    let branch = line[before.len()..].starts_with(['├', '╰']);
    let is_tree = branch && before.chars().all(|c| c == '│' || c == ' ') && before.chars().count() % 3 == 0;
    let depth = is_tree.then(|| before.chars().count() / 3);
    let label = first.rsplit_once('─').filter(|_| is_tree).map_or(first, |_| {
        let branch = first.find(['├', '╰']).unwrap_or(0);
        first[branch..].trim_start_matches(['├', '╰', '─']).trim_start()
    });
    Some(Row { depth, label, median, samples })
}

/// Returns a label without the value of the first column, which stands in it where there is a median.
fn label<'a>(label: &'a str, median: &str) -> &'a str {
    if median.is_empty() {
        return label.trim();
    }
    let value = label.trim_end().rsplitn(3, ' ').nth(2);
    value.map_or(label, str::trim_end)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, parse};

    const TREE: &str = "\
Timer precision: 24 ns
div                fastest       │ slowest       │ median        │ mean          │ samples │ iters
├─ sums                          │               │               │               │         │
│  ├─ 10           31.78 ns      │ 93.03 ns      │ 33.92 ns      │ 43.07 ns      │ 10      │ 320
│  │               314.5 Mitem/s │ 107.4 Mitem/s │ 294.7 Mitem/s │ 232.1 Mitem/s │         │
│  │               max alloc:    │               │               │               │         │
│  │                 1           │ 1             │ 1             │ 1             │         │
│  │                 80 B        │ 80 B          │ 80 B          │ 80 B          │         │
│  ╰─ a b/c        9.303 µs      │ 22.57 µs      │ 9.78 µs       │ 11.59 µs      │ 10      │ 10
├─ skipped         (ignored)     │               │               │               │         │
╰─ zero            0 ns          │ 0.098 ns      │ 0.02 ns       │ 0.039 ns      │ 100     │ 1638400
                   inf item/s    │ 71.42 Gitem/s │ 350 GB/s      │ 179.4 Gitem/s │         │
";

    #[test]
    fn reads_medians_by_their_path() {
        let expected = [
            "div/sums/10 throughput 294700000 item/s",
            "div/sums/10 time 33.92 ns",
            "div/sums/a b/c time 9.78 us",
            "div/zero throughput-bytes 350 GB/s",
            "div/zero time 0.02 ns",
        ];
        assert_eq!(found(&parse(TREE)), expected);
    }

    #[test]
    fn trees_and_other_harnesses_share_a_stream() {
        let text = format!("test a ... bench: 10 ns/iter (+/- 1)\n\n{TREE}\nb  time:   [1 ns 2 ns 3 ns]\n");
        let output = parse(&text);
        assert_eq!(output.measurements.len(), 7);
        let formats: Vec<_> = output.sources.iter().map(|source| source.format.as_str()).collect();
        assert_eq!(formats, ["criterion-text", "divan", "libtest"]);
    }
}
