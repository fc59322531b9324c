//! The example of a typed workflow does with the same agents what the workflow file does.

#[path = "../examples/code_review.rs"]
#[expect(dead_code, reason = "the example's `main` is not called")]
mod code_review;

use std::path::Path;
use std::sync::Arc;

use ax::agents::AgentsFile;
use wf_core::engine::{Engine, RunOptions};
use wf_core::plan::{Inputs, Plan};
use wf_core::store::MemoryStore;
use wf_core::value::Json;

#[tokio::test]
async fn the_typed_review_is_that_of_the_file() {
    let git_diff = std::fs::read_to_string("examples/change.diff").unwrap();
    let store = Arc::new(MemoryStore::new());
    let output = code_review::review(store, git_diff.clone()).await.unwrap();

    let plan = Plan::from_file("examples/code-review.yaml").unwrap();
    let agents = AgentsFile::read(Path::new("examples/agents.yaml"), Path::new("."))
        .unwrap()
        .into_agents();
    let engine = Engine::new(Arc::new(MemoryStore::new()), agents);
    let inputs = Inputs::from([("git_diff".to_owned(), Json::string(&git_diff))]);
    let run = engine.start(&plan, inputs, RunOptions::default());
    let status = run.await.unwrap().finish().await.unwrap();

    let review = status.step("aggregate-results").unwrap();
    let review = review.record.result.as_ref().unwrap();
    assert_eq!(review.to_text(), output.aggregate_results().as_str());
    assert!(review.to_text().contains("\n11 findings"), "{review}");
    assert_eq!(output.findings_by_file().values().sum::<usize>(), 11);
    assert_eq!(output.findings_by_file()["server/orders.py"], 4);
}
