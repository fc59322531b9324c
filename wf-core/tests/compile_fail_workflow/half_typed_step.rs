//! A step without a body takes nothing else with it.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {
        step parse: String = ask backend "Parse {diff}";
        step lint: String =
        step audit: String = ask security "Audit {parse}";
    }
}

fn outputs(output: &ReviewOutput) -> (&String, &String) {
    (output.lint(), output.audit())
}

fn main() {}
