/// Returns the q-value of every p-value: the smallest false discovery rate at which it is still a discovery
/// (Benjamini and Hochberg, J. R. Stat. Soc. B 57, 1995).
pub(super) fn q_values(p_values: &[f64]) -> Vec<f64> {
    let count = p_values.len() as f64;
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_unstable_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut q_values = vec![1.0; p_values.len()];
    let mut smallest: f64 = 1.0;
    for (position, &index) in order.iter().enumerate().rev() {
        smallest = smallest.min(p_values[index] * count / (position + 1) as f64);
        q_values[index] = smallest;
    }
    q_values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_q_value_is_p_times_count_over_rank_and_never_above_the_next() {
        // By rank: 0.01 * 4 / 1, 0.02 * 4 / 2, 0.03 * 4 / 3, 0.5 * 4 / 4.
        assert_eq!(q_values(&[0.5, 0.01, 0.03, 0.02]), [0.5, 0.04, 0.04, 0.04]);
        assert_eq!(q_values(&[0.2]), [0.2]);
        assert_eq!(q_values(&[]), [0.0; 0]);
    }
}
