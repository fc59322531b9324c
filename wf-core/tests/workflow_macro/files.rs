//! A workflow that is a file.

use std::sync::Arc;

use futures::executor::block_on;
use wf_core::agent::Agents;
use wf_core::engine::Engine;
use wf_core::store::MemoryStore;
use wf_core::workflow;

workflow!(pub workflow FileReview = file "tests/workflows/review.yaml");

#[test]
fn a_file_has_typed_inputs_step_keys_and_the_same_api() {
    let agents = || {
        let echo = |prompt: String| async move { prompt };
        Agents::new().with("backend", echo).with("security", echo)
    };
    assert_eq!(FileReview::STEP_TYPE, "type");
    assert!(FileReview::SOURCE.starts_with("name: Review"));
    let engine = Engine::new(Arc::new(MemoryStore::new()), agents());
    let output = block_on(engine.run(FileReview {
        git_diff: "x".to_owned(),
    }))
    .unwrap();
    assert_eq!(output.r#type().unwrap().as_str(), r#""Type of Parse: x""#);
}
