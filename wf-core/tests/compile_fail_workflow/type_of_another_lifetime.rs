//! A type that can only be read from what lives as long.
use wf_core::workflow;

#[derive(serde::Serialize, serde::Deserialize)]
struct Name<'a> {
    text: &'a str,
}

workflow! {
    workflow Review(diff: String) {
        step name: Name<'static> = Name { text: "a" };
        step audit: String = ask security "Audit {diff}";
    }
}

fn main() {}
