//! A host whose manifest gives wf-core another name, and which forbids itself every warning: whatever the macros write,
//! wherever they stand, compiles and gives none.
#![deny(missing_docs, warnings, unreachable_pub, clippy::all, clippy::pedantic)]

use flow::AgentSet;
use flow::agent::Agent;
use serde::{Deserialize, Serialize};

/// What was changed.
#[derive(Debug, Serialize, Deserialize)]
pub struct Changes {
    /// The names of the files.
    pub files: Vec<String>,
}

fn count(changes: &Changes) -> usize {
    changes.files.len()
}

flow::workflow! {
    /// Reviews a change.
    #[retry(attempts = 2)]
    pub workflow Review(git_diff: String, depth: u32) for Team<Answer> {
        step parse_changes: Changes = ask backend "Parse {git_diff}";
        step count: usize = count(parse_changes);
        /// What is told at the end.
        #[optional]
        step end: String = ask "security-expert" "{count} of {n} at {depth:>2}", n = parse_changes.files.len();
        step last: String = std::future::ready(end.map_or("", String::as_str).to_owned()).await;
        step two: () = ();
    }
}

flow::workflow!(
    /// A file.
    pub workflow FileReview = file "workflows/review.yaml"
);

/// A function as an agent.
pub type Answer = fn(String) -> std::future::Ready<String>;

/// The agents.
#[derive(AgentSet)]
pub struct Team<A: Agent + 'static> {
    backend: A,
    #[agent(name = "security-expert")]
    security: A,
}

impl<A: Agent + Clone + 'static> Team<A> {
    /// One agent for everything.
    pub fn of(agent: A) -> Self {
        Team {
            backend: agent.clone(),
            security: agent,
        }
    }
}

pub mod inner {
    //! A module of its own.

    flow::workflow! {
        pub(super) workflow Inner {
            step one: u8 = 1;
            step two: u8 = *one + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Ready, ready};
    use std::sync::Arc;

    use flow::engine::Engine;
    use flow::store::MemoryStore;
    use futures::executor::block_on;

    use super::*;

    fn answer(prompt: String) -> Ready<String> {
        ready(match prompt.strip_prefix("Parse ") {
            Some(diff) => format!("{{\"files\":[{diff:?}]}}"),
            None => prompt,
        })
    }

    fn engine() -> Engine<Team<Answer>> {
        Engine::new(Arc::new(MemoryStore::new()), Team::of(answer))
    }

    #[test]
    fn a_workflow_is_declared_in_a_crate_that_renames_the_library() {
        let git_diff = "a.rs".to_owned();
        let output = block_on(engine().run(Review { git_diff, depth: 3 }));
        assert_eq!(output.expect("a completed run").last(), "1 of 1 at  3");
    }

    #[test]
    fn a_workflow_is_declared_in_a_module_and_in_a_function() {
        flow::workflow! {
            workflow Local(n: u32) { step double: u32 = n * 2; }
        }
        let output = block_on(engine().run(Local { n: 4 }));
        assert_eq!(*output.expect("a completed run").double(), 8);
        let output = block_on(engine().run(inner::Inner {}));
        assert_eq!(*output.expect("a completed run").two(), 2);
    }

    #[test]
    fn a_file_is_a_workflow_in_a_crate_that_renames_the_library() {
        let git_diff = "a.rs".to_owned();
        let workflow = FileReview {
            git_diff,
            r#type: None,
        };
        let output = block_on(engine().run(workflow)).expect("a completed run");
        let end = output.r#loop().map(ToString::to_string);
        assert_eq!(end.as_deref(), Some(r#""{\"files\":[\"a.rs 3\"]}!""#));
    }
}
