//! Numbers with units, for people.

use std::array::from_fn;

use perf_model::{Dimension, Unit};

/// The unit in which a value is shown; the values of one row share it where they can, so that they can be set
/// against each other at a glance.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scale {
    factor: f64,
    label: Label,
}

/// The unit to show.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Label {
    /// One that this crate knows.
    Known(String),
    /// One that others wrote, as hostile as they are.
    Written(String),
}

const TIMES: &[&str] = &["h", "min", "s", "ms", "us", "ns", "ps"];
const BYTES: &[&str] = &["GiB", "MiB", "KiB", "B"];
const BYTE_RATES: &[&str] = &["GiB/s", "MiB/s", "KiB/s", "B/s"];

/// Rates that are known to carry no prefix yet, so that one may be added.
const PREFIXABLE: &[&str] = &["1/s", "elem/s", "iter/s", "op/s", "ops/s", "req/s"];
const PREFIXES: &[(f64, &str)] = &[(1e12, "T"), (1e9, "G"), (1e6, "M"), (1.0, "")];

const NOT_FINITE: &str = "beyond measure";

impl Scale {
    /// Chooses the scale of each value in `unit`: one for all where each is then easily read, else its own.
    pub(crate) fn each<const N: usize>(unit: &Unit, values: [f64; N]) -> [Self; N] {
        match Self::shared(unit, &values) {
            Some(scale) => from_fn(|_| scale.clone()),
            None => values.map(|value| Self::of(unit, value)),
        }
    }

    /// Returns the number to show for a value, without its unit.
    pub(crate) fn number(&self, value: f64) -> String {
        number(value * self.factor)
    }

    /// Returns what a value is multiplied by.
    pub(crate) fn factor(&self) -> f64 {
        self.factor
    }

    /// Returns the unit to show.
    pub(crate) fn label(&self) -> &Label {
        &self.label
    }

    /// Climbs down from the first unit in which the largest value is at least one to the first in which the
    /// smallest needs no power of ten.
    fn shared(unit: &Unit, values: &[f64]) -> Option<Self> {
        let sizes = values.iter().map(|value| value.abs()).filter(|size| *size > 0.0);
        let (smallest, largest) =
            sizes.fold((f64::INFINITY, 0.0_f64), |(low, high), size| (low.min(size), high.max(size)));
        let mut units =
            Self::units(unit).into_iter().skip_while(|scale| largest * scale.factor < 1.0).enumerate();
        let fits = |(climbed, scale): &(usize, Self)| {
            smallest * scale.factor >= TINY && (*climbed == 0 || largest * scale.factor < WIDEST)
        };
        units.find(fits).map(|(_, scale)| scale)
    }

    /// Climbs down to the first unit in which a value is at least one.
    fn of(unit: &Unit, value: f64) -> Self {
        let mut units = Self::units(unit);
        let fitting = units.iter().position(|scale| value.abs() * scale.factor >= 1.0);
        match fitting {
            _ if value == 0.0 => Self::unscaled(unit),
            Some(position) => units.swap_remove(position),
            None => units.pop().unwrap_or_else(|| Self::unscaled(unit)),
        }
    }

    /// Returns the units in which a value may be shown, the largest first.
    fn units(unit: &Unit) -> Vec<Self> {
        let ladder = match unit.dimension() {
            Some(Dimension::Time) => TIMES,
            Some(Dimension::Bytes) => BYTES,
            Some(Dimension::BytesPerSecond) => BYTE_RATES,
            Some(Dimension::PerSecond) => return Self::per_second(unit),
            Some(Dimension::Ratio) | None => return vec![Self::unscaled(unit)],
        };
        let scale = |symbol: &&str| {
            let factor = unit.factor_to(&Unit::new(symbol))?;
            Some(Self { factor, label: Label::Known((*symbol).to_owned()) })
        };
        ladder.iter().filter_map(scale).collect()
    }

    fn per_second(unit: &Unit) -> Vec<Self> {
        if !PREFIXABLE.contains(&unit.symbol()) {
            return vec![Self { factor: 1.0, label: Label::Written(unit.symbol().to_owned()) }];
        }
        let thing = unit.symbol().strip_prefix('1').unwrap_or(unit.symbol());
        let scale = |(size, prefix): &(f64, &str)| Self {
            factor: size.recip(),
            label: Label::Known(format!("{prefix}{thing}")),
        };
        PREFIXES.iter().map(scale).collect()
    }

