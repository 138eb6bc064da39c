//! What the recorded history says of the noise of every series, and the limits that follow, as text, Markdown and JSON.

use anstyle::Style;
use perf_compare::{Advice, Calibrated, Calibration, ENOUGH_BASELINES, Limit, Limits, RUNS, Tier, Why};
use perf_model::Environment;
use serde::Serialize;
use similar::TextDiff;

use crate::environment;
use crate::escape::{fenced, message};
use crate::json::{self, Named};
use crate::number::{counted, limit, share};
use crate::page::{Column, Flush, Page, Table, numbers, words};
use crate::sink::Sink;

/// What was learned, where, and what `perf.toml` would be after it.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// What was learned.
    pub calibration: &'a Calibration,
    /// From which environment's baselines.
    pub environment: &'a Environment,
    /// How many other environments have baselines.
    pub others: usize,
    /// `perf.toml` as it is.
    pub before: &'a str,
    /// `perf.toml` as it is proposed.
    pub after: &'a str,
}

const COLUMNS: [Column; 7] = [
    words("series"),
    numbers("baselines"),
    numbers("level"),
    numbers("noise"),
    numbers("detectable with 1, 3, 10 runs"),
    words("warn, fail, tier now"),
    words("proposed"),
];

/// Returns the report as text: a table, how many series got which answer, and the change of `perf.toml`.
pub fn text(report: &Report, page: Page) -> String {
    let rows = rows(report, Sink::Text).into_iter().map(|cells| (Style::new(), cells)).collect();
    let mut parts = vec![heading(report, Sink::Text)];
    parts.push(Table { columns: COLUMNS, rows }.text(page));
    parts.push(census(report.calibration));
    let diff = diff(report);
    parts.extend((!diff.is_empty()).then(|| diff.lines().map(message).collect::<Vec<_>>().join("\n")));
    parts.join("\n\n") + "\n"
}

/// Returns the report as GitHub flavoured Markdown.
pub fn markdown(report: &Report) -> String {
    let row = |cells: &[String]| format!("| {} |", cells.join(" | "));
    let titles = COLUMNS.map(|column| column.title.to_owned());
    let rules = COLUMNS.map(|column| match column.flush {
        Flush::Left => "---".to_owned(),
        Flush::Right => "---:".to_owned(),
    });
    let mut table = vec![row(&titles), row(&rules)];
    table.extend(rows(report, Sink::Markdown).iter().map(|cells| row(cells)));
    let mut parts = vec![heading(report, Sink::Markdown), table.join("\n"), census(report.calibration)];
    let diff = diff(report);
    parts.extend((!diff.is_empty()).then(|| fenced(diff.trim_end())));
    parts.join("\n\n") + "\n"
}

/// Returns the report as one line of JSON.
///
/// ```text
/// version      1
/// fingerprint  of the environment; `others`: how many other environments have baselines
/// baselines    how many were looked at
/// runs         [1, 3, 10]: the numbers of runs on each side of `detectable`
/// series       [{benchmark, params, metric, unit, better, kind, baselines, level|null, noise|null,
///                detectable: null | [number], warn: {relative|null, absolute|null}, fail alike, tier,
///                advice: "fits" | "change" | "too-few-baselines" | "no-ratio" | "too-few-readings",
///                proposed: null | {warn|null, fail|null, tier|null, why: null | "stable" | "too-noisy"}}]
///              `noise` is a relative standard deviation, `warn.relative` and `detectable` are shares
/// diff         the change of perf.toml; empty where there is none
/// ```
pub fn json(report: &Report) -> String {
    json::line(&Document {
        version: json::VERSION,
        fingerprint: report.environment.fingerprint().to_string(),
        others: report.others,
        baselines: report.calibration.baselines,
        runs: RUNS,
        series: report.calibration.series.iter().map(SeriesJson::from).collect(),
        diff: diff(report),
    })
}

fn heading(report: &Report, sink: Sink) -> String {
    let place = environment::summary(report.environment, sink);
    let baselines = counted(report.calibration.baselines);
    let others = match report.others {
        0 => String::new(),
        others => format!("; other environments with baselines, not looked at: {}", counted(others)),
    };
    format!("baselines of one level: {baselines}, in environment {place}{others}")
}

fn rows(report: &Report, sink: Sink) -> Vec<[String; 7]> {
    report.calibration.series.iter().map(|series| cells(series, sink)).collect()
}

