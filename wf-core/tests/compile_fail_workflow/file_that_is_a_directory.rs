//! The path of a workflow file is that of a folder.
use wf_core::workflow;

workflow!(pub workflow Review = file "workflows");

fn main() {}
