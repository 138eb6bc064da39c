//! One run as one line of JSON. The normative description is `baselines.git-notes.md`.

use std::collections::BTreeMap;

use perf_model::{
    Better, Environment, Kind, Lineage, Measurement, Metric, Reading, ReadingError, Rebaseline, Run, Samples,
    Source, Summary, Turn, Unit,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The version of the line format that this crate writes.
const FORMAT: u64 = 1;

/// Why a line is not a run, or a run cannot be a line.
#[derive(Debug, Error)]
pub enum LineError {
    /// Not JSON, or not the JSON of a run.
    #[error("is not a run")]
    Json(#[from] serde_json::Error),
    /// Written by a newer `perf`.
    #[error("has format {0}; this perf reads formats up to {FORMAT}")]
    Future(u64),
    /// A field with an impossible value.
    #[error("field `{field}` is `{value}`")]
    Field {
        /// The field.
        field: &'static str,
        /// What it holds.
        value: String,
    },
    /// A series whose numbers are no reading.
    #[error("series `{series}` {source}")]
    Reading {
        /// The series.
        series: String,
        /// What is wrong with it.
        source: ReadingError,
    },
    /// A time, size or rate below zero.
    #[error("series `{0}` has a reading below zero")]
    Negative(String),
    /// One series occurs twice.
    #[error("series `{0}` occurs twice")]
    Duplicate(String),
    /// A run without measurements.
    #[error("has no measurements")]
    Empty,
}

/// The line as it is stored: keys in alphabetical order, so that equal runs are equal bytes.
#[derive(Serialize, Deserialize)]
struct Line {
    commit: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    context: BTreeMap<String, String>,
    format: u64,
    id: String,
    identity: BTreeMap<String, String>,
    measurements: Vec<Entry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parents: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rebaseline: Option<RebaselineEntry>,
    recorder: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sources: Vec<SourceEntry>,
    time: String,
    tree: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    turn: Option<TurnEntry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    benchmark: String,
    better: String,
    kind: String,
    metric: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    n: Option<u64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    params: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", serialize_with = "number::all")]
    samples: Vec<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "number::some")]
    sd: Option<f64>,
    unit: String,
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "number::some")]
    value: Option<f64>,
}

/// Numbers in their shortest form: `1498`, where `serde_json` writes `1498.0`.
mod number {
    use serde::{Serialize, Serializer};

    /// Up to here every whole double is one integer and the other way round.
    const EXACT: f64 = 9_007_199_254_740_992.0;

    struct Shortest(f64);

    impl Serialize for Shortest {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let whole = self.0.fract() == 0.0 && self.0.abs() < EXACT;
            let negative_zero = self.0 == 0.0 && self.0.is_sign_negative();
            if whole && !negative_zero {
                serializer.serialize_i64(self.0 as i64)
            } else {
                serializer.serialize_f64(self.0)
            }
        }
    }

    pub(super) fn all<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(|value| Shortest(*value)))
    }

    pub(super) fn some<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        value.map(Shortest).serialize(serializer)
    }
}

#[derive(Serialize, Deserialize)]
struct SourceEntry {
    format: String,
    tool: String,
}

#[derive(Serialize, Deserialize)]
struct RebaselineEntry {
    by: String,
    reason: String,
}

#[derive(Serialize, Deserialize)]
struct TurnEntry {
    position: u32,
    round: u32,
    session: String,
}

/// Only what tells whether the rest can be read.
#[derive(Deserialize)]
struct Version {
    format: u64,
}

/// Writes a run as one line, without the newline.
///
/// # Errors
///
/// [`LineError::Empty`] and [`LineError::Duplicate`] for a run that is no run.
pub fn encode(run: &Run) -> Result<Vec<u8>, LineError> {
    let measurements = sorted(run);
    check(&measurements)?;
    let line = Line {
        commit: run.lineage.commit.to_string(),
        context: run.environment.context.clone(),
        format: FORMAT,
        id: run.id.as_str().to_owned(),
        identity: run.environment.identity.clone(),
        measurements: measurements.into_iter().map(Entry::from).collect(),
        parents: run.lineage.parents.iter().map(ToString::to_string).collect(),
        rebaseline: run.rebaseline.as_ref().map(RebaselineEntry::from),
        recorder: run.recorder.clone(),
        sources: run
            .sources
            .iter()
            .map(|source| SourceEntry { format: source.format.clone(), tool: source.tool.clone() })
            .collect(),
        time: written_time(run.time)?,
        tree: run.lineage.tree.to_string(),
        turn: run.turn.as_ref().map(TurnEntry::from),
    };
    Ok(serde_json::to_vec(&line)?)
}

