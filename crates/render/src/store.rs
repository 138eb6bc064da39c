//! Stored records for people and programs: one commit's baselines, the list of all, the environments.

mod diff;
pub mod export;
mod json;

use std::collections::BTreeMap;
use std::sync::Arc;

use anstyle::Style;
use perf_model::{
    Baseline, CommitId, Environment, Fingerprint, Measurement, Metric, Reading, Rebaseline, RunId, SeriesId,
    median,
};
use time::{OffsetDateTime, UtcOffset};

pub use diff::diff;
pub(crate) use json::second;
pub use json::{envs_json, log_json, show_json, values_json};

use crate::environment::summary;
use crate::escape::terminal;
use crate::number::number;
use crate::page::{Column, Page, Table, numbers, words};
use crate::sink::{Sink, short};

/// Everything that is stored for one commit.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The commit.
    pub commit: CommitId,
    /// The first line of its message, where the commit is here.
    pub subject: Option<String>,
    /// What was measured, one for each environment.
    pub baselines: Vec<Baseline>,
    /// How many stored lines could not be used.
    pub unreadable: usize,
}

/// One baseline in a list of all.
#[derive(Clone, Debug)]
pub struct LogRow {
    /// When its newest run was measured.
    pub time: OffsetDateTime,
    /// The commit.
    pub commit: CommitId,
    /// The first line of its message, where the commit is here.
    pub subject: Option<String>,
    /// The environment.
    pub fingerprint: Fingerprint,
    /// How many runs it has.
    pub runs: usize,
    /// How many series it has.
    pub series: usize,
    /// The runs themselves.
    pub baseline: Baseline,
}

/// One value of a series in a list of all.
#[derive(Clone, Debug)]
pub struct ValueRow {
    /// When it was measured.
    pub time: OffsetDateTime,
    /// The commit.
    pub commit: CommitId,
    /// The environment.
    pub fingerprint: Arc<Fingerprint>,
    /// The run.
    pub run: RunId,
    /// The series.
    pub series: Arc<SeriesId>,
    /// What was read.
    pub metric: Arc<Metric>,
    /// The location that verdicts use.
    pub value: f64,
    /// The standard deviation that the tool reported.
    pub sd: Option<f64>,
    /// How many readings are behind it.
    pub n: Option<u64>,
}

/// One environment in a list of all.
#[derive(Clone, Debug)]
pub struct EnvironmentRow {
    /// The environment, as its newest run saw it.
    pub environment: Environment,
    /// How many commits were measured in it.
    pub commits: usize,
    /// How many runs it saw.
    pub runs: usize,
    /// When its newest run was measured.
    pub newest: OffsetDateTime,
}

const SERIES: [Column; 5] =
    [words("series"), numbers("value"), words("unit"), numbers("samples"), numbers("runs")];
const LOG: [Column; 6] = [
    words("measured"),
    words("commit"),
    words("environment"),
    numbers("runs"),
    numbers("series"),
    words("subject"),
];
const VALUES: [Column; 6] = [
    words("measured"),
    words("commit"),
    words("environment"),
    words("series"),
    numbers("value"),
    words("unit"),
];
const ENVIRONMENTS: [Column; 4] =
    [words("environment"), numbers("commits"), numbers("runs"), words("newest run")];

/// Returns what is stored for one commit as text.
pub fn show(stored: &Stored, page: Page) -> String {
    let subject = stored.subject.as_deref().map(|subject| format!(" {}", terminal(subject)));
    let mut blocks = vec![format!("commit {}{}", stored.commit, subject.unwrap_or_default())];
    if stored.baselines.is_empty() {
        let retracted = stored.unreadable > 0;
        blocks.push(format!("no runs are stored for it{}", if retracted { " that count" } else { "" }));
    }
    for baseline in &stored.baselines {
        blocks.push(runs(baseline));
        blocks.push(series(baseline.runs.iter().flat_map(|run| &run.measurements), page));
    }
    if stored.unreadable > 0 {
        blocks.push(format!(
            "warning: stored lines that could not be read and are not shown: {}",
            stored.unreadable
        ));
    }
    blocks.join("\n\n") + "\n"
}

