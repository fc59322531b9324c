//! A schema is given, and the feature that checks it is not there.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {
        #[output_schema = r#"{ "type": "string" }"#]
        step audit: String = ask security "Audit {diff}";
    }
}

workflow!(workflow Audit = file "workflows/schema.yaml");

fn main() {}
