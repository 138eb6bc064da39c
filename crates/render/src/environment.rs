//! Environments for people and programs: the facts of one, and how two differ.

use std::iter::repeat_n;

use perf_compare::differences;
use perf_model::{Environment, Facts};
use similar::{ChangeTag, TextDiff};

use crate::escape::terminal;
use crate::json::{self, EnvironmentJson};
use crate::sink::Sink;

const GAP: usize = 3;

/// Returns the fingerprint, identity and context of an environment as text.
pub fn text(environment: &Environment) -> String {
    let mut lines = vec![
        format!("environment {}", environment.fingerprint()),
        String::new(),
        "identity (two runs that differ here cannot be compared)".to_owned(),
    ];
    lines.extend(table(&environment.identity));
    lines.extend([String::new(), "context (recorded, never a reason to refuse)".to_owned()]);
    lines.extend(table(&environment.context));
    lines.join("\n") + "\n"
}

/// Returns an environment as one line of JSON:
/// `{"version": 1, "fingerprint": text, "environment": {"identity": facts, "context": facts}}`.
pub fn json(environment: &Environment) -> String {
    #[derive(serde::Serialize)]
    struct Document<'a> {
        version: u32,
        fingerprint: String,
        environment: EnvironmentJson<'a>,
    }
    let fingerprint = environment.fingerprint().to_string();
    json::line(&Document { version: json::VERSION, fingerprint, environment: environment.into() })
}

/// Returns how the head's environment differs from the base's: the answer first, then every fact of both.
pub fn diff(base: &Environment, head: &Environment) -> String {
    let mut lines = vec![answer(base, head), String::new(), "identity".to_owned()];
    lines.extend(changes(&base.identity, &head.identity, terminal));
    lines.extend([String::new(), "context".to_owned()]);
    lines.extend(changes(&base.context, &head.context, terminal));
    lines.join("\n") + "\n"
}

/// Returns the fingerprint and the facts by which people know a machine.
pub(crate) fn summary(environment: &Environment, sink: Sink) -> String {
    let fact = |name: &str| environment.identity.get(name).map(|value| sink.name(value));
    let cores = environment.identity.get("cores").map(|cores| match cores.parse::<u32>() {
        Ok(1) => "1 core".to_owned(),
        Ok(number) => format!("{number} cores"),
        Err(_) => format!("{} cores", sink.name(cores)),
    });
    let system = match (environment.identity.get("os"), environment.identity.get("arch")) {
        (Some(os), Some(arch)) => Some(sink.name(&format!("{os}/{arch}"))),
        (Some(one), None) | (None, Some(one)) => Some(sink.name(one)),
        (None, None) => None,
    };
    let known: Vec<String> = [fact("cpu"), cores, system].into_iter().flatten().collect();
    let fingerprint = sink.code(environment.fingerprint().as_str());
    if known.is_empty() { fingerprint } else { format!("{fingerprint} ({})", known.join(", ")) }
}

/// Returns the facts that differ as lines of a unified diff, the two sides of a fact next to each other.
pub(crate) fn differing(base: &Facts, head: &Facts, escape: fn(&str) -> String) -> Vec<String> {
    let differs = |facts: &Facts| {
        let mut facts = facts.clone();
        facts.retain(|fact, _| base.get(fact) != head.get(fact));
        facts
    };
    changes(&differs(base), &differs(head), escape)
}

/// Returns the facts that differ, on a terminal.
pub(crate) fn changed(base: &Facts, head: &Facts) -> Vec<String> {
    differing(base, head, terminal)
}

fn answer(base: &Environment, head: &Environment) -> String {
    let differing = differences(&base.identity, &head.identity);
    if differing.is_empty() {
        return format!("identity is the same ({}): comparable", base.fingerprint());
    }
    let facts: Vec<String> = differing.iter().map(|difference| terminal(&difference.fact)).collect();
    format!(
        "not comparable: {} and {} differ in {}",
        base.fingerprint(),
        head.fingerprint(),
        facts.join(", ")
    )
}

