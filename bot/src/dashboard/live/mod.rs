//! The pages as a server gives them: made from the store when they are asked for.

mod answer;
mod routes;

use axum::Router;

use super::{Oversight, Site};
use crate::model::Clock;
use crate::store::Store;

/// What the server needs.
#[derive(Debug, Clone)]
pub struct App {
    /// What happened.
    pub store: Store,
    /// What the store does not know.
    pub site: Site,
    /// Whether the bot is well; nothing where nobody knows when it should have looked.
    pub oversight: Option<Oversight>,
    /// The time.
    pub clock: Clock,
}

/// Every address of the pages, with what goes for all answers.
pub fn router(app: App) -> Router {
    routes::pages()
        .merge(super::api::routes())
        .with_state(std::sync::Arc::new(app))
        .layer(axum::middleware::map_response(answer::guard))
}
