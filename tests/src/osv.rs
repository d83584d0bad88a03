//! A fake database of advisories on loopback, with the part of OSV's interface that the program asks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// The running fake. It stops when it is dropped.
pub struct Osv {
    base: String,
    shelves: Arc<Mutex<Shelves>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shelves {
    /// Advisories by package URL.
    about: BTreeMap<String, BTreeSet<String>>,
    documents: BTreeMap<String, Value>,
    asked: BTreeSet<String>,
}

type Shared = Arc<Mutex<Shelves>>;

impl Osv {
    /// Starts without any advisory, on a free port.
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a tokio runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a loopback port");
        let base = format!("http://{}/", listener.local_addr().expect("a bound port"));
        let shelves = Shared::default();
        let (stop, stopped) = oneshot::channel::<()>();
        let app = Router::new()
            .route("/v1/querybatch", post(batch))
            .route("/v1/vulns/{id}", get(document))
            .with_state(Arc::clone(&shelves));
        let thread = std::thread::spawn(move || {
            runtime.block_on(async move {
                tokio::select! {
                    served = axum::serve(listener, app) => served.expect("the fake database's server"),
                    _ = stopped => {}
                }
            });
        });
        Self { base, shelves, stop: Some(stop), thread: Some(thread) }
    }

    /// Its address, with a final slash.
    pub fn url(&self) -> &str {
        &self.base
    }

    /// Files an advisory about exact versions.
    pub fn publish(&self, id: &str, summary: &str, purls: &[&str]) {
        let mut shelves = lock(&self.shelves);
        for purl in purls {
            shelves.about.entry((*purl).to_owned()).or_default().insert(id.to_owned());
        }
        let document = json!({
            "id": id, "modified": "2026-03-01T00:00:00Z", "summary": summary, "database_specific": { "severity": "HIGH" },
        });
        shelves.documents.insert(id.to_owned(), document);
    }

    /// Every package URL that was asked about.
    pub fn asked(&self) -> BTreeSet<String> {
        lock(&self.shelves).asked.clone()
    }
}

impl Drop for Osv {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock(shelves: &Shared) -> MutexGuard<'_, Shelves> {
    shelves.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn batch(State(shelves): State<Shared>, Json(question): Json<Value>) -> Json<Value> {
    let mut shelves = lock(&shelves);
    let mut results = Vec::new();
    for query in question["queries"].as_array().into_iter().flatten() {
        let purl = query["package"]["purl"].as_str().unwrap_or_default().to_owned();
        let known = shelves.about.get(&purl).into_iter().flatten();
        let vulns: Vec<Value> = known.map(|id| json!({ "id": id, "modified": "2026-03-01T00:00:00Z" })).collect();
        results.push(if vulns.is_empty() { json!({}) } else { json!({ "vulns": vulns }) });
        shelves.asked.insert(purl);
    }
    Json(json!({ "results": results }))
}

async fn document(State(shelves): State<Shared>, Path(id): Path<String>) -> Result<Json<Value>, StatusCode> {
    lock(&shelves).documents.get(&id).cloned().map(Json).ok_or(StatusCode::NOT_FOUND)
}