fn cells(series: &Calibrated, sink: Sink) -> [String; 7] {
    let unknown = || "-".to_owned();
    let [level] = if series.level.is_finite() {
        sink.amounts(&series.metric.unit, [series.level])
    } else {
        [unknown()]
    };
    let (warn, fail) = &series.asked;
    [
        sink.series(&series.series),
        counted(series.baselines),
        level,
        series.noise.map_or_else(unknown, |noise| format!("±{}", share(noise.exp_m1()))),
        series.detectable.map_or_else(unknown, |found| found.map(share).join(", ")),
        format!("{}, {}, {}", written(warn), written(fail), tier(series.tier)),
        proposed(&series.advice),
    ]
}

fn written(asked: &Limit) -> String {
    match (asked.relative, &asked.absolute) {
        (Some(relative), None) => limit(relative),
        (Some(relative), Some(_)) => format!("{} and a difference", limit(relative)),
        (None, _) => "a difference".to_owned(),
    }
}

fn tier(tier: Tier) -> &'static str {
    match tier {
        Tier::Gating => "gating",
        Tier::Exhibit => "exhibit",
    }
}

fn proposed(advice: &Advice) -> String {
    match advice {
        Advice::TooFewBaselines => format!("nothing: it takes {ENOUGH_BASELINES} baselines"),
        Advice::NoRatio => "nothing: values at zero; give a difference, such as `+1`".to_owned(),
        Advice::TooFewReadings { found, needed } => {
            format!("nothing: {found} readings a run, a percentile is judged from {needed} on")
        }
        Advice::Fits => "as it is".to_owned(),
        Advice::Change { limits, tier } => {
            let limits = limits.map(|Limits { warn, fail }| format!("{}, {}", limit(warn), limit(fail)));
            let tier = tier.map(|(tier, why)| match (tier, why) {
                (Tier::Gating, Why::Stable | Why::TooNoisy) => {
                    format!("gating (stable over {ENOUGH_BASELINES} baselines)")
                }
                (Tier::Exhibit, Why::Stable | Why::TooNoisy) => {
                    "exhibit (too noisy for any limit)".to_owned()
                }
            });
            limits.into_iter().chain(tier).collect::<Vec<_>>().join(", ")
        }
    }
}

/// Counts the answers: they add up to all series.
fn census(calibration: &Calibration) -> String {
    let count = |is: fn(&Advice) -> bool| calibration.series.iter().filter(|it| is(&it.advice)).count();
    let changes = count(|advice| matches!(advice, Advice::Change { .. }));
    let tiers = |wanted: Tier| {
        let is = |it: &&Calibrated| matches!(it.advice, Advice::Change { tier: Some((tier, _)), .. } if tier == wanted);
        calibration.series.iter().filter(is).count()
    };
    format!(
        "{} series: {} to change ({} promoted, {} demoted), {} as they are, {} with too few baselines, {} without a \
         ratio, {} with too few readings",
        counted(calibration.series.len()),
        counted(changes),
        counted(tiers(Tier::Gating)),
        counted(tiers(Tier::Exhibit)),
        counted(count(|advice| *advice == Advice::Fits)),
        counted(count(|advice| *advice == Advice::TooFewBaselines)),
        counted(count(|advice| *advice == Advice::NoRatio)),
        counted(count(|advice| matches!(advice, Advice::TooFewReadings { .. }))),
    )
}

/// Returns the change of `perf.toml` as `git apply` takes it; empty where there is none.
fn diff(report: &Report) -> String {
    if report.before == report.after {
        return String::new();
    }
    let (before, after) = (if report.before.is_empty() { "/dev/null" } else { "a/perf.toml" }, "b/perf.toml");
    TextDiff::from_lines(report.before, report.after).unified_diff().header(before, after).to_string()
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    fingerprint: String,
    others: usize,
    baselines: usize,
    runs: [u32; 3],
    series: Vec<SeriesJson<'a>>,
    diff: String,
}

#[derive(Serialize)]
struct SeriesJson<'a> {
    benchmark: &'a str,
    params: Named<'a>,
    metric: &'a str,
    unit: &'a str,
    better: &'static str,
    kind: &'static str,
    baselines: usize,
    level: Option<f64>,
    noise: Option<f64>,
    detectable: Option<[f64; 3]>,
    warn: LimitJson,
    fail: LimitJson,
    tier: &'static str,
    advice: &'static str,
    proposed: Option<ProposedJson>,
}

#[derive(Serialize)]
struct LimitJson {
    relative: Option<f64>,
    absolute: Option<f64>,
}

