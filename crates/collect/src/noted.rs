//! What other tools keep in git notes: the text of one note, to runs.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use perf_model::{Better, Facts, Kind, Measurement, Metric, Reading, Samples, Summary, Unit};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::format::Options;
use crate::format::tables::named;
use crate::output::{Case, Output, Skipped, Spread};

/// Readings further apart than this are of different runs: no suite of these tools pauses so long.
const PAUSE: Duration = Duration::from_secs(3600);

/// One run that another tool noted.
#[derive(Clone, Debug, PartialEq)]
pub struct NotedRun {
    /// When its last reading was taken.
    pub time: SystemTime,
    /// What the note says of the machine.
    pub facts: Facts,
    /// What was read, sorted; never empty.
    pub measurements: Vec<Measurement>,
}

/// What was read of a note.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Noted {
    /// The runs, oldest first.
    pub runs: Vec<NotedRun>,
    /// What could not be used.
    pub skipped: Vec<Skipped>,
}

/// One reading with where and when it was taken.
struct Row {
    time: SystemTime,
    facts: Facts,
    case: Case,
    metric: Metric,
    directed: bool,
    reading: Reading,
}

/// Reads a note of git-perf: lines `epoch`, name, seconds since 1970, value and `key=value`s, divided by the character
/// 0x1c (its `serialization.rs`).
///
/// Keys and the epoch are parameters; readings of one series within one run are its samples. Notes have no units: `units`
/// are those of `.gitperfconfig`, by name.
pub fn git_perf(text: &str, place: &str, units: &BTreeMap<String, String>, options: &Options) -> Noted {
    let mut noted = Noted::default();
    let mut rows = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let place = format!("{place}: line {number}");
        match git_perf_row(line, &place, units) {
            Some(row) => rows.push(row),
            None => noted.skipped.push(Skipped { place, reason: "is no reading of git-perf".to_owned() }),
        }
    }
    noted.add(rows, "git-perf", place, options);
    noted
}

fn git_perf_row(line: &str, place: &str, units: &BTreeMap<String, String>) -> Option<Row> {
    const DELIMITER: char = '\u{1c}';
    let mut fields = line.split(DELIMITER).filter(|field| !field.is_empty());
    let epoch: u32 = fields.next()?.parse().ok()?;
    let name = fields.next()?;
    let time = Duration::try_from_secs_f64(fields.next()?.parse().ok()?).ok()?;
    let reading = Samples::new(vec![fields.next()?.parse().ok()?]).map(Reading::Samples).ok()?;
    let mut case = Case::new(name, place);
    if epoch != 0 {
        case = case.with("epoch", epoch.to_string());
    }
    for field in fields {
        let (key, value) = field.split_once('=')?;
        case = case.with(key, value);
    }
    let unit = Unit::new(units.get(name).map_or("", String::as_str));
    let kind = Kind::of_unit(&unit);
    let metric = match kind {
        Kind::Time => "time",
        Kind::Size => "size",
        Kind::Rate => "throughput",
        Kind::Ratio | Kind::Count | Kind::Percentile | Kind::Exact => "value",
    };
    let better = kind.usual_direction();
    Some(Row {
        time: SystemTime::UNIX_EPOCH.checked_add(time)?,
        facts: Facts::new(),
        case,
        metric: Metric { name: metric.to_owned(), unit, better: better.unwrap_or(Better::Lower), kind },
        directed: better.is_some(),
        reading,
    })
}

/// A line of tak's notes (its `record.rs`).
#[derive(Deserialize)]
struct TakRecord {
    v: u32,
    bench: String,
    tool: String,
    version: Option<String>,
    runner: String,
    ts: String,
    metrics: BTreeMap<String, f64>,
}

/// Reads a note of tak: JSON lines of one benchmark each.
///
/// The runner is a fact of the environment. `wall_stddev_ms` and `wall_n` belong to `wall_mean_ms`. What another program
/// than the project's own took has that program as a parameter.
pub fn tak(text: &str, place: &str, options: &Options) -> Noted {
    let mut noted = Noted::default();
    let mut rows = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let place = format!("{place}: line {number}");
        match tak_rows(line, &place) {
            Some(read) => rows.extend(read),
            None => noted.skipped.push(Skipped { place, reason: "is no record of tak".to_owned() }),
        }
    }
    noted.add(rows, "tak", place, options);
    noted
}

