/// The answer for one series, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Better by at least the warn limit.
    Improved,
    /// A change for the worse of the warn limit or more is excluded.
    Unchanged,
    /// Cannot tell.
    Inconclusive,
    /// Worse by at least the warn limit.
    Slower,
    /// Worse by at least the fail limit.
    Regressed,
}

/// Bounds of a change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}
