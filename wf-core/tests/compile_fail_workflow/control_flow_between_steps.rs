//! What chooses or repeats is told as that, and what stands around it is read.
use wf_core::workflow;

workflow! {
    workflow Review(files: Vec<String>, deep: bool) {
        step first: String = ask backend "{files:?}";
        for file in files {
            step one: String = ask backend "{file}";
        }
        if *deep {
            step audit: String = ask security "{first}";
        } else if files.is_empty() {
        } else {
            step audit: String = ask backend "{first}";
        }
        match deep { _ => () };
        step last: usize = first.len();
    }
}

fn main() {}