fn table(facts: &Facts) -> Vec<String> {
    let width = width(facts.keys(), terminal);
    let lines = facts.iter().map(|fact| format!("  {}", line(fact, width, terminal)));
    if facts.is_empty() { vec!["  nothing".to_owned()] } else { lines.collect() }
}

/// Diffs two sets of facts line by line, sorted by fact.
fn changes(base: &Facts, head: &Facts, escape: fn(&str) -> String) -> Vec<String> {
    let width = width(base.keys().chain(head.keys()), escape);
    let lines = |facts: &Facts| facts.iter().map(|fact| line(fact, width, escape)).collect::<Vec<_>>();
    let (old, new) = (lines(base), lines(head));
    let (old, new): (Vec<&str>, Vec<&str>) =
        (old.iter().map(String::as_str).collect(), new.iter().map(String::as_str).collect());
    let diff = TextDiff::from_slices(&old, &new);
    let mut changes: Vec<(&String, String)> = diff
        .iter_all_changes()
        .map(|change| {
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            let old = change.old_index().and_then(|index| base.keys().nth(index));
            let fact = old.or_else(|| head.keys().nth(change.new_index()?));
            (fact.expect("every line is a fact of its side"), format!("{sign} {}", change.value()))
        })
        .collect();
    changes.sort_by_key(|(fact, _)| *fact);
    changes.into_iter().map(|(_, line)| line).collect()
}

fn line((fact, value): (&String, &String), width: usize, escape: fn(&str) -> String) -> String {
    let fact = escape(fact);
    let blanks: String = repeat_n(' ', width - columns(&fact) + GAP).collect();
    format!("{fact}{blanks}{}", escape(value))
}

fn width<'a>(facts: impl Iterator<Item = &'a String>, escape: fn(&str) -> String) -> usize {
    facts.map(|fact| columns(&escape(fact))).max().unwrap_or_default()
}

fn columns(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::environment;

    #[test]
    fn shows_both_tiers_of_facts() {
        assert_eq!(
            text(&environment("4")),
            "\
environment 822ae69108a1c593

identity (two runs that differ here cannot be compared)
  arch    x86_64
  cores   4
  cpu     AMD EPYC 7763
  os      linux

context (recorded, never a reason to refuse)
  kernel   6.1
"
        );
    }

    #[test]
    fn json_holds_the_facts_as_they_are() {
        let mut environment = environment("4");
        environment.context.insert("evil\u{202e}".into(), "##[x]\n".into());
        let json: serde_json::Value = serde_json::from_str(&json(&environment)).unwrap();
        assert_eq!(json["version"], 1);
        assert_eq!(json["fingerprint"], environment.fingerprint().as_str());
        assert_eq!(json["environment"]["identity"]["cores"], "4");
        assert_eq!(json["environment"]["context"]["evil\u{202e}"], "##[x]\n");
    }

    #[test]
    fn a_diff_says_first_what_it_means() {
        let (base, mut head) = (environment("4"), environment("16"));
        head.identity.insert("runner".into(), "big\u{1b}[2J".into());
        assert_eq!(
            diff(&base, &head),
            "\
not comparable: 822ae69108a1c593 and f66a8c0472ab7aee differ in cores, runner

identity
  arch     x86_64
- cores    4
+ cores    16
  cpu      AMD EPYC 7763
  os       linux
+ runner   big\\u{1b}[2J

context
  kernel   6.1
"
        );
    }

    #[test]
    fn environments_that_differ_in_context_are_comparable() {
        let (base, mut head) = (environment("4"), environment("4"));
        head.context.insert("kernel".into(), "6.2".into());
        let diff = diff(&base, &head);
        assert!(diff.starts_with("identity is the same (822ae69108a1c593): comparable\n"), "{diff}");
        assert!(diff.ends_with("context\n- kernel   6.1\n+ kernel   6.2\n"), "{diff}");
    }
}
