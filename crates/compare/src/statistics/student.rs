//! Student's t distribution: its upper tail and its quantiles.

use std::f64::consts::PI;

/// Returns `P(T > t)` for Student's t with `df` degrees of freedom (`df > 0`, need not be whole).
///
/// Through the regularised incomplete beta function: `I_x(df/2, 1/2) / 2` at `x = df / (df + t^2)`
/// (Abramowitz and Stegun, 26.7.1 and 26.5.27).
pub(crate) fn upper_tail(t: f64, df: f64) -> f64 {
    tails(t, df).upper
}

/// The probabilities of a value above and below some `t`. Neither is computed from the other where it is
/// small.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tails {
    pub(crate) upper: f64,
    pub(crate) lower: f64,
}

/// Returns `P(T > t)` and `P(T < t)`.
pub(crate) fn tails(t: f64, df: f64) -> Tails {
    let small = incomplete_beta(df / 2.0, 0.5, df / (df + t * t)) / 2.0;
    if t >= 0.0 {
        Tails { upper: small, lower: 1.0 - small }
    } else {
        Tails { upper: 1.0 - small, lower: small }
    }
}

/// Returns the `t` with `P(-t < T < t) = share`, for `0 < share < 1`.
pub(crate) fn two_sided_quantile(share: f64, df: f64) -> f64 {
    let tail = (1.0 - share) / 2.0;
    let mut high = 1.0;
    while upper_tail(high, df) > tail {
        high *= 2.0;
    }
    let mut low = 0.0;
    // Sixty halvings leave less than one unit in the last place.
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if upper_tail(middle, df) > tail { low = middle } else { high = middle }
    }
    high
}

/// The regularised incomplete beta function `I_x(a, b)`, by its continued fraction (DLMF 8.17.22), which
/// converges quickly below the mean; above it, `I_x(a, b) = 1 - I_{1-x}(b, a)`.
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let ln_beta = ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    let front = (a * x.ln() + b * (-x).ln_1p() - ln_beta).exp();
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(a, b, x) / a
    } else {
        1.0 - front * beta_fraction(b, a, 1.0 - x) / b
    }
}

/// Evaluates the continued fraction of the incomplete beta function by the modified Lentz algorithm
/// (Thompson and Barnett, J. Comput. Phys. 64, 1986).
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for m in (1..300).map(f64::from) {
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut step = 1.0;
        for coefficient in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + coefficient * d);
            c = away_from_zero(1.0 + coefficient / c);
            step = c * d;
            value *= step;
        }
        if (step - 1.0).abs() < 1e-14 {
            break;
        }
    }
    value
}

/// The logarithm of the gamma function for `x > 0`: Stirling's series (DLMF 5.11.1), after raising the
/// argument to where its first omitted term is below 1e-14.
fn ln_gamma(x: f64) -> f64 {
    let mut product = 1.0;
    let mut z = x;
    while z < 10.0 {
        product *= z;
        z += 1.0;
    }
    let inverse = 1.0 / (z * z);
    let series = [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0, -691.0 / 360_360.0];
    let correction = series.iter().rev().fold(0.0, |sum, term| sum * inverse + term) / z;
    (z - 0.5) * z.ln() - z + 0.5 * (2.0 * PI).ln() + correction - f64::ln(product)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gamma_function_is_a_factorial_and_at_a_half_the_root_of_pi() {
        for (x, gamma) in [(0.5, PI.sqrt()), (1.0, 1.0), (2.0, 1.0), (5.0, 24.0), (12.0, 39_916_800.0)] {
            assert!((ln_gamma(x) - f64::ln(gamma)).abs() < 1e-12, "{x}");
        }
    }

    #[test]
    fn quantiles_agree_with_the_printed_table() {
        // NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, columns 0.95, 0.975 and 0.995.
        for (df, at_90, at_95, at_99) in [
            (1.0, 6.314, 12.706, 63.657),
            (2.0, 2.920, 4.303, 9.925),
            (3.0, 2.353, 3.182, 5.841),
            (5.0, 2.015, 2.571, 4.032),
            (10.0, 1.812, 2.228, 3.169),
            (20.0, 1.725, 2.086, 2.845),
            (100.0, 1.660, 1.984, 2.626),
        ] {
            for (share, expected) in [(0.90, at_90), (0.95, at_95), (0.99, at_99)] {
                let found = two_sided_quantile(share, df);
                assert!((found - expected).abs() < 5.1e-4, "df {df}, {share}: {found}, table {expected}");
            }
        }
    }

    #[test]
    fn tails_agree_with_the_closed_forms() {
        for t in [-30.0, -2.0, -0.1, 0.0, 0.5, 1.0, 7.0, 400.0_f64] {
            let cauchy = 0.5 - t.atan() / PI;
            assert!((upper_tail(t, 1.0) - cauchy).abs() < 1e-13, "df 1, t {t}");
            let two = 0.5 - t / (2.0 * (2.0 + t * t).sqrt());
            assert!((upper_tail(t, 2.0) - two).abs() < 1e-13, "df 2, t {t}");
        }
    }

    #[test]
    fn a_quantile_and_its_tail_undo_each_other() {
        for df in [0.7, 2.0, 4.6, 11.4, 20.0, 63.5] {
            for share in [0.5, 0.95, 0.999] {
                let tail = upper_tail(two_sided_quantile(share, df), df);
                assert!((tail - (1.0 - share) / 2.0).abs() < 1e-12, "df {df}, {share}");
            }
        }
    }
}
