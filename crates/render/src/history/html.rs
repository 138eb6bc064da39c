//! Histories as a page that stands alone, with a chart of the series that the reader chooses.

mod data;

use perf_compare::{Change, Direction, Summary};
use perf_model::Better;

use super::place::{self, cells, confidence, environment};
use super::{Commit, History, Series};
use crate::escape::{html as escaped, markup};
use crate::html::{CHART, CHART_LICENSE, CHART_STYLE, Page, TABLE};
use crate::number::{counted, percent};
use crate::sink::{Sink, short};

/// So many changes of level are listed above the table; all stand in it.
const MOST_CHANGES: usize = 12;
/// So many of the newest values of each series are shown to readers without scripts.
const MOST_VALUES: usize = 10;

/// Returns histories as one HTML file that needs no other and no network.
pub fn html(history: &History) -> String {
    let body = [header(history), chart(), moved(history), table(history), without_scripts(history), footer()];
    let title = format!("perf history of {}", history.revision);
    Page {
        title: &title,
        body: body.concat(),
        data: Some(chart_data(history)),
        styles: &[CHART_STYLE],
        scripts: &[TABLE, CHART[0], CHART[1]],
    }
    .document()
}

/// Returns what the chart's script reads, as JSON.
pub(crate) fn chart_data(history: &History) -> String {
    data::json(history)
}

/// Tells under which conditions the charting library may be handed on.
pub(crate) fn chart_license() -> String {
    format!("<details><summary>Charts by uPlot</summary><pre>{}</pre></details>", markup(CHART_LICENSE))
}

fn header(history: &History) -> String {
    let heading = place::heading(history, Sink::Html);
    let [changes, degrading, improving] = tally(history);
    format!(
        "<header><h1>Performance history of {}</h1>\n<p class=\"soft\">{heading}</p>\n\
         <p>{} series: {changes} changes of level, {degrading} degrading, {improving} improving since their last one</p>\
         </header>\n<main>\n",
        Sink::Html.name(&history.revision),
        counted(history.series.len()),
    )
}

fn tally(history: &History) -> [String; 3] {
    let changes = history.series.iter().map(|it| it.course.changes.len()).sum();
    let going = |wanted| {
        let trends = history.series.iter().filter_map(|it| it.course.trend.as_ref());
        trends.filter(|trend| trend.direction == wanted).count()
    };
    [changes, going(Direction::Degrading), going(Direction::Improving)].map(counted)
}

/// The place of the chart, which is shown when something is drawn in it.
pub(crate) fn chart() -> String {
    "<section id=\"chart\" aria-labelledby=\"chart-title\" hidden>\n<figure>\
     <figcaption id=\"chart-title\"></figcaption>\n<div id=\"chart-place\"></div>\n\
     <div class=\"tools\" role=\"group\" aria-label=\"Range\"><button type=\"button\" data-last=\"0\">all</button>\
     <button type=\"button\" data-last=\"500\">last 500</button><button type=\"button\" data-last=\"100\">last 100</button>\
     <button type=\"button\" data-last=\"50\">last 50 commits</button>\
     <span class=\"soft\">drag to select a range; arrow keys walk along the commits</span></div>\n\
     <div id=\"plot\" tabindex=\"0\" role=\"group\" aria-roledescription=\"chart\" aria-labelledby=\"chart-title\">\
     <div id=\"tip\" hidden></div></div>\n</figure>\n<p id=\"said\" class=\"hidden\" role=\"status\"></p>\n\
     <details id=\"values\"><summary>Values as a table</summary><p id=\"value-count\" class=\"soft\"></p>\
     <div class=\"scroll\"><table><thead><tr><th scope=\"col\">commit</th><th scope=\"col\">date</th>\
     <th scope=\"col\" class=\"n\">value</th><th scope=\"col\">middle half of the readings</th>\
     <th scope=\"col\">author</th><th scope=\"col\">subject</th></tr></thead><tbody id=\"value-rows\"></tbody></table>\
     </div></details>\n</section>\n"
        .to_owned()
}

