use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use perf_model::{
    Better, Kind, Measurement, Metric, Rank, Reading, ReadingError, Samples, SeriesId, Source, Summary,
};
use serde::Serialize;

use crate::error::ReadError;

/// How many characters the name of a benchmark may have.
const MAX_NAME: usize = 1_000;

/// How many readings one output may hold unless somebody asks for more: each costs some hundred bytes, and a record
/// keeps them all.
pub(crate) const MAX_READINGS: usize = 100_000;

/// What was read from one file, directory or stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Which readers read it, and which tools wrote it; never empty.
    pub sources: Vec<Source>,
    /// What was read, sorted by benchmark, parameters and metric, no series twice; empty only where something was
    /// withheld.
    pub measurements: Vec<Measurement>,
    /// What was read and is no result; each is named in `skipped` too.
    pub withheld: Vec<Withheld>,
    /// What is sound but could not be used.
    pub skipped: Vec<Skipped>,
    /// When the youngest file with results was written; `None` for streams.
    pub newest: Option<SystemTime>,
    /// When the oldest file with results was written; `None` for streams.
    pub oldest: Option<SystemTime>,
    /// Measurements whose direction the output does not tell; what theirs says does not count.
    undirected: Vec<Measurement>,
    /// How many readings there were, kept or not.
    readings: usize,
    /// How many there may be.
    max_readings: usize,
}

/// Something that was found in a tool's output and not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The file or directory, and where in it.
    pub place: String,
    /// Why it was not used.
    pub reason: String,
}

/// A reading that is shown, but not recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Withheld {
    /// What was read.
    pub measurement: Measurement,
    /// Why it is no result.
    pub reason: Reason,
}

/// Why a reading is no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// What was measured failed; failing fast is not speed.
    Failed(String),
    /// Nobody has said whether lower or higher is better; the direction in the metric does not count.
    NoDirection,
}

/// One case of a benchmark as a reader found it, and where.
#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) params: BTreeMap<String, String>,
    /// The place in the output, for what is skipped.
    pub(crate) place: String,
}

impl Case {
    pub(crate) fn new(name: impl Into<String>, place: impl Into<String>) -> Self {
        Self { name: name.into(), params: BTreeMap::new(), place: place.into() }
    }

    /// Adds a parameter that tells this case from others of its name.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.params.insert(name.to_owned(), value.into());
        self
    }
}

impl Output {
    /// Returns measurements that were not read from a tool's output.
    pub fn measured(source: Source, measurements: Vec<Measurement>) -> Self {
        Self { measurements, ..Self::new(&source.format, source.tool) }
    }

    pub(crate) fn new(format: &str, tool: impl Into<String>) -> Self {
        Self {
            sources: vec![Source { format: format.to_owned(), tool: tool.into() }],
            measurements: Vec::new(),
            withheld: Vec::new(),
            skipped: Vec::new(),
            newest: None,
            oldest: None,
            undirected: Vec::new(),
            readings: 0,
            max_readings: MAX_READINGS,
        }
    }

    /// Returns the same output with room for so many readings.
    pub(crate) fn holding(self, max_readings: usize) -> Self {
        Self { max_readings, ..self }
    }