fn tak_rows(line: &str, place: &str) -> Option<Vec<Row>> {
    const VERSION: u32 = 1;
    let record: TakRecord = serde_json::from_str(line).ok()?;
    if record.v != VERSION {
        return None;
    }
    let time = SystemTime::from(OffsetDateTime::parse(&record.ts, &Rfc3339).ok()?);
    let mut case = Case::new(record.bench, place);
    if record.tool != "self" {
        case = case.with("tool", record.tool);
    }
    if let Some(version) = record.version {
        case = case.with("version", version);
    }
    let facts = Facts::from([("runner".to_owned(), record.runner)]);
    let metrics = &record.metrics;
    let spread = Spread {
        sd: metrics.get("wall_stddev_ms").copied().filter(|sd| sd.is_finite() && *sd >= 0.0),
        n: metrics.get("wall_n").filter(|n| **n >= 1.0).map(|n| *n as u64),
    };
    let wanted = metrics.iter().filter(|(name, _)| !["wall_stddev_ms", "wall_n"].contains(&name.as_str()));
    wanted
        .map(|(name, value)| {
            let spread = if name == "wall_mean_ms" { spread } else { Spread::default() };
            let (metric, directed) = named(name);
            let reading = Summary::new(*value, spread.sd, spread.n).map(Reading::Summary).ok()?;
            Some(Row { time, facts: facts.clone(), case: case.clone(), metric, directed, reading })
        })
        .collect()
}

impl Noted {
    /// Makes runs of readings: of one machine, without a long pause, and no summary twice.
    fn add(&mut self, mut rows: Vec<Row>, format: &str, place: &str, options: &Options) {
        rows.sort_by(|one, other| (&one.facts, one.time).cmp(&(&other.facts, other.time)));
        let mut sittings: Vec<Vec<Row>> = Vec::new();
        for row in rows {
            match sittings.last_mut() {
                Some(sitting) if belongs(&row, sitting) => sitting.push(row),
                Some(_) | None => sittings.push(vec![row]),
            }
        }
        for sitting in sittings {
            let (Some(first), Some(last)) = (sitting.first(), sitting.last()) else { continue };
            let (facts, time) = (first.facts.clone(), last.time);
            match output(sitting, format, options).checked(place, &options.better) {
                Ok(read) => {
                    let read = read.prefixed(options.prefix.as_deref());
                    self.skipped.extend(read.skipped);
                    if !read.measurements.is_empty() {
                        self.runs.push(NotedRun { time, facts, measurements: read.measurements });
                    }
                }
                Err(error) => {
                    self.skipped.push(Skipped { place: place.to_owned(), reason: error.to_string() })
                }
            }
        }
        self.runs.sort_by_key(|run| run.time);
    }
}

fn belongs(row: &Row, sitting: &[Row]) -> bool {
    let Some(last) = sitting.last() else { return true };
    let is_same = |other: &Row| {
        (&other.case.name, &other.case.params, &other.metric.name)
            == (&row.case.name, &row.case.params, &row.metric.name)
    };
    let pause = row.time.duration_since(last.time).unwrap_or_default();
    let repeats = matches!(row.reading, Reading::Summary(_)) && sitting.iter().any(is_same);
    last.facts == row.facts && pause <= PAUSE && !repeats
}

