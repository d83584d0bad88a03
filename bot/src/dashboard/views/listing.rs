//! One page of a list, as pages and JSON tell of it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::store::Listing;

/// Which part of a list is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[expect(clippy::struct_field_names, reason = "the name is the one of the JSON")]
pub(crate) struct Pages {
    /// How many there are in all.
    pub(crate) total: u32,
    /// Which page this is, from 1.
    pub(crate) page: u32,
    /// How many pages there are.
    pub(crate) pages: u32,
}

impl Pages {
    pub(crate) fn of<T>(listing: &Listing<T>) -> Self {
        Self { total: listing.total, page: listing.page, pages: listing.pages() }
    }

    pub(crate) fn previous(&self) -> Option<u32> {
        (self.page > 1).then(|| (self.page - 1).min(self.pages))
    }

    pub(crate) fn next(&self) -> Option<u32> {
        (self.page < self.pages).then(|| self.page + 1)
    }
}

/// A page number as somebody asked for it.
pub(super) fn page(asked: Option<u32>) -> u32 {
    asked.unwrap_or(1).clamp(1, 1_000_000)
}

/// A text of a query: nothing if it is empty, and not longer than anything that can be found.
pub(super) fn text(asked: Option<&str>) -> Option<String> {
    let text = asked.map(str::trim).filter(|text| !text.is_empty())?;
    Some(text.chars().take(200).collect())
}
