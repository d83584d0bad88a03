//! The bot: watches upstream releases, resolves them, writes the overlay, builds it, and publishes pull requests.

pub mod cli;
pub mod clients;
pub mod config;
pub mod dashboard;
pub mod forge;
pub mod message;
pub mod model;
pub mod overlay;
pub mod pipeline;
pub mod schedule;
pub mod service;
pub mod stages;
pub mod store;
