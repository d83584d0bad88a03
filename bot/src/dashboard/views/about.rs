//! What this is, and how the bot behind it is set up.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Source;
use super::overview::CycleDoc;
use crate::store::StoreError;

/// What the page shows.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct About {
    pub(crate) version: &'static str,
    /// The overlay as a flake reference.
    pub(crate) overlay: String,
    pub(crate) subscribe: String,
    pub(crate) packages: u32,
    pub(crate) database_bytes: u64,
    pub(crate) last_cycle: Option<CycleDoc>,
    pub(crate) last_good_cycle: Option<Timestamp>,
}

impl About {
    pub(crate) async fn load(source: Source<'_>) -> Result<Self, StoreError> {
        let store = source.store;
        let counts = store.state_counts().await?;
        Ok(Self {
            version: env!("CARGO_PKG_VERSION"),
            overlay: source.site.overlay.clone(),
            subscribe: super::package::input(&source.site.overlay, "ref=stable"),
            packages: counts.iter().map(|(_, count)| count).sum(),
            database_bytes: store.size().await?,
            last_cycle: store.last_cycle().await?.map(CycleDoc::from),
            last_good_cycle: store.last_good_cycle().await?.map(|cycle| cycle.finished),
        })
    }
}
