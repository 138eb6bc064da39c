use std::fmt;

/// The unit of a metric, in one canonical spelling (`us`, never `µs`).
///
/// A unit that is not in the table below stays as it was written: it is shown and compared with itself, and
/// never guessed at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unit(String);

/// What a known unit measures. Two units of one dimension convert into each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// Durations; base unit: one second.
    Time,
    /// Amounts of memory or data; base unit: one byte.
    Bytes,
    /// Data per time; base unit: one byte per second.
    BytesPerSecond,
    /// Things per time, whatever the thing; base unit: one per second.
    PerSecond,
    /// Dimensionless shares; base unit: 1.
    Ratio,
}

/// Canonical symbol, dimension, how many base units one of it is, and the other spellings tools write.
///
/// `KB`, `MB`, `GB` are decimal as in SI; tools whose `MB` is 2^20 are translated by their reader.
const TABLE: &[(&str, Dimension, f64, &[&str])] = &[
    ("ps", Dimension::Time, 1e-12, &["picosecond", "picoseconds"]),
    ("ns", Dimension::Time, 1e-9, &["nanosecond", "nanoseconds", "nsec"]),
    ("us", Dimension::Time, 1e-6, &["µs", "μs", "microsecond", "microseconds", "usec"]),
    ("ms", Dimension::Time, 1e-3, &["millisecond", "milliseconds", "msec"]),
    ("s", Dimension::Time, 1.0, &["sec", "secs", "second", "seconds"]),
    ("min", Dimension::Time, 60.0, &["minute", "minutes"]),
    ("h", Dimension::Time, 3600.0, &["hour", "hours"]),
    ("B", Dimension::Bytes, 1.0, &["byte", "bytes"]),
    ("KB", Dimension::Bytes, 1e3, &["kB"]),
    ("MB", Dimension::Bytes, 1e6, &[]),
    ("GB", Dimension::Bytes, 1e9, &[]),
    ("KiB", Dimension::Bytes, 1024.0, &[]),
    ("MiB", Dimension::Bytes, 1_048_576.0, &[]),
    ("GiB", Dimension::Bytes, 1_073_741_824.0, &[]),
    ("B/s", Dimension::BytesPerSecond, 1.0, &["bytes/s", "byte/s"]),
    ("KB/s", Dimension::BytesPerSecond, 1e3, &["kB/s"]),
    ("MB/s", Dimension::BytesPerSecond, 1e6, &[]),
    ("GB/s", Dimension::BytesPerSecond, 1e9, &[]),
    ("KiB/s", Dimension::BytesPerSecond, 1024.0, &[]),
    ("MiB/s", Dimension::BytesPerSecond, 1_048_576.0, &[]),
    ("GiB/s", Dimension::BytesPerSecond, 1_073_741_824.0, &[]),
    ("1/s", Dimension::PerSecond, 1.0, &["/s", "Hz", "hz"]),
    ("ratio", Dimension::Ratio, 1.0, &["1"]),
    ("%", Dimension::Ratio, 0.01, &["percent"]),
];

impl Unit {
    /// Reads a unit as a tool wrote it: surrounding blanks go, known other spellings become canonical.
    pub fn new(written: &str) -> Self {
        let written = written.trim();
        let known =
            TABLE.iter().find(|(symbol, _, _, others)| *symbol == written || others.contains(&written));
        Self(known.map_or(written, |(symbol, ..)| symbol).to_owned())
    }

    /// Returns the canonical spelling.
    pub fn symbol(&self) -> &str {
        &self.0
    }

    /// Returns what the unit measures, or `None` for a unit this table does not know.
    ///
    /// `elem/s`, `req/s` and the like count things per second; the thing stays part of the symbol.
    pub fn dimension(&self) -> Option<Dimension> {
        self.entry()
            .map(|(_, dimension, ..)| *dimension)
            .or_else(|| self.0.ends_with("/s").then_some(Dimension::PerSecond))
    }

    /// Returns the factor that turns a value in `self` into a value in `to`.
    ///
    /// `None` where that cannot be known: different dimensions, or two different unknown units.
    pub fn factor_to(&self, to: &Unit) -> Option<f64> {
        if self == to {
            return Some(1.0);
        }
        let (_, from_dimension, from_scale, _) = self.entry()?;
        let (_, to_dimension, to_scale, _) = to.entry()?;
        (from_dimension == to_dimension).then(|| snapped(from_scale / to_scale))
    }

    fn entry(&self) -> Option<&'static (&'static str, Dimension, f64, &'static [&'static str])> {
        TABLE.iter().find(|(symbol, ..)| *symbol == self.0)
    }
}

/// Takes the rounding of binary fractions out of a factor: from `us` to `ns` it is 1,000 and not a shade less.
fn snapped(factor: f64) -> f64 {
    let whole = |value: f64| {
        let whole = value.round();
        (whole >= 1.0 && (value - whole).abs() <= whole * 1e-12).then_some(whole)
    };
    whole(factor).or_else(|| whole(factor.recip()).map(f64::recip)).unwrap_or(factor)
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_unit_are_one_unit() {
        for (written, canonical) in [
            ("µs", "us"),
            ("μs", "us"),
            (" seconds ", "s"),
            ("Hz", "1/s"),
            ("bytes", "B"),
            ("widgets", "widgets"),
        ] {
            assert_eq!(Unit::new(written).symbol(), canonical, "{written}");
        }
    }

    #[test]
    fn converts_within_a_dimension_only() {
        for (from, to, factor) in [
            ("ms", "s", Some(1e-3)),
            ("MiB", "B", Some(1_048_576.0)),
            ("elem/s", "elem/s", Some(1.0)),
            ("elem/s", "req/s", None),
            ("ms", "B", None),
            ("widgets", "gadgets", None),
        ] {
            assert_eq!(Unit::new(from).factor_to(&Unit::new(to)), factor, "{from} to {to}");
        }
    }

    #[test]
    fn counts_per_second_have_a_dimension_though_the_thing_is_unknown() {
        assert_eq!(Unit::new("widgets/s").dimension(), Some(Dimension::PerSecond));
        assert_eq!(Unit::new("widgets").dimension(), None);
    }
}
