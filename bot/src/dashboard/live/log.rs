//! The log of a run while it goes on, and what becomes of its derivations.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde::{Deserialize, Serialize};

use super::App;
use crate::dashboard::ansi;
use crate::store::{LiveLine, RunId, StoreError};

/// How often the store is asked while nothing comes.
const PERIOD: Duration = Duration::from_millis(500);

/// How many rows are read at once.
const ROWS: u32 = 200;

/// From where on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct From {
    after: i64,
}

/// What a reader gets: a derivation and its lines, each in pieces of a class and a text.
#[derive(Debug, Serialize)]
struct Lines {
    name: String,
    lines: Vec<Vec<(String, String)>>,
}

impl Lines {
    fn of(line: &LiveLine) -> Self {
        let pieces = |pieces: Vec<ansi::Piece>| pieces.into_iter().map(|piece| (piece.class, piece.text)).collect();
        Self { name: line.name.clone(), lines: ansi::lines(&line.text).into_iter().map(pieces).collect() }
    }
}

struct Reader {
    app: Arc<App>,
    run: RunId,
    after: i64,
    waiting: VecDeque<Event>,
    is_over: bool,
}

/// `/runs/ID/events`: `log` for what is printed, numbered so that a reader that was cut off goes on where it was; `end` when the
/// run has ended.
pub(super) async fn events(
    State(app): State<Arc<App>>,
    Path(id): Path<i64>,
    Query(from): Query<From>,
    headers: HeaderMap,
) -> Response {
    let run = RunId(id);
    match app.store.run(run).await {
        Ok(Some(_)) => {}
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::error!("the log of run {run} cannot be shown: {error}");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    }
    let last = headers.get("last-event-id").and_then(|last| last.to_str().ok()?.parse().ok());
    let reader = Reader { app, run, after: last.unwrap_or(from.after), waiting: VecDeque::new(), is_over: false };
    let stream = stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok::<_, Infallible>(event), reader))
    });
    Sse::new(stream).keep_alive(KeepAlive::default()).into_response()
}

impl Reader {
    /// The next event; nothing after the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.is_over {
                return None;
            }
            if let Err(error) = self.read().await {
                tracing::warn!("the log of run {} cannot be followed: {error}", self.run);
                return None;
            }
            if self.waiting.is_empty() {
                tokio::time::sleep(PERIOD).await;
            }
        }
    }

    async fn read(&mut self) -> Result<(), StoreError> {
        // First whether it is over, so that no line between the two questions is lost.
        let is_over = self.app.store.run(self.run).await?.is_none_or(|run| run.finished.is_some());
        let rows = self.app.store.live_lines(self.run, self.after, ROWS).await?;
        for row in &rows {
            self.after = row.seq;
            let event = Event::default().event("log").id(row.seq.to_string()).json_data(Lines::of(row));
            self.waiting.extend(event.ok());
        }
        if is_over && rows.is_empty() {
            self.is_over = true;
            self.waiting.push_back(Event::default().event("end").data("ended"));
        }
        Ok(())
    }
}
