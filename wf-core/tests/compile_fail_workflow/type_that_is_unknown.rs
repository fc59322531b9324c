//! Types inside generics that nobody declares.
use wf_core::workflow;

workflow! {
    workflow Review(changes: Vec<Change>, author: Option<Author>) {
        step parse: Vec<Finding> = ask parser "Parse {changes:?} of {author:?}";
        step count: usize = parse.len();
    }
}

fn main() {}
