//! The status pages: what is where, why, and what comes next.
//!
//! Three steps, so that the middle one is a pure function: a [`Snapshot`](snapshot::Snapshot) is read from the store, `views` make
//! a document of it for each page, and the same document is rendered as HTML and written as JSON beside it. Nothing depends on
//! the time of exporting, so that a page changes only when what it shows has changed.

mod export;
mod filters;
mod pages;
mod snapshot;
#[cfg(test)]
mod tests;
mod views;

pub use export::{ExportError, ExportSummary, export};

/// What the pages must know that the store does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The overlay as a flake reference without branch or commit: `git+https://…/overlay.git`. Shown in what people copy.
    pub overlay: String,
}
