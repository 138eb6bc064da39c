//! The report of a comparison as a page that stands alone.

use perf_compare::{Comparison, Judged, Outcome, Refusal, Section, Status, Verdict};
use perf_model::Better;

use super::row::{CHANGED, Class, FOLDED, NOISE_FLOOR, cells, folded, word};
use super::sentence::{self, Tone};
use super::{acceptance, budget, command, refusal, sides, suite};
use crate::escape::{html as escaped, markup, visible};
use crate::history::{History, Series, chart, chart_data, chart_license, heading};
use crate::html::{CHART, CHART_STYLE, Page, TABLE};
use crate::number::counted;
use crate::sink::Sink;

const SINK: Sink = Sink::Html;

/// Returns the report of an outcome as one HTML file that needs no other and no network, with charts of these histories.
pub fn html(outcome: &Outcome, history: Option<&History>) -> String {
    let mut body = top(outcome) + &sections(outcome, SEARCHED);
    body.extend(outcome.references.iter().map(reference));
    body.extend(history.map(charts));
    if let Some(command) = command::reproduce(outcome) {
        body += &format!("<h2>Reproduce</h2><pre>{}</pre>\n", markup(&command));
    }
    body += "</main>\n<footer><p>Made by <code>perf compare --output html=FILE</code>; <code>--output json</code> \
             holds everything.</p>";
    body.extend(history.map(|_| chart_license()));
    body += "</footer>";
    let title = "perf compare";
    match history {
        None => Page { title, body, data: None, styles: &[], scripts: &[TABLE] },
        Some(history) => Page {
            title,
            body,
            data: Some(chart_data(history)),
            styles: &[CHART_STYLE],
            scripts: &[TABLE, CHART[0], CHART[1]],
        },
    }
    .document()
}

/// The histories of what changed, one in a chart at a time.
fn charts(history: &History) -> String {
    let link = |(index, series): (usize, &Series)| {
        let (name, noted) =
            (SINK.series(&series.series), history.environments[series.environment].fingerprint.as_str());
        format!(
            "<li><a href=\"#s{index}\" data-series=\"{index}\">{name}</a> <span class=\"sha\">{noted}</span></li>\n"
        )
    };
    let links: String = history.series.iter().enumerate().map(link).collect();
    format!(
        "<section><h2>How what changed went before</h2>\n<p class=\"soft\">{}</p>\n<ul>{links}</ul></section>\n{}",
        heading(history, SINK),
        chart()
    )
}

/// The number of the section whose table the search field filters.
const SEARCHED: usize = 0;

fn top(outcome: &Outcome) -> String {
    let verdict = (Tone::overall(outcome), sentence::overall(outcome, SINK));
    format!("<header><h1>Performance comparison</h1>\n{}</header>\n<main>\n", about(outcome, verdict))
}

/// A comparison with a fixed reference.
fn reference(outcome: &Outcome) -> String {
    let verdict = (Tone::of(outcome), sentence::verdict(outcome, SINK));
    let since = sentence::since(outcome, SINK);
    format!("<h2>Since {since}</h2>\n{}{}", about(outcome, verdict), sections(outcome, SEARCHED + 1))
}

/// What stands above the sections of a comparison.
fn about(outcome: &Outcome, (tone, verdict): (Tone, String)) -> String {
    let shade = match tone {
        Tone::Pass => "better",
        Tone::Warn | Tone::Refused => "warn",
        Tone::Fail => "worse",
    };
    let lines = |lines: Vec<String>| lines.iter().map(|line| format!("<p>{line}</p>")).collect::<String>();
    format!(
        "<p class=\"verdict {shade}\">{}: {verdict}</p>\n{}<div class=\"soft\">{}</div>\n",
        tone.word(),
        lines(sentence::not_judged(outcome, SINK)),
        lines(sides::sides(outcome, SINK))
    )
}

