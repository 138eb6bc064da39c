use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use perf_model::SeriesId;

/// A benchmark got another name. In both names one `*` may stand for the same text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// Its former name.
    pub from: String,
    /// Its name now.
    pub to: String,
    /// The only metric it holds for; all of them where not given.
    pub metric: Option<String>,
    /// Whether only the head's configuration has it.
    pub of_head: bool,
}

/// Former names of one series, followed this far: each alias is followed once, so that no circle is endless.
const MOST_NAMES: usize = 64;

impl Alias {
    /// Returns the former name of a benchmark; `None` where the alias is not about it.
    pub fn former(&self, benchmark: &str, metric: &str) -> Option<String> {
        if self.metric.as_ref().is_some_and(|only| only != metric) {
            return None;
        }
        let Some((start, end)) = self.to.split_once('*') else {
            return (benchmark == self.to).then(|| self.from.clone());
        };
        let carried = benchmark.strip_prefix(start)?.strip_suffix(end)?;
        Some(self.from.replacen('*', carried, 1))
    }

    /// Returns the present name of a benchmark; `None` where the alias is not about it.
    fn present(&self, benchmark: &str, metric: &str) -> Option<String> {
        let turned = Alias { from: self.to.clone(), to: self.from.clone(), ..self.clone() };
        turned.former(benchmark, metric)
    }

    /// Says whether the alias is about the present name of a series.
    pub fn matches(&self, series: &SeriesId) -> bool {
        self.former(&series.benchmark, &series.metric).is_some()
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.from, self.to)
    }
}

/// Returns the former names of a benchmark, the latest first, each with the number of the alias that gives it.
pub(crate) fn former_names(aliases: &[Alias], benchmark: &str, metric: &str) -> Vec<(String, usize)> {
    let mut names: Vec<(String, usize)> = vec![];
    let mut used = vec![false; aliases.len()];
    let mut next = 0;
    let mut current = benchmark.to_owned();
    loop {
        for (number, alias) in aliases.iter().enumerate() {
            if used[number] || names.len() == MOST_NAMES {
                continue;
            }
            if let Some(former) = alias.former(&current, metric) {
                used[number] = true;
                if former != benchmark && names.iter().all(|(known, _)| *known != former) {
                    names.push((former, number));
                }
            }
        }
        let Some((name, _)) = names.get(next) else { return names };
        current.clone_from(name);
        next += 1;
    }
}

/// Returns the name that a former one has now; `None` where it has no other, or where aliases give it several.
fn present_name(aliases: &[Alias], benchmark: &str, metric: &str) -> Option<String> {
    let mut used = vec![false; aliases.len()];
    let mut current = benchmark.to_owned();
    loop {
        let unused = aliases.iter().enumerate().filter(|(number, _)| !used[*number]);
        let next: BTreeMap<String, usize> = unused
            .filter_map(|(number, alias)| Some((alias.present(&current, metric)?, number)))
            .filter(|(name, _)| *name != current)
            .collect();
        let Some((name, number)) = next.first_key_value() else { break };
        if next.len() > 1 {
            return None;
        }
        used[*number] = true;
        current.clone_from(name);
    }
    (current != benchmark).then_some(current)
}

/// Which series of a history go on under other names, as aliases say it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renamings {
    /// The present name of each that has one.
    pub present: BTreeMap<SeriesId, SeriesId>,
    /// Present names of which a former one was measured beside it, or beside another: those aliases are not used.
    pub beside: Vec<SeriesId>,
}

/// Returns which of these series go on under other names; `places` says where each was measured.
pub fn renamings<'a, P: Ord>(
    aliases: &[Alias],
    series: impl IntoIterator<Item = &'a SeriesId>,
    places: impl Fn(&SeriesId) -> BTreeSet<P>,
) -> Renamings {
    let mut former: BTreeMap<SeriesId, BTreeSet<&SeriesId>> = BTreeMap::new();
    for series in series {
        if let Some(benchmark) = present_name(aliases, &series.benchmark, &series.metric) {
            former.entry(SeriesId { benchmark, ..series.clone() }).or_default().insert(series);
        }
    }
    let mut found = Renamings::default();
    for (now, former) in former {
        let mut seen = places(&now);
        if former.iter().all(|former| places(former).into_iter().all(|place| seen.insert(place))) {
            found.present.extend(former.into_iter().map(|former| (former.clone(), now.clone())));
        } else {
            found.beside.push(now);
        }
    }
    found
}

