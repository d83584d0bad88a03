//! Go modules: their grammar, minimal version selection, and the packages that programs are compiled from.

pub mod catalog;
pub mod constraint;
mod error;
pub mod facts;
pub mod graph;
mod letters;
pub mod modfile;
pub mod packages;
pub mod paths;
mod resolve;
pub mod retract;
pub mod source;
pub mod sums;
pub mod vendor;
pub mod version;
pub mod workfile;
pub mod zip;

pub use self::error::GoError;
pub use self::resolve::step;
