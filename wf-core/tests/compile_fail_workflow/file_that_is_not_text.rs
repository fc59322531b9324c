//! A workflow file whose text is not UTF-8, and a path that is empty.
use wf_core::workflow;

workflow!(pub workflow Latin = file "workflows/latin.yaml");
workflow!(pub workflow Unnamed = file "");

fn main() {}
