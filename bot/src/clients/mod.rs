//! The outside world: the only modules that open sockets, start processes or write files.
#![expect(clippy::disallowed_methods, reason = "this is the seam that the list of disallowed methods guards")]

pub mod cargo;
pub mod crates_io;
pub mod endpoints;
pub mod files;
pub mod git;
pub mod github;
pub mod go;
pub mod go_toolchain;
pub mod http;
pub mod integrity;
pub mod nix;
pub mod node;
pub mod npm;
pub mod osv;
