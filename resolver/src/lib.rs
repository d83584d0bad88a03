//! Resolution of upstream releases: facts in, a [`plan::Plan`] out.
//!
//! Pure and synchronous: no network, no processes, no clock, no database. What is needed is asked for through the
//! [`catalog`], and whoever calls fetches it.

pub mod archive;
pub mod cargo;
pub mod catalog;
mod error;
pub mod go;
pub mod nar;
pub mod npm;
pub mod plan;

pub use error::ResolveError;
