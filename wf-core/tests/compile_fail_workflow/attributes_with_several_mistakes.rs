//! One attribute tells all its mistakes at once.
use wf_core::workflow;

workflow! {
    #[name = ""]
    #[version = " "]
    #[tags("a", b, 3)]
    #[budget(tokens = 0, costs = 1.0, wall_time = "0s")]
    workflow Review(diff: String) {
        #[retry(attempts = 0, dely = "1s", backoff = 0.5, max_delay = "soon", jitter = 1, jitter = true)]
        step audit: String = ask security "Audit {diff}";
        #[retry(attempts 3, delay = , jitter = false)]
        #[after("audit", nothing)]
        step again: String = ask security "Audit {diff}";
    }
}

fn main() {}
