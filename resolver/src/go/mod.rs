//! Go modules: their grammar, minimal version selection, and the packages that programs are compiled from.

pub mod catalog;
mod error;
pub mod facts;
pub mod modfile;

pub use self::error::GoError;
