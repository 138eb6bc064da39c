//! How often sessions of measuring in turns err: `session-rates [SESSIONS] [TABLE ...]` prints the tables of
//! `docs/measuring.md`: `ends`, `alarms`, `found`, `single`, `confirm`.
//!
//! No suites are run: the noise is made up, seeded, and passed through the very rules that `perf` uses.

#![expect(clippy::print_stdout, reason = "a program, not a library")]

mod noise;
mod rates;
mod session;

use std::error::Error;

use fastrand::Rng;
use perf_compare::{FIRST_ROUNDS, MOST_ROUNDS};

use self::noise::Noise;
use self::rates::{Confirmed, Rates, confirmed, rates};
use self::session::Session;

/// Limits as small as this leave everything to the statistics.
const NO_LIMIT: f64 = 0.001;
/// The warn limit of `scripts/measure-check`.
const WARN: f64 = 0.05;

/// How many times slower a machine is at most on which others work as well.
const BUSY: f64 = 2.0;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let sessions: u32 = arguments.next().map_or(Ok(2_000), |count| count.parse())?;
    let named: Vec<String> = arguments.collect();
    for (name, table) in [
        ("ends", ends_table as fn(u32)),
        ("alarms", alarms),
        ("found", found),
        ("single", single),
        ("busy", busy),
        ("confirm", confirm),
    ] {
        if named.is_empty() || named.iter().any(|it| it == name) {
            table(sessions);
        }
    }
    Ok(())
}

fn ends_table(sessions: u32) {
    println!("The ends of a bisection, {} sessions each:\n", 20 * sessions);
    println!("| noise, 5 % | nothing changed | +5 % | +15 % | rounds for +15 % |\n|---|---|---|---|---|");
    for noise in Noise::ALL {
        let rate = |change: f64| ends(noise, change, 20 * sessions);
        let (none, small, large) = (rate(0.0), rate(0.05), rate(0.15));
        let (none, small) = (percent(none.0), tenth(small.0));
        println!("| {} | {none} | {small} | {} | {:.1} |", noise.words(), tenth(large.0), large.1);
    }
}

fn alarms(sessions: u32) {
    println!("\nSessions of 2 to 5 rounds, any alarm where nothing changed, {sessions} sessions each:\n");
    println!("| noise, 20 % | series | warned | failed | refused |\n|---|---|---|---|---|");
    for noise in Noise::ALL {
        for (series, only) in [(1, true), (50, false), (50, true)] {
            let session = Session { series, only, ..Session::of(noise, 0.2) };
            let Rates { warned, failed, refused, .. } = rates(session, NO_LIMIT, sessions);
            let one_by_one = if series > 1 && only { ", one by one" } else { "" };
            let (warned, failed, refused) = (tenth(warned), tenth(failed), tenth(refused));
            println!("| {} | {series}{one_by_one} | {warned} | {failed} | {refused} |", noise.words());
        }
    }
}

fn found(sessions: u32) {
    println!(
        "\nOne bench of 50 at 2 % noise, the machine up to 5 % slower in every run, {sessions} sessions each:\n"
    );
    println!("| noise | rounds | false warning | false failure | refused | +10 % found | +30 % found |");
    println!("|---|---|---|---|---|---|---|");
    let of = Session { wander: WARN, ..Session::of(Noise::Outliers, 0.02) };
    let fixed = (FIRST_ROUNDS..=MOST_ROUNDS).map(|rounds| Session { rounds: (rounds, rounds), ..of });
    let each = Noise::ALL.map(|noise| Session { noise, ..of });
    for session in fixed.chain(each) {
        let none = rates(session, NO_LIMIT, sessions);
        let found = |change: f64| rates(Session { change: change.ln_1p(), ..session }, WARN, sessions);
        let (small, large) = (found(0.10), found(0.30));
        let rounds = match session.rounds {
            (FIRST_ROUNDS, MOST_ROUNDS) => "2 to 5".to_owned(),
            (rounds, _) => rounds.to_string(),
        };
        let cells =
            [none.warned, none.failed, small.refused, small.found, large.found].map(tenth).join(" | ");
        println!("| {} | {rounds} | {cells} |", session.noise.words());
    }
}

