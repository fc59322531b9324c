//! A workflow has neither type parameters nor a result.
use wf_core::workflow;

workflow! {
    workflow Review<T: Clone>(diff: T, name: String) where T: Send {
        step audit: String = ask security "Audit {diff}";
    }
}

workflow! {
    workflow Summary(diff: String) -> String {
        step audit: usize = ask security "Audit {dif}";
    }
}

fn outputs(output: &ReviewOutput) -> &String {
    output.audit()
}

fn main() {}
