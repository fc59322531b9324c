//! Inputs and outputs that borrow, have no size, or are not written out.
use wf_core::workflow;

workflow! {
    workflow Review(diff: &str, name: &'static str, tags: Option<&str>, text: str, parts: [u8], n: _) {
        step parse: &str = diff.trim();
        step lines: impl Iterator<Item = char> = parse.chars();
        step audit: String = ask security "Audit {diff} of {name}, {tags:?}, {text}, {parts:?}, {n}";
        step file: Option<std::borrow::Cow<'static, str>> = Some(audit.clone().into());
        step length: usize = file.as_ref().map_or(0, |file| file.len()) + lines.count();
    }
}

fn outputs(output: &ReviewOutput) -> (&String, &usize) {
    (output.parse(), output.length())
}

fn main() {}
