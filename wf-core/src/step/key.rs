//! The key of a step, without a copy of it.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use wf_model::Definition;

/// The key of a step: a text that stands where its definition does, and is never copied. It compares, sorts and hashes
/// like that text.
#[derive(Clone)]
pub struct StepKey {
    keys: Keys,
    step: usize,
}

#[derive(Clone)]
enum Keys {
    Defined(Arc<Definition>),
    Read(Arc<Vec<String>>),
}

impl StepKey {
    /// The keys of all steps of a definition, in its order.
    pub(crate) fn of_definition(definition: &Arc<Definition>) -> impl Iterator<Item = Self> {
        StepKey::all(
            Keys::Defined(Arc::clone(definition)),
            definition.steps.len(),
        )
    }

    /// The keys of a list, where nothing else was read of the definition.
    pub(crate) fn of_list(keys: Vec<String>) -> impl Iterator<Item = Self> {
        let steps = keys.len();
        StepKey::all(Keys::Read(Arc::new(keys)), steps)
    }

    fn all(keys: Keys, steps: usize) -> impl Iterator<Item = Self> {
        (0..steps).map(move |step| StepKey {
            keys: keys.clone(),
            step,
        })
    }

    /// The key's text.
    pub fn as_str(&self) -> &str {
        let text = match &self.keys {
            Keys::Defined(definition) => definition.steps.get(self.step).map(|step| &step.key),
            Keys::Read(keys) => keys.get(self.step),
        };
        text.map_or("", String::as_str)
    }
}

impl Deref for StepKey {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for StepKey {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for StepKey {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for StepKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for StepKey {}

impl PartialEq<str> for StepKey {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for StepKey {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialOrd for StepKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for StepKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for StepKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for StepKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for StepKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for StepKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashMap};

    use super::*;
    use crate::plan::Plan;

    fn keys(of: &[&str]) -> Vec<StepKey> {
        StepKey::of_list(of.iter().map(|&key| key.to_owned()).collect()).collect()
    }

    #[test]
    fn a_key_is_its_text_wherever_it_stands() {
        let text =
            "name: n\nsteps: [{key: a, agent: x, prompt: p}, {key: b, agent: x, prompt: p}]\n";
        let plan = Plan::from_yaml("n.yaml", text).expect("the definition is right");
        let defined: Vec<StepKey> = plan.keys().collect();
        assert_eq!(defined, keys(&["a", "b"]));
        assert_eq!(defined[1], "b");
        assert_eq!(format!("{:>2}|{:?}", defined[0], defined[1]), " a|\"b\"");
    }

    #[test]
    fn keys_sort_and_hash_like_their_texts() {
        let all = keys(&["b", "a", "b"]);
        let sorted: BTreeSet<&StepKey> = all.iter().collect();
        assert_eq!(sorted.into_iter().collect::<Vec<_>>(), [&all[1], &all[0]]);
        let at: HashMap<StepKey, usize> = all.into_iter().zip(0..).collect();
        assert_eq!(
            (at.get("a"), at.get("b"), at.get("c")),
            (Some(&1), Some(&2), None)
        );
    }
}
