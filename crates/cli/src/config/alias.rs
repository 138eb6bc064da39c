//! `[[alias]]`: benchmarks that got another name.

use perf_compare::Alias;
use schemars::JsonSchema;
use serde::Deserialize;

/// `[[alias]]`: the former name of a benchmark and its name now.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct AliasConfig {
    /// The former name; one `*` stands for any text.
    from: String,
    /// The name now; its `*` stands for the same text.
    to: String,
    /// The only metric it holds for.
    metric: Option<String>,
    /// Whether the base does not have it.
    #[serde(skip)]
    of_head: bool,
}

impl AliasConfig {
    /// Returns the alias in the words of the comparison.
    pub(crate) fn alias(&self) -> Alias {
        let Self { from, to, metric, of_head } = self.clone();
        Alias { from, to, metric, of_head }
    }
}

/// Puts the aliases that only the head has behind those of the base; where both rename the same, the base's holds.
pub(crate) fn add_those_of_head(base: &mut Vec<AliasConfig>, head: Vec<AliasConfig>) {
    for alias in head {
        if !base.iter().any(|other| other.from == alias.from && other.metric == alias.metric) {
            base.push(AliasConfig { of_head: true, ..alias });
        }
    }
}

/// Checks what the form alone cannot say.
pub(crate) fn check(aliases: &[AliasConfig]) -> Result<(), String> {
    for (index, alias) in aliases.iter().enumerate() {
        let wrong = |problem: String| Err(format!("[[alias]] {}: {problem}", index + 1));
        let AliasConfig { from, to, metric, .. } = alias;
        let stars = |name: &str| name.matches('*').count();
        if from.is_empty() || to.is_empty() {
            return wrong("a name is empty".into());
        }
        if stars(from) > 1 || stars(from) != stars(to) {
            return wrong(format!("`{from}` and `{to}`: expected one `*` in both names, or in neither"));
        }
        if from == to {
            return wrong(format!("`{from}` is the same name twice"));
        }
        let same = |other: &&AliasConfig| other.from == *from && other.metric == *metric;
        if let Some(other) = aliases[..index].iter().find(same) {
            return wrong(format!("`{from}` became `{}` already", other.to));
        }
        if circle(aliases, alias) {
            return wrong(format!("`{from}` becomes `{from}` again in a circle"));
        }
    }
    Ok(())
}

/// Says whether the names lead back to the first.
fn circle(aliases: &[AliasConfig], first: &AliasConfig) -> bool {
    let mut name = &first.to;
    for _ in aliases {
        let next = aliases.iter().find(|alias| alias.from == *name && alias.metric == first.metric);
        match next {
            Some(alias) if alias.to == first.from => return true,
            Some(alias) => name = &alias.to,
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_of_the_head_stand_behind_those_of_the_base_and_change_none_of_them() {
        let alias = |from: &str, to: &str, of_head| AliasConfig {
            from: from.into(),
            to: to.into(),
            metric: None,
            of_head,
        };
        let mut both = vec![alias("a", "b", false)];
        add_those_of_head(
            &mut both,
            vec![alias("c", "d", false), alias("a", "other", false), alias("a", "b", false)],
        );
        assert_eq!(both, [alias("a", "b", false), alias("c", "d", true)]);
    }
}