/// Writes the part of a line that holds what was measured, and nothing else.
pub(crate) fn numbers(run: &Run) -> Result<Vec<u8>, LineError> {
    Ok(serde_json::to_vec(&sorted(run).into_iter().map(Entry::from).collect::<Vec<_>>())?)
}

fn sorted(run: &Run) -> Vec<&Measurement> {
    let mut measurements: Vec<_> = run.measurements.iter().collect();
    measurements.sort_by_cached_key(|measurement| measurement.series());
    measurements
}

/// Returns how many bytes of a line one measurement takes.
pub(crate) fn measurement_bytes(measurement: &Measurement) -> usize {
    serde_json::to_vec(&Entry::from(measurement)).map_or(0, |bytes| bytes.len())
}

/// Reads a line that [`encode`] wrote, of this or an earlier format.
///
/// # Errors
///
/// Whatever is not a run says why. Fields that this version does not know are no error.
pub fn decode(line: &[u8]) -> Result<Run, LineError> {
    // Some editors put one at the start of a file.
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let known = |format: u64| (1..=FORMAT).contains(&format);
    let line = match serde_json::from_slice::<Line>(line) {
        Ok(parsed) if known(parsed.format) => parsed,
        Ok(parsed) => return Err(LineError::Future(parsed.format)),
        // A future format need not be readable in any other respect.
        Err(error) => match serde_json::from_slice(line) {
            Ok(Version { format }) if !known(format) => return Err(LineError::Future(format)),
            Ok(_) | Err(_) => return Err(error.into()),
        },
    };
    let measurements: Vec<Measurement> =
        line.measurements.into_iter().map(Measurement::try_from).collect::<Result<_, _>>()?;
    let mut sorted: Vec<_> = measurements.iter().collect();
    sorted.sort_by_cached_key(|measurement| measurement.series());
    check(&sorted)?;
    Ok(Run {
        id: field("id", &line.id)?,
        lineage: Lineage {
            commit: field("commit", &line.commit)?,
            tree: field("tree", &line.tree)?,
            parents: line.parents.iter().map(|id| field("parents", id)).collect::<Result<_, _>>()?,
        },
        time: OffsetDateTime::parse(&line.time, &Rfc3339)
            .map_err(|_| LineError::Field { field: "time", value: line.time.clone() })?,
        recorder: line.recorder,
        environment: Environment { identity: line.identity, context: line.context },
        sources: line
            .sources
            .into_iter()
            .map(|source| Source { format: source.format, tool: source.tool })
            .collect(),
        measurements,
        turn: line.turn.map(Turn::try_from).transpose()?,
        rebaseline: line.rebaseline.map(|entry| Rebaseline { by: entry.by, reason: entry.reason }),
    })
}

/// Checks that there are measurements, that their values are possible, and that no two neighbours are the same
/// series.
fn check(sorted: &[&Measurement]) -> Result<(), LineError> {
    if sorted.is_empty() {
        return Err(LineError::Empty);
    }
    if let Some(negative) = sorted.iter().find(|measurement| is_negative(measurement)) {
        return Err(LineError::Negative(negative.series().to_string()));
    }
    match sorted.windows(2).find(|pair| pair[0].series() == pair[1].series()) {
        Some(pair) => Err(LineError::Duplicate(pair[0].series().to_string())),
        None => Ok(()),
    }
}

fn is_negative(measurement: &Measurement) -> bool {
    let cannot_be = match measurement.metric.kind {
        Kind::Time | Kind::Size | Kind::Rate => true,
        Kind::Ratio | Kind::Count | Kind::Percentile | Kind::Exact => false,
    };
    let reading = &measurement.reading;
    cannot_be && (reading.location() < 0.0 || reading.samples().iter().any(|sample| *sample < 0.0))
}

fn written_time(time: OffsetDateTime) -> Result<String, LineError> {
    let utc = time.to_offset(time::UtcOffset::UTC);
    utc.format(&Rfc3339).map_err(|_| LineError::Field { field: "time", value: utc.to_string() })
}

fn field<T: std::str::FromStr>(field: &'static str, value: &str) -> Result<T, LineError> {
    value.parse().map_err(|_| LineError::Field { field, value: value.to_owned() })
}

impl From<&Rebaseline> for RebaselineEntry {
    fn from(rebaseline: &Rebaseline) -> Self {
        Self { by: rebaseline.by.clone(), reason: rebaseline.reason.clone() }
    }
}

