//! Resolution of upstream releases: facts in, a [`plan::Plan`] out.
//!
//! Pure and synchronous: no network, no processes, no clock, no database. What is needed is asked for through the
//! [`catalog`], and whoever calls fetches it.

pub mod plan;
