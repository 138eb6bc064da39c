use perf_compare::{Comparison, LikelyRename, Outcome, Refusal, Section, Status};

use super::row::{self, CHANGED, COLUMNS, Class, FOLDED, NOISE_FLOOR, cells, folded};
use super::sentence::{self, Tone};
use super::{acceptance, alias, budget, command, refusal, sides, suite};
use crate::escape::fenced;
use crate::number::counted;
use crate::page::Flush;
use crate::sink::Sink;

/// How many characters a forge takes in one comment.
pub const LONGEST_COMMENT: usize = 65_536;

/// What finds the comment again, to be looked for in the comments of one's own account only.
pub(crate) const MARKER: &str = "<!-- perf -->";

const CLASSES: usize = 8;

/// In this order rows are left out where a comment would be too long, and after them whole environments.
const GIVEN_UP: [Class; CLASSES] = [
    Class::Unchanged,
    Class::New,
    Class::Missing,
    Class::Unjudged,
    Class::Inconclusive,
    Class::Improved,
    Class::Slower,
    Class::Regressed,
];

/// Returns the report of an outcome as a comment in GitHub flavoured Markdown.
///
/// It begins with `<!-- perf -->` and holds at most [`LONGEST_COMMENT`] characters. Where that is too few,
/// rows are left out, the least bad of a class first: unchanged, new, missing, unjudged, inconclusive,
/// improved, slower, regressed series; then whole environments. What was left out is counted.
pub fn markdown(outcome: &Outcome) -> String {
    let draft = Draft::new(outcome);
    let mut shown = Shown { rows: [usize::MAX; CLASSES], sections: usize::MAX };
    for index in 0..CLASSES {
        let page = draft.page(&shown);
        if fits(&page) {
            return page;
        }
        let longest =
            draft.sections.iter().map(|section| section.rows[index].len()).max().unwrap_or_default();
        shown.rows[index] = most(longest, |rows| fits(&draft.page(&shown.with_rows(index, rows))));
    }
    shown.sections = most(draft.sections.len(), |sections| fits(&draft.page(&shown.with_sections(sections))));
    draft.page(&shown)
}

fn parts(outcome: &Outcome) -> impl Iterator<Item = Part> {
    outcome.sections.iter().map(|section| Part::new(section, outcome))
}

/// Returns the environments of a comparison with a reference, the first of them below its heading.
fn reference(outcome: &Outcome) -> impl Iterator<Item = Part> {
    let tone = Tone::of(outcome);
    let since = sentence::since(outcome, Sink::Markdown);
    let verdict = sentence::verdict(outcome, Sink::Markdown);
    let mut heading = format!("### Since {since}\n\n**{}**: {verdict}", tone.word());
    for line in sentence::not_judged(outcome, Sink::Markdown) {
        heading += &format!("\\\n{line}");
    }
    heading += &format!("\n\n{}\n\n", sides::sides(outcome, Sink::Markdown).join("\\\n"));
    let mut heading = Some(heading);
    parts(outcome).map(move |part| {
        let text = heading.take().unwrap_or_default() + &part.text;
        Part { text: text.trim_end().to_owned(), ..part }
    })
}

/// Counts bytes: whatever a forge takes for a character, there are no more of them.
fn fits(page: &str) -> bool {
    page.len() <= LONGEST_COMMENT
}

/// Finds the largest number up to `all` that fits, or 0, where smaller numbers fit whenever larger ones do.
fn most(all: usize, fits: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, all);
    while low < high {
        let middle = (low + high).div_ceil(2);
        if fits(middle) { low = middle } else { high = middle - 1 }
    }
    low
}

/// How much of a draft is shown.
#[derive(Clone, Copy)]
struct Shown {
    /// Of each environment, for each class in the order of [`GIVEN_UP`].
    rows: [usize; CLASSES],
    sections: usize,
}

impl Shown {
    fn with_rows(mut self, index: usize, rows: usize) -> Self {
        self.rows[index] = rows;
        self
    }

    fn with_sections(mut self, sections: usize) -> Self {
        self.sections = sections;
        self
    }
}

