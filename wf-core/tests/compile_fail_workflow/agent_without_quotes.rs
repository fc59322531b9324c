//! A name that is no identifier is in quotes.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {
        step parse: String = ask security-expert "Parse {diff}";
        step audit: String = ask @code-review "Audit {parse}";
        step lint: String = ask match "Lint {parse}";
        step docs: String = ask team.writer "Document {parse}";
        step more: String = ask team::writer "Document {dif}";
    }
}

fn main() {}
