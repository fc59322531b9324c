//! What is meant for `ask` is taken for it.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {
        step parse: String = aks backend "Parse {diff}";
        step audit: String = call security "Audit {parse} {dif}";
        step lint: String = backend "Lint {parse}";
        step docs: String = "backend" "Document {parse}, {n}", n: lint.len();
        step again: String = aks "Check {parse}";
        step review: String = ask backend format!("Review {audit}");
    }
}

fn main() {}
