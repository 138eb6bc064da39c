//! What an issue says of one episode, and the marker by which it is found again.

use std::collections::HashMap;

use perf_compare::{Acceptance, Episode, Judged, Urgency};
use perf_model::{Baseline, CommitId, Environment, Facts};

use super::plan::severity;
use crate::environment::summary;
use crate::number::{counted, percent};
use crate::report::{LONGEST_COMMENT, difference, word};
use crate::sink::{Sink, short};

/// An episode, and what the repository knows of it.
#[derive(Clone, Debug)]
pub struct Report {
    /// The episode.
    pub episode: Episode,
    /// The commits in which it may have happened, newest first.
    pub culprits: Vec<Culprit>,
    /// How many more there are.
    pub more: usize,
    /// The acceptance that covers all of it.
    pub accepted: Option<Acceptance>,
}

/// A commit that may have been it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Culprit {
    /// Its id.
    pub commit: CommitId,
    /// The first line of its message.
    pub subject: String,
}

/// The hidden first line of an issue. Hexadecimal digits only, so that nothing can end it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    environment: String,
    family: String,
    good: String,
    bad: String,
    /// The runs that it rests on.
    pub(super) evidence: String,
    /// How urgent it was.
    pub(super) urgency: Urgency,
}

const BEGIN: &str = "<!-- perf-issue 1 ";
const END: &str = " -->";
/// How many series, commits and facts an issue lists of each: the first that keeps it short enough.
const MOST: [usize; 4] = [30, 10, 3, 0];

/// What a reader does about an issue. What somebody ticked stays ticked.
const CHECKLIST: [&str; 4] = [
    "It is real: measured once more, on an idle machine",
    "The commit is found (`git bisect`, below)",
    "It is fixed, reverted, or accepted with a reason",
    "A new baseline of the base branch shows it",
];

const URGENCIES: [(Urgency, &str); 3] =
    [(Urgency::Monitor, "0"), (Urgency::Warning, "1"), (Urgency::Critical, "2")];

impl Marker {
    pub(super) fn of(report: &Report) -> Self {
        let episode = &report.episode;
        let (good, bad) = episode.range();
        let runs: Vec<&str> = episode.newest.runs.iter().map(|run| run.id.as_str()).collect();
        Self {
            environment: episode.bad.environment.fingerprint().to_string(),
            family: digits(&[episode.family.as_deref().map_or("suite", |_| "family"), family(episode)]),
            good: good.to_string(),
            bad: bad.to_string(),
            evidence: digits(&[&[episode.newest.commit.as_str()], &runs[..]].concat()),
            urgency: episode.urgency,
        }
    }

    /// Reads the marker of an issue; `None` where it has none of this version.
    pub(super) fn read(body: &str) -> Option<Self> {
        let (line, _) = body.strip_prefix(BEGIN)?.split_once(END)?;
        let fields: HashMap<&str, &str> = line.split(' ').filter_map(|field| field.split_once('=')).collect();
        let field = |name: &str| fields.get(name).map(|value| (*value).to_owned());
        let urgency = field("urgency")?;
        Some(Self {
            environment: field("environment")?,
            family: field("family")?,
            good: field("good")?,
            bad: field("bad")?,
            evidence: field("evidence")?,
            urgency: URGENCIES.iter().find(|(_, digit)| *digit == urgency)?.0,
        })
    }

    /// Says whether two are about one change: the same series, and ranges of commits that overlap.
    pub(super) fn is_about(&self, other: &Self, places: &HashMap<&str, usize>) -> bool {
        if self.environment != other.environment || self.family != other.family {
            return false;
        }
        let range = |one: &Self| Some((*places.get(one.good.as_str())?, *places.get(one.bad.as_str())?));
        match (range(self), range(other)) {
            (Some((good, bad)), Some((other_good, other_bad))) => good < other_bad && other_good < bad,
            _ => self.bad == other.bad,
        }
    }

    pub(super) fn key(&self) -> String {
        format!("{}-{}-{}", &self.environment[..16], self.family, &self.bad[..12])
    }

