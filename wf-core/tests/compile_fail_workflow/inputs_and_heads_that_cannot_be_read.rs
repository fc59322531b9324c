//! What is written in the way of something else is told, and nothing of what stands beside it.
use wf_core::workflow;

workflow! {
    #![timeout = "3s"]
    workflow Review(diff: String, count: u8 = 3, depth, tone: String) {
        #![optional]
        step sum: = 3;
        step audit: String = ask security "Audit {diff}";
        step ask: usize = audit.len();
        step more: usize = ask + 1;
    }
}

fn outputs(output: &ReviewOutput) -> (&String, &usize) {
    (output.audit(), output.more())
}

fn main() {}
