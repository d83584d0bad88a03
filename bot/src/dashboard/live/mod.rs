//! The pages as a server gives them: made from the store when they are asked for.

mod answer;
mod changes;
mod log;
mod routes;

use std::sync::OnceLock;

use axum::Router;
use axum::http::{HeaderMap, header};

pub(crate) use self::answer::Asked;
use self::changes::Changes;
use super::actions::{self, Actions, COOKIE};
use super::frame::Actor;
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
    /// Who may act; nothing where nobody may.
    pub actions: Option<Actions>,
    /// The time.
    pub clock: Clock,
    /// Asks the store for changes from the first question on.
    changes: OnceLock<Changes>,
}

impl App {
    /// What is needed to show a store.
    pub fn new(store: Store, site: Site, clock: Clock) -> Self {
        Self { store, site, oversight: None, actions: None, clock, changes: OnceLock::new() }
    }

    fn changes(&self) -> &Changes {
        self.changes.get_or_init(|| Changes::of(self.store.clone()))
    }

    /// Who sends a request.
    pub(crate) fn actor(&self, headers: &HeaderMap) -> Actor {
        let Some(actions) = &self.actions else { return Actor::Nobody };
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut cookies = cookies.flat_map(|value| value.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
        let own = cookies.find(|(name, _)| *name == COOKIE).map(|(_, value)| value);
        actions.actor(own, self.clock.now())
    }
}

/// Every address of the pages, with what goes for all answers.
pub fn router(app: App) -> Router {
    routes::pages()
        .merge(super::api::routes())
        .merge(actions::routes())
        .with_state(std::sync::Arc::new(app))
        .layer(axum::middleware::map_response(answer::guard))
}
