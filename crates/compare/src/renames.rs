//! Which series of the head goes on under another name: as aliases say it, never as a guess. What may be a rename is
//! proposed, as the alias to write.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use similar::TextDiff;

use crate::comparison::Key;
use crate::policy::{Alias, former_names};

/// What aliases say of the series that only one side has.
#[derive(Debug, Default)]
pub(crate) struct Renames<'a> {
    /// Of a series of the head: the base's key and the number of the alias.
    pub(crate) of_head: BTreeMap<Key<'a>, (Key<'a>, usize)>,
    /// Aliases that were not used although they fit.
    pub(crate) conflicts: Vec<AliasConflict>,
}

/// The series of a side, to be found by names that do not live as long.
pub(crate) struct Index<'a> {
    keys: Vec<Key<'a>>,
    places: BTreeMap<Key<'a>, usize>,
}

impl<'a> Index<'a> {
    pub(crate) fn new(mut keys: Vec<Key<'a>>) -> Self {
        keys.sort_unstable();
        let places = keys.iter().enumerate().map(|(place, key)| (*key, place)).collect();
        Self { keys, places }
    }

    fn find(&self, name: &str, of: Key) -> Option<Key<'a>> {
        let place = *self.places.get(&(name, of.1, of.2))?;
        Some(self.keys[place])
    }

    fn has(&self, key: Key) -> bool {
        self.places.contains_key(&key)
    }
}

/// An alias that fits a series and is not used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AliasConflict {
    /// The name now.
    pub to: String,
    /// The former names.
    pub from: Vec<String>,
    /// What stands in the way.
    pub reason: ConflictReason,
}

/// Why an alias is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConflictReason {
    /// Several benchmarks of the base would become this one.
    SeveralFormer,
    /// The former benchmark would become several of the head.
    SeveralNow,
    /// The head still has the former benchmark.
    FormerIsThere,
}

/// Matches the series that only the head has with those that only the base has.
pub(crate) fn renames<'a>(aliases: &[Alias], before: &Index<'a>, after: &Index<'a>) -> Renames<'a> {
    if aliases.is_empty() {
        return Renames::default();
    }
    // The base's aliases decide first, and those of the head on what is left: they take nothing away.
    let of_base = aliases.iter().take_while(|alias| !alias.of_head).count();
    let mut found = Renames::default();
    found.extend(&aliases[..of_base], before, after);
    if of_base < aliases.len() {
        found.extend(aliases, before, after);
    }
    found.conflicts.sort();
    found.conflicts.dedup();
    found
}

impl<'a> Renames<'a> {
    /// Adds what some aliases match of what is not matched yet.
    fn extend(&mut self, aliases: &[Alias], before: &Index<'a>, after: &Index<'a>) {
        let taken: BTreeSet<Key> = self.of_head.values().map(|(former, _)| *former).collect();
        let mut claimed: BTreeMap<Key<'a>, Vec<Key<'a>>> = BTreeMap::new();
        let mut found = BTreeMap::new();
        let open = |key: &&Key<'a>| !before.has(**key) && !self.of_head.contains_key(*key);
        let open: Vec<Key<'a>> = after.keys.iter().filter(open).copied().collect();
        for new in open {
            let (mut former, there) = former_keys(aliases, new, before, after);
            former.retain(|(key, _)| !taken.contains(key));
            if let Some(name) = there {
                self.conflict(new.0, vec![name], ConflictReason::FormerIsThere);
            }
            match former.as_slice() {
                [] => {}
                [(key, alias)] => {
                    claimed.entry(*key).or_default().push(new);
                    found.insert(new, (*key, *alias));
                }
                several => {
                    let names = several.iter().map(|(key, _)| key.0.to_owned()).collect();
                    self.conflict(new.0, names, ConflictReason::SeveralFormer);
                }
            }
        }
        for (former, now) in claimed.into_iter().filter(|(_, now)| now.len() > 1) {
            for new in now {
                found.remove(&new);
                self.conflict(new.0, vec![former.0.to_owned()], ConflictReason::SeveralNow);
            }
        }
        self.of_head.extend(found);
    }

    fn conflict(&mut self, to: &str, from: Vec<String>, reason: ConflictReason) {
        self.conflicts.push(AliasConflict { to: to.to_owned(), from, reason });
    }
}

/// Returns the series that only the base has and that may be this one, and a former name that the head still has.
fn former_keys<'a>(
    aliases: &[Alias],
    new: Key<'a>,
    before: &Index<'a>,
    after: &Index<'a>,
) -> (Vec<(Key<'a>, usize)>, Option<String>) {
    let (mut former, mut there) = (vec![], None);
    for (name, alias) in former_names(aliases, new.0, new.2) {
        match before.find(&name, new) {
            Some(key) if after.has(key) => there = Some(name),
            Some(key) => former.push((key, alias)),
            None => {}
        }
    }
    (former, there)
}

/// A rename that nobody declared: the alias that would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LikelyRename {
    /// The former name; with a `*` where the same text was renamed in several.
    pub from: String,
    /// The name now.
    pub to: String,
    /// How many benchmarks it would match.
    pub benchmarks: usize,
}

