//! The overlay's builders for Go: programs built by `shared` and `vendored` in the sandbox, held byte for byte against what
//! `go build` makes of them, trap by trap.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail a test as the tests themselves do")]

mod fetched;
mod fixtures;
mod listed;
mod native;
mod odd;
mod plain;
mod refused;
mod sharing;
mod workbench;
