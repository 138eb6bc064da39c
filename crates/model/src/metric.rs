use crate::unit::{Dimension, Unit};

/// Which way a metric gets better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Better {
    /// Smaller values are better: times, sizes, error rates.
    Lower,
    /// Larger values are better: requests per second, throughput.
    Higher,
}

impl Better {
    /// Returns the word used on the command line and in stored records: `lower` or `higher`.
    pub fn word(self) -> &'static str {
        match self {
            Better::Lower => "lower",
            Better::Higher => "higher",
        }
    }

    /// Reads the word that [`Better::word`] writes.
    pub fn from_word(word: &str) -> Option<Self> {
        [Better::Lower, Better::Higher].into_iter().find(|better| better.word() == word)
    }
}

/// What sort of number a metric is, which decides how it may be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A duration.
    Time,
    /// An amount of memory or data.
    Size,
    /// Something per unit of time.
    Rate,
    /// A share, such as an error rate; may be zero.
    Ratio,
    /// A number of things; may be zero.
    Count,
    /// A percentile of a distribution; needs many samples behind it.
    Percentile,
    /// A number that two runs of the same code reproduce exactly, such as an instruction count.
    Exact,
}

const KINDS: [Kind; 7] =
    [Kind::Time, Kind::Size, Kind::Rate, Kind::Ratio, Kind::Count, Kind::Percentile, Kind::Exact];

impl Kind {
    /// Returns the word used in stored records.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Time => "time",
            Kind::Size => "size",
            Kind::Rate => "rate",
            Kind::Ratio => "ratio",
            Kind::Count => "count",
            Kind::Percentile => "percentile",
            Kind::Exact => "exact",
        }
    }

    /// Reads the word that [`Kind::word`] writes.
    pub fn from_word(word: &str) -> Option<Self> {
        KINDS.into_iter().find(|kind| kind.word() == word)
    }

    /// Returns the kind that a unit alone implies; an unknown unit is a count of something.
    pub fn of_unit(unit: &Unit) -> Self {
        match unit.dimension() {
            Some(Dimension::Time) => Kind::Time,
            Some(Dimension::Bytes) => Kind::Size,
            Some(Dimension::BytesPerSecond | Dimension::PerSecond) => Kind::Rate,
            Some(Dimension::Ratio) => Kind::Ratio,
            None => Kind::Count,
        }
    }

    /// Returns the direction that the kind alone implies, or `None` where a person must say.
    pub fn usual_direction(self) -> Option<Better> {
        match self {
            Kind::Time | Kind::Size => Some(Better::Lower),
            Kind::Rate => Some(Better::Higher),
            Kind::Ratio | Kind::Count | Kind::Percentile | Kind::Exact => None,
        }
    }
}

/// What was read off a benchmark: a name, a unit, a direction and a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Such as `time`, `throughput`, `peak-rss`, `p95`.
    pub name: String,
    /// The unit that the readings are in.
    pub unit: Unit,
    /// Which way is better.
    pub better: Better,
    /// What sort of number it is.
    pub kind: Kind,
}

impl Metric {
    /// Returns a duration metric: lower is better.
    pub fn time(name: &str, unit: &str) -> Self {
        Self { name: name.to_owned(), unit: Unit::new(unit), better: Better::Lower, kind: Kind::Time }
    }

    /// Returns a memory or size metric: lower is better.
    pub fn size(name: &str, unit: &str) -> Self {
        Self { name: name.to_owned(), unit: Unit::new(unit), better: Better::Lower, kind: Kind::Size }
    }

    /// Returns a rate metric: higher is better.
    pub fn rate(name: &str, unit: &str) -> Self {
        Self { name: name.to_owned(), unit: Unit::new(unit), better: Better::Higher, kind: Kind::Rate }
    }

    /// Returns a percentile of durations, called `p95` for the rank `95`: lower is better.
    ///
    /// The rank is written as the tool writes it, such as `99.9`.
    pub fn percentile(rank: &str, unit: &str) -> Self {
        let (name, kind) = (format!("p{rank}"), Kind::Percentile);
        Self { name, unit: Unit::new(unit), better: Better::Lower, kind }
    }

    /// Returns a share of failures or misses: lower is better.
    pub fn ratio(name: &str, unit: &str) -> Self {
        Self { name: name.to_owned(), unit: Unit::new(unit), better: Better::Lower, kind: Kind::Ratio }
    }

    /// Returns a number of things that are better fewer, such as allocations.
    pub fn count(name: &str, unit: &str) -> Self {
        Self { name: name.to_owned(), unit: Unit::new(unit), better: Better::Lower, kind: Kind::Count }
    }

    /// Returns a number that two runs of the same code reproduce: lower is better.
    pub fn exact(name: &str, unit: &str) -> Self {
        Self { name: name.to_owned(), unit: Unit::new(unit), better: Better::Lower, kind: Kind::Exact }
    }

    /// Returns which percentile this is, 0 to 100: what follows the last `p` of a percentile's name.
    ///
    /// `None` for a metric of another kind, and for a name that does not end in a rank.
    pub fn rank(&self) -> Option<f64> {
        if self.kind != Kind::Percentile {
            return None;
        }
        let (before, rank) = self.name.rsplit_once('p')?;
        let digits = rank.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let rank = rank.parse().ok().filter(|rank| digits && (0.0..=100.0).contains(rank))?;
        (!before.ends_with(char::is_alphanumeric)).then_some(rank)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        for kind in KINDS {
            assert_eq!(Kind::from_word(kind.word()), Some(kind));
        }
        for better in [Better::Lower, Better::Higher] {
            assert_eq!(Better::from_word(better.word()), Some(better));
        }
        assert_eq!(Kind::from_word("speed"), None);
    }

    #[test]
    fn the_name_of_a_percentile_ends_in_its_rank() {
        let renamed = |name: &str| Metric { name: name.into(), ..Metric::percentile("50", "ms") };
        for (metric, rank) in [
            (Metric::percentile("95", "ms"), Some(95.0)),
            (Metric::percentile("99.9", "ms"), Some(99.9)),
            (renamed("waiting-p50"), Some(50.0)),
            (renamed("p101"), None),
            (renamed("p1e1"), None),
            (renamed("p"), None),
            (renamed("top5"), None),
            (renamed("median"), None),
            (Metric::time("p95", "ms"), None),
        ] {
            assert_eq!(metric.rank(), rank, "{metric:?}");
        }
    }

    #[test]
    fn a_unit_implies_a_kind_and_only_safe_kinds_imply_a_direction() {
        for (unit, kind, direction) in [
            ("ns", Kind::Time, Some(Better::Lower)),
            ("KiB", Kind::Size, Some(Better::Lower)),
            ("req/s", Kind::Rate, Some(Better::Higher)),
            ("%", Kind::Ratio, None),
            ("widgets", Kind::Count, None),
        ] {
            let found = Kind::of_unit(&Unit::new(unit));
            assert_eq!((found, found.usual_direction()), (kind, direction), "{unit}");
        }
    }
}