/// So many names of each side are looked at: what is renamed in bulk shows in the first of them.
const MOST_COMPARED: usize = 120;
/// Longer names are compared by their beginning.
const LONGEST_COMPARED: usize = 120;
/// So much of two names must be the same, of 1.
const SIMILAR: f64 = 0.6;
/// So many renames are proposed.
const MOST_PROPOSED: usize = 5;

/// Proposes aliases for benchmarks that only the base has and benchmarks of the same metrics and parameters that only
/// the head has, where their names are similar.
pub(crate) fn likely_renames(missing: &[Key], new: &[Key]) -> Vec<LikelyRename> {
    let (missing, new) = (by_name(missing), by_name(new));
    let mut pairs = similar_pairs(&missing, &new);
    let (mut proposed, mut gone, mut taken) = (vec![], HashSet::new(), HashSet::new());
    while let Some((_, from, to)) = pairs.pop() {
        if proposed.len() == MOST_PROPOSED {
            break;
        }
        if gone.contains(from) || taken.contains(to) {
            continue;
        }
        let rename = widened(from, to, &missing, &new);
        let alias = Alias { from: rename.from.clone(), to: rename.to.clone(), metric: None, of_head: true };
        for name in new.keys().filter(|name| !taken.contains(**name)).copied().collect::<Vec<_>>() {
            if let Some((former, _)) =
                alias.former(name, "").and_then(|former| missing.get_key_value(former.as_str()))
            {
                gone.insert(*former);
                taken.insert(name);
            }
        }
        proposed.push(rename);
    }
    proposed
}

/// Where a series is measured, beside its benchmark's name.
type Measures<'a> = BTreeSet<(&'a BTreeMap<String, String>, &'a str)>;

/// Longer names are not proposed: whoever reads a report would not read them.
const LONGEST_PROPOSED: usize = 200;

/// A `*` in a name would be taken for any text.
fn by_name<'a>(keys: &[Key<'a>]) -> BTreeMap<&'a str, Measures<'a>> {
    let mut names: BTreeMap<&str, Measures> = BTreeMap::new();
    let fits = |name: &str| !name.contains('*') && name.len() <= LONGEST_PROPOSED;
    for (name, params, metric) in keys.iter().filter(|(name, ..)| fits(name)) {
        names.entry(name).or_default().insert((params, metric));
    }
    names
}

/// Returns pairs of similar names, the most similar last.
fn similar_pairs<'a>(
    missing: &BTreeMap<&'a str, Measures>,
    new: &BTreeMap<&'a str, Measures>,
) -> Vec<(f64, &'a str, &'a str)> {
    let mut pairs = vec![];
    for (from, measures) in missing.iter().take(MOST_COMPARED) {
        for (to, _) in new.iter().take(MOST_COMPARED).filter(|(_, others)| !measures.is_disjoint(others)) {
            let likeness = likeness(from, to);
            if likeness >= SIMILAR {
                pairs.push((likeness, *from, *to));
            }
        }
    }
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| (b.1, b.2).cmp(&(a.1, a.2))));
    pairs
}

/// Returns how much of two names is the same, from 0 to 1.
fn likeness(one: &str, other: &str) -> f64 {
    let cut = |text: &str| text.chars().take(LONGEST_COMPARED).collect::<String>();
    let (one, other) = (cut(one), cut(other));
    let (short, long) = (one.len().min(other.len()), one.len().max(other.len()));
    // No more than the shorter can be the same.
    if 2.0 * short as f64 / ((short + long) as f64) < SIMILAR {
        return 0.0;
    }
    f64::from(TextDiff::from_chars(one.as_str(), other.as_str()).ratio())
}

