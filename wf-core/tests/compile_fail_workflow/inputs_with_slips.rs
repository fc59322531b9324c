//! An input that is written otherwise is still one.
use wf_core::workflow;

workflow! {
    workflow Review(diff String, mut tone: String, max-size: usize, type: String count: usize, depth) {
        step parse: usize = diff.len() + tone.len() + *max_size + *count;
        step audit: String = ask security "Audit {diff} in {tone}: {type}, {depth:?}";
        step more: usize = depth.as_bytes().len();
    }
}

fn inputs() -> Review {
    Review { diff: "".into(), tone: "".into(), max_size: 1, r#type: "".into(), count: 2, depth: "" }
}

fn main() {}
