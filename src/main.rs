//! The `ax` command.
fn main() {}
