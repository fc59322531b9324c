//! An attribute of another form is told with the right one.
use wf_core::workflow;

workflow! {
    #[version = 1]
    #[tags = "nightly"]
    #[optional]
    workflow Review(diff: String) {
        #[key = b]
        #[retry = 3]
        #[author = "Ada"]
        step audit: String = ask security "Audit {diff}";
        #[after("audit")]
        #[timeout("60s")]
        #[retry(attempts: 3, delay = 3s, backoff = "2", jitter = "yes")]
        #[optional(true)]
        step again: String = ask security "Audit {diff}";
        #[timeout = 3s]
        #[after = audit]
        step more: String = ask security "Audit {diff}";
    }
}

fn main() {}