    fn unscaled(unit: &Unit) -> Self {
        let symbol = unit.symbol().to_owned();
        let label = if unit.dimension().is_some() { Label::Known(symbol) } else { Label::Written(symbol) };
        Self { factor: 1.0, label }
    }
}

/// Returns a relative change with its sign: `+12.3 %`.
pub fn percent(relative: f64) -> String {
    match share(relative) {
        unsigned if relative > 0.0 && unsigned != "0 %" && relative.is_finite() => format!("+{unsigned}"),
        other => other,
    }
}

/// Returns a share or a limit: `12.3 %`.
pub(crate) fn share(relative: f64) -> String {
    let percent = relative * 100.0;
    let decimals = match percent.abs() {
        small if small < 1.0 => 2,
        medium if medium < 100.0 => 1,
        _ => 0,
    };
    match percent {
        _ if !percent.is_finite() => NOT_FINITE.to_owned(),
        _ if percent.abs() >= HUGE => format!("{percent:.3e} %"),
        _ if percent.abs() < 0.005 => "0 %".to_owned(),
        _ => format!("{} %", grouped(&format!("{percent:.decimals$}"))),
    }
}

/// Returns a limit as its author wrote it: `25 %`, `12.5 %`.
pub(crate) fn limit(relative: f64) -> String {
    share(relative).replace(".0 %", " %")
}

/// Returns a limit as an option takes it, so that reading it gives the very same number: `7%`.
pub(crate) fn exact_percent(relative: f64) -> String {
    let percent = relative * 100.0;
    let reads_back = |digits: &String| digits.parse::<f64>().is_ok_and(|read| read / 100.0 == relative);
    let shortest = (0..=MOST_DECIMALS).map(|decimals| format!("{percent:.decimals$}")).find(reads_back);
    format!("{}%", shortest.unwrap_or_else(|| percent.to_string()))
}

/// More than any limit needs that a person wrote.
const MOST_DECIMALS: usize = 17;

/// A larger number is easier to read in a larger unit, even where the value beside it then has another.
const WIDEST: f64 = 1e6;

/// From here on numbers are shown in powers of ten.
const HUGE: f64 = 1e15;
const TINY: f64 = 1e-4;

/// Returns a count with commas between its thousands.
pub(crate) fn counted(count: usize) -> String {
    number(count as f64)
}

/// Returns how many things there are, with their name in the singular or the plural.
pub(crate) fn things(count: usize, thing: &str) -> String {
    format!("{} {thing}{}", counted(count), if count == 1 { "" } else { "s" })
}

/// Returns a number in at least four significant digits; whole digits are never rounded away.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        _ if !value.is_finite() => NOT_FINITE.to_owned(),
        0.0 => "0".to_owned(),
        size if !(TINY..HUGE).contains(&size) => format!("{value:.3e}"),
        _ if value.fract() == 0.0 => grouped(&format!("{value:.0}")),
        size => {
            let decimals = (3 - size.log10().floor() as i32).max(0) as usize;
            grouped(&format!("{value:.decimals$}"))
        }
    }
}