/// Says whether a series is asked for by any name that it has or had.
pub fn is_asked_for(aliases: &[Alias], series: &SeriesId, asked: &dyn Fn(&SeriesId) -> bool) -> bool {
    let named = |benchmark| SeriesId { benchmark, ..series.clone() };
    if asked(series) || aliases.is_empty() {
        return asked(series);
    }
    let now = present_name(aliases, &series.benchmark, &series.metric).map_or_else(|| series.clone(), named);
    let former = former_names(aliases, &now.benchmark, &series.metric);
    asked(&now) || former.into_iter().any(|(name, _)| asked(&named(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alias(from: &str, to: &str) -> Alias {
        Alias { from: from.into(), to: to.into(), metric: None, of_head: false }
    }

    fn names(aliases: &[Alias], benchmark: &str) -> Vec<String> {
        former_names(aliases, benchmark, "time").into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_star_carries_its_text_over() {
        for (from, to, name, expected) in [
            ("old", "new", "new", Some("old")),
            ("old", "new", "newer", None),
            ("parse/*", "parser/*", "parser/a/b", Some("parse/a/b")),
            ("*_bench", "*", "lex", Some("lex_bench")),
            ("a*z", "b*y", "by", Some("az")),
            ("a*z", "ab*ba", "aba", None),
            ("*", "v1/*", "v1/", Some("")),
        ] {
            assert_eq!(alias(from, to).former(name, "time").as_deref(), expected, "{from} {to} {name}");
        }
        let only = Alias { metric: Some("p95".into()), ..alias("old", "new") };
        assert_eq!((only.former("new", "time"), only.former("new", "p95")), (None, Some("old".into())));
    }

    #[test]
    fn names_are_followed_back_and_no_circle_is_endless() {
        let chain = [alias("b", "c"), alias("a", "b"), alias("other", "c")];
        assert_eq!(names(&chain, "c"), ["b", "other", "a"]);
        assert_eq!(names(&[alias("a", "b"), alias("b", "a")], "a"), ["b"]);
        assert_eq!(names(&[alias("*", "x*")], "xxx"), ["xx"]);
        assert_eq!(names(&[], "a"), [""; 0]);
    }

    #[test]
    fn a_former_name_leads_to_the_one_of_today() {
        let chain = [alias("a/*", "b/*"), alias("b/*", "c/*"), alias("x", "y"), alias("x", "z")];
        for (name, expected) in [("a/1", Some("c/1")), ("b/1", Some("c/1")), ("c/1", None), ("x", None)] {
            assert_eq!(present_name(&chain, name, "time").as_deref(), expected, "{name}");
        }
        assert_eq!(present_name(&[alias("a", "b"), alias("b", "a")], "a", "time"), None, "a circle");
        assert_eq!(present_name(&[alias("*", "x*")], "a", "time").as_deref(), Some("xa"), "once");
    }

    fn id(benchmark: &str) -> SeriesId {
        SeriesId { benchmark: benchmark.into(), params: BTreeMap::new(), metric: "time".into() }
    }

    #[test]
    fn names_measured_at_one_place_are_series_of_their_own() {
        let aliases = [alias("a", "c"), alias("b", "c")];
        for (measured, followed) in [
            (vec![("a", vec![1, 2]), ("b", vec![3]), ("c", vec![4])], vec!["a", "b"]),
            (vec![("a", vec![1, 2])], vec!["a"]),
            (vec![("a", vec![1, 2]), ("c", vec![2, 3])], vec![]),
            (vec![("a", vec![1]), ("b", vec![1])], vec![]),
        ] {
            let names: Vec<SeriesId> = measured.iter().map(|(name, _)| id(name)).collect();
            let places = |series: &SeriesId| -> BTreeSet<i32> {
                let own = measured.iter().filter(|(name, _)| *name == series.benchmark);
                own.flat_map(|(_, places)| places).copied().collect()
            };
            let found = renamings(&aliases, &names, places);
            let present: Vec<&str> = found.present.keys().map(|it| it.benchmark.as_str()).collect();
            assert_eq!(present, followed, "{measured:?}");
            assert!(found.present.values().all(|now| *now == id("c")));
            assert_eq!(found.beside.is_empty(), !followed.is_empty(), "{measured:?}");
        }
    }

    #[test]
    fn a_series_is_asked_for_by_each_of_its_names() {
        let aliases = [alias("a", "b"), alias("b", "c")];
        for (series, asked, expected) in
            [("a", "c", true), ("c", "a", true), ("b", "a", true), ("c", "d", false), ("d", "d", true)]
        {
            let found = is_asked_for(&aliases, &id(series), &|it| it.benchmark == asked);
            assert_eq!(found, expected, "{series} by {asked}");
        }
    }
}
