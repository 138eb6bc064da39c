use super::{History, Series};
use perf_model::median;

/// So many columns a sparkline has at most.
const WIDEST: usize = 24;
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Draws the levels of a series in a line of blocks, each as many commits wide. A blank is a stretch in which nothing
/// was measured here.
pub(super) fn sparkline(series: &Series, history: &History) -> String {
    let length = history.commits.len() - history.from;
    let width = length.min(WIDEST);
    let mut columns = vec![vec![]; width];
    for point in &series.points {
        columns[(point.position - history.from) * width / length].push(point.level);
    }
    let levels: Vec<Option<f64>> =
        columns.iter().map(|levels| (!levels.is_empty()).then(|| median(levels))).collect();
    let known = || levels.iter().flatten().copied();
    let (least, greatest) =
        (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
    let block = |level: Option<f64>| match level {
        None => ' ',
        Some(_) if greatest <= least => BLOCKS[3],
        Some(level) => BLOCKS[(((level - least) / (greatest - least) * 7.0).round() as usize).min(7)],
    };
    levels.into_iter().map(block).collect()
}
