use std::fmt::Write;

use super::History;
use crate::store::export::cell;

/// Returns the points of histories as CSV (RFC 4180), oldest first in each series, with a title line.
///
/// `low` and `high` bound the middle half of the readings; `missed` is how many commits since the last point were not
/// measured; `change` is the relative size of a change of level that begins there. A text that a spreadsheet would take
/// for a formula begins with an apostrophe.
pub fn csv(history: &History) -> String {
    let mut text =
        "fingerprint,benchmark,params,metric,unit,better,kind,commit,committed,measured,value,low,high,runs,missed,change\n"
            .to_owned();
    for series in &history.series {
        let fingerprint = &history.environments[series.environment].fingerprint;
        let params: Vec<String> =
            series.series.params.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let params = if params.is_empty() { String::new() } else { cell(&params.join(",")) };
        let (benchmark, metric) = (cell(&series.series.benchmark), cell(&series.series.metric));
        let unit = cell(series.metric.unit.symbol());
        let (better, kind) = (series.metric.better.word(), series.metric.kind.word());
        let before = format!("{fingerprint},{benchmark},{params},{metric},{unit},{better},{kind}");
        let mut last = None;
        for point in &series.points {
            let commit = &history.commits[point.position];
            let (low, high) =
                point.middle.map_or_else(Default::default, |(low, high)| (low.to_string(), high.to_string()));
            let missed = last.map_or(0, |last: usize| point.position - last - 1);
            last = Some(point.position);
            let change = series.course.changes.iter().find(|change| change.upto == point.position);
            let change =
                change.and_then(|change| change.point.change).map_or_else(String::new, |it| it.to_string());
            let [committed, measured] = [commit.time, point.time].map(crate::store::second);
            let _ = writeln!(
                text,
                "{before},{},{committed},{measured},{},{low},{high},{},{missed},{change}",
                commit.id, point.level, point.runs
            );
        }
    }
    text
}
