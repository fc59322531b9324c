//! A prompt waits for nothing.
use wf_core::workflow;

async fn parse(diff: &str) -> String {
    diff.to_lowercase()
}

workflow! {
    workflow Review(diff: String) {
        step audit: String = ask security "Audit {changes}", changes = parse(diff).await;
        step parsed: String = parse(diff).await;
        step again: String = ask security "Audit {parsed}";
    }
}

fn main() {}
