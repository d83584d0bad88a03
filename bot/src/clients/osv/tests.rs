use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use url::Url;
use wiremock::matchers::{body_partial_json, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::document::merged;
use super::{Advisory, Osv};
use crate::clients::http::{Http, HttpSettings};
use crate::model::Clock;

const NOW: &str = "2026-11-23T02:00:00Z";

fn osv(server: &MockServer, folder: &tempfile::TempDir, now: &str) -> Osv {
    let settings = HttpSettings { attempts: 1, first_wait: Duration::ZERO, ..HttpSettings::default() };
    let clock = Clock::fixed(now.parse().unwrap());
    let http = Http::new(settings, clock.clone()).unwrap();
    Osv::new(http, Url::parse(&format!("{}/osv/", server.uri())).unwrap(), folder.path(), clock)
}

fn purls(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| format!("pkg:cargo/{name}@1.0.0")).collect()
}

async fn batch(server: &MockServer, reply: serde_json::Value, times: u64) {
    let mock = Mock::given(method("POST")).and(path("/osv/v1/querybatch"));
    mock.respond_with(ResponseTemplate::new(200).set_body_json(reply)).expect(times).mount(server).await;
}

async fn advisory(server: &MockServer, id: &str, document: serde_json::Value, times: u64) {
    let mock = Mock::given(method("GET")).and(path(format!("/osv/v1/vulns/{id}")));
    mock.respond_with(ResponseTemplate::new(200).set_body_json(document)).expect(times).mount(server).await;
}

#[tokio::test]
async fn an_answer_is_asked_for_once_an_hour_and_an_advisory_once_a_change() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let mention = json!({ "id": "RUSTSEC-2026-0001", "modified": "2026-01-01T00:00:00Z" });
    batch(&server, json!({ "results": [{}, { "vulns": [mention] }] }), 2).await;
    let document = json!({ "id": "RUSTSEC-2026-0001", "details": "\n Reads too far.\nMore.", "aliases": ["CVE-2026-1"],
        "database_specific": { "severity": "HIGH" }, "affected": [] });
    advisory(&server, "RUSTSEC-2026-0001", document, 1).await;
    let asked = purls(&["a", "b"]);
    let first = osv(&server, &folder, NOW).advisories(&asked).await.unwrap();
    assert_eq!(first.at.to_string(), NOW);
    let found = &first.advisories["pkg:cargo/b@1.0.0"][0];
    assert_eq!((found.summary.as_deref(), found.severity.as_deref()), (Some("Reads too far."), Some("HIGH")));
    assert_eq!(first.advisories.len(), 1);
    let soon = osv(&server, &folder, "2026-11-23T02:59:00Z").advisories(&asked).await.unwrap();
    assert_eq!(soon, first);
    let later = osv(&server, &folder, "2026-11-23T03:01:00Z").advisories(&asked).await.unwrap();
    assert_eq!(later.at.to_string(), "2026-11-23T03:01:00Z");
}

#[tokio::test]
async fn the_rest_of_a_long_answer_is_asked_for() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let next = json!({ "queries": [{ "page_token": "more" }] });
    Mock::given(method("POST"))
        .and(body_partial_json(next))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "results": [{ "vulns": [{ "id": "B-2" }] }] })))
        .expect(1)
        .mount(&server)
        .await;
    let first = json!({ "results": [{ "vulns": [{ "id": "A-1" }], "next_page_token": "more" }] });
    batch(&server, first, 1).await;
    advisory(&server, "A-1", json!({ "id": "A-1" }), 1).await;
    advisory(&server, "B-2", json!({ "id": "B-2", "withdrawn": "2026-02-02T00:00:00Z" }), 1).await;
    let answer = osv(&server, &folder, NOW).advisories(&purls(&["a"])).await.unwrap();
    let ids: Vec<&str> = answer.advisories["pkg:cargo/a@1.0.0"].iter().map(|advisory| advisory.id.as_str()).collect();
    assert_eq!(ids, ["A-1"], "what was withdrawn is no advisory");
}

#[tokio::test]
async fn what_is_no_answer_is_an_error_and_never_none() {
    for reply in [
        json!({ "results": [] }),
        json!({}),
        json!({ "results": [{ "vulns": [{ "id": "../../etc/passwd" }] }] }),
        json!({ "results": [{ "vulns": [{ "id": "" }] }] }),
        json!([]),
    ] {
        let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
        batch(&server, reply.clone(), 1).await;
        let error = osv(&server, &folder, NOW).advisories(&purls(&["a"])).await.unwrap_err().to_string();
        assert!(error.contains("is not usable"), "{reply}: {error}");
    }
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let gone = "pkg:cargo/a@1.0.0".to_owned();
    batch(&server, json!({ "results": [{ "vulns": [{ "id": "A-1" }] }] }), 1).await;
    let error = osv(&server, &folder, NOW).advisories(&[gone].into()).await.unwrap_err().to_string();
    assert!(error.contains("404"), "an advisory that cannot be read is not left out: {error}");
}

#[test]
fn several_ids_of_one_thing_are_one_advisory_under_the_ecosystems_own_id() {
    let advisory = |id: &str, aliases: &[&str], severity: Option<&str>| Advisory {
        id: id.to_owned(),
        aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        summary: None,
        severity: severity.map(str::to_owned),
    };
    let merged = merged(vec![
        advisory("GHSA-aaaa", &["CVE-1", "RUSTSEC-1"], Some("LOW")),
        advisory("RUSTSEC-1", &["CVE-1", "GHSA-aaaa"], None),
        advisory("RUSTSEC-2", &[], None),
    ]);
    assert_eq!(merged, [advisory("RUSTSEC-1", &["CVE-1", "GHSA-aaaa"], Some("LOW")), advisory("RUSTSEC-2", &[], None)]);
}
