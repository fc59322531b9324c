//! The `ax` command.

// `expect(dead_code)` on a module counts what is in it as used, and is then never fulfilled.
#[expect(clippy::allow_attributes, reason = "see above")]
#[allow(dead_code, unused_imports, reason = "nothing asks for a drawing yet")]
mod graph;

fn main() {}
