//! What the end-to-end tests share: a fake crates.io, a harness that runs the real program, and views of what it left.
//!
//! The program under test is never called in process and its types are not used here: a scenario reads what a person or
//! another program would read (the overlay's commits, `status --json`, the exported pages, Nix's own answers). Only universes of
//! Go modules are put to the resolver in process (`go::judge`), because there are thousands of them.
//!
//! Everything here fails by panicking, because a helper of a test that cannot do its work is a failed test.
#![expect(clippy::missing_panics_doc, reason = "a helper that cannot do its work fails the test by panicking")]
#![expect(clippy::must_use_candidate, reason = "helpers read as sentences; a result left unused shows in the test")]

pub mod bot;
mod chance;
pub mod corpus;
pub mod cyclonedx;
pub mod dashboard;
pub mod fixture;
pub mod github;
pub mod go;
pub mod hostile;
pub mod killing;
pub mod nix;
pub mod npm;
pub mod on_github;
pub mod osv;
pub mod overlay;
pub mod process;
pub mod registry;
pub mod shelf;
pub mod unit_graph;
pub mod world;

/// The folder that everything is built in.
pub fn target() -> std::path::PathBuf {
    let test = std::env::current_exe().expect("the path of this test program");
    let target = test.ancestors().find(|folder| folder.ends_with("target")).expect("test programs are below target");
    target.to_owned()
}