#[derive(Serialize)]
struct ProposedJson {
    warn: Option<f64>,
    fail: Option<f64>,
    tier: Option<&'static str>,
    why: Option<&'static str>,
}

impl<'a> From<&'a Calibrated> for SeriesJson<'a> {
    fn from(series: &'a Calibrated) -> Self {
        let (warn, fail) = &series.asked;
        let (advice, proposed) = match &series.advice {
            Advice::Fits => ("fits", None),
            Advice::TooFewBaselines => ("too-few-baselines", None),
            Advice::NoRatio => ("no-ratio", None),
            Advice::TooFewReadings { .. } => ("too-few-readings", None),
            Advice::Change { limits, tier } => ("change", Some(ProposedJson::new(*limits, *tier))),
        };
        Self {
            benchmark: &series.series.benchmark,
            params: &series.series.params,
            metric: &series.series.metric,
            unit: series.metric.unit.symbol(),
            better: series.metric.better.word(),
            kind: series.metric.kind.word(),
            baselines: series.baselines,
            level: Some(series.level).filter(|level| level.is_finite()),
            noise: series.noise.map(f64::exp_m1),
            detectable: series.detectable,
            warn: warn.into(),
            fail: fail.into(),
            tier: tier(series.tier),
            advice,
            proposed,
        }
    }
}

impl From<&Limit> for LimitJson {
    fn from(limit: &Limit) -> Self {
        Self { relative: limit.relative, absolute: limit.absolute.as_ref().map(|amount| amount.value) }
    }
}

impl ProposedJson {
    fn new(limits: Option<Limits>, change: Option<(Tier, Why)>) -> Self {
        Self {
            warn: limits.map(|limits| limits.warn),
            fail: limits.map(|limits| limits.fail),
            tier: change.map(|(to, _)| tier(to)),
            why: change.map(|(_, why)| match why {
                Why::Stable => "stable",
                Why::TooNoisy => "too-noisy",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use perf_compare::{Policy, calibrate};
    use perf_model::Metric;

    use super::*;
    use crate::fixtures::{HOSTILE, base, baseline, environment, measurement};
    use crate::page::Colour;

    const PAGE: Page = Page { width: usize::MAX, colour: Colour::Plain };

    fn calibration(name: &str) -> Calibration {
        let run = |index: u32| {
            let level = 100.0 + f64::from(index % 3) / 10.0;
            vec![
                measurement(name, Metric::time("time", "ns"), &[level]),
                measurement(name, Metric::count("violations", "violations"), &[0.0]),
            ]
        };
        let history: Vec<_> =
            (0..12).map(|index| baseline(base(), &environment("4"), vec![run(index)])).collect();
        calibrate(&history, &Policy::default())
    }

    fn with<T>(name: &str, show: impl Fn(&Report) -> T) -> T {
        let (calibration, environment) = (calibration(name), environment("4"));
        let (before, after) = ("fail = \"25%\"\n", "fail = \"20%\"\n");
        show(&Report { calibration: &calibration, environment: &environment, others: 1, before, after })
    }

    #[test]
    fn text_is_a_table_a_census_and_a_diff() {
        let text = with("parse", |report| text(report, PAGE));
        assert!(text.contains("baselines of one level: 12, in environment 822ae69108a1c593"), "{text}");
        assert!(text.contains("10 %, 25 %, gating"), "{text}");
        assert!(text.contains("nothing: values at zero"), "{text}");
        assert!(text.contains("2 series: 1 to change (0 promoted, 0 demoted), 0 as they are,"), "{text}");
        assert!(text.ends_with("-fail = \"25%\"\n+fail = \"20%\"\n"), "{text}");
    }

    #[test]
    fn json_has_every_series() {
        let json: serde_json::Value = serde_json::from_str(&with("parse", json)).unwrap();
        assert_eq!(json["series"][0]["advice"], "change");
        assert_eq!(json["series"][0]["proposed"]["warn"], 0.02);
        assert_eq!(json["series"][1]["advice"], "no-ratio");
        assert_eq!(json["series"][0]["baselines"], 12);
    }

    #[test]
    fn no_name_changes_the_shape() {
        let lines = |name: &str| {
            let both = with(name, |report| [text(report, PAGE), markdown(report)]);
            both.map(|text| text.lines().count())
        };
        let expected = lines("harmless");
        for name in HOSTILE {
            assert_eq!(lines(name), expected, "{name:?}");
        }
    }
}
