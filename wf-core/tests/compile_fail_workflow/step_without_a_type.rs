//! Of a type that is missing nothing else is told, whatever is done with its values.
use wf_core::workflow;

workflow! {
    workflow Review(diff: String) {
        step parse = ask expert "Parse {diff}";
        step lint: ask expert "Lint {size}", size = parse.len();
        step audit ask expert "Audit {lint}";
        step size: Vec<usize = audit.len();
        step sum: usize = size[0] + parse.len() + lint.len() + dif.len();
        step end: String ask expert "{sum}";
    }
}

fn outputs(output: &ReviewOutput) -> (&String, usize) {
    (output.lint(), output.audit().trim().len())
}

fn main() {}