fn sections(outcome: &Outcome, first: usize) -> String {
    let sections = outcome.sections.iter().zip(first..);
    let each = sections.map(|(section, index)| match &section.result {
        Ok(comparison) => judged(section, comparison, (outcome, index)),
        Err(reason) => refused(section, reason, outcome),
    });
    each.collect()
}

fn judged(section: &Section, comparison: &Comparison, (outcome, index): (&Outcome, usize)) -> String {
    let mut lines =
        vec![sides::place_and_runs(section, comparison, SINK), sentence::census(&comparison.census)];
    lines.extend(suite::suite(comparison, outcome, SINK));
    lines.extend(budget::budgets(&section.budgets, outcome, SINK));
    let mut text = format!("<section><h2>{}</h2>", title(section));
    text.extend(lines.iter().map(|line| format!("<p>{line}</p>\n")));
    let pair = &comparison.pair;
    if !pair.across().is_empty() {
        text += &diff(&refusal::difference(&pair.before().environment, &pair.after().environment, visible));
    }
    text += &table(comparison, (outcome, index));
    if let [counts, rows @ ..] = acceptance::accepted(section, outcome, SINK).as_slice() {
        text += &list(counts, rows);
    }
    for class in FOLDED.into_iter().filter(|class| !matches!(class, Class::Unchanged | Class::Inconclusive)) {
        let rows = folded(comparison, class, outcome, SINK);
        text += &list(&format!("{} {}", counted(rows.len()), class.title()), &rows);
    }
    text + "</section>\n"
}

fn list(title: &str, rows: &[String]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let items: String = rows.iter().map(|row| format!("<li>{row}</li>\n")).collect();
    format!("<details><summary>{title}</summary><ul>{items}</ul></details>\n")
}

fn title(section: &Section) -> String {
    let fingerprint = section.environment.as_ref().map(|it| it.fingerprint().to_string());
    format!("Environment {}", escaped(&fingerprint.unwrap_or_else(|| "unknown".to_owned())))
}

/// Every series that was judged, worst first, each with its interval drawn against its limits.
fn table(comparison: &Comparison, (outcome, index): (&Outcome, usize)) -> String {
    let reach = reach(comparison);
    let rows: String = comparison.judged.iter().map(|row| line(row, outcome, reach)).collect();
    // One search field serves the first table; each can be sorted.
    let (id, tools) = match index {
        SEARCHED => (
            " id=\"table\"",
            "<div class=\"tools scripted\" hidden><label>Search <input type=\"search\" id=\"search\" \
             autocomplete=\"off\"></label><label><input type=\"checkbox\" id=\"moved-only\"> only what changed</label>\
             <span id=\"count\" class=\"soft\" role=\"status\"></span></div>\n",
        ),
        _ => ("", ""),
    };
    format!(
        "{tools}<div class=\"scroll\"><table class=\"sortable\"{id}><thead><tr><th scope=\"col\" data-sort>series</th>\
         <th scope=\"col\" data-sort>verdict</th><th scope=\"col\" class=\"n\">base</th><th scope=\"col\" class=\"n\">head</th>\
         <th scope=\"col\" class=\"n\" data-sort>change</th><th scope=\"col\">interval and limits</th>\
         <th scope=\"col\">95 % interval</th><th scope=\"col\" class=\"n\">noise floor</th><th scope=\"col\">limit</th>\
         <th scope=\"col\" class=\"n\">runs base/head/history</th></tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n\
         <p class=\"soft\">{NOISE_FLOOR}</p>\n"
    )
}

