//! The HTTP side of the fake: what comes in is judged, answered, judged again, and goes out.

use std::io;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use data_encoding::HEXLOWER;
use futures::StreamExt as _;
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;

use super::call::{Asked, Content, Reply};
use super::faults::{Fault, Hook, When, limited};
use super::git_http::{self, Wish};
use super::openapi::Description;
use super::rest::{Visit, with_names};
use super::world::Who;
use super::{Hub, graphql};

/// The version of the API that the fake speaks.
const VERSION: &str = "2022-11-28";

/// Serves until `stop` fires or is dropped.
pub(super) async fn serve_until(listener: std::net::TcpListener, hub: Hub, stop: oneshot::Receiver<()>) {
    listener.set_nonblocking(true).expect("a listener for tokio");
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener for tokio");
    let app = Router::new().fallback(answer).with_state(hub);
    tokio::select! {
        result = axum::serve(listener, app).into_future() => result.expect("the fake GitHub's server"),
        _ = stop => {}
    }
}

async fn answer(State(hub): State<Hub>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        // Who asks is gone.
        return StatusCode::BAD_REQUEST.into_response();
    };
    let raw_query = parts.uri.query().unwrap_or_default().to_owned();
    let asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: url::form_urlencoded::parse(raw_query.as_bytes()).into_owned().collect(),
        raw_query,
        headers: parts.headers,
        body,
    };
    let name = format!("{} {}", asked.method, asked.path);
    let work = hub.clone();
    // Git and the hooks of a test take their time; and a request that began ends, even if who sent it is killed.
    let reply = tokio::task::spawn_blocking(move || work.respond(&asked)).await;
    sent(reply.unwrap_or_else(|error| hub.violated(format!("{name}: the fake failed: {error}"))))
}

fn sent(reply: Reply) -> Response {
    let (kind, body) = match reply.content {
        Content::Nothing => (None, Body::empty()),
        Content::Json(value) => (Some("application/json; charset=utf-8"), Body::from(value.to_string())),
        Content::Bytes(bytes) => (None, Body::from(bytes)),
        Content::Cut => (None, Body::from_stream(broken())),
    };
    let mut response = body.into_response();
    *response.status_mut() = StatusCode::from_u16(reply.status).expect("an HTTP status");
    if let Some(kind) = kind {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    for (name, value) in reply.headers {
        let name = header::HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        response.headers_mut().insert(name, HeaderValue::from_str(&value).expect("a header's value"));
    }
    response
}

/// A body that never comes.
fn broken() -> impl futures::Stream<Item = io::Result<&'static str>> {
    futures::stream::once(async { Err(io::Error::from(io::ErrorKind::ConnectionReset)) }).boxed()
}

fn call(hooks: Vec<Hook>) {
    for hook in hooks {
        let hook = hook.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        hook();
    }
}

impl Hub {
    /// All that happens to one request. No lock is held while a hook of the test runs.
    fn respond(&self, asked: &Asked) -> Reply {
        let (number, fault, before) = {
            let mut traffic = self.traffic();
            traffic.requests.push(asked.remembered());
            let fault = traffic.staged.take_fault(asked);
            (traffic.requests.len() - 1, fault, traffic.staged.hooks_for(asked, When::Before))
        };
        call(before);
        if let Some(Fault::Slow(pause)) = fault {
            std::thread::sleep(pause);
        }
        if fault == Some(Fault::TokenExpired) {
            self.refuse_token_of(asked);
        }
        let mut reply = match fault.as_ref().and_then(Fault::instead) {
            Some(reply) => reply,
            None => self.work(asked, if let Some(Fault::Stale(changes)) = fault { changes } else { 0 }),
        };
        let after = self.traffic().staged.hooks_for(asked, When::After);
        call(after);
        if let Some(instead) = fault.as_ref().and_then(Fault::afterwards) {
            reply = instead;
        }
        if asked.api_path().is_some() {
            reply = self.with_limits(reply);
        }
        if !matches!(reply.content, Content::Cut) {
            self.traffic().requests[number].status = Some(reply.status);
        }
        reply
    }

    fn work(&self, asked: &Asked, stale: usize) -> Reply {
        if self.shows_a_token(asked) {
            return self.violated(format!("{}: a token is in an address or in a text", asked.method));
        }
        match (asked.api_path(), git_http::wish_of(asked)) {
            (Some("/graphql"), _) => self.graphql(asked),
            (Some(path), _) => self.rest(asked, path, stale),
            (None, Some(wish)) => self.git(asked, wish),
            (None, None) => Reply::error(404, "Not Found"),
        }
    }

    fn git(&self, asked: &Asked, wish: Wish) -> Reply {
        let (caller, private) = {
            let world = self.world();
            (world.git_caller(asked), world.settings.private)
        };
        if caller.is_none() && (private || wish == Wish::Push || !asked.header("authorization").is_empty()) {
            return git_http::unauthorized();
        }
        let login = caller.as_ref().map_or("anonymous", Who::login);
        let reply = git_http::answer(self.root(), asked, login);
        if wish == Wish::Push && git_http::is_work(asked) {
            self.world().settle(login);
        }
        reply
    }