impl From<&Turn> for TurnEntry {
    fn from(turn: &Turn) -> Self {
        Self { position: turn.position, round: turn.round, session: turn.session.as_str().to_owned() }
    }
}

impl TryFrom<TurnEntry> for Turn {
    type Error = LineError;

    fn try_from(entry: TurnEntry) -> Result<Self, LineError> {
        let session = field("session", &entry.session)?;
        Ok(Self { session, round: entry.round, position: entry.position })
    }
}

impl From<&Measurement> for Entry {
    fn from(measurement: &Measurement) -> Self {
        let (samples, value, sd, n) = match &measurement.reading {
            Reading::Samples(samples) => {
                let values = samples.as_slice();
                let chosen = samples.taken() > values.len() as u64;
                (values.to_vec(), None, None, chosen.then_some(samples.taken()))
            }
            Reading::Summary(summary) => (vec![], Some(summary.value()), summary.sd(), summary.n()),
        };
        Self {
            benchmark: measurement.benchmark.clone(),
            better: measurement.metric.better.word().to_owned(),
            kind: measurement.metric.kind.word().to_owned(),
            metric: measurement.metric.name.clone(),
            n,
            params: measurement.params.clone(),
            samples,
            sd,
            unit: measurement.metric.unit.to_string(),
            value,
        }
    }
}

impl TryFrom<Entry> for Measurement {
    type Error = LineError;

