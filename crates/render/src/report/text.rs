use anstyle::{AnsiColor, Style};
use perf_compare::{Comparison, LikelyRename, Outcome, Refusal, Section, Status};

use super::row::{self, CHANGED, COLUMNS, Class, FOLDED, NOISE_FLOOR, cells, folded};
use super::sentence::{self, Tone};
use super::{acceptance, alias, budget, command, refusal, sides, suite};
use crate::escape::terminal;
use crate::number::counted;
use crate::page::{Page, Table};
use crate::sink::Sink;

/// How many rows of a folded class are shown.
const MOST_FOLDED: usize = 20;
/// More unchanged series than this are only counted.
const MOST_UNCHANGED: usize = 10;

/// Returns the report of an outcome for a terminal or a log.
pub fn text(outcome: &Outcome, page: Page) -> String {
    let mut blocks = part(headline(outcome, page), outcome, page);
    blocks.extend(
        outcome.references.iter().flat_map(|reference| part(heading(reference, page), reference, page)),
    );
    if let Some(command) = acceptance::command(outcome) {
        blocks.push(vec![acceptance::introduction(outcome), format!("  {command}")]);
    }
    if let Some(command) = command::reproduce(outcome) {
        blocks.push(vec![format!("reproduce: `{command}`")]);
    }
    let blocks: Vec<String> = blocks.into_iter().map(|lines| lines.join("\n")).collect();
    blocks.join("\n\n") + "\n"
}

/// Writes one comparison below its first lines.
fn part(mut first: Vec<String>, outcome: &Outcome, page: Page) -> Vec<Vec<String>> {
    let sides = sides::sides(outcome, Sink::Text);
    if let [Section { result: Err(refusal), .. }] = outcome.sections.as_slice()
        && outcome.own_status() == Status::Refused
    {
        first.extend(reasons(refusal, outcome));
        let mut blocks = vec![first, sides];
        blocks.extend(outcome.sections.iter().filter_map(|section| bounds(section, outcome)));
        return blocks;
    }
    let mut blocks = vec![first, sides];
    blocks.extend(outcome.sections.iter().flat_map(|section| body(section, outcome, page)));
    blocks
}

fn heading(reference: &Outcome, page: Page) -> Vec<String> {
    let tone = Tone::of(reference);
    let (word, since) = (page.paint(shade(tone), tone.word()), sentence::since(reference, Sink::Text));
    let mut lines = vec![format!("since {since}: {word}: {}", sentence::verdict(reference, Sink::Text))];
    lines.extend(sentence::not_judged(reference, Sink::Text));
    lines
}

fn headline(outcome: &Outcome, page: Page) -> Vec<String> {
    let tone = Tone::overall(outcome);
    let word = page.paint(shade(tone), tone.word());
    let mut lines = vec![format!("{word}: {}", sentence::overall(outcome, Sink::Text))];
    lines.extend(sentence::not_judged(outcome, Sink::Text));
    lines
}

fn shade(tone: Tone) -> Style {
    let colour = match tone {
        Tone::Pass => AnsiColor::Green,
        Tone::Warn | Tone::Refused => AnsiColor::Yellow,
        Tone::Fail => AnsiColor::Red,
    };
    colour.on_default().bold()
}

fn bounds(section: &Section, outcome: &Outcome) -> Option<Vec<String>> {
    Some(budget::budgets(&section.budgets, outcome, Sink::Text)).filter(|lines| !lines.is_empty())
}

fn body(section: &Section, outcome: &Outcome, page: Page) -> Vec<Vec<String>> {
    match &section.result {
        Ok(comparison) => judged(section, comparison, outcome, page),
        Err(refusal) => {
            let mut lines = vec![
                format!("environment {}", sides::place(section, Sink::Text)),
                format!("refused: {}", refusal::introduction(refusal, outcome, Sink::Text)),
            ];
            lines.extend(reasons(refusal, outcome));
            [Some(lines), bounds(section, outcome)].into_iter().flatten().collect()
        }
    }
}

