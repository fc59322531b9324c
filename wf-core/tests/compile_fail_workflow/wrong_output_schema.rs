//! An output's schema is a JSON object.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {
        #[output_schema = r#"{ "type": object }"#]
        step audit: String = ask security "Audit {diff}";
        #[output_schema = "true"]
        #[timeout = 0]
        step again: String = ask security "Audit {diff}";
    }
}

fn main() {}
