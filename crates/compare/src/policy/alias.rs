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
}
