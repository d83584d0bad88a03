//! Pages that are open learn that something has changed.
//!
//! Who builds and who serves may be two processes, so the store is asked: one number, once a second, and only while somebody
//! looks. All pages share the question.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::stream::{self, Stream};
use tokio::sync::watch;

use super::App;
use crate::store::Store;

/// How often the store is asked.
const PERIOD: Duration = Duration::from_secs(1);

/// The number that grows with every change.
#[derive(Debug, Clone)]
pub(crate) struct Changes(watch::Sender<i64>);

impl Changes {
    /// Asks the store from now on, as long as the pages are served.
    pub(super) fn of(store: Store) -> Self {
        let sender = watch::Sender::new(0);
        let changes = Self(sender.clone());
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(PERIOD).await;
                if sender.receiver_count() == 0 {
                    continue;
                }
                match store.revision().await {
                    Ok(revision) => {
                        sender.send_if_modified(|known| std::mem::replace(known, revision) != revision);
                    }
                    Err(error) => tracing::warn!("pages that are open are not told what changes: {error}"),
                }
            }
        });
        changes
    }

    pub(super) fn watch(&self) -> watch::Receiver<i64> {
        self.0.subscribe()
    }
}

/// `/events`: a `change` for each time that something has changed; the first one says what the number is now.
pub(super) async fn events(State(app): State<Arc<App>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let first = app.store.revision().await.unwrap_or_default();
    let state = (app.changes().watch(), first, true);
    let stream = stream::unfold(state, |(mut receiver, known, is_first)| async move {
        if is_first {
            return Some((Ok(change(known)), (receiver, known, false)));
        }
        loop {
            receiver.changed().await.ok()?;
            let revision = *receiver.borrow_and_update();
            if revision != known {
                return Some((Ok(change(revision)), (receiver, revision, false)));
            }
        }
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

fn change(revision: i64) -> Event {
    Event::default().event("change").data(revision.to_string())
}
