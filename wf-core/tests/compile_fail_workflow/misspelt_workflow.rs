//! What is written in the place of `workflow` is taken for it.
use wf_core::workflow;

workflow! {
    worflow Review(diff: String) {
        step audit: String = ask security "Audit {dif}";
    }
}

workflow! {
    pub Lint(diff: String) {
        step lint: usize = diff.len();
    }
}

fn inputs() -> (Review, Lint) {
    (Review { diff: "".into() }, Lint { diff: "".into() })
}

fn main() {}
