//! How a workflow is known to a store: by its name, and by the hash of its canonical definition.

use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use wf_model::Definition;

use crate::id::WorkflowId;
use crate::store::NewWorkflow;
use crate::value::Json;

/// The workflow as a store keeps it; `stored` is its definition with all that is kept of it.
pub(super) fn workflow(definition: &Arc<Definition>, stored: &Definition) -> NewWorkflow {
    let canonical = stored.to_json();
    let hash = Sha256::digest(canonical.as_bytes())
        .iter()
        .fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
    let id = WorkflowId::from(format!("{}-{}", slug(&definition.name), &hash[..12]));
    NewWorkflow {
        id,
        definition: Arc::clone(definition),
        canonical: Json::from_stored(canonical),
        hash,
    }
}

/// The name in lower case, with `-` for whatever is not a letter or a digit; at most 40 characters.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for letter in name.chars() {
        if letter.is_alphanumeric() {
            slug.extend(letter.to_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.chars().count() >= 40 {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        "workflow".to_owned()
    } else {
        slug.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;

    fn named(name: &str) -> Arc<Plan> {
        let text = format!("name: \"{name}\"\nsteps: [{{ key: a, agent: x, prompt: p }}]");
        Plan::from_yaml("t.yaml", &text).unwrap_or_else(|report| panic!("{report}"))
    }

    fn slug_of(name: &str) -> String {
        let plan = named(name);
        let (slug, hash) = plan.id().as_str().rsplit_once('-').unwrap();
        assert!(plan.hash().starts_with(hash));
        slug.to_owned()
    }

    #[test]
    fn a_workflow_is_identified_by_its_name_and_its_content() {
        assert_eq!(slug_of("Code Review -- Workflow!"), "code-review-workflow");
        assert_eq!(slug_of("Übung 2"), "übung-2");
        assert_eq!(slug_of("…"), "workflow");
        assert_eq!(slug_of(&"long ".repeat(30)).chars().count(), 39);
        assert_eq!(named("a").id(), named("a").id());
        assert_ne!(named("a").id(), named("A").id());
    }
}
