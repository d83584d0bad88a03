//! The outside world: the only modules that open sockets, start processes or write files.

pub mod crates_io;
pub mod endpoints;
pub mod files;
pub mod git;
pub mod http;
pub mod nix;