/// Puts a `*` in the place of what two names share at an end, where that names more renames of the same kind and no
/// other benchmark.
fn widened(
    from: &str,
    to: &str,
    missing: &BTreeMap<&str, Measures>,
    new: &BTreeMap<&str, Measures>,
) -> LikelyRename {
    let exact = LikelyRename { from: from.to_owned(), to: to.to_owned(), benchmarks: 1 };
    let ends = from.chars().rev().zip(to.chars().rev()).take_while(|(a, b)| a == b);
    let end: usize = ends.map(|(letter, _)| letter.len_utf8()).sum();
    let starts = from.chars().zip(to.chars()).take_while(|(a, b)| a == b);
    let start: usize = starts.map(|(letter, _)| letter.len_utf8()).sum();
    let at_end = (format!("{}*", &from[..from.len() - end]), format!("{}*", &to[..to.len() - end]));
    let at_start = (format!("*{}", &from[start..]), format!("*{}", &to[start..]));
    let wide = [at_end, at_start].into_iter().filter(|(from, to)| from != "*" && to != "*");
    let wide = wide.filter_map(|(from, to)| {
        let forth = Alias { from: to.clone(), to: from.clone(), metric: None, of_head: true };
        // The present names of all that the wide name covers, by the alias the other way round.
        let now = missing.keys().filter_map(|name| forth.former(name, "").map(|now| (*name, now)));
        let now: Vec<(&str, String)> = now.collect();
        let fits = |(name, now): &(&str, String)| {
            new.get(now.as_str()).is_some_and(|measures| !measures.is_disjoint(&missing[name]))
        };
        (now.len() > 1 && now.iter().all(fits)).then_some(LikelyRename { from, to, benchmarks: now.len() })
    });
    wide.max_by_key(|rename| rename.benchmarks).unwrap_or(exact)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alias(from: &str, to: &str) -> Alias {
        Alias { from: from.into(), to: to.into(), metric: None, of_head: false }
    }

    fn keys<'a>(none: &'a BTreeMap<String, String>, names: &[&'a str]) -> Vec<Key<'a>> {
        names.iter().map(|name| (*name, none, "time")).collect()
    }

    /// Which names of the head go on from which of the base.
    fn matched(aliases: &[Alias], before: &[&str], after: &[&str]) -> (Vec<String>, Vec<AliasConflict>) {
        let none = BTreeMap::new();
        let (before, after) = (keys(&none, before), keys(&none, after));
        let found = renames(aliases, &Index::new(before), &Index::new(after));
        (
            found.of_head.iter().map(|(new, (old, _))| format!("{}<-{}", new.0, old.0)).collect(),
            found.conflicts,
        )
    }

    #[test]
    fn aliases_match_only_what_one_side_alone_has() {
        for (aliases, before, after, expected) in [
            (vec![alias("a", "b")], vec!["a"], vec!["b"], vec!["b<-a"]),
            (vec![alias("a", "b")], vec!["a", "b"], vec!["b"], vec![]),
            (vec![alias("x/*", "y/*")], vec!["x/1", "x/2"], vec!["y/1", "y/2"], vec!["y/1<-x/1", "y/2<-x/2"]),
            (vec![alias("a", "b"), alias("b", "c")], vec!["a"], vec!["c"], vec!["c<-a"]),
            (vec![alias("b", "c")], vec!["a"], vec!["c"], vec![]),
            (vec![], vec!["a"], vec!["b"], vec![]),
        ] {
            assert_eq!(
                matched(&aliases, &before, &after),
                (expected.iter().map(|it| it.to_string()).collect(), vec![])
            );
        }
    }

    #[test]
    fn what_is_not_clear_is_not_matched_and_said() {
        for (aliases, before, after, reason) in [
            (
                vec![alias("a", "c"), alias("b", "c")],
                vec!["a", "b"],
                vec!["c"],
                ConflictReason::SeveralFormer,
            ),
            (vec![alias("a", "b"), alias("a", "c")], vec!["a"], vec!["b", "c"], ConflictReason::SeveralNow),
            (vec![alias("a", "b")], vec!["a"], vec!["a", "b"], ConflictReason::FormerIsThere),
        ] {
            let (matched, conflicts) = matched(&aliases, &before, &after);
            assert_eq!(matched, [""; 0], "{aliases:?}");
            assert!(conflicts.iter().all(|conflict| conflict.reason == reason), "{conflicts:?}");
            assert!(!conflicts.is_empty());
        }
    }

    fn proposed(missing: &[&str], new: &[&str]) -> Vec<String> {
        let none = BTreeMap::new();
        let found = likely_renames(&keys(&none, missing), &keys(&none, new));
        found.iter().map(|it| format!("{}->{} {}", it.from, it.to, it.benchmarks)).collect()
    }

    #[test]
    fn likely_renames_are_proposed_once_and_as_wide_as_they_are() {
        for (missing, new, expected) in [
            (vec!["parse/old"], vec!["parse/new"], vec!["parse/old->parse/new 1"]),
            (vec!["parse/large", "lex"], vec!["parser/large"], vec!["parse/large->parser/large 1"]),
            (vec!["parse/a1", "parse/b2"], vec!["parser/a1", "parser/b2"], vec!["parse*->parser* 2"]),
            (vec!["a_bench", "b_bench"], vec!["a_benches", "b_benches"], vec!["*->*es 2"]),
            (vec!["apples"], vec!["unrelated"], vec![]),
            (vec![], vec!["new"], vec![]),
            (vec!["star*"], vec!["stars"], vec![]),
        ] {
            let found = proposed(&missing, &new);
            if expected == ["*->*es 2"] {
                assert_eq!(found.len(), 2, "a lone star is no pattern: {found:?}");
            } else {
                assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn thousands_of_renames_are_one_proposal() {
        let side = |prefix: &str| (0..5_000).map(|n| format!("{prefix}/case_{n}")).collect::<Vec<_>>();
        let (missing, new) = (side("suite_old"), side("suite_new"));
        let borrowed = |names: &[String]| names.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
        let (missing, new) = (borrowed(&missing), borrowed(&new));
        let found = proposed(&missing.lines().collect::<Vec<_>>(), &new.lines().collect::<Vec<_>>());
        assert_eq!(found, ["suite_old*->suite_new* 5000"]);
    }
}