fn single(sessions: u32) {
    println!("\nOne round, one bench of the suite 30 % slower, {sessions} sessions each:\n");
    println!("| noise | series | warned | refused | +30 % found |");
    println!("|---|---|---|---|---|");
    for noise in Noise::ALL {
        for (series, uneven) in [(1, 0.0), (5, 0.0), (12, 0.0), (50, 0.0), (50, 0.5)] {
            let of = Session { wander: WARN, uneven, series, rounds: (1, 1), ..Session::of(noise, 0.02) };
            let none = rates(of, WARN, sessions);
            let large = rates(Session { change: 0.30_f64.ln_1p(), ..of }, WARN, sessions);
            let unlike = if uneven > 0.0 { ", unlike" } else { "" };
            let cells = [none.warned, none.refused, large.found].map(tenth).join(" | ");
            println!("| {} | {series}{unlike} | {cells} |", noise.words());
        }
    }
}

fn busy(sessions: u32) {
    println!("\nA machine that is up to {BUSY} times slower in every run, {sessions} sessions each:\n");
    println!("| noise | series | hit | rounds | warned | failed | refused | +30 % found |");
    println!("|---|---|---|---|---|---|---|---|");
    for noise in [Noise::Outliers, Noise::Heavy] {
        for (series, unlike) in [(6, 0.0), (6, 0.5), (6, 1.0), (50, 0.0), (50, 0.5), (50, 1.0)] {
            for rounds in [(FIRST_ROUNDS, FIRST_ROUNDS), (FIRST_ROUNDS, MOST_ROUNDS)] {
                let of = Session { wander: BUSY.ln(), unlike, series, rounds, ..Session::of(noise, 0.02) };
                let none = rates(of, WARN, sessions);
                let large = rates(Session { change: 0.30_f64.ln_1p(), ..of }, WARN, sessions);
                let cells = [none.warned, none.failed, none.refused, large.found].map(tenth).join(" | ");
                println!("| {} | {series} | {unlike} | {} | {cells} |", noise.words(), rounds.1);
            }
        }
    }
}

fn confirm(sessions: u32) {
    println!("\n`--confirm` of alarms in a suite of 50 at 2 % noise, {sessions} sessions each:\n");
    println!("| noise | alarms | repeated by chance | failed by chance | +10 % | +30 % | rounds | refused |");
    println!("|---|---|---|---|---|---|---|---|");
    for noise in Noise::ALL {
        for (alarms, only) in [(1, true), (1, false), (5, true)] {
            let session = Session { only, wander: WARN, ..Session::of(noise, 0.02) };
            let of = |change: f64, warn| {
                let session = Session { change: change.ln_1p(), ..session };
                confirmed(session, alarms, warn, sessions)
            };
            let (none, small, large) = (of(0.0, NO_LIMIT), of(0.10, WARN), of(0.30, WARN));
            let Confirmed { repeated, failed, .. } = none;
            let rounds = [none.rounds, small.rounds, large.rounds].map(|it| format!("{it:.1}")).join(", ");
            let how = if only { "" } else { ", the whole suite" };
            let cells = [repeated, failed, small.repeated, large.repeated].map(tenth).join(" | ");
            println!("| {} | {alarms}{how} | {cells} | {rounds} | {} |", noise.words(), tenth(small.refused));
        }
    }
}

fn tenth(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// Returns the share of sessions whose ends are said to differ, and how many rounds it takes on average.
fn ends(noise: Noise, change: f64, sessions: u32) -> (f64, f64) {
    let mut rng = Rng::with_seed(7);
    let session = Session { series: 1, change: change.ln_1p(), ..Session::of(noise, 0.05) };
    let found: Vec<u32> = (0..sessions).filter_map(|_| session.ends(&mut rng)).collect();
    let rounds = f64::from(found.iter().sum::<u32>()) / found.len().max(1) as f64;
    (found.len() as f64 / f64::from(sessions), rounds)
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

    #[test]
    fn one_bench_of_fifty_that_became_slower_is_found_and_little_else() {
        let of = Session { wander: WARN, ..Session::of(Noise::Outliers, 0.02) };
        let slower = rates(Session { change: 0.10_f64.ln_1p(), ..of }, WARN, 200);
        assert!(slower.found >= 0.95, "found in {}", slower.found);
        let same = rates(of, NO_LIMIT, 200);
        assert!(same.warned <= 0.10 && same.failed <= 0.03, "{} warned, {} failed", same.warned, same.failed);
    }
}
