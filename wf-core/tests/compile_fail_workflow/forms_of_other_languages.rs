//! What is written as in another language, or in a workflow file, is taken for what it means.
use wf_core::workflow;

workflow! {
    workflow code-review(String diff, u32 limit) {
        pub step parse: String => ask backend "Parse {diff}";
        async step lint: usize := parse.len() + *limit as usize;
        step count -> usize = *lint;
        step audit(parse) = ask security "Audit {parse} {count}";
        step length: usize = { let report = ask security "Report {audit}"; report.len() };
        step sum: usize = length + audit.lines().count();
    }
}

fn inputs() -> CodeReview {
    CodeReview { diff: "".into(), limit: 3 }
}

fn main() {}
