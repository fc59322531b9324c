//! The braces of a prompt hold a name.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String, parse_changes: Vec<String>) {
        step audit: String = ask security "Audit {diff.len()} bytes";
        step first: String = ask security "Audit {parse-changes}";
        step answer: String = ask security "Audit {diff} and answer {yes|no}";
        step json: String = ask security r#"Answer as {"verdict": "…"}"#;
        step lint: usize = answer.len();
    }
}

fn main() {}
