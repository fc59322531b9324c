//! A wrong file is told once, not where the workflow is used.
use wf_core::agent::Agents;
use wf_core::engine::Engine;
use wf_core::workflow;

workflow!(pub workflow Review = file "workflows/several.yaml");

async fn review(engine: &Engine<Agents>, git_diff: String) -> Option<String> {
    let output = engine.run(Review { git_diff, depth: 1 }).await.ok()?;
    println!("{} {}", Review::STEP_PARSE_CHANGES, Review::SOURCE);
    println!("{:?}", output.parse_changes());
    Some(output.r#type()?.to_string())
}

fn main() {}
