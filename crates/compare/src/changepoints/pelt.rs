/// Cuts `values` so that the squares left over within the pieces plus `penalty` for each cut are smallest.
///
/// Returns the first index of every piece but the first. No piece is shorter than `shortest`. Exact up to the
/// minimum length (PELT: Killick, Fearnhead and Eckley, J. Am. Stat. Assoc. 107, 2012); linear in the number
/// of values where changes are regular, quadratic where there are none.
pub(super) fn cuts(values: &[f64], penalty: f64, shortest: usize) -> Vec<usize> {
    let count = values.len();
    let sums = Sums::of(values);
    let mut best = vec![f64::INFINITY; count + 1];
    let mut last = vec![0; count + 1];
    let mut starts = Starts::default();
    best[0] = -penalty;
    for end in shortest..=count {
        let start = end - shortest;
        if start == 0 || start >= shortest {
            starts.add(start, best[start], &sums);
        }
        let (cost, start) = starts.cheapest(end, &sums);
        best[end] = cost + penalty;
        last[end] = start;
        // Pruning costs as much as a search; what is pruned a little later does no harm.
        if end % 8 == 0 {
            starts.keep_up_to(best[end]);
        }
    }
    let mut cuts: Vec<usize> = std::iter::successors(Some(last[count]), |&end| Some(last[end]))
        .take_while(|&start| start > 0)
        .collect();
    cuts.reverse();
    cuts
}

/// Running sums of the values and of their squares; the squares left over in any piece follow from four of
/// them.
struct Sums {
    values: Vec<f64>,
    squares: Vec<f64>,
}

impl Sums {
    fn of(values: &[f64]) -> Self {
        // Around the first value, so that squares of large numbers do not drown the differences.
        let origin = values.first().copied().unwrap_or(0.0);
        let running = |term: fn(f64) -> f64| {
            let sums = values.iter().scan(0.0, |sum, value| {
                *sum += term(value - origin);
                Some(*sum)
            });
            std::iter::once(0.0).chain(sums).collect()
        };
        Self { values: running(|value| value), squares: running(|value| value * value) }
    }
}

/// Where the last piece may start, in columns, so that the search is a plain loop over numbers.
#[derive(Default)]
struct Starts {
    indices: Vec<usize>,
    positions: Vec<f64>,
    /// The cost of everything before the start, less the squares before it.
    offsets: Vec<f64>,
    sums: Vec<f64>,
    costs: Vec<f64>,
}

impl Starts {
    fn add(&mut self, start: usize, cost: f64, sums: &Sums) {
        self.indices.push(start);
        self.positions.push(start as f64);
        self.offsets.push(cost - sums.squares[start]);
        self.sums.push(sums.values[start]);
    }

    /// Returns the lowest cost of all values before `end`, and where its last piece starts.
    fn cheapest(&mut self, end: usize, sums: &Sums) -> (f64, usize) {
        let (length, sum, squares) = (end as f64, sums.values[end], sums.squares[end]);
        let columns = self.offsets.iter().zip(&self.sums).zip(&self.positions);
        self.costs.clear();
        self.costs.extend(columns.map(|((offset, before), start)| {
            let inside = sum - before;
            offset + squares - inside * inside / (length - start)
        }));
        let lowest = lowest(&self.costs);
        let index = self.costs.iter().position(|cost| *cost == lowest).expect("the lowest is one of them");
        (lowest, self.indices[index])
    }

    /// Forgets the starts that can never be best again: those that now cost more than `most`.
    fn keep_up_to(&mut self, most: f64) {
        let mut kept = 0;
        for index in 0..self.indices.len() {
            if self.costs[index] <= most {
                self.indices[kept] = self.indices[index];
                self.positions[kept] = self.positions[index];
                self.offsets[kept] = self.offsets[index];
                self.sums[kept] = self.sums[index];
                kept += 1;
            }
        }
        self.indices.truncate(kept);
        self.positions.truncate(kept);
        self.offsets.truncate(kept);
        self.sums.truncate(kept);
    }
}

/// Returns the lowest of the costs, which are never `NaN`. Eight at a time, which the compiler turns into
/// vectors.
fn lowest(costs: &[f64]) -> f64 {
    const LANES: usize = 8;
    let lower = |a: f64, b: f64| if a < b { a } else { b };
    let (chunks, rest) = costs.as_chunks::<LANES>();
    let lanes = chunks.iter().fold([f64::INFINITY; LANES], |lanes, chunk| {
        std::array::from_fn(|lane| lower(lanes[lane], chunk[lane]))
    });
    lanes.iter().chain(rest).copied().fold(f64::INFINITY, lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(values: &[f64], cuts: &[usize], penalty: f64) -> f64 {
        let ends: Vec<usize> = cuts.iter().copied().chain([values.len()]).collect();
        let mut start = 0;
        let mut total = penalty * cuts.len() as f64;
        for end in ends {
            total += crate::statistics::order::scatter(&values[start..end]);
            start = end;
        }
        total
    }

    #[test]
    fn no_other_two_cuts_cost_less() {
        let values: Vec<f64> =
            (0..24).map(|i| f64::from(i * 7 % 5) + if i > 9 { 6.0 } else { 0.0 }).collect();
        let found = cuts(&values, 10.0, 2);
        let lowest = cost(&values, &found, 10.0);
        for first in 2..21 {
            assert!(lowest <= cost(&values, &[first], 10.0) + 1e-9, "{found:?} against {first}");
            for second in first + 2..23 {
                assert!(
                    lowest <= cost(&values, &[first, second], 10.0) + 1e-9,
                    "{found:?}, {first}, {second}"
                );
            }
        }
        assert_eq!(found, [10]);
    }
}