fn output(sitting: Vec<Row>, format: &str, options: &Options) -> Output {
    let mut output = Output::new(format, format).holding(options.max_readings);
    for Row { case, metric, directed, reading, .. } in sitting {
        if directed {
            output.reading(&case, metric, Ok(reading));
        } else {
            output.undirected(&case, metric, Ok(reading));
        }
    }
    output.pool_repeats();
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As git-perf 0.7 wrote them.
    const GIT_PERF: &str = "2\u{1c}parse\u{1c}1795257916.4775007\u{1c}12.5\u{1c}host=a\u{1c}os=linux\n\
        2\u{1c}parse\u{1c}1795257916.7287738\u{1c}12.75\u{1c}os=linux\u{1c}host=a\n\
        0\u{1c}build\u{1c}1795257916.9005458\u{1c}1472966.0\n\
        0\u{1c}build\u{1c}1795267916.9\u{1c}1472000.0\nodd\n1\u{1c}x\u{1c}1\u{1c}2\u{1c}no pair\n";

    /// As tak 1 writes them.
    const TAK: &str = r#"{"v":1,"bench":"help","tool":"self","runner":"r1","ts":"2026-10-07T02:44:30Z","metrics":{"instructions":784640.0,"wall_mean_ms":1.25,"wall_min_ms":1.125,"wall_n":10.0,"wall_stddev_ms":0.5}}
{"v":1,"bench":"help","tool":"pnpm","version":"9","runner":"r1","ts":"2026-10-07T02:44:31Z","metrics":{"wall_min_ms":3.5}}
{"v":1,"bench":"help","tool":"self","runner":"r1","ts":"2026-10-07T02:50:00Z","metrics":{"wall_min_ms":1.5}}
{"v":1,"bench":"help","tool":"self","runner":"r2","ts":"2026-10-07T02:44:31Z","metrics":{"wall_min_ms":2.5}}
{"v":2,"bench":"help","later":true}
"#;

    fn options(better: &[(&str, Better)]) -> Options {
        let better = better.iter().map(|(name, better)| ((*name).to_owned(), *better)).collect();
        Options { better, ..Options::default() }
    }

    fn shown(noted: &Noted) -> Vec<Vec<String>> {
        let run = |run: &NotedRun| {
            let line = |it: &Measurement| format!("{} {:?}", it.series(), it.reading.location());
            run.measurements.iter().map(line).collect()
        };
        noted.runs.iter().map(run).collect()
    }

    #[test]
    fn git_perfs_lines_are_samples_and_a_pause_ends_a_run() {
        let units = BTreeMap::from([("parse".to_owned(), "ms".to_owned())]);
        let noted = git_perf(GIT_PERF, "note", &units, &options(&[("build", Better::Lower)]));
        let expected = [
            vec!["build value 1472966.0", "parse[epoch=2,host=a,os=linux] time 12.625"],
            vec!["build value 1472000.0"],
        ];
        assert_eq!(shown(&noted), expected);
        assert_eq!(noted.runs[0].measurements[1].reading.samples(), [12.5, 12.75]);
        assert_eq!(noted.skipped.len(), 2, "{:?}", noted.skipped);
        let asked = git_perf(GIT_PERF, "note", &units, &Options::default());
        assert!(asked.skipped.iter().any(|it| it.reason.contains("--better")), "{:?}", asked.skipped);
    }

    #[test]
    fn taks_runners_are_environments_and_a_benchmark_measured_again_is_a_run() {
        let noted = tak(TAK, "note", &Options::default());
        let expected = [
            vec![
                "help instructions 784640.0",
                "help wall_mean 1.25",
                "help wall_min 1.125",
                "help[tool=pnpm,version=9] wall_min 3.5",
            ],
            vec!["help wall_min 2.5"],
            vec!["help wall_min 1.5"],
        ];
        assert_eq!(shown(&noted), expected);
        assert_eq!(noted.runs[1].facts["runner"], "r2");
        let Reading::Summary(mean) = &noted.runs[0].measurements[1].reading else { panic!("a summary") };
        assert_eq!((mean.sd(), mean.n()), (Some(0.5), Some(10)));
        assert_eq!(noted.skipped.len(), 1, "{:?}", noted.skipped);
    }

    #[test]
    fn nothing_in_a_note_is_an_accident() {
        for text in [
            "",
            "\u{1c}\u{1c}\u{1c}",
            "0\u{1c}a\u{1c}-1\u{1c}1",
            "0\u{1c}a\u{1c}1e300\u{1c}1",
            "0\u{1c}a\u{1c}1\u{1c}NaN",
            "{\"v\":1}",
            "[]",
        ] {
            assert!(
                git_perf(text, "note", &BTreeMap::new(), &Options::default()).runs.is_empty(),
                "{text:?}"
            );
            assert!(tak(text, "note", &Options::default()).runs.is_empty(), "{text:?}");
        }
    }
}