    fn try_from(entry: Entry) -> Result<Self, LineError> {
        let word = |field, value: &str| LineError::Field { field, value: value.to_owned() };
        let metric = Metric {
            better: Better::from_word(&entry.better).ok_or_else(|| word("better", &entry.better))?,
            kind: Kind::from_word(&entry.kind).ok_or_else(|| word("kind", &entry.kind))?,
            name: entry.metric,
            unit: Unit::new(&entry.unit),
        };
        let reading = match entry.value {
            Some(value) => Summary::new(value, entry.sd, entry.n).map(Reading::Summary),
            None => Samples::of(entry.samples, entry.n.unwrap_or(0)).map(Reading::Samples),
        };
        let mut measurement = Measurement {
            benchmark: entry.benchmark,
            params: entry.params,
            metric,
            reading: Reading::Samples(Samples::new(vec![0.0]).expect("one finite sample")),
        };
        measurement.reading = reading
            .map_err(|source| LineError::Reading { series: measurement.series().to_string(), source })?;
        Ok(measurement)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use perf_model::{CommitId, RunId};
    use proptest::prelude::*;

    use super::*;

    fn reading() -> impl Strategy<Value = Reading> {
        let finite = || {
            let any = prop::num::f64::NORMAL | prop::num::f64::ZERO | prop::num::f64::SUBNORMAL;
            any.prop_map(f64::abs)
        };
        prop_oneof![
            (prop::collection::vec(finite(), 1..6), 0..9u64)
                .prop_map(|(samples, taken)| Reading::Samples(Samples::of(samples, taken).unwrap())),
            (finite(), prop::option::of(0.0..1e9), prop::option::of(any::<u64>()))
                .prop_map(|(value, sd, n)| Reading::Summary(Summary::new(value, sd, n).unwrap())),
        ]
    }

    fn measurement() -> impl Strategy<Value = Measurement> {
        (".{1,8}", prop::collection::btree_map(".{0,4}", ".{0,4}", 0..3), reading()).prop_map(
            |(benchmark, params, reading)| Measurement {
                benchmark,
                params,
                metric: Metric::time("time", "ns"),
                reading,
            },
        )
    }

    /// Any run that a recorder can make.
    pub(crate) fn any_run() -> impl Strategy<Value = Run> {
        let facts = || prop::collection::btree_map(".{0,4}", ".{0,8}", 0..4);
        let measurements = prop::collection::vec(measurement(), 1..4).prop_map(|mut all| {
            all.sort_by_cached_key(Measurement::series);
            all.dedup_by_key(|measurement| measurement.series());
            all
        });
        let turn = prop::option::of((any::<u128>(), any::<u32>(), any::<u32>()));
        let rebaseline = prop::option::of((".{0,8}", ".{0,8}"));
        let origin = (turn, rebaseline);
        (any::<u128>(), "[0-9a-f]{40}", 0i64..4_000_000_000, facts(), facts(), measurements, origin).prop_map(
            |(id, commit, time, identity, context, measurements, (turn, rebaseline))| {
                let commit: CommitId = commit.parse().unwrap();
                Run {
                    id: RunId::from_bits(id),
                    lineage: Lineage { tree: commit.clone(), parents: vec![commit.clone()], commit },
                    time: OffsetDateTime::from_unix_timestamp(time).unwrap(),
                    recorder: "perf 0.1.0".into(),
                    environment: Environment { identity, context },
                    sources: vec![Source { format: "criterion".into(), tool: "criterion".into() }],
                    measurements,
                    turn: turn.map(|(session, round, position)| Turn {
                        session: RunId::from_bits(session),
                        round,
                        position,
                    }),
                    rebaseline: rebaseline.map(|(by, reason)| Rebaseline { by, reason }),
                }
            },
        )
    }

    proptest! {
        #[test]
        fn a_run_survives_its_line(run in any_run()) {
            let line = encode(&run).unwrap();
            let again = decode(&line).unwrap();
            prop_assert_eq!(encode(&again).unwrap(), line.clone(), "the same run is the same bytes");
            prop_assert_eq!(again, run);
            prop_assert!(!line.contains(&b'\n') && !line.contains(&0), "a line is one line");
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }

        #[test]
        fn a_damaged_line_is_an_error_or_another_run(run in any_run(), cut in 0usize..400) {
            let line = encode(&run).unwrap();
            if cut < line.len() {
                prop_assert!(decode(&line[..cut]).is_err());
            }
        }
    }

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        let mut run = decode(SOUND.as_bytes()).unwrap();
        for (value, written) in [
            (1498.0, "1498"),
            (0.0, "0"),
            (-0.0, "-0.0"),
            (0.5, "0.5"),
            (9_007_199_254_740_992.0, "9007199254740992.0"),
            (1e300, "1e+300"),
        ] {
            run.measurements[0].metric.kind = Kind::Count;
            run.measurements[0].reading = Reading::Samples(Samples::of(vec![value], 7).unwrap());
            let line = String::from_utf8(encode(&run).unwrap()).unwrap();
            assert!(line.contains(&format!(r#""n":7,"samples":[{written}]"#)), "{value}: {line}");
            assert_eq!(decode(line.as_bytes()).unwrap(), run, "{value}");
        }
    }

    #[test]
    fn a_count_of_samples_below_what_is_there_is_not_believed() {
        let line = SOUND.replace("\"metric\":\"time\",", "\"metric\":\"time\",\"n\":1,");
        let Reading::Samples(samples) = &decode(line.as_bytes()).unwrap().measurements[0].reading else {
            panic!("samples");
        };
        assert_eq!(samples.taken(), 2);
    }

    const SOUND: &str = r#"{"commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","format":1,"id":"00000000000000000000000000000001","identity":{"os":"linux"},"measurements":[{"benchmark":"b","better":"lower","kind":"time","metric":"time","samples":[1.5,2],"unit":"ns"}],"recorder":"perf 0.1.0","time":"2026-01-02T03:04:05Z","tree":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}"#;

    #[test]
    fn the_first_format_stays_readable_byte_for_byte() {
        let run = decode(SOUND.as_bytes()).unwrap();
        assert_eq!(run.measurements[0].reading.samples(), [1.5, 2.0]);
        assert_eq!(String::from_utf8(encode(&run).unwrap()).unwrap(), SOUND);
    }

    #[test]
    fn says_what_is_wrong_with_a_line() {
        let nested = format!("{{\"format\":{}1", "[".repeat(100_000));
        for (case, from, to, expected) in [
            ("future", "\"format\":1", "\"format\":2", "has format 2"),
            ("commit", "aaaa", "AAAA", "field `commit`"),
            ("direction", "lower", "sideways", "field `better` is `sideways`"),
            ("time", "2026-01-02T", "yesterday ", "field `time`"),
            ("empty samples", "[1.5,2]", "[]", "series `b time` has no samples"),
            ("negative time", "[1.5,2]", "[1.5,-2.0]", "has a reading below zero"),
            ("huge number", "[1.5,2]", "[1e999]", "is not a run"),
            ("not a number", "[1.5,2]", "[NaN]", "is not a run"),
            ("deep", SOUND, &nested, "is not a run"),
        ] {
            let error = decode(SOUND.replace(from, to).as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{case}: {error}");
        }
    }

    #[test]
    fn a_series_cannot_occur_twice_in_a_run() {
        let mut run = decode(SOUND.as_bytes()).unwrap();
        run.measurements.push(run.measurements[0].clone());
        assert!(matches!(encode(&run), Err(LineError::Duplicate(series)) if series == "b time"));
        run.measurements.clear();
        assert!(matches!(encode(&run), Err(LineError::Empty)));
    }
}
