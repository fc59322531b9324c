//! A workflow file whose steps wait for each other.
use wf_core::workflow;

workflow!(pub workflow Review = file "workflows/cycle.yaml");

fn main() {}
