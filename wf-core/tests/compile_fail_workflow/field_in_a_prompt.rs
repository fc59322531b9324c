//! The braces of a prompt hold a name, and no field of it.
use wf_core::workflow;

workflow! {
    workflow Review(place: (u32, u32)) {
        step audit: String = ask security "Audit line {place.0}";
        step again: String = ask security "Audit line {line}", line = place.0;
    }
}

fn main() {}
