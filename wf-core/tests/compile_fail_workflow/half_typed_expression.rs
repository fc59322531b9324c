//! Steps that are half typed are told at their last token.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {
        step prompt: String = ask expert;
        step agent: String = ask;
        step sum: usize = diff.len() +;
        step field: usize = diff.;
        step audit: String = ask security "Audit {diff}";
    }
}

fn outputs(output: &ReviewOutput) -> &String {
    output.audit()
}

fn main() {}
