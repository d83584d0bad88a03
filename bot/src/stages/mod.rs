//! The stages of a cycle, one file each: idempotent, unaware of one another, and quiet when nothing changed.

pub mod build;
pub mod generate;
pub mod lock;
pub mod publish;
pub mod resolve;
pub mod watch;
pub mod write;

pub use crate::model::Failure;
