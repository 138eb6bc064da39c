use std::time::SystemTime;

use perf_model::{Kind, Measurement, Reading, Source};
use serde::Serialize;

use crate::error::ReadError;

/// How many characters the name of a benchmark may have.
const MAX_NAME: usize = 1_000;

/// What was read from one file, directory or stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Which reader read it, and which tool wrote it.
    pub source: Source,
    /// What was read, sorted by benchmark, parameters and metric; never empty, no series twice.
    pub measurements: Vec<Measurement>,
    /// What is sound but could not be used.
    pub skipped: Vec<Skipped>,
    /// When the youngest file with results was written; `None` for streams.
    pub newest: Option<SystemTime>,
    /// When the oldest file with results was written; `None` for streams.
    pub oldest: Option<SystemTime>,
}

/// Something that was found in a tool's output and not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The file or directory, and where in it.
    pub place: String,
    /// Why it was not used.
    pub reason: String,
}

impl Output {
    pub(crate) fn new(format: &str, tool: impl Into<String>) -> Self {
        Self {
            source: Source { format: format.to_owned(), tool: tool.into() },
            measurements: Vec::new(),
            skipped: Vec::new(),
            newest: None,
            oldest: None,
        }
    }

    /// Notes that a file with results was written at `modified`.
    pub(crate) fn note_time(&mut self, modified: Option<SystemTime>) {
        self.newest = self.newest.max(modified);
        self.oldest = [self.oldest, modified].into_iter().flatten().min();
    }

    pub(crate) fn skip(&mut self, place: impl Into<String>, reason: impl Into<String>) {
        self.skipped.push(Skipped { place: place.into(), reason: reason.into() });
    }

    /// Holds what a reader returned to the rules that are the same for every format, and sorts it.
    pub(crate) fn checked(mut self, place: &str) -> Result<Self, ReadError> {
        if self.measurements.is_empty() {
            return Err(self.nothing(place));
        }
        if let Some(flaw) = self.measurements.iter().find_map(flaw) {
            return Err(ReadError::new(place, flaw));
        }
        self.measurements.sort_by(|a, b| key(a).cmp(&key(b)));
        match self.measurements.windows(2).find(|pair| key(&pair[0]) == key(&pair[1])) {
            Some(pair) => Err(ReadError::new(place, format!("measures `{}` twice", pair[0].series()))),
            None => Ok(self),
        }
    }

    fn nothing(&self, place: &str) -> ReadError {
        let error = ReadError::new(place, "holds no measurement");
        match self.skipped.first() {
            Some(first) => error.caused_by(format!("{}: {}", first.place, first.reason)),
            None => error,
        }
    }
}

/// Returns what is wrong with a measurement whatever tool it comes from: its name, or a negative time.
pub(crate) fn flaw(measurement: &Measurement) -> Option<String> {
    let name = &measurement.benchmark;
    if name.trim().is_empty() {
        return Some("expected every benchmark to have a name, found a blank one".to_owned());
    }
    // Characters are never more than bytes, so that most names need no counting.
    if name.len() > MAX_NAME && name.chars().count() > MAX_NAME {
        let start: String = name.chars().take(40).collect();
        return Some(format!("expected names of at most {MAX_NAME} characters; one begins with `{start}`"));
    }
    let negative =
        (measurement.metric.kind == Kind::Time).then(|| negative(&measurement.reading)).flatten()?;
    Some(format!("expected times of at least 0, found {negative} in `{}`", measurement.series()))
}

fn negative(reading: &Reading) -> Option<f64> {
    match reading {
        Reading::Samples(samples) => samples.as_slice().iter().copied().find(|value| *value < 0.0),
        Reading::Summary(summary) => Some(summary.value()).filter(|value| *value < 0.0),
    }
}

pub(crate) fn key(measurement: &Measurement) -> impl Ord {
    (&measurement.benchmark, &measurement.params, &measurement.metric.name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::error::Error;
    use std::time::Duration;

    use perf_model::{Metric, Samples};

    use super::*;

    fn time(benchmark: &str, value: f64) -> Measurement {
        Measurement {
            benchmark: benchmark.into(),
            params: BTreeMap::new(),
            metric: Metric::time("time", "ns"),
            reading: Reading::Samples(Samples::new(vec![1.0, value]).unwrap()),
        }
    }

    fn output(measurements: Vec<Measurement>) -> Output {
        Output { measurements, ..Output::new("test", "test") }
    }

    #[test]
    fn refuses_what_no_tool_may_report() {
        for (measurements, expected) in [
            (vec![], "in: holds no measurement"),
            (vec![time(" \t", 1.0)], "in: expected every benchmark to have a name"),
            (vec![time(&"é".repeat(1_001), 1.0)], "in: expected names of at most 1000 characters"),
            (vec![time("a", -1.0)], "in: expected times of at least 0, found -1 in `a time`"),
            (vec![time("a", 1.0), time("b", 1.0), time("a", 2.0)], "in: measures `a time` twice"),
        ] {
            let error = output(measurements).checked("in").unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn keeps_zero_and_names_of_any_script() {
        let kept = output(vec![time(&"é".repeat(1_000), 0.0), time("\u{1b}[2J", 0.0)]).checked("in").unwrap();
        assert_eq!(kept.measurements[0].benchmark, "\u{1b}[2J", "sorted");
    }

    #[test]
    fn an_output_of_nothing_tells_what_was_skipped() {
        let mut nothing = output(vec![]);
        nothing.skip("results[0]", "exited with status 1");
        let error = nothing.checked("in").unwrap_err();
        assert_eq!(error.source().unwrap().to_string(), "results[0]: exited with status 1");
    }

    #[test]
    fn spans_the_times_of_all_files() {
        let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let mut spanned = output(vec![]);
        for modified in [at(5), None, at(3), at(9)] {
            spanned.note_time(modified);
        }
        assert_eq!((spanned.oldest, spanned.newest), (at(3), at(9)));
    }
}