/// A report whose rows are written but not yet chosen.
struct Draft {
    top: String,
    sections: Vec<Part>,
    accept: Option<String>,
    reproduce: Option<String>,
    all: Option<String>,
}

/// One environment of a draft.
struct Part {
    text: String,
    /// What is accepted in it.
    accepted: Option<String>,
    /// What goes on under another name in it, or may.
    renamed: Option<String>,
    /// For each class in the order of [`GIVEN_UP`].
    rows: [Vec<String>; CLASSES],
}

impl Draft {
    fn new(outcome: &Outcome) -> Self {
        Self {
            top: top(outcome),
            sections: parts(outcome).chain(outcome.references.iter().flat_map(reference)).collect(),
            accept: acceptance::command(outcome)
                .map(|command| format!("{}\n\n```sh\n{command}\n```", to_accept(outcome))),
            reproduce: command::reproduce(outcome).map(|command| format!("Reproduce: `{command}`")),
            all: command::all(outcome),
        }
    }

    fn page(&self, shown: &Shown) -> String {
        let mut blocks = vec![self.top.clone()];
        let mut small_print = Some(format!("<sub>{NOISE_FLOOR}</sub>"));
        for section in self.sections.iter().take(shown.sections) {
            blocks.push(section.text.clone());
            if let Some(table) = section.table(shown) {
                blocks.push(table);
                blocks.extend(small_print.take());
            }
            blocks.extend(section.accepted.clone());
            blocks.extend(section.renamed.clone());
            blocks.extend(FOLDED.into_iter().filter_map(|class| section.list(class, shown)));
        }
        blocks.extend(self.left_out(shown));
        blocks.extend(self.accept.clone());
        blocks.extend(self.reproduce.clone());
        blocks.join("\n\n") + "\n"
    }

    fn left_out(&self, shown: &Shown) -> Option<String> {
        let rows = GIVEN_UP.into_iter().filter_map(|class| {
            let counts = self.sections.iter().map(|section| {
                let all = section.rows[place(class)].len();
                (all, all.saturating_sub(shown.rows[place(class)]))
            });
            let (all, dropped) = counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            dropped_rows(dropped, all, class.word())
        });
        let sections = self.sections.len();
        let sections = dropped_rows(sections.saturating_sub(shown.sections), sections, "environments");
        let counts: Vec<String> = rows.chain(sections).collect();
        let (counts, longest) = (counts.join(", "), counted(LONGEST_COMMENT));
        let all = self.all.as_ref().map(|command| format!(" All of them: `{command}`")).unwrap_or_default();
        (!counts.is_empty()).then(|| format!("Left out to stay within {longest} characters: {counts}.{all}"))
    }
}

fn dropped_rows(dropped: usize, all: usize, what: &str) -> Option<String> {
    let (count, total) = (counted(dropped), counted(all));
    (dropped > 0).then(|| format!("{count} of {total} {what}"))
}

fn place(class: Class) -> usize {
    GIVEN_UP.iter().position(|other| *other == class).expect("every class can be given up")
}

impl Part {
    fn new(section: &Section, outcome: &Outcome) -> Self {
        match &section.result {
            Ok(comparison) => Self {
                text: judged(section, comparison, outcome),
                accepted: accepted(section, outcome),
                renamed: renamed(comparison, outcome),
                rows: GIVEN_UP.map(|class| rows(comparison, class, outcome)),
            },
            Err(refusal) => Self {
                text: refused(section, refusal, outcome),
                accepted: accepted(section, outcome),
                renamed: proposed(alias::likely(refusal)),
                rows: GIVEN_UP.map(|_| vec![]),
            },
        }
    }

    fn shown(&self, class: Class, shown: &Shown) -> impl Iterator<Item = &String> {
        self.rows[place(class)].iter().take(shown.rows[place(class)])
    }

    fn table(&self, shown: &Shown) -> Option<String> {
        let rows: Vec<&str> =
            CHANGED.into_iter().flat_map(|class| self.shown(class, shown)).map(String::as_str).collect();
        let titles = row(&COLUMNS.map(|column| column.title.to_owned()));
        let rule = row(&COLUMNS.map(|column| match column.flush {
            Flush::Left => ":--".to_owned(),
            Flush::Right => "--:".to_owned(),
        }));
        (!rows.is_empty()).then(|| format!("{titles}\n{rule}\n{}", rows.join("\n")))
    }

