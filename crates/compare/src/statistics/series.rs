use perf_model::{Better, Kind};

use super::level::Level;
use crate::policy::Limits;

/// Everything known of one series when it is judged. All levels are in one unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Which way is better.
    pub better: Better,
    /// What sort of number it is, which decides how it is judged.
    pub kind: Kind,
    /// What decides.
    pub judge: Judge,
    /// From which relative change on it warns and fails.
    pub limits: Limits,
    /// From which difference on it warns and fails, in the metric's unit. Where given, differences are judged,
    /// not ratios: the only way to judge a value that may be zero.
    pub absolute: Option<Limits>,
    /// The base's runs.
    pub base: Runs,
    /// The base's other runs of the same rounds, where base and head were measured in turns and the base against
    /// itself as well: entry `i` belongs to run `i` of the base. Empty where there are none.
    pub again: Runs,
    /// The head's runs.
    pub head: Runs,
    /// Earlier baselines of the same environment, oldest first; the newest thirty are used.
    pub history: Vec<Runs>,
}

impl Series {
    /// Returns whether every number of the series has a logarithm.
    pub(crate) fn has_ratios(&self) -> bool {
        let mut levels = self.history.iter().chain([&self.base, &self.again, &self.head]).flatten().flatten();
        levels.all(|level| level.middle > 0.0)
    }
}

/// The runs of one commit, in the order in which they were taken; `None` where a run did not measure the
/// series. Entry `i` must be the same run in every series; of lists of different lengths the ends align.
pub type Runs = Vec<Option<Level>>;

/// What decides on a series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Judge {
    /// The noise, then the limits: a change must be real *and* large.
    #[default]
    Noise,
    /// The limits alone: the reported change decides, whatever the noise.
    Limits,
}
