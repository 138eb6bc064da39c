//! How two stored records differ.

use std::collections::BTreeMap;

use anstyle::Style;
use perf_model::{Baseline, Environment, Measurement, Metric, SeriesId, median_in_place};
use similar::{ChangeTag, TextDiff};

use super::Stored;
use crate::environment::{changed, diff as environments, summary};
use crate::escape::terminal;
use crate::number::{counted, percent};
use crate::page::{Column, Page, Table, numbers, words};
use crate::sink::{Sink, short};

const VALUES: [Column; 5] =
    [words("series"), numbers("first"), numbers("second"), numbers("change"), numbers("runs")];

/// Returns how two records differ: environments, which series each has, and both values of those they share.
pub fn diff(one: &Stored, other: &Stored, page: Page) -> String {
    let side = |stored: &Stored| {
        let subject = stored.subject.as_deref().map(|it| format!(" {}", terminal(it))).unwrap_or_default();
        format!("{}{subject}", short(&stored.commit))
    };
    let mut blocks = vec![format!("- first  {}\n+ second {}", side(one), side(other))];
    let find = |stored: &Stored, environment: &Environment| {
        let found = stored.baselines.iter().find(|it| it.environment.identity == environment.identity);
        found.cloned()
    };
    for old in &one.baselines {
        match find(other, &old.environment) {
            Some(new) => blocks.extend(of_pair(old, &new, page)),
            None => blocks
                .push(format!("- environment {}, only the first", summary(&old.environment, Sink::Text))),
        }
    }
    for new in other.baselines.iter().filter(|new| find(one, &new.environment).is_none()) {
        blocks.push(format!("+ environment {}, only the second", summary(&new.environment, Sink::Text)));
    }
    // Nothing in common: what keeps them apart.
    if let ([old], [new]) = (one.baselines.as_slice(), other.baselines.as_slice())
        && old.environment.identity != new.environment.identity
    {
        blocks.push(environments(&old.environment, &new.environment).trim_end().to_owned());
    }
    for (word, stored) in [("first", one), ("second", other)] {
        let lines = stored.unreadable;
        blocks.extend((lines > 0).then(|| {
            format!("warning: stored lines of the {word} that could not be read: {}", counted(lines))
        }));
    }
    blocks.join("\n\n") + "\n"
}

fn of_pair(old: &Baseline, new: &Baseline, page: Page) -> Vec<String> {
    let (before, after) = (levels(old), levels(new));
    let mut lines = vec![format!("environment {}", summary(&new.environment, Sink::Text))];
    lines.extend(changed(&old.environment.context, &new.environment.context));
    lines.push(format!("runs: {} -> {}", old.runs.len(), new.runs.len()));
    let mut blocks = vec![lines.join("\n")];
    let names = |levels: &Levels| levels.keys().map(|it| Sink::Text.series(it)).collect::<Vec<_>>();
    let (one, other) = (names(&before), names(&after));
    let (one, other): (Vec<&str>, Vec<&str>) =
        (one.iter().map(String::as_str).collect(), other.iter().map(String::as_str).collect());
    let lists = TextDiff::from_slices(&one, &other);
    let differing: Vec<String> = lists
        .iter_all_changes()
        .filter_map(|change| match change.tag() {
            ChangeTag::Equal => None,
            ChangeTag::Delete => Some(format!("- {}", change.value())),
            ChangeTag::Insert => Some(format!("+ {}", change.value())),
        })
        .collect();
    let heading = format!("series: {} -> {}", counted(before.len()), counted(after.len()));
    blocks.push([vec![heading], differing].concat().join("\n"));
    let rows: Vec<_> = before
        .iter()
        .filter_map(|(series, old)| Some((Style::new(), cells(series, old, after.get(series)?))))
        .collect();
    blocks.extend((!rows.is_empty()).then(|| Table { columns: VALUES, rows }.text(page)));
    blocks
}

/// The levels of all series of a baseline, and how many runs each has.
type Levels = BTreeMap<SeriesId, (Metric, f64, usize)>;

fn levels(baseline: &Baseline) -> Levels {
    let mut values: BTreeMap<SeriesId, (Metric, Vec<f64>)> = BTreeMap::new();
    for Measurement { benchmark, params, metric, reading } in
        baseline.runs.iter().flat_map(|run| &run.measurements)
    {
        let id =
            SeriesId { benchmark: benchmark.clone(), params: params.clone(), metric: metric.name.clone() };
        let (of, levels) = values.entry(id).or_insert_with(|| (metric.clone(), vec![]));
        levels.extend(metric.unit.factor_to(&of.unit).map(|factor| reading.location() * factor));
    }
    let level = |(id, (metric, mut levels)): (SeriesId, (Metric, Vec<f64>))| {
        let runs = levels.len();
        (id, (metric, median_in_place(&mut levels), runs))
    };
    values.into_iter().map(level).collect()
}

fn cells(
    series: &SeriesId,
    old: &(Metric, f64, usize),
    new: &(Metric, f64, usize),
) -> [String; VALUES.len()] {
    let name = Sink::Text.series(series);
    let runs = format!("{}/{}", old.2, new.2);
    let Some(factor) = old.0.unit.factor_to(&new.0.unit) else {
        let [[before], [after]] =
            [old, new].map(|(metric, level, _)| Sink::Text.amounts(&metric.unit, [*level]));
        return [name, before, after, "other unit".to_owned(), runs];
    };
    let (before, after) = (old.1 * factor, new.1);
    let change = match before > 0.0 {
        true => percent(after / before - 1.0),
        false if before == after => "0 %".to_owned(),
        false => "no ratio".to_owned(),
    };
    let [before, after] = Sink::Text.amounts(&new.0.unit, [before, after]);
    [name, before, after, change, runs]
}
