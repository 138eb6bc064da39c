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
}

impl AliasConfig {
    /// Returns the alias in the words of the comparison.
    pub(crate) fn alias(&self) -> Alias {
        Alias { from: self.from.clone(), to: self.to.clone(), metric: self.metric.clone(), of_head: false }
    }
}

/// Checks what the form alone cannot say.
pub(crate) fn check(aliases: &[AliasConfig]) -> Result<(), String> {
    for (index, alias) in aliases.iter().enumerate() {
        let wrong = |problem: String| Err(format!("[[alias]] {}: {problem}", index + 1));
        let AliasConfig { from, to, metric } = alias;
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
