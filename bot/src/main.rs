//! The program `nixwright`.

use std::process::ExitCode;

/// Graphs are tens of thousands of small pieces: with the C library's allocator a fifth of a resolution's time goes into it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    nixwright::cli::main()
}
