//! A workflow file with a dependency that is not there.
use wf_core::workflow;

workflow!(pub workflow Review = file "workflows/unknown.yaml");

fn main() {}
