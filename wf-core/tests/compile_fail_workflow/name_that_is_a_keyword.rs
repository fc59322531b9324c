//! A keyword is a name when it is raw, and some are none.
use wf_core::workflow;

workflow! {
    workflow Review(type: String, self: String) {
        step match: String = ask security "Audit {type}";
        step parse-changes: String = ask backend "Parse {match}";
        step super: String = ask backend "Parse {parse_changes}";
        step lint: usize = parse_changes.len() + r#match.len();
    }
}

fn main() {}