fn reasons(refusal: &Refusal, outcome: &Outcome) -> Vec<String> {
    let mut lines = refusal::facts(refusal, terminal);
    lines.extend(refusal::hints(refusal, outcome));
    lines.extend(proposed(alias::likely(refusal)).into_iter().flatten());
    lines
}

fn proposed(likely: &[LikelyRename]) -> Option<Vec<String>> {
    let toml = alias::proposed(likely)?;
    let lines = toml.iter().map(|line| if line.is_empty() { String::new() } else { format!("  {line}") });
    Some(std::iter::once(alias::INTRODUCTION.to_owned()).chain(lines).collect())
}

fn judged(section: &Section, comparison: &Comparison, outcome: &Outcome, page: Page) -> Vec<Vec<String>> {
    let mut facts = vec![sides::place_and_runs(section, comparison, Sink::Text)];
    let pair = &comparison.pair;
    if !pair.across().is_empty() {
        facts.extend(refusal::difference(&pair.before().environment, &pair.after().environment, terminal));
    }
    facts.push(sentence::census(&comparison.census));
    facts.extend(suite::suite(comparison, outcome, Sink::Text));
    let mut blocks = vec![facts];
    blocks.extend(bounds(section, outcome));
    blocks.extend(table(comparison, outcome, page));
    blocks.extend(accepted(section, outcome));
    blocks.extend(Some(alias::aliases(comparison, outcome, Sink::Text)).filter(|lines| !lines.is_empty()));
    blocks.extend(proposed(&comparison.likely));
    blocks.extend(FOLDED.into_iter().filter_map(|class| list(comparison, class, outcome)));
    blocks
}

fn accepted(section: &Section, outcome: &Outcome) -> Option<Vec<String>> {
    let mut lines = acceptance::accepted(section, outcome, Sink::Text);
    lines.iter_mut().skip(1).for_each(|line| line.insert_str(0, "  "));
    (!lines.is_empty()).then_some(lines)
}

fn table(comparison: &Comparison, outcome: &Outcome, page: Page) -> Option<Vec<String>> {
    let rows: Vec<_> = CHANGED
        .into_iter()
        .flat_map(|class| {
            row::judged(comparison, class).map(move |row| (tint(class), cells(row, outcome, Sink::Text)))
        })
        .collect();
    let legend = page.paint(Style::new().dimmed(), NOISE_FLOOR);
    (!rows.is_empty()).then(|| vec![Table { columns: COLUMNS, rows }.text(page), legend])
}

fn tint(class: Class) -> Style {
    match class {
        Class::Regressed => AnsiColor::Red.on_default(),
        Class::Slower => AnsiColor::Yellow.on_default(),
        Class::Improved => AnsiColor::Green.on_default(),
        Class::Unchanged | Class::Inconclusive | Class::Unjudged | Class::Missing | Class::New => {
            Style::new()
        }
    }
}