    fn line(&self) -> String {
        let Self { environment, family, good, bad, evidence, urgency } = self;
        let urgency = URGENCIES.iter().find(|(one, _)| one == urgency).map_or("0", |(_, digit)| digit);
        format!(
            "{BEGIN}environment={environment} family={family} good={good} bad={bad} evidence={evidence} \
             urgency={urgency}{END}"
        )
    }
}

/// Writes what an issue is about in one line.
pub(super) fn title(report: &Report) -> String {
    let (_, bad) = report.episode.range();
    let what = match &report.episode.family {
        Some(family) => Sink::Markdown.name(family),
        None => "the whole suite".to_owned(),
    };
    let by = report
        .episode
        .at
        .first()
        .map(|row| format!(", {} {}", Sink::Markdown.name(&row.series.metric), by(row)));
    format!("perf: {what} is worse since {}{}", bad.short(), by.unwrap_or_default())
}

/// Writes an issue of at most [`LONGEST_COMMENT`] characters, with the boxes ticked that were ticked before.
pub(super) fn body(
    report: &Report,
    marker: &Marker,
    (before, recovered_after): (Option<&str>, usize),
) -> String {
    let episode = &report.episode;
    let top =
        format!("{}\n> [!{}]\n> {}", marker.line(), alert(episode.urgency), verdict(report, recovered_after));
    let end = [checklist(before.unwrap_or_default()), reproduction(episode)].join("\n\n");
    let of_size = |most: usize| {
        let middle =
            [metrics(episode, most), range(report, most), environments(&episode.good, &episode.bad, most)];
        format!("{top}\n\n{}\n\n{end}\n", middle.join("\n\n"))
    };
    let mut sizes = MOST.into_iter().map(of_size);
    let shortest = of_size(0);
    sizes.find(|page| page.chars().count() <= LONGEST_COMMENT).unwrap_or(shortest)
}

fn verdict(report: &Report, recovered_after: usize) -> String {
    let episode = &report.episode;
    let (good, bad) = episode.range();
    let state = match (episode.recovered, episode.urgency) {
        (0, Urgency::Critical) => "beyond a fail limit at the newest baseline".to_owned(),
        (0, Urgency::Warning) => "beyond a warn limit at the newest baseline".to_owned(),
        (0, Urgency::Monitor) => "not beyond a limit at the newest baseline, but not back either".to_owned(),
        (back, _) => {
            format!(
                "back to what it was for {back} of the {recovered_after} baselines in a row that close this"
            )
        }
    };
    format!(
        "**{}**: {} series became worse between `{}` and `{}`; {state} (`{}`).",
        severity(episode.urgency),
        counted(episode.at.len()),
        short(good),
        short(bad),
        short(&episode.newest.commit),
    )
}

fn alert(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Critical => "CAUTION",
        Urgency::Warning => "WARNING",
        Urgency::Monitor => "NOTE",
    }
}

fn metrics(episode: &Episode, most: usize) -> String {
    let (good, bad) = episode.range();
    let newest = short(&episode.newest.commit);
    let mut lines = vec![
        format!(
            "| series | before `{}` | at `{}` | change | now `{newest}` | change | verdict now |",
            short(good),
            short(bad)
        ),
        "| :-- | --: | --: | --: | --: | --: | :-- |".to_owned(),
    ];
    lines.extend(episode.at.iter().take(most).map(|row| metric(row, episode)));
    let rest = episode.at.len().saturating_sub(most);
    lines.extend((rest > 0).then(|| format!("\nand {} more series", counted(rest))));
    lines.join("\n")
}

fn metric(at: &Judged, episode: &Episode) -> String {
    let now = episode.now.iter().find(|row| row.series == at.series);
    let sink = Sink::Markdown;
    let (levels, change, verdict) = match now {
        Some(now) => {
            let [before, worse, newest] = sink.amounts(&at.metric.unit, [at.before, at.after, now.after]);
            ([before, worse, newest], difference(now, sink), word(now.finding.verdict))
        }
        None => {
            let [before, worse] = sink.amounts(&at.metric.unit, [at.before, at.after]);
            ([before, worse, "-".to_owned()], "-".to_owned(), "not measured")
        }
    };
    let [before, worse, newest] = levels;
    let (series, first) = (sink.series(&at.series), difference(at, sink));
    format!("| {series} | {before} | {worse} | {first} | {newest} | {change} | {verdict} |")
}