    /// Names the version of the tool, where the output tells it.
    pub(crate) fn note_version(&mut self, version: Option<impl AsRef<str>>) {
        if let (Some(version), Some(source)) = (version, self.sources.first_mut()) {
            source.tool = format!("{} {}", source.tool, version.as_ref());
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

    /// Adds raw samples; ones that are no reading are skipped.
    pub(crate) fn samples(&mut self, case: &Case, metric: Metric, samples: Vec<f64>) {
        self.reading(case, metric, Samples::new(samples).map(Reading::Samples));
    }

    /// Adds one location with what is known of its spread; one that is no reading is skipped.
    pub(crate) fn summary(&mut self, case: &Case, metric: Metric, value: f64, spread: Spread) {
        let summary = Summary::new(value, spread.sd.filter(|sd| sd.is_finite() && *sd >= 0.0), spread.n);
        self.reading(case, metric, summary.map(Reading::Summary));
    }

    pub(crate) fn reading(&mut self, case: &Case, metric: Metric, reading: Result<Reading, ReadingError>) {
        if let Some(measurement) = self.measurement(case, metric, reading) {
            self.measurements.push(measurement);
        }
    }

    /// Adds a reading of which the output does not tell whether lower or higher is better.
    ///
    /// The direction in `metric` is not used: the caller of [`crate::read`] is asked for one.
    pub(crate) fn undirected(&mut self, case: &Case, metric: Metric, reading: Result<Reading, ReadingError>) {
        if let Some(measurement) = self.measurement(case, metric, reading) {
            self.undirected.push(measurement);
        }
    }

    /// Adds a reading of something that failed: it is shown where nothing is recorded, and never a result.
    pub(crate) fn withhold(
        &mut self,
        case: &Case,
        metric: Metric,
        reading: Result<Reading, ReadingError>,
        reason: &str,
    ) {
        let said = Skipped { place: case.place.clone(), reason: format!("`{}`: {reason}", case.name) };
        if self.skipped.last() != Some(&said) {
            self.skipped.push(said);
        }
        // What is no reading, such as the mean of nothing, needs no second reason.
        if reading.is_ok()
            && let Some(measurement) = self.measurement(case, metric, reading)
        {
            self.withheld.push(Withheld { measurement, reason: Reason::Failed(reason.to_owned()) });
        }
    }

    /// Returns the measurement, unless it is no reading or there are too many.
    fn measurement(
        &mut self,
        case: &Case,
        metric: Metric,
        reading: Result<Reading, ReadingError>,
    ) -> Option<Measurement> {
        self.readings += 1;
        let reading = match reading {
            Ok(reading) => reading,
            Err(cause) => {
                self.skip(&case.place, format!("`{}` {}: {cause}", case.name, metric.name));
                return None;
            }
        };
        let (benchmark, params) = (&case.name, &case.params);
        let of =
            |reading| Measurement { benchmark: benchmark.clone(), params: params.clone(), metric, reading };
        (self.readings <= self.max_readings).then(|| of(reading))
    }

    /// Takes readings of one series that occurs more than once for samples of it, in their order.
    pub(crate) fn pool_repeats(&mut self) {
        for list in [&mut self.measurements, &mut self.undirected] {
            list.sort_by(|a, b| key(a).cmp(&key(b)));
            list.dedup_by(|later, first| key(later) == key(first) && pool(first, later));
        }
    }

    /// Tells apart what has one name, by a parameter `occurrence` from the second on.
    pub(crate) fn number_repeats(&mut self) {
        for list in [&mut self.measurements, &mut self.undirected] {
            let mut seen = BTreeMap::new();
            for measurement in list {
                let occurrence = seen.entry(measurement.series()).and_modify(|n| *n += 1).or_insert(1);
                if *occurrence > 1 {
                    measurement.params.insert("occurrence".to_owned(), occurrence.to_string());
                }
            }
        }
    }

    /// Adds what was read of the same stream by another reader.
    pub(crate) fn join(&mut self, other: Self) {
        self.sources.extend(other.sources);
        self.measurements.extend(other.measurements);
        self.undirected.extend(other.undirected);
        self.withheld.extend(other.withheld);
        self.skipped.extend(other.skipped);
        self.readings += other.readings;
        self.note_time(other.newest);
        self.note_time(other.oldest);
    }

    /// Holds what a reader returned to the rules that are the same for every format, and sorts it.
    ///
    /// `better` are the directions that the caller gave, by metric.
    pub(crate) fn checked(
        mut self,
        place: &str,
        better: &BTreeMap<String, Better>,
    ) -> Result<Self, ReadError> {
        let readings = self.readings.max(self.measurements.len());
        if readings > self.max_readings {
            let problem =
                format!("holds {readings} readings, more than the {} that are read", self.max_readings);
            let hint = format!("`--max-readings {readings}` reads them all; or split the output");
            return Err(ReadError::new(place, problem).with_hint(hint));
        }
        self.direct(place, better);
        for measurement in std::mem::take(&mut self.measurements) {
            match flaw(&measurement) {
                Some(flaw) => self.skip(place, flaw),
                None => self.measurements.push(measurement),
            }
        }
        if self.measurements.is_empty() && self.withheld.is_empty() {
            return Err(self.nothing(place));
        }
        self.measurements.sort_by(|a, b| key(a).cmp(&key(b)));
        match self.measurements.windows(2).find(|pair| key(&pair[0]) == key(&pair[1])) {
            Some(pair) => Err(ReadError::new(place, format!("measures `{}` twice", pair[0].series()))),
            None => Ok(self),
        }
    }

    /// Gives undirected measurements the direction that the caller gave, and withholds the others.
    fn direct(&mut self, place: &str, better: &BTreeMap<String, Better>) {
        let mut open = Vec::new();
        for mut measurement in std::mem::take(&mut self.undirected) {
            let named = better.get(&measurement.metric.name).or_else(|| better.get(&measurement.benchmark));
            match named {
                Some(better) => {
                    measurement.metric.better = *better;
                    self.measurements.push(measurement);
                }
                None => open.push(measurement),
            }
        }
        for (name, count) in questions(&open) {
            let reason = format!(
                "{count} series of `{name}`: is lower or higher better? `--better {name}=lower` or `{name}=higher` says it"
            );
            self.skip(place, reason);
        }
        let withhold = |measurement| Withheld { measurement, reason: Reason::NoDirection };
        self.withheld.extend(open.into_iter().map(withhold));
    }

    /// Puts a prefix and `/` before the name of every benchmark.
    pub(crate) fn prefixed(mut self, prefix: Option<&str>) -> Self {
        let withheld = self.withheld.iter_mut().map(|withheld| &mut withheld.measurement);
        for measurement in self.measurements.iter_mut().chain(withheld) {
            if let Some(prefix) = prefix {
                measurement.benchmark = format!("{prefix}/{}", measurement.benchmark);
            }
        }
        self
    }

    /// Adds percentiles of the raw samples of every duration, as series of their own with the number of samples.
    ///
    /// What cannot be computed, or what the tool itself reported under that name, is said and left as it is.
    #[must_use]
    pub fn with_percentiles(mut self, ranks: &[Rank]) -> Self {
        if ranks.is_empty() {
            return self;
        }
        let mut known: BTreeSet<SeriesId> = self.measurements.iter().map(Measurement::series).collect();
        let (mut added, mut reported) = (Vec::new(), Vec::new());
        for measurement in &self.measurements {
            for percentile in ranks.iter().filter_map(|rank| measurement.percentile(*rank)) {
                match known.insert(percentile.series()) {
                    true => added.push(percentile),
                    false => reported.push(percentile.series().to_string()),
                }
            }
        }
        let place = self.sources.first().map_or_else(String::new, |source| source.format.clone());
        for series in &reported {
            self.skip(
                &place,
                format!("`{series}` is in the output already and is not computed from samples"),
            );
        }
        if added.is_empty() && reported.is_empty() {
            self.skip(&place, "no percentiles: no duration in the output has all its raw samples");
        }
        self.measurements.extend(added);
        self.measurements.sort_by(|a, b| key(a).cmp(&key(b)));
        self
    }

    /// Returns the error of an output without any result.
    pub fn nothing(&self, place: &str) -> ReadError {
        let error = ReadError::new(place, "holds no measurement");
        match self.skipped.first() {
            Some(first) => error.caused_by(format!("{}: {}", first.place, first.reason)),
            None => error,
        }
    }
}

/// Returns the names to ask for, with how many series each has: those of metrics or of benchmarks, whichever are
/// fewer.
fn questions(open: &[Measurement]) -> BTreeMap<&str, usize> {
    let count = |name: fn(&Measurement) -> &str| {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        open.iter().for_each(|measurement| *counts.entry(name(measurement)).or_default() += 1);
        counts
    };
    let (metrics, benchmarks) = (count(|it| &it.metric.name), count(|it| &it.benchmark));
    if benchmarks.len() < metrics.len() { benchmarks } else { metrics }
}

/// What a tool says of the readings behind one location.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spread {
    /// Their standard deviation.
    pub(crate) sd: Option<f64>,
    /// Their number.
    pub(crate) n: Option<u64>,
}

/// Adds the samples of `later` to those of `first`; `false` where either has none.
fn pool(first: &mut Measurement, later: &Measurement) -> bool {
    let Some(factor) = later.metric.unit.factor_to(&first.metric.unit) else { return false };
    let more = later.reading.samples().iter().map(|value| value * factor);
    let all: Vec<f64> = first.reading.samples().iter().copied().chain(more).collect();
    if first.reading.samples().is_empty() || later.reading.samples().is_empty() {
        return false;
    }
    let Ok(samples) = Samples::new(all) else { return false };
    first.reading = Reading::Samples(samples);
    true
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

    fn checked(output: Output) -> Result<Output, ReadError> {
        output.checked("in", &BTreeMap::new())
    }

    #[test]
    fn refuses_what_no_tool_may_report() {
        for (measurements, expected) in [
            (vec![], "in: holds no measurement"),
            (vec![time("a", 1.0), time("b", 1.0), time("a", 2.0)], "in: measures `a time` twice"),
        ] {
            let error = checked(output(measurements)).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn one_that_no_tool_may_report_does_not_lose_the_others() {
        for (bad, expected) in [
            (time(" \t", 1.0), "expected every benchmark to have a name"),
            (time(&"é".repeat(1_001), 1.0), "expected names of at most 1000 characters"),
            (time("a", -1.0), "expected times of at least 0, found -1 in `a time`"),
        ] {
            let kept = checked(output(vec![bad.clone(), time("good", 1.0)])).unwrap();
            assert_eq!(kept.measurements, [time("good", 1.0)]);
            assert!(kept.skipped[0].reason.starts_with(expected), "{:?}", kept.skipped);
            let error = checked(output(vec![bad])).unwrap_err();
            assert!(error.source().unwrap().to_string().starts_with(&format!("in: {expected}")));
        }
    }

    #[test]
    fn more_readings_than_a_run_may_hold_are_an_error() {
        let mut many = output(vec![]);
        for _ in 0..=MAX_READINGS {
            many.samples(&Case::new("a", "in"), Metric::time("time", "ns"), vec![1.0]);
        }
        assert_eq!(many.measurements.len(), MAX_READINGS);
        let error = checked(many).unwrap_err().to_string();
        assert_eq!(error, "in: holds 100001 readings, more than the 100000 that are read");
    }

    #[test]
    fn a_direction_is_asked_for() {
        let mut asking = output(vec![time("a", 1.0)]);
        for case in ["a", "b"] {
            let metric = Metric::count("widgets", "widgets");
            asking.undirected(&Case::new(case, "in"), metric, Samples::new(vec![1.0]).map(Reading::Samples));
        }
        let open = checked(asking.clone()).unwrap();
        assert_eq!((open.measurements.len(), open.withheld.len()), (1, 2));
        assert_eq!(open.withheld[0].reason, Reason::NoDirection);
        assert!(open.skipped[0].reason.starts_with("2 series of `widgets`"), "{:?}", open.skipped);
        let given = BTreeMap::from([("widgets".to_owned(), Better::Higher)]);
        let told = asking.checked("in", &given).unwrap();
        assert_eq!(told.measurements[1].metric.better, Better::Higher);
        assert!(told.skipped.is_empty() && told.measurements.len() == 3);
    }

    #[test]
    fn what_failed_is_shown_and_said_once() {
        let mut failed = output(vec![]);
        for metric in ["time", "other"] {
            let reading = Samples::new(vec![1.0]).map(Reading::Samples);
            failed.withhold(&Case::new("a", "in:3"), Metric::time(metric, "s"), reading, "it failed");
        }
        let shown = checked(failed).unwrap();
        assert!(shown.measurements.is_empty());
        assert_eq!(shown.withheld.len(), 2);
        assert_eq!(shown.skipped, [Skipped { place: "in:3".into(), reason: "`a`: it failed".into() }]);
        let error = shown.nothing("in");
        assert_eq!(error.source().unwrap().to_string(), "in:3: `a`: it failed");
    }

    #[test]
    fn a_prefix_goes_before_every_name() {
        let names = |output: Output| output.measurements.into_iter().map(|m| m.benchmark).collect::<Vec<_>>();
        assert_eq!(names(output(vec![time("a", 1.0)]).prefixed(Some("x"))), ["x/a"]);
        assert_eq!(names(output(vec![time("a", 1.0)]).prefixed(None)), ["a"]);
    }

    #[test]
    fn repeats_are_samples_or_told_apart() {
        let mut pooled = output(vec![]);
        for (unit, value) in [("us", 1.0), ("ns", 500.0)] {
            pooled.samples(&Case::new("a", "in"), Metric::time("time", unit), vec![value]);
        }
        let mut numbered = pooled.clone();
        pooled.pool_repeats();
        assert_eq!(checked(pooled).unwrap().measurements[0].reading.samples(), [1.0, 0.5]);
        numbered.number_repeats();
        let names: Vec<_> =
            checked(numbered).unwrap().measurements.iter().map(|m| m.series().to_string()).collect();
        assert_eq!(names, ["a time", "a[occurrence=2] time"]);
    }

    #[test]
    fn keeps_zero_and_names_of_any_script() {
        let kept = output(vec![time(&"é".repeat(1_000), 0.0), time("\u{1b}[2J", 0.0)])
            .checked("in", &BTreeMap::new())
            .unwrap();
        assert_eq!(kept.measurements[0].benchmark, "\u{1b}[2J", "sorted");
    }

    #[test]
    fn an_output_of_nothing_tells_what_was_skipped() {
        let mut nothing = output(vec![]);
        nothing.skip("results[0]", "exited with status 1");
        let error = checked(nothing).unwrap_err();
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