/// Lists what moved last: when, by whom, how sure.
fn moved(history: &History) -> String {
    let mut changes: Vec<(usize, &Change)> = vec![];
    for (index, series) in history.series.iter().enumerate() {
        changes.extend(series.course.changes.iter().map(|change| (index, change)));
    }
    if changes.is_empty() {
        return "<section><h2>What moved</h2><p class=\"soft\">No change of level in this stretch.</p></section>\n".to_owned();
    }
    changes.sort_by_key(|(index, change)| (std::cmp::Reverse(change.upto), *index));
    let all = changes.len();
    let items: String =
        changes.iter().take(MOST_CHANGES).map(|(index, change)| item(*index, change, history)).collect();
    let rest = all.saturating_sub(MOST_CHANGES);
    let more = if rest > 0 {
        format!("<p class=\"soft\">and {} older, in the table below</p>", counted(rest))
    } else {
        String::new()
    };
    format!(
        "<section><h2>What moved, newest first</h2>\n<ol class=\"moved\">\n{items}</ol>{more}</section>\n"
    )
}

fn item(index: usize, change: &Change, history: &History) -> String {
    let series = &history.series[index];
    let [before, after] = Sink::Html.amounts(&series.metric.unit, [change.point.before, change.point.after]);
    let shade = if worsens(change, series) { "worse" } else { "better" };
    let commit = &history.commits[change.upto];
    let range = match change.upto - change.after {
        1 => String::new(),
        several => format!(" (the last of {} commits, of which only it was measured)", counted(several)),
    };
    let interval = change.point.interval.map_or_else(String::new, |it| {
        format!(", 95 % interval {} to {}", percent(it.low), percent(it.high))
    });
    let declared = place::label(series, change, Sink::Html)
        .map_or_else(String::new, |label| format!("<br><span class=\"warn\">{label}</span>"));
    format!(
        "<li class=\"{shade}-edge\"><a href=\"#s{index}\" data-series=\"{index}\">{}</a> <strong class=\"{shade}\">{}</strong> \
         {before} → {after}<br><span class=\"soft\">{}{range}{interval}; confidence {}</span>{declared}</li>\n",
        Sink::Html.series(&series.series),
        place::size(change, &series.metric, Sink::Html),
        told(commit),
        confidence(change.point.p),
    )
}

/// Tells whether a change is one for the worse.
fn worsens(change: &Change, series: &Series) -> bool {
    let rises = change.point.after > change.point.before;
    rises == (series.metric.better == Better::Lower)
}

fn told(commit: &Commit) -> String {
    format!(
        "<span class=\"sha\">{}</span> {} {}: {}",
        short(&commit.id),
        place::day(commit.time),
        Sink::Html.name(&commit.author),
        Sink::Html.name(&commit.subject)
    )
}

fn table(history: &History) -> String {
    let several = history.environments.len() > 1;
    let place = if several { "<th scope=\"col\" data-sort>environment</th>" } else { "" };
    let rows: String = (0..history.series.len()).map(|index| row(index, history, several)).collect();
    let environments: String =
        history.environments.iter().map(|it| format!("<li>{}</li>", environment(it, Sink::Html))).collect();
    format!(
        "<section><h2>All series</h2>\n<div class=\"tools scripted\" hidden><label>Search \
         <input type=\"search\" id=\"search\" autocomplete=\"off\"></label><label><input type=\"checkbox\" id=\"moved-only\"> \
         only those that moved</label><span id=\"count\" class=\"soft\" role=\"status\"></span></div>\n\
         <div class=\"scroll\"><table class=\"sortable\" id=\"table\"><thead><tr><th scope=\"col\" data-sort>series</th>{place}\
         <th scope=\"col\">course</th><th scope=\"col\" class=\"n\">current</th><th scope=\"col\" class=\"n\">average</th>\
         <th scope=\"col\" class=\"n\">least</th><th scope=\"col\" class=\"n\">greatest</th>\
         <th scope=\"col\" class=\"n\" data-sort>volatility</th><th scope=\"col\" data-sort>trend</th>\
         <th scope=\"col\" data-sort>changes of level</th></tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n\
         <p class=\"soft\">{}</p>\n<details><summary>Environments</summary><ul>{environments}</ul></details></section>\n",
        place::LEGEND.join("<br>")
    )
}

