//! Noise as machines make it: of the runs of a session, in the order in which they are taken.

use fastrand::Rng;

/// How the logarithm of a level moves from run to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noise {
    /// Independent and normal.
    Normal,
    /// The same, but one run in fifty is three times as far out: that of the made-up suites of the tests.
    Outliers,
    /// Independent, with the tails of Student's t at 3 degrees of freedom.
    Heavy,
    /// Each run keeps nine tenths of how far out the last one was.
    Carried,
    /// The machine wanders off: a random walk.
    Walk,
    /// One run in ten begins a burst of three to six runs that are a third slower.
    Bursts,
    /// The machine changes between two speeds, a fifth apart, every fifth run or so.
    Modes,
    /// From a random run on everything is 1.6 times slower.
    Hog,
}

impl Noise {
    pub(crate) const ALL: [Self; 8] = [
        Self::Normal,
        Self::Outliers,
        Self::Heavy,
        Self::Carried,
        Self::Walk,
        Self::Bursts,
        Self::Modes,
        Self::Hog,
    ];

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Outliers => "normal, one run in 50 three times as far out",
            Self::Heavy => "heavy tails (t, 3 df)",
            Self::Carried => "carried over from run to run (0.9)",
            Self::Walk => "a random walk",
            Self::Bursts => "bursts of 3 to 6 slow runs",
            Self::Modes => "two speeds",
            Self::Hog => "a hog from a random run on",
        }
    }

    /// Returns the logarithms of so many runs in a row, where the usual run lies `sd` away from its level.
    pub(crate) fn runs(self, count: usize, sd: f64, rng: &mut Rng) -> Vec<f64> {
        let onset = rng.usize(0..=count);
        let (mut kept, mut burst) = (5.0 * sd * normal(rng), 0);
        let run = |index: usize| match self {
            Self::Normal => sd * normal(rng),
            Self::Outliers => sd * normal(rng) * if rng.f64() < 0.02 { 3.0 } else { 1.0 },
            Self::Heavy => {
                let squares: f64 = (0..3).map(|_| normal(rng).powi(2)).sum();
                sd * normal(rng) / (squares / 3.0).sqrt()
            }
            Self::Carried => {
                kept = 0.9 * kept + 5.0 * sd * 0.19_f64.sqrt() * normal(rng);
                kept + sd / 4.0 * normal(rng)
            }
            Self::Walk => {
                kept += sd * normal(rng);
                kept + sd / 4.0 * normal(rng)
            }
            Self::Bursts => {
                burst = match burst {
                    0 if rng.f64() < 0.1 => rng.usize(3..=6),
                    left => left.saturating_sub(1),
                };
                sd * normal(rng) + if burst > 0 { 0.3 } else { 0.0 }
            }
            Self::Modes => {
                if index == 0 || rng.f64() < 0.2 {
                    kept = if rng.bool() { 0.1 } else { -0.1 };
                }
                kept + sd * normal(rng)
            }
            Self::Hog => sd * normal(rng) + if index >= onset { 0.47 } else { 0.0 },
        };
        (0..count).map(run).collect()
    }
}

/// Returns a standard normal number (Box and Muller, Ann. Math. Stat. 29, 1958).
pub(crate) fn normal(rng: &mut Rng) -> f64 {
    (-2.0 * (1.0 - rng.f64()).ln()).sqrt() * (std::f64::consts::TAU * rng.f64()).cos()
}