    fn list(&self, class: Class, shown: &Shown) -> Option<String> {
        let rows: Vec<&str> = self.shown(class, shown).map(String::as_str).collect();
        let (title, all) = (class.title(), counted(self.rows[place(class)].len()));
        (!rows.is_empty()).then(|| {
            format!("<details><summary>{all} {title}</summary>\n\n{}\n\n</details>", rows.join("\n"))
        })
    }
}

/// The reader is to see `<why>` and not a tag.
fn to_accept(outcome: &Outcome) -> String {
    acceptance::introduction(outcome).replace("<why>", "`<why>`").replacen("to", "To", 1)
}

fn renamed(comparison: &Comparison, outcome: &Outcome) -> Option<String> {
    let aliases = alias::aliases(comparison, outcome, Sink::Markdown).join("\\\n");
    let blocks = [Some(aliases).filter(|lines| !lines.is_empty()), proposed(&comparison.likely)];
    let blocks: Vec<String> = blocks.into_iter().flatten().collect();
    (!blocks.is_empty()).then(|| blocks.join("\n\n"))
}

fn proposed(likely: &[LikelyRename]) -> Option<String> {
    let toml = alias::proposed(likely)?;
    Some(format!("{}\n\n```toml\n{}\n```", alias::INTRODUCTION, toml.join("\n")))
}

fn accepted(section: &Section, outcome: &Outcome) -> Option<String> {
    let lines = acceptance::accepted(section, outcome, Sink::Markdown);
    let (title, rows) = lines.split_first()?;
    let rows: Vec<String> = rows.iter().map(|line| format!("- {line}")).collect();
    Some(format!("**{title}**\n\n{}", rows.join("\n")))
}

fn rows(comparison: &Comparison, class: Class, outcome: &Outcome) -> Vec<String> {
    match class {
        Class::Regressed | Class::Slower | Class::Improved => {
            let cells = |judged| row(&cells(judged, outcome, Sink::Markdown));
            row::judged(comparison, class).map(cells).collect()
        }
        Class::Unchanged | Class::New | Class::Missing | Class::Unjudged | Class::Inconclusive => {
            folded(comparison, class, outcome, Sink::Markdown)
                .iter()
                .map(|line| format!("- {line}"))
                .collect()
        }
    }
}

fn row<const N: usize>(cells: &[String; N]) -> String {
    format!("| {} |", cells.join(" | "))
}

pub(super) fn top(outcome: &Outcome) -> String {
    let tone = Tone::overall(outcome);
    let alert = match tone {
        Tone::Pass => "NOTE",
        Tone::Warn | Tone::Refused => "WARNING",
        Tone::Fail => "CAUTION",
    };
    let verdict = format!("**{}**: {}", tone.word(), sentence::overall(outcome, Sink::Markdown));
    let mut lines = vec![MARKER.to_owned(), format!("> [!{alert}]"), format!("> {verdict}")];
    let not_judged = sentence::not_judged(outcome, Sink::Markdown);
    lines.extend(not_judged.iter().map(|line| format!(">\n> {line}")));
    format!("{}\n\n{}", lines.join("\n"), sides::sides(outcome, Sink::Markdown).join("\\\n"))
}

fn judged(section: &Section, comparison: &Comparison, outcome: &Outcome) -> String {
    let place = sides::place_and_runs(section, comparison, Sink::Markdown);
    let mut whole = vec![format!("**{}**", sentence::census(&comparison.census))];
    whole.extend(suite::suite(comparison, outcome, Sink::Markdown));
    whole.extend(budget::budgets(&section.budgets, outcome, Sink::Markdown));
    let whole = whole.join("\\\n");
    let pair = &comparison.pair;
    if pair.across().is_empty() {
        return format!("{place}\\\n{whole}");
    }
    let facts = refusal::difference(&pair.before().environment, &pair.after().environment, fenced);
    format!("{place}\n\n{}\n\n{whole}", diff(&facts))
}