fn row(index: usize, history: &History, several: bool) -> String {
    let series = &history.series[index];
    let [name, _, current, average, least, greatest, volatility, trend, changes] =
        cells(series, history, Sink::Html);
    let place = if several {
        format!(
            "<td class=\"sha\">{}</td>",
            &history.environments[series.environment].fingerprint.as_str()[..8]
        )
    } else {
        String::new()
    };
    let Summary { volatility: noise, .. } = series.course.summary;
    let slope =
        series.course.trend.as_ref().map_or(f64::NAN, |it| if it.is_relative { it.change } else { 0.0 });
    let shade = match series.course.trend.as_ref().map(|it| it.direction) {
        Some(Direction::Degrading) => " class=\"worse\"",
        Some(Direction::Improving) => " class=\"better\"",
        Some(Direction::Flat) | None => "",
    };
    let newest = series.course.changes.last();
    let moved = if newest.is_some() { " data-moved=\"1\"" } else { "" };
    format!(
        "<tr id=\"row{index}\"{moved}><th scope=\"row\"><a href=\"#s{index}\" data-series=\"{index}\">{name}</a></th>{place}\
         <td>{}</td><td class=\"n\">{current}</td><td class=\"n\">{average}</td><td class=\"n\">{least}</td>\
         <td class=\"n\">{greatest}</td><td class=\"n\" data-v=\"{}\">{volatility}</td><td data-v=\"{slope}\"{shade}>{trend}</td>\
         <td data-v=\"{}\">{changes}</td></tr>\n",
        spark(series, history),
        noise.unwrap_or(f64::NAN),
        newest.map_or(-1, |change| change.upto as i64),
    )
}

/// Draws the course of a series in little; where nothing was measured there is no line.
fn spark(series: &Series, history: &History) -> String {
    const WIDTH: usize = 60;
    let length = history.commits.len() - history.from;
    let columns = length.min(WIDTH);
    let mut levels = vec![(0.0, 0_u32); columns];
    for point in &series.points {
        let column = &mut levels[(point.position - history.from) * columns / length];
        *column = (column.0 + point.level, column.1 + 1);
    }
    let levels: Vec<Option<f64>> =
        levels.into_iter().map(|(sum, count)| (count > 0).then(|| sum / f64::from(count))).collect();
    let known = || levels.iter().flatten().copied();
    let (least, greatest) =
        (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
    let span = if greatest > least { greatest - least } else { f64::INFINITY };
    let mut path = String::new();
    let mut pen_is_down = false;
    for (column, level) in levels.iter().enumerate() {
        let Some(level) = level else {
            pen_is_down = false;
            continue;
        };
        let x = 2.0 + 116.0 * column as f64 / (columns.max(2) - 1) as f64;
        let y = 21.0 - 18.0 * if span.is_finite() { (level - least) / span } else { 0.5 };
        path += &format!("{}{x:.0} {y:.1}", if pen_is_down { "L" } else { "M" });
        // A line of no length is a dot: nothing else would be drawn of a column that stands alone.
        let alone = !pen_is_down && levels.get(column + 1).is_none_or(Option::is_none);
        path += if alone { "h.1" } else { "" };
        pen_is_down = true;
    }
    format!("<svg class=\"spark\" viewBox=\"0 0 120 24\" aria-hidden=\"true\"><path d=\"{path}\"/></svg>")
}

/// Shows the newest values of every series to readers without scripts.
fn without_scripts(history: &History) -> String {
    let mut text = "<noscript><section><h2>Newest values</h2>\n".to_owned();
    for (index, series) in history.series.iter().enumerate() {
        let place = history.environments[series.environment].fingerprint.as_str();
        text += &format!(
            "<details id=\"s{index}\"><summary>{} ({})</summary><table><thead><tr><th scope=\"col\">commit</th><th scope=\"col\">date</th>\
             <th scope=\"col\">value</th><th scope=\"col\">subject</th></tr></thead><tbody>",
            Sink::Html.series(&series.series),
            escaped(place)
        );
        for point in series.points.iter().rev().take(MOST_VALUES) {
            let commit = &history.commits[point.position];
            let [level] = Sink::Html.amounts(&series.metric.unit, [point.level]);
            text += &format!(
                "<tr><td class=\"sha\">{}</td><td>{}</td><td class=\"n\">{level}</td><td>{}</td></tr>",
                short(&commit.id),
                place::day(commit.time),
                Sink::Html.name(&commit.subject)
            );
        }
        text += "</tbody></table></details>\n";
    }
    text + "</section></noscript>\n"
}

fn footer() -> String {
    format!(
        "</main>\n<footer><p>Made by <code>perf history --format html</code>; <code>--format json</code> and \
         <code>--format csv</code> hold every value in full.</p>\n{}</footer>",
        chart_license()
    )
}
