//! Go modules: their grammar, minimal version selection, and the packages that programs are compiled from.

pub mod catalog;
mod error;
pub mod facts;
pub mod graph;
pub mod modfile;
pub mod paths;
pub mod retract;
pub mod sums;
pub mod version;
pub mod workfile;

pub use self::error::GoError;