    fn rest(&self, asked: &Asked, path: &str, stale: usize) -> Reply {
        let mut faults = missing_headers(asked, true);
        let path = with_names(path, &self.world().full_name());
        let Some(operation) = Description::get().operation(&asked.method, &path) else {
            return self.violated(format!("GitHub has no operation {} {path}", asked.method));
        };
        faults.extend(operation.faults_of_request(asked));
        if !faults.is_empty() {
            return self.violated(faults.join("; "));
        }
        let reply = {
            let mut world = self.world();
            match world.caller(asked) {
                Err(reply) => reply,
                Ok(_) if world.used >= world.settings.rate_limit && path != "/rate_limit" => {
                    let reset = jiff::Timestamp::from_second(world.reset()).expect("a time");
                    limited(403, reset, "API rate limit exceeded for user ID 1.")
                }
                Ok(who) => {
                    let visit = Visit { asked, who, stale };
                    let reply = world.rest(&visit, &path);
                    world.settle(visit.who.login());
                    reply
                }
            }
        };
        let faults = operation.faults_of_reply(reply.status, reply.body());
        if reply.status == 501 || !faults.is_empty() {
            return self.violated(format!("the fake's reply to {} {path}: {}", asked.method, faults.join("; ")));
        }
        self.counted(asked, &path, reply)
    }

    /// The reply, or 304 where it is known already; the latter does not count.
    fn counted(&self, asked: &Asked, path: &str, reply: Reply) -> Reply {
        let reply = match reply.body() {
            Some(body) if asked.method == "GET" && reply.status == 200 => {
                let hash = HEXLOWER.encode(&Sha256::digest(body.to_string()));
                let tag = format!("W/\"{hash}\"");
                if asked.header("if-none-match").contains(&hash) {
                    return Reply::nothing(304).with("etag", tag);
                }
                reply.with("etag", tag)
            }
            _ => reply,
        };
        if path != "/rate_limit" {
            self.world().used += 1;
        }
        reply
    }

    fn graphql(&self, asked: &Asked) -> Reply {
        let faults = missing_headers(asked, false);
        if !faults.is_empty() {
            return self.violated(faults.join("; "));
        }
        let answered = {
            let mut world = self.world();
            match world.caller(asked) {
                Err(reply) => Ok(reply),
                Ok(Who::App) => Ok(Reply::error(403, "Resource not accessible by integration")),
                Ok(who) => {
                    let answered = graphql::answer(&mut world, &who, asked);
                    world.settle(who.login());
                    answered
                }
            }
        };
        match answered {
            Ok(reply) => {
                self.world().used += 1;
                reply
            }
            Err(violation) => self.violated(violation),
        }
    }

    /// Is a token anywhere but in the header that is made for it? What git sends is packed and not looked into.
    fn shows_a_token(&self, asked: &Asked) -> bool {
        let body = if asked.api_path().is_some() { String::from_utf8_lossy(&asked.body) } else { "".into() };
        let places = [asked.path.as_str(), asked.raw_query.as_str(), &body];
        self.world().tokens.iter().any(|token| places.iter().any(|place| place.contains(&token.value)))
    }

    /// Remembers what must not be, and answers with it.
    fn violated(&self, what: String) -> Reply {
        let reply = Reply::error(500, format!("violation: {what}"));
        self.traffic().violations.push(what);
        reply
    }

    fn with_limits(&self, mut reply: Reply) -> Reply {
        let world = self.world();
        let (limit, used, reset) = (world.settings.rate_limit, world.used, world.reset());
        let all = [
            ("x-ratelimit-limit", limit),
            ("x-ratelimit-remaining", (limit - used).max(0)),
            ("x-ratelimit-used", used),
            ("x-ratelimit-reset", reset),
        ];
        for (name, value) in all {
            // What a fault says of the limit stays.
            if !reply.headers.iter().any(|(known, _)| known == name) {
                reply = reply.with(name, value.to_string());
            }
        }
        reply.with("x-ratelimit-resource", "core").with("x-github-api-version-selected", VERSION)
    }

    fn refuse_token_of(&self, asked: &Asked) {
        let mut world = self.world();
        let sent = asked.header("authorization").split(' ').next_back().unwrap_or_default().to_owned();
        let basic = data_encoding::BASE64.decode(sent.as_bytes()).unwrap_or_default();
        let basic = String::from_utf8_lossy(&basic).into_owned();
        for token in &mut world.tokens {
            token.refused |= token.value == sent || basic.ends_with(&format!(":{}", token.value));
        }
    }
}

/// Headers that GitHub asks for in its documentation and that a request does not have.
fn missing_headers(asked: &Asked, rest: bool) -> Vec<String> {
    let place = format!("{} {}", asked.method, asked.path);
    let mut missing = Vec::new();
    for name in ["user-agent", "authorization"] {
        if asked.header(name).is_empty() {
            missing.push(format!("{place}: no {name}"));
        }
    }
    if rest && !asked.header("accept").contains("application/vnd.github") {
        missing.push(format!("{place}: accept is {:?}, not application/vnd.github+json", asked.header("accept")));
    }
    if rest && asked.header("x-github-api-version") != VERSION {
        let sent = asked.header("x-github-api-version");
        missing.push(format!("{place}: x-github-api-version is {sent:?}, not {VERSION}"));
    }
    missing
}
