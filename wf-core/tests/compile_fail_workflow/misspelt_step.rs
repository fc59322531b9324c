//! What is written in the place of `step` is taken for it.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {
        setp parse: usize = diff.len();
        let mut lint: usize = parse + 1;
        audit: String = ask security "Audit {lint} {dif}";
        step sum: usize = audit.len();
    }
}

fn outputs(output: &ReviewOutput) -> (&usize, &String) {
    (output.lint(), output.audit())
}

fn main() {}
