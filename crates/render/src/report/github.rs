use perf_compare::{Comparison, Judged, Outcome, Severity, Verdict};

use super::budget;
use super::row::{figures, word};
use super::sentence::{self, Tone};
use crate::escape::annotation;
use crate::number::counted;
use crate::sink::Sink;

/// How many annotations of one level GitHub shows of one step ("Workflow commands", limits of annotations); one
/// of them is the verdict, one may say how many more there are.
const MOST: usize = 10 - 2;

/// Returns an outcome as annotations of GitHub Actions: the verdict, then broken budgets and series for the worse.
///
/// To be printed by a step, whose log GitHub's runner reads. At most ten errors and ten warnings; what is left out
/// is counted.
pub fn github(outcome: &Outcome) -> String {
    let tone = Tone::overall(outcome);
    let level = match tone {
        Tone::Pass => "notice",
        Tone::Warn | Tone::Refused => "warning",
        Tone::Fail => "error",
    };
    let verdict = sentence::overall(outcome, Sink::Text);
    let mut lines = vec![annotation(level, &format!("perf: {}", tone.word()), &verdict)];
    for outcome in all(outcome) {
        let not_judged = sentence::not_judged(outcome, Sink::Text);
        lines.extend(not_judged.iter().map(|line| annotation("warning", "perf", line)));
    }
    for (level, severity) in [("error", Severity::Fail), ("warning", Severity::Warn)] {
        let mut found: Vec<String> = all(outcome).flat_map(|it| found(it, severity)).collect();
        let rest = found.len().saturating_sub(MOST);
        found.truncate(MOST);
        found.extend((rest > 0).then(|| format!("and {} more; the report has all of them", counted(rest))));
        lines.extend(found.iter().map(|text| annotation(level, "perf", text)));
    }
    lines.join("\n") + "\n"
}

/// A comparison and those with fixed references.
fn all(outcome: &Outcome) -> impl Iterator<Item = &Outcome> {
    std::iter::once(outcome).chain(&outcome.references)
}

/// Lists what fails, or what is only to be looked at.
fn found(outcome: &Outcome, severity: Severity) -> Vec<String> {
    let budgets = outcome.sections.iter().flat_map(|section| &section.budgets.breaches);
    let budgets = budgets.filter(|breach| breach.fails() == (severity == Severity::Fail));
    let series = outcome.comparisons().flat_map(|comparison| {
        let worse = comparison.judged.iter().filter(|row| of(row, outcome) == Some(severity));
        worse.map(|row| series(row, (comparison, outcome)))
    });
    budgets.map(|breach| budget::line(breach, outcome, Sink::Text)).chain(series).collect()
}

fn of(row: &Judged, outcome: &Outcome) -> Option<Severity> {
    match row.finding.verdict {
        _ if row.fails() || outcome.fails_undecided(row) => Some(Severity::Fail),
        Verdict::Slower | Verdict::Regressed => Some(Severity::Warn),
        Verdict::Improved | Verdict::Unchanged | Verdict::Inconclusive => None,
    }
}

/// Names the base, without which the figures of a series say little, and the environment.
fn series(row: &Judged, (comparison, outcome): (&Comparison, &Outcome)) -> String {
    let base = Sink::Text.commit(&comparison.pair.before().commit);
    let environment = comparison.pair.after().environment.fingerprint();
    let verdict = word(row.finding.verdict);
    format!("{verdict}: {}; base {base}, environment {environment}", figures(row, outcome, Sink::Text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{
        HOSTILE, compared, hostile_commits, mixed, outcome, refusals, section, times, undecided,
    };

    #[test]
    fn what_fails_is_an_error_and_what_warns_a_warning() {
        let written = github(&mixed());
        assert!(
            written.starts_with("::error title=perf%3A FAIL::1 of 8 series regressed beyond its fail limit"),
            "{written}"
        );
        assert_eq!(
            written
                .matches("\n::error title=perf::regressed: parse/large time: 1.204 ms -> 1.615 ms, +34.2 %25")
                .count(),
            1,
            "{written}"
        );
        assert_eq!(written.matches("\n::warning title=perf::slower: ").count(), 2, "{written}");
        assert_eq!(written.matches("base 96dfd37bbbbb, environment ").count(), 3, "{written}");
        assert!(written.contains("\n::warning title=perf::not judged: "), "{written}");
        assert_eq!(written.lines().count(), 5, "{written}");
    }

    #[test]
    fn a_pass_is_one_notice_and_a_refusal_one_warning() {
        let passed = github(&outcome(vec![section(compared(times(&[("a", 1.0)]), times(&[("a", 1.0)])))]));
        assert_eq!(passed, "::notice title=perf%3A pass::none of 1 series slower or regressed\n");
        for refusal in refusals() {
            let written = github(&outcome(vec![section(Err(refusal))]));
            assert!(written.starts_with("::warning title=perf%3A refused::"), "{written}");
            assert_eq!(written.lines().count(), 1, "{written}");
        }
        assert!(github(&undecided()).starts_with("::warning title=perf%3A WARN::nothing could be decided"));
    }

    #[test]
    fn no_level_has_more_annotations_than_are_shown() {
        let names: Vec<_> = (0..40).map(|number| format!("b{number}")).collect();
        let side = |slow: f64| {
            let levels = names.iter().enumerate();
            let levels: Vec<_> =
                levels.map(|(place, name)| (name.as_str(), if place < 15 { slow } else { 100.0 })).collect();
            times(&levels)
        };
        let written = github(&outcome(vec![section(compared(side(100.0), side(200.0)))]));
        assert_eq!(written.lines().count(), 10, "{written}");
        assert!(
            written.ends_with("::error title=perf::and 7 more; the report has all of them\n"),
            "{written}"
        );
    }

    #[test]
    fn no_name_begins_a_command_of_its_own() {
        let lines = github(&hostile_commits("harmless-1")).lines().count();
        for name in HOSTILE {
            let written = github(&hostile_commits(name));
            assert_eq!(written.lines().count(), lines, "{name:?}\n{written}");
            for line in written.lines() {
                let (command, text) = line[2..].split_once("::").unwrap();
                assert!(
                    ["error", "warning", "notice"].contains(&command.split(' ').next().unwrap()),
                    "{line}"
                );
                assert!(command.split(' ').nth(1).unwrap().starts_with("title=perf"), "{line}");
                assert!(!text.contains("##") && !text.chars().any(char::is_control), "{line}");
            }
        }
    }
}
