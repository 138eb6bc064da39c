//! How often sessions of measuring in turns err: `session-rates [SESSIONS]` prints the tables of `docs/measuring.md`.
//!
//! No suites are run: the noise is made up, seeded, and passed through the very rules that `perf` uses.

#![expect(clippy::print_stdout, reason = "a program, not a library")]

mod noise;
mod session;

use std::error::Error;

use fastrand::Rng;
use perf_compare::{Limits, Policy, Verdict};

use self::noise::Noise;
use self::session::Session;

fn main() -> Result<(), Box<dyn Error>> {
    let sessions: u32 = std::env::args().nth(1).map_or(Ok(2_000), |count| count.parse())?;
    println!("The ends of a bisection, {} sessions each:\n", 20 * sessions);
    println!("| noise, 5 % | nothing changed | +5 % | +15 % | rounds for +15 % |\n|---|---|---|---|---|");
    for noise in Noise::ALL {
        let rate = |change: f64| ends(noise, change, 20 * sessions);
        let (none, small, large) = (rate(0.0), rate(0.05), rate(0.15));
        println!(
            "| {} | {:.2} % | {:.1} % | {:.1} % | {:.1} |",
            noise.words(),
            100.0 * none.0,
            100.0 * small.0,
            100.0 * large.0,
            large.1
        );
    }
    println!("\nSessions of 2 to 5 rounds, any alarm where nothing changed, {sessions} sessions each:\n");
    println!("| noise, 20 % | series | warned | failed | refused |\n|---|---|---|---|---|");
    for noise in Noise::ALL {
        for (series, only) in [(1, true), (50, false), (50, true)] {
            let session = Session { noise, sd: 0.2, series, change: 0.0, only };
            let Rates { warned, failed, refused } = rates(session, sessions);
            let one_by_one = if series > 1 && only { ", one by one" } else { "" };
            println!(
                "| {} | {series}{one_by_one} | {:.1} % | {:.1} % | {:.1} % |",
                noise.words(),
                100.0 * warned,
                100.0 * failed,
                100.0 * refused
            );
        }
    }
    Ok(())
}

/// Returns the share of sessions whose ends are said to differ, and how many rounds it takes on average.
fn ends(noise: Noise, change: f64, sessions: u32) -> (f64, f64) {
    let mut rng = Rng::with_seed(7);
    let session = Session { noise, sd: 0.05, series: 1, change: change.ln_1p(), only: true };
    let found: Vec<u32> = (0..sessions).filter_map(|_| session.ends(&mut rng)).collect();
    let rounds = f64::from(found.iter().sum::<u32>()) / found.len().max(1) as f64;
    (found.len() as f64 / f64::from(sessions), rounds)
}

/// The shares of sessions with any alarm, with any failure, and of those refused.
struct Rates {
    warned: f64,
    failed: f64,
    refused: f64,
}

fn rates(session: Session, sessions: u32) -> Rates {
    // Limits as small as these leave everything to the statistics.
    let policy = Policy { limits: Limits { warn: 0.001, fail: 0.001 }, ..Policy::default() };
    let mut rng = Rng::with_seed(7);
    let (mut warned, mut failed, mut refused) = (0, 0, 0);
    for _ in 0..sessions {
        let Some(found) = session.judged(&policy, &mut rng) else {
            refused += 1;
            continue;
        };
        let has = |verdict| found.judged.iter().any(|row| row.finding.verdict == verdict);
        failed += u32::from(has(Verdict::Regressed));
        warned += u32::from(has(Verdict::Slower) || has(Verdict::Regressed));
    }
    let share = |count: u32| f64::from(count) / f64::from(sessions);
    Rates { warned: share(warned), failed: share(failed), refused: share(refused) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_that_do_not_differ_are_said_to_in_one_of_a_hundred_searches_at_most() {
        for noise in Noise::ALL {
            let (rate, _) = ends(noise, 0.0, 20_000);
            assert!(rate <= perf_compare::CHANCE, "{noise:?}: {rate}");
        }
    }

    #[test]
    fn a_change_of_three_times_the_noise_of_the_ends_is_seen() {
        let (rate, rounds) = ends(Noise::Outliers, 0.15, 1_000);
        assert!(rate > 0.98 && rounds < 10.0, "{rate}, {rounds} rounds");
    }
}