/// Returns measurements that are not stored yet as text.
pub fn measurements(measurements: &[Measurement], page: Page) -> String {
    series(measurements.iter(), page) + "\n"
}

/// Returns a list of baselines as text.
pub fn log(rows: &[LogRow], page: Page) -> String {
    let cells = |row: &LogRow| {
        let mut subject = row.subject.as_deref().map(terminal).unwrap_or_default();
        if let Some(rebaseline) = row.baseline.rebaseline() {
            subject += &format!(" (new level: {})", terminal(&rebaseline.reason));
        }
        let (commit, fingerprint) = (short(&row.commit).to_owned(), row.fingerprint.to_string());
        [minute(row.time), commit, fingerprint, row.runs.to_string(), row.series.to_string(), subject]
    };
    list(LOG, rows.iter().map(cells), page)
}

/// Returns a list of values as text.
pub fn values(rows: &[ValueRow], page: Page) -> String {
    let cells = |row: &ValueRow| {
        let (commit, fingerprint) = (short(&row.commit).to_owned(), row.fingerprint.to_string());
        let (series, unit) = (Sink::Text.series(&row.series), terminal(row.metric.unit.symbol()));
        [minute(row.time), commit, fingerprint, series, number(row.value), unit]
    };
    if rows.is_empty() {
        return "no stored run has a benchmark of this name\n".to_owned();
    }
    list(VALUES, rows.iter().map(cells), page)
}

/// Returns a list of environments as text.
pub fn envs(rows: &[EnvironmentRow], page: Page) -> String {
    let cells = |row: &EnvironmentRow| {
        let place = summary(&row.environment, Sink::Text);
        [place, row.commits.to_string(), row.runs.to_string(), minute(row.newest)]
    };
    list(ENVIRONMENTS, rows.iter().map(cells), page)
}

fn list<const N: usize>(columns: [Column; N], rows: impl Iterator<Item = [String; N]>, page: Page) -> String {
    let rows: Vec<_> = rows.map(|cells| (Style::new(), cells)).collect();
    if rows.is_empty() { "nothing is stored\n".to_owned() } else { Table { columns, rows }.text(page) + "\n" }
}

fn runs(baseline: &Baseline) -> String {
    let mut lines = vec![format!("environment {}", summary(&baseline.environment, Sink::Text))];
    lines.extend(baseline.runs.iter().flat_map(|run| {
        let sources: Vec<_> = run.sources.iter().map(|source| terminal(&source.tool)).collect();
        let (time, recorder) = (minute(run.time), terminal(&run.recorder));
        let from = if sources.is_empty() { "nothing".to_owned() } else { sources.join(", ") };
        let new_level = run.rebaseline.as_ref().map(|Rebaseline { by, reason }| {
            format!("  a new level begins: {} ({})", terminal(reason), terminal(by))
        });
        let run = format!("run {} {time}, recorded by {recorder}, from {from}", &run.id.as_str()[..8]);
        [Some(run), new_level].into_iter().flatten()
    }));
    lines.join("\n")
}

/// Returns a table of every series and unit.
fn series<'a>(measurements: impl Iterator<Item = &'a Measurement>, page: Page) -> String {
    let mut series: BTreeMap<(SeriesId, &str), Vec<&Reading>> = BTreeMap::new();
    for measurement in measurements {
        let key = (measurement.series(), measurement.metric.unit.symbol());
        series.entry(key).or_default().push(&measurement.reading);
    }
    let cells = |((series, unit), readings): ((SeriesId, &str), Vec<&Reading>)| {
        let level = median(&readings.iter().map(|reading| reading.location()).collect::<Vec<_>>());
        let samples: usize = readings.iter().map(|reading| reading.samples().len()).sum();
        let (level, runs) = (number(level), readings.len().to_string());
        (Style::new(), [Sink::Text.series(&series), level, terminal(unit), samples.to_string(), runs])
    };
    Table { columns: SERIES, rows: series.into_iter().map(cells).collect() }.text(page)
}