/// Sets a comma between the thousands of a decimal number.
fn grouped(digits: &str) -> String {
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let (sign, whole) = whole.split_at(usize::from(whole.starts_with('-')));
    let mut grouped = sign.to_owned();
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + fraction
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_sides_share_a_unit_in_which_each_is_easily_read() {
        for (unit, before, after, expected) in [
            ("ns", 1_204_000.0, 1_615_400.0, ["1.204 ms", "1.615 ms"]),
            ("ns", 980.0, 1_100.0, ["0.9800 us", "1.100 us"]),
            ("ns", 0.0, 0.0, ["0 ns", "0 ns"]),
            ("s", 90.0, 45.0, ["1.500 min", "0.7500 min"]),
            ("s", 7_200.0, 1e-10, ["2 h", "100 ps"]),
            ("s", 3_600.0, 0.0999, ["60 min", "0.001665 min"]),
            ("s", 0.0999, 3_600.0, ["0.001665 min", "60 min"]),
            ("s", 3_600.0, 0.0, ["1 h", "0 h"]),
            ("ns", 1e-6, 2e-6, ["0.001000 ps", "0.002000 ps"]),
            ("elem/s", 5e12, 3.0, ["5 Telem/s", "3 elem/s"]),
            ("ps", 0.25, 0.5, ["0.2500 ps", "0.5000 ps"]),
            ("B", 1_048_576.0, 1_572_864.0, ["1 MiB", "1.500 MiB"]),
            ("KB", 1.0, 2.0, ["0.9766 KiB", "1.953 KiB"]),
            ("MB/s", 100.0, 50.0, ["95.37 MiB/s", "47.68 MiB/s"]),
            ("elem/s", 29_960_000.0, 1_000.0, ["29.96 Melem/s", "0.001000 Melem/s"]),
            ("req/s", 12_345.678, 999.5, ["12,346 req/s", "999.5 req/s"]),
            ("1/s", 12.5, 3.0, ["12.50 /s", "3 /s"]),
            ("Mwidgets/s", 5e6, 1.0, ["5,000,000 Mwidgets/s", "1 Mwidgets/s"]),
            ("instructions", 1_234_567.0, 1_234_568.0, ["1,234,567 instructions", "1,234,568 instructions"]),
            ("ratio", 0.1, -0.25, ["0.1000 ratio", "-0.2500 ratio"]),
            ("%", 0.1, 12.0, ["0.1000 %", "12 %"]),
        ] {
            let scales = Scale::each(&Unit::new(unit), [before, after]);
            let shown = [(&scales[0], before), (&scales[1], after)].map(|(scale, value)| {
                let (Label::Known(label) | Label::Written(label)) = scale.label();
                format!("{} {label}", scale.number(value))
            });
            assert_eq!(shown, expected, "{unit} {before} {after}");
        }
    }

    #[test]
    fn a_change_has_a_sign_and_sensible_digits() {
        for (relative, expected) in [
            (0.123, "+12.3 %"),
            (-0.0004, "-0.04 %"),
            (0.341_2, "+34.1 %"),
            (1.5, "+150 %"),
            (123.456, "+12,346 %"),
            (-0.999_9, "-100.0 %"),
            (0.0, "0 %"),
            (-1e-9, "0 %"),
            (1e20, "+1.000e22 %"),
            (f64::INFINITY, "beyond measure"),
            (f64::NAN, "beyond measure"),
        ] {
            assert_eq!(percent(relative), expected, "{relative}");
        }
    }

    #[test]
    fn limits_look_as_they_were_written() {
        for (relative, expected) in [(0.25, "25 %"), (0.1, "10 %"), (0.125, "12.5 %"), (0.005, "0.50 %")] {
            assert_eq!(limit(relative), expected);
        }
    }

    #[test]
    fn a_limit_in_a_command_has_no_rounding_noise() {
        for (relative, expected) in
            [(0.07, "7%"), (0.3, "30%"), (0.125, "12.5%"), (0.0, "0%"), (1.5, "150%"), (0.001, "0.1%")]
        {
            assert_eq!(exact_percent(relative), expected);
        }
    }

    proptest! {
        #[test]
        fn a_limit_written_in_percent_is_written_back(hundredths in 0_u32..1_000_000) {
            let written = f64::from(hundredths) / 100.0;
            prop_assert_eq!(exact_percent(written / 100.0), format!("{written}%"));
        }

        #[test]
        fn a_value_of_a_sane_size_needs_no_power_of_ten(before in 1e-3..1e18, after in 1e-3..1e18) {
            for (scale, value) in Scale::each(&Unit::new("ns"), [before, after]).iter().zip([before, after]) {
                prop_assert!(!scale.number(value).contains('e'), "{before} {after}");
            }
        }

        #[test]
        fn a_number_reads_back_to_within_half_a_thousandth(value in prop::num::f64::NORMAL) {
            let read: f64 = number(value).replace(',', "").parse().unwrap();
            prop_assert!((read / value - 1.0).abs() <= 5.1e-4, "{value} {read}");
        }
    }
}