fn range(report: &Report, most: usize) -> String {
    let (good, bad) = report.episode.range();
    let count = report.culprits.len() + report.more;
    let commits = if count == 1 { "commit" } else { "commits" };
    let mut lines = vec![format!(
        "**It happened in {} {commits}** (`git log --first-parent {good}..{bad}`):",
        counted(count)
    )];
    let line = |one: &Culprit| {
        format!("- {} {}", Sink::Markdown.commit(&one.commit), Sink::Markdown.name(&one.subject))
    };
    lines.push(String::new());
    lines.extend(report.culprits.iter().take(most).map(line));
    let rest = count - report.culprits.len().min(most);
    lines.extend((rest > 0).then(|| format!("- and {} more", counted(rest))));
    lines.join("\n")
}

fn environments(good: &Baseline, bad: &Baseline, most: usize) -> String {
    let mut lines = vec![
        format!(
            "<details><summary>Environments before and after: {}</summary>\n",
            summary(&bad.environment, Sink::Markdown)
        ),
        format!("| fact | before `{}` | after `{}` |", short(&good.commit), short(&bad.commit)),
        "| :-- | :-- | :-- |".to_owned(),
    ];
    let tiers: [fn(&Environment) -> &Facts; 2] = [|it| &it.identity, |it| &it.context];
    for tier in tiers {
        lines.extend(facts((tier(&good.environment), tier(&bad.environment)), most));
    }
    lines.push("\n</details>".to_owned());
    lines.join("\n")
}

fn facts((before, after): (&Facts, &Facts), most: usize) -> Vec<String> {
    let sink = Sink::Markdown;
    let value = |facts: &Facts, name: &str| facts.get(name).map_or("-".to_owned(), |value| sink.name(value));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let rest = names.len().saturating_sub(most);
    let row = |name: &&String| {
        format!("| {} | {} | {} |", sink.name(name), value(before, name), value(after, name))
    };
    let mut rows: Vec<String> = names.iter().take(most).map(row).collect();
    rows.extend((rest > 0).then(|| format!("| and {} more | | |", counted(rest))));
    rows
}