fn refused(section: &Section, refusal: &Refusal, outcome: &Outcome) -> String {
    let mut blocks = vec![];
    if outcome.sections.len() > 1 || outcome.own_status() != Status::Refused {
        let sentence = refusal::introduction(refusal, outcome, Sink::Markdown);
        blocks.push(format!(
            "environment {}\\\n**refused**: {sentence}",
            sides::place(section, Sink::Markdown)
        ));
    }
    let facts = refusal::facts(refusal, fenced);
    blocks.extend((!facts.is_empty()).then(|| diff(&facts)));
    let hints: Vec<_> = refusal::hints(refusal, outcome).iter().map(|hint| format!("- {hint}")).collect();
    blocks.extend((!hints.is_empty()).then(|| hints.join("\n")));
    let bounds = budget::budgets(&section.budgets, outcome, Sink::Markdown);
    blocks.extend((!bounds.is_empty()).then(|| bounds.join("\\\n")));
    blocks.join("\n\n")
}

fn diff(lines: &[String]) -> String {
    format!("```diff\n{}\n```", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{
        HOSTILE, compared, hostile_commits, hostile_outcome, mixed, outcome, refusals, section, times,
        undecided,
    };

    #[test]
    fn a_comment_has_its_marker_its_verdict_and_everything_else_folded() {
        let expected = "\
<!-- perf -->
> [!CAUTION]
> **FAIL**: 1 of 8 series regressed beyond its fail limit (worst: `parse/large` `time`, +34.2 %)
>
> not judged: `1371311e4fdad1a9` (`AMD EPYC 7763`, 16 cores, `linux/x86_64`): `96dfd37` and `615ff67` were measured in different environments

head `615ff67aaaaa` `Speed up the parser`\\
← base `96dfd37bbbbb` `Add a lexer` (merge base with `main`)

environment `822ae69108a1c593` (`AMD EPYC 7763`, 4 cores, `linux/x86_64`); runs: base 3 (2026-02-03), head 3\\
**8 series: 1 regressed, 2 slower, 1 improved, 1 unchanged, 1 inconclusive, 1 missing, 1 new**\\
noise: typically 0.74 % from run to run (no earlier baselines); a change of 1.0 % would be noticed in half of the series

| series | base | head | change | 95 % interval | noise floor | limit | verdict | runs base/head/history |
| :-- | --: | --: | --: | --: | --: | :-- | :-- | --: |
| `parse/large` `time` | 1.204 ms | 1.615 ms | +34.2 % | +33.4 % to +35.0 % | 0.32 % | fail 25 % | regressed (slower) | 3/3/0 |
| `serve` `throughput` | 12,000 req/s | 10,000 req/s | -16.7 % | -17.2 % to -16.2 % | 0.32 % | warn 10 % | slower (lower throughput) | 3/3/0 |
| `parse/small` `time` | 0.9800 us | 1.100 us | +12.2 % | +11.6 % to +12.9 % | 0.32 % | warn 10 % | slower | 3/3/0 |
| `lex/quick` `time` | 200 ns | 150 ns | -25.0 % | -25.4 % to -24.6 % | 0.32 % | 10 % | improved (faster) | 3/3/0 |

<sub>noise floor: how far one run lies from the next without any change (standard deviation)</sub>

perhaps renamed, by the similarity of the names: if so, add to perf.toml

```toml
[[alias]]
from = \"lex/gone\"
to = \"lex/born\"
```

<details><summary>1 inconclusive (cannot tell)</summary>

- `lex/noisy` `time`: 100 ns -> 130 ns, +30.0 % (95 % interval: -57.0 % to +198 %; noise floor 51.4 %; limit 10 %; runs 3/3/0; too noisy: it would take more than 100 runs a side to settle it)

</details>

<details><summary>1 missing (only the base has them)</summary>

- `lex/gone` `time`: 5 ns

</details>

<details><summary>1 new (only the head has them)</summary>

- `lex/born` `time`: 7 ns

</details>

<details><summary>1 unchanged</summary>

- `lex/same` `time`: 100 ns -> 101 ns, +1.00 % (95 % interval: +0.40 % to +1.6 %; noise floor 0.32 %; limit 10 %; runs 3/3/0)

</details>

environment `1371311e4fdad1a9` (`AMD EPYC 7763`, 16 cores, `linux/x86_64`)\\
**refused**: `96dfd37` and `615ff67` were measured in different environments (- base, + head)

```diff
- cores   4
+ cores   16
  (3 identity facts are equal)
```

- hint: `perf compare --against 96dfd37bbbbb0000000000000000000000000000 --head 615ff67aaaaa0000000000000000000000000000 --measure` measures both here, in turns
- hint: `perf compare --across cores --against 96dfd37bbbbb0000000000000000000000000000 --head 615ff67aaaaa0000000000000000000000000000` compares anyway and says so
- hint: `perf env diff 96dfd37bbbbb 615ff67aaaaa` shows all facts

To accept this, write why in the place of `<why>`; reviewers see it in the commit:

```sh
git commit --amend --trailer 'Perf-Accept: parse/large time <= +35%; <why>'
```

Reproduce: `perf compare --against 96dfd37bbbbb0000000000000000000000000000 --head 615ff67aaaaa0000000000000000000000000000`
";
        assert_eq!(markdown(&mixed()), expected);
    }

    #[test]
    fn a_refusal_is_a_warning_with_its_reason_and_its_remedy() {
        let [_, base_not_measured, ..] = refusals();
        let expected = "\
<!-- perf -->
> [!WARNING]
> **refused**: base `96dfd37` was never measured, nor were its 50 nearest ancestors

head `615ff67aaaaa` `Speed up the parser`\\
← base `96dfd37bbbbb` `Add a lexer` (merge base with `main`)

- hint: on the base branch after merges: `perf collect && perf store push`
- hint: where it was measured elsewhere: `perf store pull`
- hint: `perf compare --against 96dfd37bbbbb0000000000000000000000000000 --head 615ff67aaaaa0000000000000000000000000000 --measure` measures both here, in turns

Reproduce: `perf compare --against 96dfd37bbbbb0000000000000000000000000000 --head 615ff67aaaaa0000000000000000000000000000`
";
        assert_eq!(markdown(&outcome(vec![section(Err(base_not_measured))])), expected);
    }

    #[test]
    fn the_alert_is_as_loud_as_the_verdict() {
        let judged = |level| outcome(vec![section(compared(times(&[("a", 10.0)]), times(&[("a", level)])))]);
        for (outcome, alert) in [
            (judged(10.0), "> [!NOTE]\n> **pass**: none of 1"),
            (judged(12.0), "> [!WARNING]\n> **WARN**: 1 of 1 series slower"),
            (judged(20.0), "> [!CAUTION]\n> **FAIL**: 1 of 1 series regressed"),
            (undecided(), "> [!WARNING]\n> **WARN**: nothing could be decided"),
        ] {
            let report = markdown(&outcome);
            assert!(report.starts_with(&format!("<!-- perf -->\n{alert}")), "{report}");
        }
    }

    /// Empties code spans and code blocks, so that only what a reader of Markdown acts on is left.
    fn skeleton(report: &str) -> String {
        let mut fenced = false;
        let lines = report.lines().map(|line| {
            let fence = line.starts_with("```");
            fenced ^= fence;
            match line.split('`').step_by(2).collect::<Vec<_>>().join("`") {
                _ if fenced && !fence => line.chars().next().into_iter().collect(),
                outside => outside,
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn no_name_changes_the_shape_of_a_comment() {
        let hostile = [hostile_outcome, hostile_commits];
        for (name, hostile) in HOSTILE.iter().flat_map(|name| hostile.map(|outcome| (name, outcome))) {
            let expected = skeleton(&markdown(&hostile("harmless-1")));
            assert!(!expected.contains("harmless"), "{expected}");
            let report = markdown(&hostile(name));
            assert_eq!(skeleton(&report), expected, "{name:?}");
            assert!(!report.chars().any(|letter| letter.is_control() && letter != '\n'), "{name:?}");
        }
    }

    /// An outcome of series with the longest names there are, each class with as many as `counts` says.
    fn huge(counts: [(&str, usize, Option<f64>, Option<f64>); 5]) -> Outcome {
        let changed =
            counts.iter().filter(|(.., base, head)| base.is_some() && head.is_some() && base != head);
        // Most series stay as they are: what most of a suite does is taken for the machine.
        let steady: Vec<String> =
            (0..=changed.map(|(_, count, ..)| count).sum()).map(|number| format!("same{number}")).collect();
        let steady: Vec<_> = steady.iter().map(|name| (name.as_str(), 1.0)).collect();
        let (mut before, mut after) = (times(&steady), times(&steady));
        for (class, count, base, head) in counts {
            for number in 0..count {
                let name = format!("{}{class}{number:04}", "\u{10ffff}".repeat(120 - class.len() - 4));
                before.extend(base.into_iter().flat_map(|level| times(&[(&name, level)])));
                after.extend(head.into_iter().flat_map(|level| times(&[(&name, level)])));
            }
        }
        outcome(vec![section(compared(before, after))])
    }

    #[test]
    fn a_thousand_regressions_with_hostile_names_fit_into_one_comment() {
        let report = markdown(&huge([
            ("regressed", 1_000, Some(1.0), Some(2.0)),
            ("slower", 10, Some(1.0), Some(1.2)),
            ("improved", 10, Some(2.0), Some(1.0)),
            ("gone", 10, Some(1.0), None),
            ("new", 10, None, Some(1.0)),
        ]));
        let length = report.chars().count();
        assert!((60_000..=LONGEST_COMMENT).contains(&length), "{length}");
        let rows = report.lines().filter(|line| line.contains("regressed (slower)")).count();
        let dropped = format!(
            "\nLeft out to stay within 65,536 characters: 1,021 of 1,021 unchanged, 10 of 10 new, 10 of 10 missing, \
             10 of 10 improved, 10 of 10 slower, {} of 1,000 regressed. All of them: `perf compare --against ",
            1_000 - rows
        );
        assert!(report.contains(&dropped), "{rows} {}", report.lines().rev().nth(2).unwrap());
        assert!(report.contains("> **FAIL**: 1,000 of 2,061 series regressed"));
    }

    #[test]
    fn rows_are_given_up_in_a_fixed_order() {
        let report = markdown(&huge([
            ("regressed", 10, Some(1.0), Some(2.0)),
            ("slower", 10, Some(1.0), Some(1.2)),
            ("improved", 10, Some(2.0), Some(1.0)),
            ("gone", 20, Some(1.0), None),
            ("new", 30, None, Some(1.0)),
        ]));
        let left_out = report.lines().find(|line| line.starts_with("Left out")).unwrap();
        assert!(left_out.contains(": 31 of 31 unchanged, "), "{left_out}");
        assert!(left_out.contains(" of 30 new. All") && !left_out.contains("missing"), "{left_out}");
        assert_eq!(report.lines().filter(|line| line.contains("gone0")).count(), 20);
    }

    #[test]
    fn unchanged_series_are_the_first_to_go() {
        let report = markdown(&huge([
            ("regressed", 2, Some(1.0), Some(2.0)),
            ("steady", 200, Some(1.0), Some(1.0)),
            ("improved", 2, Some(2.0), Some(1.0)),
            ("gone", 2, Some(1.0), None),
            ("new", 2, None, Some(1.0)),
        ]));
        let left_out = report.lines().find(|line| line.starts_with("Left out")).unwrap();
        assert!(left_out.contains(" of 205 unchanged. All of them"), "{left_out}");
        assert!(report.contains("<details><summary>205 unchanged</summary>"));
    }

    #[test]
    fn the_small_print_stands_once() {
        let mut outcome = mixed();
        outcome.sections = outcome.sections.iter().cycle().take(4).cloned().collect();
        assert_eq!(markdown(&outcome).matches("<sub>").count(), 1);
    }

    #[test]
    fn however_many_environments_they_fit_into_one_comment() {
        let mut outcome = hostile_outcome(&"\u{10ffff}".repeat(120));
        outcome.sections = outcome.sections.iter().cycle().take(200).cloned().collect();
        let report = markdown(&outcome);
        assert!(report.chars().count() <= LONGEST_COMMENT, "{}", report.chars().count());
        assert!(report.contains(" of 201 environments. All of them"), "{report}");
    }
}
