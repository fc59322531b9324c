//! The macros in a crate that turns every lint on: nothing they write gives a warning.
#![deny(missing_docs, warnings, clippy::all, clippy::pedantic)]

use serde::{Deserialize, Serialize};

/// Changes.
#[derive(Debug, Serialize, Deserialize)]
pub struct Changes {
    /// Files.
    pub files: Vec<String>,
}

/// Counts.
#[must_use]
pub fn count(changes: &Changes) -> usize {
    changes.files.len()
}

wf_core::workflow! {
    /// Reviews.
    pub workflow Review(diff: String, depth: u32) {
        step parse_changes: Changes = ask backend "Parse {diff}";
        step count: usize = count(parse_changes);
        /// The end.
        step end: String = format!("{count} at {depth}");
        #[optional]
        step same: String = std::future::ready(end.clone()).await;
        step told: String = ask backend "{n} {same}", n = parse_changes.files.len();
    }
}

/// A team.
#[derive(wf_core::AgentSet)]
pub struct Team<B: wf_core::agent::Agent + 'static> {
    backend: B,
    #[agent(name = "other-agent")]
    other: std::sync::Arc<dyn wf_core::agent::Agent>,
}

/// A team whose agents are all of one kind.
#[derive(wf_core::AgentSet)]
pub struct Fixed {
    backend: fn(String) -> std::future::Ready<String>,
    #[agent(name = "a third")]
    third: fn(String) -> std::future::Ready<String>,
}

wf_core::workflow! {
    /// Ends early, and hides its own names.
    pub workflow Early(number: u32) for Fixed {
        step early: u32 = {
            if *number > 1 {
                return Ok(1);
            }
            u32::try_from(number.to_string().len())?
        };
        step always: u32 = match early.checked_mul(1) { Some(early) => early, None => return Ok(0) };
        step asked: String = ask backend "{always} {least}", least = (*number).min(*early);
        step other: String = ask "a third" "{asked}";
        step hidden: bool = matches!(number.checked_sub(1), Some(early) if early > 0);
    }
}

mod inner {
    wf_core::workflow! {
        pub(crate) workflow Inner {
            step one: () = ();
            step two: u8 = 2;
            step three: u8 = two + one.clone_one();
        }
    }
    trait One {
        fn clone_one(&self) -> u8;
    }
    impl One for () {
        fn clone_one(&self) -> u8 {
            1
        }
    }
}

#[test]
fn what_the_macros_write_passes_every_lint_and_runs() {
    let echo = |prompt: String| async move {
        match prompt.strip_prefix("Parse ") {
            Some(diff) => format!("{{\"files\":[{diff:?}]}}"),
            None => prompt,
        }
    };
    let team = Team {
        backend: echo,
        other: std::sync::Arc::new(echo),
    };
    let store = std::sync::Arc::new(wf_core::store::MemoryStore::new());
    let engine = wf_core::engine::Engine::new(store, team);
    let diff = "a.rs".to_owned();
    let output = futures::executor::block_on(engine.run(Review { diff, depth: 1 }));
    assert_eq!(
        output.map(|output| output.told().clone()).ok().as_deref(),
        Some("1 1 at 1")
    );
    let fixed = Fixed {
        backend: std::future::ready,
        third: std::future::ready,
    };
    let fixed = wf_core::engine::Engine::new(
        std::sync::Arc::new(wf_core::store::MemoryStore::new()),
        fixed,
    );
    let early = futures::executor::block_on(fixed.run(Early { number: 5 }));
    assert_eq!(
        early.map(|output| output.other().clone()).ok().as_deref(),
        Some("1 1")
    );
    let inner = futures::executor::block_on(engine.run(inner::Inner {}));
    assert_eq!(inner.map(|output| *output.three()).ok(), Some(3));
}
