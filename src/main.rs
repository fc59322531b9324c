//! The `ax` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ax::cli::main(std::env::args_os())
}
