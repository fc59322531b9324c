//! A type that is not closed, and an order that is said twice.
use wf_core::workflow;

workflow! {
    workflow Count() {
        step lines: Vec<u8> = vec![1];
        step words: std::collections::HashMap<String, Vec<u8> = Default::default();
        #[after(lines, lines)]
        step told: String = ask teller "Tell";
    }
}

fn main() {}
