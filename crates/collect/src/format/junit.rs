//! Durations of test cases in the XML that JUnit's runners, nextest, pytest, Catch2 and many others write.
//!
//! There is no one definition; what is read is what all of them write: `testcase` with `classname`, `name` and `time`
//! in seconds, mostly with three decimals, by some with commas between thousands. A case with `failure` or `error`
//! failed and is withheld, one with `skipped` is skipped. nextest's stress runs (`@stress-1` behind the class) are
//! samples of one case, any other case that occurs again gets the parameter `occurrence`; its retries (`flakyFailure`) leave the time of the last one. DTDs are refused.

use perf_model::{Metric, Reading, ReadingError, Samples, Summary};
use roxmltree::Node;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::number::grouped;
use crate::output::{Case, Output};

pub(super) const FORMAT: Format = Format {
    name: "junit",
    description: "test durations in JUnit's XML",
    command: "cargo nextest run --profile ci",
    keeps: Keeps::Summary,
    link: "https://github.com/testmoapp/junitxml",
    reader: Reader::File { detect, read },
};

fn detect(input: &Input) -> bool {
    matches!(input.xml_root(), Some("testsuites" | "testsuite"))
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let document = input.xml()?;
    let mut output = input.output(FORMAT.name, FORMAT.name);
    for node in document.descendants().filter(|node| node.has_tag_name("testcase")) {
        let line = document.text_pos_at(node.range().start).row;
        let case = Case::new(name(node), format!("{}:{line}", input.place()));
        let reading = seconds(node).map(|seconds| reading(node, seconds));
        let has =
            |tags: [&str; 2]| node.children().any(|child| tags.iter().any(|tag| child.has_tag_name(*tag)));
        let metric = Metric::time("time", "s");
        match reading {
            _ if has(["skipped", "disabled"]) => {
                output.skip(&case.place, format!("`{}` was skipped", case.name))
            }
            None => output.skip(&case.place, format!("`{}` has no sound `time`", case.name)),
            Some(reading) if has(["failure", "error"]) => {
                output.withhold(&case, metric, reading, "the test failed");
            }
            Some(reading) => output.reading(&case, metric, reading),
        }
    }
    output.pool_repeats();
    output.number_repeats();
    Ok(output)
}

/// Returns a sample of a stress run, of which there are more, or the one number that there is.
fn reading(case: Node<'_, '_>, seconds: f64) -> Result<Reading, ReadingError> {
    let is_stress = case.attribute("classname").is_some_and(|class| without_stress(class) != class);
    match is_stress {
        true => Samples::new(vec![seconds]).map(Reading::Samples),
        false => Summary::new(seconds, None, None).map(Reading::Summary),
    }
}

/// Returns `class/name`; where a case has no class, the suites around it stand for one.
fn name(case: Node<'_, '_>) -> String {
    let name = case.attribute("name").unwrap_or_default();
    let class = case.attribute("classname").filter(|class| !class.trim().is_empty());
    let mut path: Vec<&str> = match class {
        Some(class) => vec![class],
        None => case
            .ancestors()
            .filter(|node| node.has_tag_name("testsuite"))
            .filter_map(|suite| suite.attribute("name"))
            .collect(),
    };
    path.reverse();
    path.push(name);
    path.into_iter().map(without_stress).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

/// Cuts off the number of a stress run, as in `my-crate::suite@stress-3`.
fn without_stress(name: &str) -> &str {
    match name.rsplit_once("@stress-") {
        Some((before, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => before,
        Some(_) | None => name,
    }
}

/// Returns the duration. `0,123` may be 123 or a decimal comma; it is neither.
fn seconds(case: Node<'_, '_>) -> Option<f64> {
    let time = case.attribute("time")?.trim();
    grouped(time).filter(|_| !time.starts_with("0,"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests_of::{found, refusal, skips, withheld};

    const SUITE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="outer"><testsuite name="inner">
    <testcase name="no class" time="0.25"/>
  </testsuite></testsuite>
  <testsuite name="a@stress-0"><testcase classname="a@stress-0" name="b &amp; c" time="1.5"/></testsuite>
  <testsuite name="a@stress-1"><testcase classname="a@stress-1" name="b &amp; c" time="2.5"/></testsuite>
  <testsuite name="x">
    <testcase classname="x" name="long" time="1,234.5"><system-out>time=&quot;9&quot;</system-out></testcase>
    <testcase classname="x" name="flaky" time="0.004"><flakyFailure time="9"/></testcase>
    <testcase classname="x" name="broken" time="0.001"><failure>no</failure></testcase>
    <testcase classname="x" name="out" time="0"><skipped/></testcase>
    <testcase classname="x" name="comma" time="0,123"/>
    <testcase classname="x" name="none"/>
  </testsuite>
</testsuites>"#;

    #[test]
    fn reads_cases_of_nested_suites_and_stress_runs() {
        let expected = [
            ("a/b & c time", 2.0),
            ("outer/inner/no class time", 0.25),
            ("x/flaky time", 0.004),
            ("x/long time", 1234.5),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value, "s".to_owned()));
        assert_eq!(found(SUITE, ""), expected);
    }

    #[test]
    fn failed_cases_are_withheld_and_others_skipped_aloud() {
        assert_eq!(withheld(SUITE, ""), [("x/broken time".to_owned(), "the test failed".to_owned())]);
        assert_eq!(
            skips(SUITE, ""),
            [
                "in:11: `x/broken`: the test failed",
                "in:12: `x/out` was skipped",
                "in:13: `x/comma` has no sound `time`",
                "in:14: `x/none` has no sound `time`",
            ]
        );
    }

    #[test]
    fn document_types_are_refused() {
        let bomb = "<!DOCTYPE l [<!ENTITY a \"aa\"><!ENTITY b \"&a;&a;\">]><testsuites><testsuite name=\"s\">\
                    <testcase name=\"&b;\" time=\"1\"/></testsuite></testsuites>";
        let found = refusal(bomb, FORMAT.name);
        assert!(found.contains("expected XML <- "), "{found}");
        assert!(refusal("<testsuites><testsuite>", "").contains("expected XML"));
    }
}
