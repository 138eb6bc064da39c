//! Finds the changes of level of histories: reads JSON arrays of numbers, one a line, from standard input,
//! and prints one line for each with what was found.

#![expect(clippy::print_stdout, reason = "an example prints its answer")]

use std::error::Error;
use std::io;

use perf_compare::{change_points, possible_change_point};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    for line in io::stdin().lines() {
        let values: Vec<f64> = serde_json::from_str(&line?)?;
        let found = change_points(&values);
        println!(
            "{}",
            json!({
                "indices": found.iter().map(|change| change.index).collect::<Vec<_>>(),
                "changes": found.iter().map(|change| change.change).collect::<Vec<_>>(),
                "possible": possible_change_point(&values).map(|change| change.index),
            })
        );
    }
    Ok(())
}