fn list(comparison: &Comparison, class: Class, outcome: &Outcome) -> Option<Vec<String>> {
    let rows = folded(comparison, class, outcome, Sink::Text);
    let title = format!("{}: {}", class.title(), counted(rows.len()));
    let all = command::all(outcome);
    if class == Class::Unchanged && rows.len() > MOST_UNCHANGED {
        let all = all.map(|command| format!(" (all figures: `{command}`)"));
        return Some(vec![title + &all.unwrap_or_default()]);
    }
    let mut lines = vec![title];
    lines.extend(rows.iter().take(MOST_FOLDED).map(|row| format!("  {row}")));
    let rest = rows.len().saturating_sub(MOST_FOLDED);
    if rest > 0 {
        let all = all.map(|command| format!("; all of them: `{command}`")).unwrap_or_default();
        lines.push(format!("  ... and {} more{all}", counted(rest)));
    }
    (!rows.is_empty()).then_some(lines)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use perf_compare::{Endpoint, Inconclusive, Notice, Pair, Policy, compare};

    use super::*;
    use crate::fixtures::{
        HOSTILE, base, baseline, commit, compared, environment, head, hostile_commits, hostile_outcome,
        mixed, outcome, refusals, section, times, undecided,
    };
    use crate::page::Colour;

    const WIDE: Page = Page { width: 160, colour: Colour::Plain };
    const SIDES: &str = "
head 615ff67aaaaa Speed up the parser
  <- base 96dfd37bbbbb Add a lexer (merge base with main)
";
    const REPRODUCE: &str = "
reproduce: `perf compare --against 96dfd37bbbbb0000000000000000000000000000 --head 615ff67aaaaa0000000000000000000000000000`
";

    fn first_line(outcome: &Outcome) -> String {
        text(outcome, WIDE).lines().next().unwrap().to_owned()
    }

    #[test]
    fn a_failure_says_what_is_worst_and_leaves_nothing_out() {
        let expected = "\
FAIL: 1 of 8 series regressed beyond its fail limit (worst: parse/large time, +34.2 %)
not judged: 1371311e4fdad1a9 (AMD EPYC 7763, 16 cores, linux/x86_64): 96dfd37 and 615ff67 were measured in different environments
"
        .to_owned()
            + SIDES
            + "
environment 822ae69108a1c593 (AMD EPYC 7763, 4 cores, linux/x86_64); runs: base 3 (2026-02-03), head 3
8 series: 1 regressed, 2 slower, 1 improved, 1 unchanged, 1 inconclusive, 1 missing, 1 new
noise: typically 0.74 % from run to run (no earlier baselines); a change of 1.0 % would be noticed in half of the series

series                     base           head    change        95 % interval   noise floor   limit       verdict                     runs base/head/history
parse/large time       1.204 ms       1.615 ms   +34.2 %   +33.4 % to +35.0 %        0.32 %   fail 25 %   regressed (slower)                           3/3/0
serve throughput   12,000 req/s   10,000 req/s   -16.7 %   -17.2 % to -16.2 %        0.32 %   warn 10 %   slower (lower throughput)                    3/3/0
parse/small time      0.9800 us       1.100 us   +12.2 %   +11.6 % to +12.9 %        0.32 %   warn 10 %   slower                                       3/3/0
lex/quick time           200 ns         150 ns   -25.0 %   -25.4 % to -24.6 %        0.32 %   10 %        improved (faster)                            3/3/0
noise floor: how far one run lies from the next without any change (standard deviation)

perhaps renamed, by the similarity of the names: if so, add to perf.toml
  [[alias]]
  from = \"lex/gone\"
  to = \"lex/born\"

inconclusive (cannot tell): 1
  lex/noisy time: 100 ns -> 130 ns, +30.0 % (95 % interval: -57.0 % to +198 %; noise floor 51.4 %; limit 10 %; runs 3/3/0; too noisy: it would take more than 100 runs a side to settle it)

missing (only the base has them): 1
  lex/gone time: 5 ns

new (only the head has them): 1
  lex/born time: 7 ns

unchanged: 1
  lex/same time: 100 ns -> 101 ns, +1.00 % (95 % interval: +0.40 % to +1.6 %; noise floor 0.32 %; limit 10 %; runs 3/3/0)

environment 1371311e4fdad1a9 (AMD EPYC 7763, 16 cores, linux/x86_64)
refused: 96dfd37 and 615ff67 were measured in different environments (- base, + head)
- cores   4
+ cores   16
  (3 identity facts are equal)
hint: `perf compare --against 96dfd37bbbbb0000000000000000000000000000 --head 615ff67aaaaa0000000000000000000000000000 --measure` measures both here, in turns
hint: `perf compare --across cores --against 96dfd37bbbbb0000000000000000000000000000 --head 615ff67aaaaa0000000000000000000000000000` compares anyway and says so
hint: `perf env diff 96dfd37bbbbb 615ff67aaaaa` shows all facts

to accept this, write why in the place of <why>; reviewers see it in the commit:
  git commit --amend --trailer 'Perf-Accept: parse/large time <= +35%; <why>'
" + REPRODUCE;
        assert_eq!(text(&mixed(), WIDE), expected);
    }

    #[test]
    fn a_narrow_page_breaks_no_row() {
        let result = compared(times(&[("parse", 100.0)]), times(&[("parse", 120.0)]));
        let expected = "\
WARN: 1 of 1 series slower beyond its warn limit (worst: parse time, +20.0 %)
"
        .to_owned()
            + SIDES
            + "
environment 822ae69108a1c593 (AMD EPYC 7763, 4 cores, linux/x86_64); runs: base 3 (2026-02-03), head 3
1 series: 0 regressed, 1 slower, 0 improved, 0 unchanged, 0 inconclusive
noise: typically 0.58 % from run to run (no earlier baselines); a change of 1.9 % would be noticed in half of the series

parse time
    base: 100 ns; head: 120 ns; change: +20.0 %
    95 % interval: +18.6 % to +21.4 %; noise floor: 0.58 %; limit: warn 10 %
    verdict: slower; runs base/head/history: 3/3/0
noise floor: how far one run lies from the next without any change (standard deviation)
" + REPRODUCE;
        assert_eq!(text(&outcome(vec![section(result)]), Page { width: 80, ..WIDE }), expected);
    }

    #[test]
    fn a_pass_counts_what_it_does_not_show() {
        let result = compared(times(&[("a", 1.0), ("b", 2.0)]), times(&[("a", 1.0)]));
        let expected = "pass: none of 2 series slower or regressed; 1 missing from the head\n".to_owned()
            + SIDES
            + "
environment 822ae69108a1c593 (AMD EPYC 7763, 4 cores, linux/x86_64); runs: base 3 (2026-02-03), head 3
2 series: 0 regressed, 0 slower, 0 improved, 1 unchanged, 0 inconclusive, 1 missing
noise: typically 0.58 % from run to run (no earlier baselines); a change of 1.9 % would be noticed in half of the series

missing (only the base has them): 1
  b time: 2 ns

unchanged: 1
  a time: 1 ns -> 1 ns, 0 % (95 % interval: -1.2 % to +1.2 %; noise floor 0.58 %; limit 10 %; runs 3/3/0)
" + REPRODUCE;
        assert_eq!(text(&outcome(vec![section(result)]), WIDE), expected);
    }

    #[test]
    fn a_pass_that_decided_nothing_is_no_triumph() {
        let mut outcome = undecided();
        assert_eq!(first_line(&outcome), "WARN: nothing could be decided: 3 of 3 inconclusive");
        outcome.policy.inconclusive = Inconclusive::Fail;
        assert_eq!(first_line(&outcome), "FAIL: 3 of 3 series inconclusive, which fails here");
    }

    #[test]
    fn a_refusal_says_why_and_what_would_help() {
        let expected = [
            "\
refused: 96dfd37 and 615ff67 were measured in different environments (- base, + head)
- cores   4
+ cores   16
  (3 identity facts are equal)
hint: `perf compare --against 96dfd37bbbbb0000000000000000000000000000 --head 615ff67aaaaa0000000000000000000000000000 --measure` measures both here, in turns
hint: `perf compare --across cores --against 96dfd37bbbbb0000000000000000000000000000 --head 615ff67aaaaa0000000000000000000000000000` compares anyway and says so
hint: `perf env diff 96dfd37bbbbb 615ff67aaaaa` shows all facts
",
            "\
refused: base 96dfd37 was never measured, nor were its 50 nearest ancestors
hint: on the base branch after merges: `perf collect && perf store push`
hint: where it was measured elsewhere: `perf store pull`
hint: `perf compare --against 96dfd37bbbbb0000000000000000000000000000 --head 615ff67aaaaa0000000000000000000000000000 --measure` measures both here, in turns
",
            "\
refused: head and main have no commit in common, as far as this clone knows
hint: where the clone is shallow: `git fetch --unshallow`
hint: `perf compare --against REV` names a base
",
            "\
refused: head 615ff67 is the first commit of its branch: nothing lies before it to compare with
hint: the next commit will have a base: `perf collect` records this one
",
            "\
refused: head 615ff67 was never measured
hint: `perf collect` records what the benchmarks wrote
hint: `perf compare --against 96dfd37bbbbb0000000000000000000000000000 --head 615ff67aaaaa0000000000000000000000000000 --measure` measures both here, in turns
",
            "\
refused: no series occurs on both sides (base: 3, head: 4)
hint: what the base has: `perf store show 96dfd37bbbbb0000000000000000000000000000`
hint: what the head has: `perf store show 615ff67aaaaa0000000000000000000000000000`
",
            "\
refused: none of 2 series on both sides could be judged: a size: the base is in widgets, the head in gadgets; b size: the base is in widgets, the head in gadgets
hint: what the base has: `perf store show 96dfd37bbbbb0000000000000000000000000000`
hint: what the head has: `perf store show 615ff67aaaaa0000000000000000000000000000`
",
            "\
refused: head 615ff67 was measured, and its runs were retracted by Ann <ann@example.com> at 2026-02-04T00:00:00Z: a noisy neighbour
hint: `perf collect` records new runs, which count
hint: what was retracted: `perf store show 615ff67aaaaa0000000000000000000000000000`
",
            "\
refused: no version tag is reachable from base 96dfd37, as far as this clone knows
hint: where tags were not fetched: `git fetch --tags --unshallow`, or without `--unshallow` in a whole clone
hint: a reference of your own: `--and REV`
",
        ];
        for (refusal, expected) in refusals().into_iter().zip(expected) {
            let report = text(&outcome(vec![section(Err(refusal))]), WIDE);
            assert_eq!(report, expected.to_owned() + SIDES + REPRODUCE);
        }
    }

    #[test]
    fn crossed_facts_stand_in_the_first_line_and_in_the_command() {
        let side = |id, cores, level| baseline(id, &environment(cores), vec![times(&[("a", level)])]);
        let crossed = BTreeSet::from(["cores".to_owned()]);
        let pair = Pair::new(side(base(), "4", 10.0), side(head(), "16", 10.0), &crossed).unwrap();
        let outcome = outcome(vec![section(compare(pair, &[], &Policy::default()))]);
        assert_eq!(
            first_line(&outcome),
            "pass: none of 1 series slower or regressed; compared across: cores"
        );
        let report = text(&outcome, WIDE);
        assert!(
            report.contains("\n- cores   4\n+ cores   16\n  (3 identity facts are equal)\n1 series:"),
            "{report}"
        );
        assert!(report.ends_with("--across cores`\n"), "{report}");
    }

    fn rebaseline() -> perf_model::Rebaseline {
        perf_model::Rebaseline { by: "Ada <ada@example.com>".into(), reason: "Hash keys".into() }
    }

    #[test]
    fn every_side_and_notice_has_its_words() {
        let mut outcome = undecided();
        outcome.base = Endpoint::File { path: "base.jsonl".into(), commit: Some(base()) };
        outcome.choice = perf_compare::BaseChoice::File;
        outcome.head = Endpoint::Worktree { on: head() };
        outcome.notices = vec![
            Notice::AncestorServes { asked: base(), serves: commit("abc"), distance: 3 },
            Notice::SameTreeServes { asked: base(), serves: commit("abc") },
            Notice::OnlyBaseMeasured { environment: Box::new(environment("16")), series: 3 },
            Notice::NewLevel { commit: commit("abc"), rebaseline: rebaseline() },
            Notice::HeadDeclaresNewLevel { rebaseline: rebaseline() },
            Notice::UnreadableLines { commit: base(), lines: 2 },
            Notice::NoEnvironment { path: "base.jsonl".into() },
        ];
        let report = text(&outcome, WIDE);
        let expected = "
head uncommitted changes on 615ff67aaaaa
  <- base file base.jsonl, recorded for 96dfd37bbbbb (named as a file)
note: 96dfd37bbbbb was not measured; its ancestor abc000000000, 3 commits back, serves
note: 96dfd37bbbbb was not measured; abc000000000, whose tree is the same, serves
warning: the base was also measured in 1371311e4fdad1a9 (AMD EPYC 7763, 16 cores, linux/x86_64), 3 series; the head was not: they were not compared
note: a new level begins with abc000000000; what was measured before it was not used. Ada <ada@example.com> says: Hash keys
note: the head declares a new level; it is judged all the same. Ada <ada@example.com> says: Hash keys
warning: stored lines of 96dfd37bbbbb that are kept but cannot be used: 2
warning: file base.jsonl holds no environment: nobody checked that the two sides compare

environment";
        assert!(report.contains(expected), "{report}");
        assert!(!report.contains("reproduce"), "no command takes a file and a worktree");
    }

    #[test]
    fn a_base_that_does_not_exist_is_said_not_to() {
        let refusal = Refusal::NoMergeBase { branch: "main".into() };
        let report = text(&Outcome { base: Endpoint::Nothing, ..outcome(vec![section(Err(refusal))]) }, WIDE);
        let sides = "\nhead 615ff67aaaaa Speed up the parser\n  <- no base (wanted: merge base with main)\n";
        assert!(report.contains(sides), "{report}");
        assert!(
            report.contains("\nreproduce: `perf compare --against merge-base --head 615ff67"),
            "{report}"
        );
    }

    #[test]
    fn two_files_are_compared_again_as_files() {
        let file = |path: &str| Endpoint::File { path: path.into(), commit: None };
        let (base, head) = (file("base.jsonl"), file("my head.jsonl"));
        let report = text(&Outcome { base, head, ..mixed() }, WIDE);
        let sides = "--base-file base.jsonl --head-file 'my head.jsonl'`";
        assert!(report.contains(&format!("hint: `perf compare --across cores {sides} compares")), "{report}");
        assert!(report.ends_with(&format!("reproduce: `perf compare {sides}\n")), "{report}");
    }

    #[test]
    fn many_unchanged_series_are_only_counted() {
        let side = |count| -> Vec<_> {
            (0..count).flat_map(|number| times(&[(&format!("b{number:02}"), 1.0)])).collect()
        };
        let report = |count| text(&outcome(vec![section(compared(side(count), side(count)))]), WIDE);
        let (shown, counted) = (report(10), report(11));
        assert!(shown.contains("unchanged: 10\n  b00 time: 1 ns -> 1 ns, 0 %"), "{shown}");
        assert!(counted.contains("unchanged: 11 (all figures: `perf compare --against "), "{counted}");
        assert!(counted.contains(" --output json=-`)\n") && !counted.contains("b00 time"), "{counted}");
    }

    #[test]
    fn long_lists_end_with_the_command_that_shows_all() {
        let names: Vec<_> = (100..157).map(|number| format!("b{number}")).collect();
        let mut after: Vec<_> = names.iter().map(|name| (name.as_str(), 1.0)).collect();
        after.push(("same", 1.0));
        let report = text(&outcome(vec![section(compared(times(&[("same", 1.0)]), times(&after)))]), WIDE);
        assert!(report.contains("new (only the head has them): 57\n  b100 time: 1 ns\n"), "{report}");
        assert!(
            report.contains("  b119 time: 1 ns\n  ... and 37 more; all of them: `perf compare --against ")
        );
        assert!(report.contains(" --output json=-`\n"));
    }

    #[test]
    fn colours_are_beside_the_words() {
        let report = text(&mixed(), Page { colour: Colour::Ansi, ..WIDE });
        assert!(report.starts_with("\u{1b}[1m\u{1b}[31mFAIL\u{1b}[0m: 1 of 8"), "{report:?}");
    }

    #[test]
    fn no_name_changes_the_shape_of_a_report() {
        let page = Page { width: usize::MAX, ..WIDE };
        let hostile = [hostile_outcome, hostile_commits];
        for (name, hostile) in HOSTILE.iter().flat_map(|name| hostile.map(|outcome| (name, outcome))) {
            let lines = text(&hostile("harmless-1"), page).lines().count();
            let report = text(&hostile(name), page);
            assert_eq!(report.lines().count(), lines, "{name:?}\n{report}");
            assert!(!report.chars().any(|letter| letter.is_control() && letter != '\n'), "{name:?}");
            assert!(!report.contains("##"), "{name:?}");
            assert!(!report.lines().any(|line| line.trim_start().starts_with("::")), "{name:?}\n{report}");
        }
    }
}
