//! Types of the standard library that have no size, or are borrowed.
use std::path::Path;

use wf_core::workflow;

workflow! {
    workflow Store(file: std::path::Path, name: ::std::ffi::OsStr, at: &Path, boxed: Box<Path>, text: &std::ffi::CStr) {
        step length: usize = name.len() + at.components().count() + text.count_bytes();
        step parent: core::ffi::CStr = text.clone();
        step kept: std::path::PathBuf = file.join(boxed);
        step told: String = ask keeper "Keep {file:?} as {kept:?}, not {parent:?}; {length}";
    }
}

fn parent(outputs: &StoreOutput) -> &std::ffi::CString {
    outputs.parent()
}

fn main() {}
