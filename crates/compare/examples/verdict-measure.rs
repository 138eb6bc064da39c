//! Measures sixteen small programs once and prints one line of JSON: the raw material of `verdict-score`.
//!
//! Usage: `verdict-measure KIND ROUND`, where `KIND` is `A` (as it is) or `S` and a percentage (`S5` does 5 %
//! more work). One process is one run. `scripts/verdict-measure` calls it round by round.

#![expect(clippy::print_stdout, reason = "a program, not a library")]

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::mpsc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use fastrand::Rng;
use perf_compare::statistics::{Judge, Level, Series, Settings, judge};
use perf_compare::{Limits, change_points};
use perf_model::{Better, Kind};

/// How often a program does its piece of work for one sample, before any extra work: 1 % is two pieces.
const PIECES: usize = 200;
const SAMPLES: usize = 9;

type Work = Box<dyn FnMut()>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let kind = arguments.next().ok_or("which kind of run? `A`, `S5`, `S10`, ...")?;
    let round: u32 = arguments.next().ok_or("which round?")?.parse()?;
    let percent = match kind.strip_prefix('S') {
        Some(percent) => percent.parse()?,
        None => 0,
    };
    let pieces = PIECES * (100 + percent) / 100;
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Option<f64> = load.split(' ').next().and_then(|load| load.parse().ok());
    let times: BTreeMap<&str, Vec<f64>> =
        programs().into_iter().map(|(name, mut work)| (name, sampled(&mut work, pieces))).collect();
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let line = serde_json::json!({ "kind": kind, "round": round, "t": seconds, "load": load, "b": times });
    println!("{line}");
    Ok(())
}

/// Returns the time of `pieces` pieces of work in microseconds, to four digits, several times over.
fn sampled(work: &mut Work, pieces: usize) -> Vec<f64> {
    (0..=SAMPLES).map(|_| timed(work, pieces)).skip(1).collect()
}

fn timed(work: &mut Work, pieces: usize) -> f64 {
    let start = Instant::now();
    for _ in 0..pieces {
        work();
    }
    let micros = start.elapsed().as_secs_f64() * 1e6;
    let unit = 10_f64.powf(micros.log10().floor() - 3.0);
    // Through text, so that the quotient is the shortest number that reads back the same.
    format!("{:.3}", (micros / unit).round() * unit).parse().unwrap_or(micros)
}

fn programs() -> Vec<(&'static str, Work)> {
    let mut all = vec![];
    all.extend(collections());
    all.extend(texts());
    all.extend(numbers());
    all.extend(memory());
    all
}

fn values(count: usize) -> Vec<f64> {
    let mut rng = Rng::with_seed(7);
    (0..count).map(|_| 100.0 + rng.f64()).collect()
}

fn collections() -> [(&'static str, Work); 4] {
    let unsorted = values(300);
    let keys: Vec<u64> = {
        let mut rng = Rng::with_seed(8);
        (0..200).map(|_| rng.u64(..)).collect()
    };
    let (tree_keys, hash_keys) = (keys.clone(), keys);
    [
        (
            "sort",
            work(move || {
                let mut sorted = unsorted.clone();
                sorted.sort_by(f64::total_cmp);
                sorted
            }),
        ),
        ("tree", work(move || tree_keys.iter().map(|key| (*key, !key)).collect::<BTreeMap<_, _>>())),
        ("hash", work(move || hash_keys.iter().map(|key| (*key, !key)).collect::<HashMap<_, _>>())),
        ("boxes", work(|| (0..200_u64).map(Box::new).collect::<Vec<_>>())),
    ]
}

fn texts() -> [(&'static str, Work); 4] {
    let numbers = values(60);
    let text: Vec<String> = values(150).iter().map(f64::to_string).collect();
    let json = serde_json::json!({ "values": values(80), "name": "one of many" }).to_string();
    let haystack = "the quick brown fox jumps over the lazy dog ".repeat(200);
    [
        (
            "format",
            work(move || {
                numbers.iter().fold(String::new(), |mut text, number| {
                    write!(text, "{number} ").expect("writing to a string never fails");
                    text
                })
            }),
        ),
        ("parse", work(move || text.iter().flat_map(|number| number.parse::<f64>()).sum::<f64>())),
        ("json", work(move || serde_json::from_str::<serde_json::Value>(&json).ok())),
        ("search", work(move || haystack.matches(black_box("lazier")).count())),
    ]
}

fn numbers() -> [(&'static str, Work); 4] {
    let series: Vec<Series> = (0..8).map(series).collect();
    let history = values(60);
    let matrix = values(24 * 24);
    [
        ("judge", work(move || judge(&series, &Settings::default()))),
        ("changes", work(move || change_points(&history))),
        ("matrix", work(move || multiplied(&matrix, 24))),
        ("primes", work(|| primes(3_000))),
    ]
}

fn memory() -> [(&'static str, Work); 4] {
    let chain = chain(1 << 20);
    let (mut place, wide) = (0, values(1 << 19));
    let mut from = 0;
    let (ask, asked) = mpsc::channel::<u64>();
    let (answer, answered) = mpsc::channel::<u64>();
    std::thread::spawn(move || asked.iter().try_for_each(|number| answer.send(number + 1)));
    let file = std::env::current_exe().unwrap_or_default();
    [
        (
            "chase",
            work(move || {
                (0..150).for_each(|_| place = chain[place] as usize);
                place
            }),
        ),
        (
            "stream",
            work(move || {
                from = (from + 8_192) % wide.len();
                wide[from..from + 8_192].iter().sum::<f64>()
            }),
        ),
        ("thread", work(move || ask.send(1).ok().and_then(|()| answered.recv().ok()))),
        ("file", work(move || std::fs::metadata(&file).map(|found| found.len()).ok())),
    ]
}

fn work<T>(mut step: impl FnMut() -> T + 'static) -> Work {
    Box::new(move || {
        black_box(step());
    })
}

fn series(seed: u64) -> Series {
    let mut rng = Rng::with_seed(seed);
    let mut runs = |count: usize| -> Vec<_> {
        let level = |middle| Some(Level { middle, best: None, spread: None });
        (0..count).map(|_| level(100.0 + rng.f64())).collect()
    };
    Series {
        better: Better::Lower,
        kind: Kind::Time,
        judge: Judge::Noise,
        limits: Limits::default(),
        absolute: None,
        base: runs(3),
        again: vec![],
        head: runs(3),
        history: (0..10).map(|_| runs(1)).collect(),
    }
}

fn multiplied(matrix: &[f64], side: usize) -> Vec<f64> {
    let cell = |row: usize, column: usize| -> f64 {
        (0..side).map(|k| matrix[row * side + k] * matrix[k * side + column]).sum()
    };
    (0..side * side).map(|index| cell(index / side, index % side)).collect()
}

fn primes(below: usize) -> usize {
    let mut composite = vec![false; below];
    for factor in 2..below {
        if !composite[factor] {
            (factor * factor..below).step_by(factor).for_each(|multiple| composite[multiple] = true);
        }
    }
    composite.iter().skip(2).filter(|composite| !**composite).count()
}

/// Returns a list in which following `list[i]` visits every entry once, in no order that a cache could guess.
fn chain(count: u32) -> Vec<u32> {
    let mut order: Vec<u32> = (1..count).collect();
    Rng::with_seed(9).shuffle(&mut order);
    let mut list = vec![0; count as usize];
    let mut place = 0;
    for next in order {
        list[place] = next;
        place = next as usize;
    }
    list
}