pub(crate) fn minute(time: OffsetDateTime) -> String {
    let time = time.to_offset(UtcOffset::UTC);
    format!("{} {:02}:{:02} UTC", time.date(), time.hour(), time.minute())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::fixtures::{HOSTILE, base, baseline, environment, measurement, steady};
    use crate::page::Colour;

    const PAGE: Page = Page { width: 120, colour: Colour::Plain };

    fn stored(name: &str) -> Stored {
        let metric = perf_model::Metric::time("time", "ns");
        let run = |level| vec![measurement(name, metric.clone(), &steady(level))];
        let baseline = baseline(base(), &environment("4"), vec![run(100.0), run(110.0)]);
        Stored { commit: base(), subject: Some(name.into()), baselines: vec![baseline], unreadable: 2 }
    }

    fn log_row(subject: &str) -> LogRow {
        LogRow {
            time: datetime!(2026-02-03 04:05:06 +1),
            commit: base(),
            subject: Some(subject.into()),
            fingerprint: environment("4").fingerprint(),
            runs: 3,
            series: 48,
            baseline: baseline(
                base(),
                &environment("4"),
                vec![vec![measurement("a", Metric::time("time", "ns"), &steady(1.0))]],
            ),
        }
    }

    fn environment_row() -> EnvironmentRow {
        EnvironmentRow {
            environment: environment("4"),
            commits: 12,
            runs: 36,
            newest: datetime!(2026-02-03 04:05:06 UTC),
        }
    }

    #[test]
    fn a_commit_shows_its_environments_runs_and_series() {
        let expected = "\
commit 96dfd37bbbbb0000000000000000000000000000 parse/large

environment 822ae69108a1c593 (AMD EPYC 7763, 4 cores, linux/x86_64)
run 00000001 2026-02-03 04:05 UTC, recorded by perf 0.1.0, from criterion 0.8.2
run 00000002 2026-02-03 04:05 UTC, recorded by perf 0.1.0, from criterion 0.8.2

series             value   unit   samples   runs
parse/large time     105   ns          10      2

warning: stored lines that could not be read and are not shown: 2
";
        assert_eq!(show(&stored("parse/large"), PAGE), expected);
        let found = &stored("parse/large").baselines[0].runs[0].measurements;
        let expected = "\
series             value   unit   samples   runs
parse/large time     100   ns           5      1
";
        assert_eq!(measurements(found, PAGE), expected);
        let nothing = Stored { subject: None, baselines: vec![], unreadable: 0, ..stored("") };
        let expected = "commit 96dfd37bbbbb0000000000000000000000000000\n\nno runs are stored for it\n";
        assert_eq!(show(&nothing, PAGE), expected);
    }

    #[test]
    fn json_holds_every_sample() {
        let expected = concat!(
            r#"{"version":1,"commit":"96dfd37bbbbb0000000000000000000000000000","subject":"a","baselines":[{"#,
            r#""fingerprint":"822ae69108a1c593","#,
            r#""identity":{"arch":"x86_64","cores":"4","cpu":"AMD EPYC 7763","os":"linux"},"#,
            r#""context":{"kernel":"6.1"},"runs":[{"#,
            r#""id":"00000001000000000000000000000000","time":"2026-02-03T04:05:06Z","recorder":"perf 0.1.0","rebaseline":null,"#,
            r#""sources":[{"format":"criterion","tool":"criterion 0.8.2"}],"measurements":[{"#,
            r#""benchmark":"a","params":{},"metric":"time","unit":"ns","better":"lower","kind":"time","#,
            r#""value":100.0,"samples":[99.9,100.0,100.1,100.0,100.0],"sd":null,"n":null}]}]}],"unreadable":2}"#,
            "\n"
        );
        let mut one = stored("a");
        one.baselines[0].runs.truncate(1);
        assert_eq!(show_json(&one), expected);
    }

    #[test]
    fn lists_are_tables_in_utc() {
        let expected = "\
measured               commit         environment        runs   series   subject
2026-02-03 03:05 UTC   96dfd37bbbbb   822ae69108a1c593      3       48   Add a lexer
";
        assert_eq!(log(&[log_row("Add a lexer")], PAGE), expected);
        let expected = "\
environment                                               commits   runs   newest run
822ae69108a1c593 (AMD EPYC 7763, 4 cores, linux/x86_64)        12     36   2026-02-03 04:05 UTC
";
        assert_eq!(envs(&[environment_row()], PAGE), expected);
        assert_eq!(log(&[], PAGE), "nothing is stored\n");
        assert_eq!(values(&[], PAGE), "no stored run has a benchmark of this name\n");
    }

    #[test]
    fn values_are_a_table_or_json() {
        let row = ValueRow {
            time: datetime!(2026-02-03 04:05:06 +1),
            commit: base(),
            fingerprint: Arc::new(environment("4").fingerprint()),
            run: RunId::from_bits(1),
            series: Arc::new(measurement("parse", Metric::time("time", "ns"), &[1.0]).series()),
            metric: Arc::new(Metric::time("time", "ns")),
            value: 105.0,
            sd: None,
            n: Some(30),
        };
        let expected = "\
measured               commit         environment        series       value   unit
2026-02-03 03:05 UTC   96dfd37bbbbb   822ae69108a1c593   parse time     105   ns
";
        assert_eq!(values(std::slice::from_ref(&row), PAGE), expected);
        let expected = concat!(
            r#"{"version":1,"rows":[{"time":"2026-02-03T03:05:06Z","#,
            r#""commit":"96dfd37bbbbb0000000000000000000000000000","fingerprint":"822ae69108a1c593","#,
            r#""run":"00000000000000000000000000000001","benchmark":"parse","params":{},"metric":"time","#,
            r#""unit":"ns","better":"lower","kind":"time","value":105.0,"sd":null,"n":30}]}"#,
            "\n"
        );
        assert_eq!(crate::json::line(&values_json(&[row])), expected);
    }

    #[test]
    fn lists_are_json_in_utc() {
        let expected = concat!(
            r#"{"version":1,"rows":[{"time":"2026-02-03T03:05:06Z","#,
            r#""commit":"96dfd37bbbbb0000000000000000000000000000","subject":"x","#,
            r#""fingerprint":"822ae69108a1c593","runs":3,"series":48,"baseline":"#,
        );
        let log = log_json(&[log_row("x")]);
        let baseline = log.strip_prefix(expected).unwrap().strip_suffix("}]}\n").unwrap();
        let stored =
            Stored { subject: None, baselines: vec![log_row("x").baseline], unreadable: 0, ..stored("") };
        assert!(show_json(&stored).contains(baseline), "{baseline}");
        let expected = concat!(
            r#"{"version":1,"environments":[{"fingerprint":"822ae69108a1c593","environment":{"#,
            r#""identity":{"arch":"x86_64","cores":"4","cpu":"AMD EPYC 7763","os":"linux"},"#,
            r#""context":{"kernel":"6.1"}},"commits":12,"runs":36,"newest":"2026-02-03T04:05:06Z"}]}"#,
            "\n"
        );
        assert_eq!(envs_json(&[environment_row()]), expected);
    }

    #[test]
    fn no_name_changes_the_shape_of_a_list() {
        let page = Page { width: usize::MAX, ..PAGE };
        let lines = show(&stored("harmless"), page).lines().count();
        for name in HOSTILE {
            for (text, lines) in [(show(&stored(name), page), lines), (log(&[log_row(name)], page), 2)] {
                assert_eq!(text.lines().count(), lines, "{name:?}\n{text}");
                assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n'), "{name:?}");
                assert!(!text.contains("##"), "{name:?}");
            }
        }
    }
}
