//! The module has a type of the name that the workflow's outputs would have.
use wf_core::workflow;

struct ReviewOutput;

workflow! {
    pub(crate) workflow Review(lines: usize) {
        step half: usize = lines / 2;
        step told: String = ask teller "Tell {half}";
    }
}

workflow!(workflow Taken = file "workflows/right.yaml");

struct Taken;

fn main() {}