fn checklist(before: &str) -> String {
    let ticked =
        |item: &str| ["- [x] ", "- [X] "].iter().any(|tick| before.contains(&format!("{tick}{item}")));
    let line = |item: &&str| format!("- [{}] {item}", if ticked(item) { "x" } else { " " });
    CHECKLIST.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn reproduction(episode: &Episode) -> String {
    let (good, bad) = episode.range();
    let newest = &episode.newest.commit;
    format!(
        "```sh\nperf store pull\nperf compare --against {good} --head {bad}      # the change\n\
         perf compare --against {good} --head {newest}      # the newest baseline\n\
         git bisect start --first-parent {bad} {good}      # then at each step: measure, `perf collect`, compare\n```"
    )
}

fn by(row: &Judged) -> String {
    row.finding.change.map_or_else(|| difference(row, Sink::Text), percent)
}

fn family(episode: &Episode) -> &str {
    episode.family.as_deref().unwrap_or_default()
}

/// Returns 16 digits that stand for these texts.
fn digits(texts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        hasher.update(&text.len().to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use perf_compare::{Policy, episodes};
    use perf_model::{Measurement, RunId};

    use super::*;
    use crate::fixtures::{HOSTILE, baseline, commit, environment, rounds, times};

    /// What became of a family `name` whose nights had these levels; commits 0, 1, 2 and so on, oldest first.
    pub(crate) fn reports((name, enough): (&str, usize), nights: &[f64]) -> Vec<Report> {
        let mut environment = environment("4");
        environment.context.insert(name.into(), name.into());
        let night = |(number, level): (usize, &f64)| {
            let series =
                times(&[(&*format!("{name}/a"), *level), (&*format!("{name}/b"), *level), ("quiet", 5.0)]);
            let run = |run: Vec<Measurement>| run;
            let mut night = baseline(
                commit(&format!("{number:x}")),
                &environment,
                rounds(&series).into_iter().map(run).collect(),
            );
            for (run, id) in night.runs.iter_mut().zip(0_u128..) {
                run.id = RunId::from_bits((number as u128) << 64 | id);
            }
            night
        };
        let history: Vec<_> = nights.iter().enumerate().map(night).collect();
        let culprit = Culprit { commit: commit("abc"), subject: name.into() };
        let report = |episode| Report { episode, culprits: vec![culprit.clone()], more: 0, accepted: None };
        episodes(&history, &Policy::default(), enough).into_iter().map(report).collect()
    }

    #[test]
    fn a_marker_is_read_back_and_nothing_else_is_one() {
        let marker = Marker::of(&reports(("parse", 3), &[10.0, 14.0])[0]);
        assert_eq!(Marker::read(&format!("{}\n> hello", marker.line())), Some(marker.clone()));
        let calmer = Marker { urgency: Urgency::Monitor, ..marker.clone() };
        assert_eq!(Marker::read(&calmer.line()), Some(calmer));
        for other in [
            format!("quoted {}", marker.line()),
            marker.line().replace("issue 1", "issue 2"),
            marker.line().replace("urgency=2", "urgency=3"),
            "<!-- perf -->".into(),
            String::new(),
        ] {
            assert_eq!(Marker::read(&other), None, "{other}");
        }
    }

    #[test]
    fn an_issue_says_what_where_and_how_to_see_it() {
        let report = &reports(("parse", 3), &[10.0, 10.0, 14.0, 11.5])[0];
        let body = body(report, &Marker::of(report), (None, 3));
        for expected in [
            "> [!WARNING]\n> **warning**: 2 series became worse between `100000000000` and `200000000000`; beyond a warn limit",
            "| `parse/a` `time` | 10 ns | 14 ns | +40.0 % | 11.50 ns | +15.0 % | slower |",
            "**It happened in 1 commit** (`git log --first-parent 1000",
            "- `abc000000000` `parse`",
            "| `cores` | `4` | `4` |",
            "| `kernel` | `6.1` | `6.1` |",
            "- [ ] It is real",
            "git bisect start --first-parent 2000",
        ] {
            assert!(body.contains(expected), "{expected}\n{body}");
        }
        assert_eq!(title(report), "perf: `parse` is worse since 2000000, `time` +40.0 %");
    }

    #[test]
    fn what_was_ticked_stays_ticked() {
        let report = &reports(("parse", 3), &[10.0, 14.0])[0];
        let first = body(report, &Marker::of(report), (None, 3));
        let ticked = first.replace("- [ ] It is real", "- [x] It is real");
        let second = body(report, &Marker::of(report), (Some(&ticked), 3));
        assert_eq!(second, ticked);
    }

    #[test]
    fn no_name_changes_the_shape_of_an_issue() {
        let written = |name: &str| {
            let report = reports((name, 3), &[10.0, 14.0]).remove(0);
            let body = body(&report, &Marker::of(&report), (None, 3));
            // Some names are a family with their neighbours, and some are not.
            let lines = body.lines().count() - report.episode.at.len();
            (lines, title(&report), body)
        };
        let (lines, ..) = written("harmless");
        for name in HOSTILE.iter().filter(|name| !name.is_empty()) {
            let (of_name, title, body) = written(name);
            assert_eq!(of_name, lines, "{name:?}\n{body}");
            let outside: String = body.lines().skip(1).flat_map(|line| line.split('`').step_by(2)).collect();
            assert!(!outside.contains("<!--") && !outside.contains("<script"), "{name:?}\n{body}");
            assert!(!title.chars().any(char::is_control) && title.chars().count() < 256, "{name:?}: {title}");
        }
    }

    #[test]
    fn however_long_the_names_are_an_issue_fits() {
        let mut report = reports((&"\u{10ffff}".repeat(120), 3), &[10.0, 14.0]).remove(0);
        report.episode.at = report.episode.at.iter().cycle().take(500).cloned().collect();
        report.culprits = report.culprits.iter().cycle().take(20).cloned().collect();
        report.more = 7;
        let body = body(&report, &Marker::of(&report), (None, 3));
        assert!(body.chars().count() <= LONGEST_COMMENT, "{}", body.chars().count());
        assert!(body.contains("It happened in 27 commits") && body.contains(" more series"), "{body}");
    }
}
