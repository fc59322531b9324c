//! Code refers to something that does not exist.
use wf_core::workflow;

fn lint(changes: &str) -> String {
    changes.to_owned()
}

workflow! {
    workflow Review(diff: String) {
        step parse_changes: String = ask backend "Parse {diff}";
        step lint: String = lint(parse_chnages);
    }
}

fn main() {}