fn line(row: &Judged, outcome: &Outcome, reach: f64) -> String {
    let [series, base, head, change, interval, noise, limit, verdict, runs] = cells(row, outcome, SINK);
    let (shade, order) = match row.finding.verdict {
        Verdict::Regressed => ("worse", 4),
        Verdict::Slower => ("warn", 3),
        Verdict::Inconclusive => ("soft", 2),
        Verdict::Unchanged => ("", 1),
        Verdict::Improved => ("better", 0),
    };
    let is_changed = CHANGED.iter().any(|class| class.word() == word(row.finding.verdict));
    let moved = if is_changed { " data-moved=\"1\"" } else { "" };
    format!(
        "<tr{moved}><th scope=\"row\">{series}</th><td data-v=\"{order}\" class=\"says {shade}\">{verdict}</td>\
         <td class=\"n\">{base}</td><td class=\"n\">{head}</td><td class=\"n w {shade}\" data-v=\"{}\">{change}</td>\
         <td class=\"{shade}\">{}</td><td>{interval}</td><td class=\"n\">{noise}</td><td class=\"short\">{limit}</td>\
         <td class=\"n\">{runs}</td></tr>\n",
        row.worsening(),
        forest(row, reach)
    )
}

/// Returns how far the drawings reach each way, as a logarithm of a ratio: past most of the changes and the limits.
fn reach(comparison: &Comparison) -> f64 {
    let sizes = comparison.judged.iter().map(|row| {
        let change = row.finding.change.map_or(0.0, |change| change.ln_1p().abs());
        let limit = row.asked.1.relative.unwrap_or(0.0).ln_1p();
        if change.is_finite() { change.max(limit) } else { limit }
    });
    (sizes.fold(0.1_f64, f64::max) * 1.25).min(2.0)
}

/// Draws a change and its interval around zero, with the limits on the side that is worse.
fn forest(row: &Judged, reach: f64) -> String {
    let Some(change) = row.finding.change else { return String::new() };
    let x = |value: f64| {
        let log = value.max(-0.999_9).ln_1p();
        100.0 + 96.0 * (log / reach).clamp(-1.0, 1.0)
    };
    let worse = |limit: f64| match row.metric.better {
        Better::Lower => limit,
        Better::Higher => -limit,
    };
    let limits = [row.asked.0.relative, row.asked.1.relative].into_iter().flatten();
    let limits: String = limits
        .map(|limit| x(worse(limit)))
        .map(|at| format!("<line class=\"limit\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"3\" y2=\"19\"/>"))
        .collect();
    let range = row.finding.evidence.map_or_else(String::new, |evidence| {
        let (low, high) = (x(evidence.interval.low), x(evidence.interval.high));
        format!("<line class=\"range\" x1=\"{low:.1}\" x2=\"{high:.1}\" y1=\"11\" y2=\"11\"/>")
    });
    format!(
        "<svg class=\"forest\" viewBox=\"0 0 200 22\" aria-hidden=\"true\"><line class=\"axis\" x1=\"4\" x2=\"196\" y1=\"11\" \
         y2=\"11\"/><line class=\"zero\" x1=\"100\" x2=\"100\" y1=\"5\" y2=\"17\"/>{limits}{range}<circle cx=\"{:.1}\" \
         cy=\"11\" r=\"3.5\"/></svg>",
        x(change)
    )
}

fn refused(section: &Section, reason: &Refusal, outcome: &Outcome) -> String {
    let mut text = String::from("<section>");
    if outcome.sections.len() > 1 || outcome.status() != Status::Refused {
        text += &format!(
            "<h2>{}</h2><p>{}</p><p class=\"warn\">refused: {}</p>\n",
            title(section),
            sides::place(section, SINK),
            refusal::introduction(reason, outcome, SINK)
        );
    }
    let facts = refusal::facts(reason, visible);
    text += &if facts.is_empty() { String::new() } else { diff(&facts) };
    text.extend(refusal::hints(reason, outcome).iter().map(|hint| format!("<p>{}</p>\n", markup(hint))));
    text.extend(
        budget::budgets(&section.budgets, outcome, SINK).iter().map(|line| format!("<p>{line}</p>\n")),
    );
    text + "</section>\n"
}

fn diff(lines: &[String]) -> String {
    format!("<pre>{}</pre>\n", markup(&lines.join("\n")))
}
