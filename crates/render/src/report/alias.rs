//! What text and Markdown say of benchmarks that got another name.

use perf_compare::{AliasConflict, Comparison, ConflictReason, Judged, LikelyRename, Outcome, Refusal};

use crate::escape::is_plain;
use crate::number::counted;
use crate::sink::Sink;

/// How many renamed series, and how many conflicts, are told apart.
const MOST: usize = 10;

/// What stands before the aliases that would declare likely renames.
pub(crate) const INTRODUCTION: &str =
    "perhaps renamed, by the similarity of the names: if so, add to perf.toml";

/// Says what the base calls a series.
pub(crate) fn remark(row: &Judged, sink: Sink) -> Option<String> {
    row.former.as_ref().map(|former| format!("renamed from {}", sink.name(&former.benchmark)))
}

/// Says which series go on under another name, and which aliases were not used.
pub(crate) fn aliases(comparison: &Comparison, outcome: &Outcome, sink: Sink) -> Vec<String> {
    let renamed: Vec<&Judged> = comparison.judged.iter().filter(|row| row.former.is_some()).collect();
    let of_head = renamed
        .iter()
        .filter(|row| row.former.as_ref().is_some_and(|former| outcome.policy.aliases[former.alias].of_head));
    let mut lines = vec![];
    if !renamed.is_empty() {
        let by = match of_head.count() {
            0 => String::new(),
            some => format!(", {} of them by an alias that only the head's perf.toml has", counted(some)),
        };
        lines.push(format!("renamed: {}{by}", counted(renamed.len())));
    }
    let each = |row: &&Judged| Some(format!("{}: {}", sink.series(&row.series), remark(row, sink)?));
    lines.extend(renamed.iter().take(MOST).filter_map(each));
    lines.extend(rest(renamed.len(), "renamed series"));
    lines.extend(comparison.conflicts.iter().take(MOST).map(|it| conflict(it, sink)));
    lines.extend(rest(comparison.conflicts.len(), "aliases not used"));
    lines
}

fn rest(all: usize, what: &str) -> Option<String> {
    let rest = all.saturating_sub(MOST);
    (rest > 0).then(|| format!("{what} besides: {}", counted(rest)))
}

fn conflict(conflict: &AliasConflict, sink: Sink) -> String {
    let to = sink.name(&conflict.to);
    let from: Vec<String> = conflict.from.iter().take(MOST).map(|name| sink.name(name)).collect();
    let from = from.join(", ");
    let problem = match conflict.reason {
        ConflictReason::SeveralFormer => format!("{from} would all become {to}"),
        ConflictReason::SeveralNow => format!("{from} would become {to} and others"),
        ConflictReason::FormerIsThere => format!("the head has both {from} and {to}"),
    };
    format!("warning: alias not used: {problem}")
}

/// Returns what may have been renamed where nothing is shared.
pub(crate) fn likely(refusal: &Refusal) -> &[LikelyRename] {
    match refusal {
        Refusal::NothingShared { likely, .. } => likely,
        _ => &[],
    }
}

/// Returns the lines of TOML that would declare likely renames.
pub(crate) fn proposed(likely: &[LikelyRename]) -> Option<Vec<String>> {
    let entry = |rename: &LikelyRename| {
        let count = match rename.benchmarks {
            1 => String::new(),
            many => format!(" # {} benchmarks", counted(many)),
        };
        let (from, to) = (quoted(&rename.from), quoted(&rename.to));
        vec![format!("[[alias]]{count}"), format!("from = {from}"), format!("to = {to}")]
    };
    let lines: Vec<String> = likely.iter().flat_map(entry).collect();
    (!lines.is_empty()).then_some(lines)
}

/// Writes a basic string of TOML in which nothing ends it, a code block or a line, or is a command to a log.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' | '`' | '#' => quoted += &format!("\\u{:04x}", u32::from(letter)),
            letter if is_plain(letter) => quoted.push(letter),
            letter => quoted += &format!("\\U{:08x}", u32::from(letter)),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::HOSTILE;

    #[test]
    fn no_name_ends_its_string_its_line_or_its_block() {
        for name in HOSTILE {
            let rename = LikelyRename { from: (*name).to_owned(), to: format!("{name}2"), benchmarks: 1 };
            let lines = proposed(&[rename]).unwrap();
            assert_eq!(lines.len(), 3, "{name:?}");
            for line in &lines {
                assert!(line.chars().all(is_plain), "{name:?}: {line}");
                assert!(!line.contains('`') && !line.contains("##"), "{name:?}: {line}");
                assert!(matches!(line.matches('"').count(), 0 | 2), "{name:?}: {line}");
            }
        }
        assert_eq!(quoted("a\"b\\c\u{1b}é"), "\"a\\u0022b\\u005cc\\U0000001bé\"");
    }
}
