//! What reads an optional step gets an `Option`.
use wf_core::workflow;

fn words(text: &str) -> usize {
    text.split(' ').count()
}

workflow! {
    workflow Review(diff: String) {
        #[optional]
        step audit: String = ask security "Audit {diff}";
        step read: usize = words(audit);
        step read_or_not: usize = audit.map_or(0, |audit| words(audit));
    }
}

fn main() {}
