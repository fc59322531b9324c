//! A step waits for nothing by itself: what an `async` function gives is a future, until `.await` stands behind it.
use wf_core::workflow;

async fn fetch(url: &str) -> String {
    url.to_owned()
}

async fn measure(page: &str) -> Result<usize, std::io::Error> {
    Ok(page.len())
}

workflow! {
    workflow Review(url: String) {
        step page: String = fetch(url);
        step length: usize = measure(page);
    }
}

fn main() {}
