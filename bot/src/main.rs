//! The program `nixwright`.

use std::process::ExitCode;

fn main() -> ExitCode {
    nixwright::cli::main()
}
