use std::collections::BTreeSet;

use perf_model::Baseline;

use crate::refusal::{Refusal, differences};

/// Two baselines that may be compared.
#[derive(Clone, Debug)]
pub struct Pair {
    before: Baseline,
    after: Baseline,
    across: BTreeSet<String>,
}

impl Pair {
    /// Pairs two baselines whose identities agree in every fact but those in `across`.
    ///
    /// # Errors
    ///
    /// [`Refusal::EnvironmentsDiffer`] where another fact differs.
    pub fn new(before: Baseline, after: Baseline, across: &BTreeSet<String>) -> Result<Self, Refusal> {
        let differing = differences(&before.environment.identity, &after.environment.identity);
        let crossed: BTreeSet<String> = differing.into_iter().map(|difference| difference.fact).collect();
        if crossed.is_subset(across) {
            return Ok(Self { before, after, across: crossed });
        }
        Err(Refusal::EnvironmentsDiffer {
            ancestor: None,
            base: Box::new(before.environment),
            head: Box::new(after.environment),
        })
    }

    /// Returns the base's side.
    pub fn before(&self) -> &Baseline {
        &self.before
    }

    /// Returns the head's side.
    pub fn after(&self) -> &Baseline {
        &self.after
    }

    /// Returns the facts in which the two sides differ and that were crossed on request.
    pub fn across(&self) -> &BTreeSet<String> {
        &self.across
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{baseline, in_environment};

    #[test]
    fn refuses_a_pair_from_different_machines() {
        let before = in_environment(&[("cores", "4"), ("os", "linux")], baseline(&[("a", &[1.0])]));
        let after = in_environment(&[("cores", "16"), ("os", "linux")], baseline(&[("a", &[1.0])]));
        let Err(Refusal::EnvironmentsDiffer { base, head, .. }) = Pair::new(before, after, &BTreeSet::new())
        else {
            panic!("expected a refusal");
        };
        let differing = differences(&base.identity, &head.identity);
        assert_eq!(differing.len(), 1);
        assert_eq!((differing[0].fact.as_str(), differing[0].head.as_deref()), ("cores", Some("16")));
    }

    #[test]
    fn crosses_only_the_facts_that_were_named() {
        let before = in_environment(&[("cores", "4"), ("rustc", "1")], baseline(&[("a", &[1.0])]));
        let after = in_environment(&[("cores", "16"), ("rustc", "2")], baseline(&[("a", &[1.0])]));
        let name = |facts: &[&str]| facts.iter().map(|fact| (*fact).to_owned()).collect::<BTreeSet<_>>();
        assert!(Pair::new(before.clone(), after.clone(), &name(&["cores"])).is_err());
        let pair = Pair::new(before, after, &name(&["cores", "rustc", "os"])).unwrap();
        assert_eq!(pair.across(), &name(&["cores", "rustc"]), "what does not differ is not crossed");
    }

    #[test]
    fn a_fact_that_only_one_side_has_is_a_difference() {
        let before = in_environment(&[("os", "linux")], baseline(&[("a", &[1.0])]));
        let after = in_environment(&[("os", "linux"), ("runner", "big")], baseline(&[("a", &[1.0])]));
        assert!(Pair::new(before, after, &BTreeSet::new()).is_err());
    }
}
