//! A workflow file that does not exist.
use wf_core::workflow;

workflow!(pub workflow Review = file "workflows/reviews.yaml");

fn main() {}
