//! The status pages: what is where, why, and what comes next.
//!
//! Each page is a document (`views`), loaded from the store with as much as the page shows; the same document is rendered as HTML
//! and written as JSON beside it. A server answers with them (`live`), an export writes them to files. In files nothing depends
//! on the time of exporting, so that a page changes only when what it shows has changed.

mod actions;
mod alarm;
mod ansi;
mod api;
mod badges;
mod charts;
mod export;
mod feeds;
mod filters;
mod frame;
mod live;
mod metrics;
mod pages;
#[cfg(test)]
mod tests;
mod views;

pub use actions::Actions;
pub use alarm::Oversight;
pub use export::{ExportError, ExportSummary, export};
pub use live::{App, router};

/// What the pages must know that the store does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The overlay as a flake reference without branch or commit: `git+https://…/overlay.git`. Shown in what people copy.
    pub overlay: String,
    /// Where people see the pages, with `/` at its end; nothing where only the reader's browser knows.
    pub address: Option<String>,
}
