use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};
use url::Url;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::client::refused_redirect;
use super::{Downloaded, Expected, Http, HttpError, HttpSettings};
use crate::clients::files::read_optional;
use crate::model::Clock;

const NO_LIMIT: Expected<'static> = Expected { sha256: None, max_bytes: u64::MAX };

fn quick() -> HttpSettings {
    HttpSettings {
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_secs(2),
        read_timeout: Duration::from_secs(5),
        attempts: 3,
        ..HttpSettings::default()
    }
}

fn client(settings: HttpSettings) -> Http {
    Http::new(settings, Clock::fixed("2026-01-01T00:00:00Z".parse().unwrap())).unwrap()
}

fn url(server: &MockServer, path: &str) -> Url {
    Url::parse(&server.uri()).unwrap().join(path).unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

async fn serve(server: &MockServer, at: &str, response: ResponseTemplate) {
    Mock::given(method("GET")).and(path(at)).respond_with(response).mount(server).await;
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

/// The message, with the port of the fake replaced.
fn message(error: &HttpError) -> String {
    let text = error.to_string();
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match word.split_once("127.0.0.1:") {
            Some((before, after)) => {
                let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
                words.push(format!("{before}registry.example{rest}"));
            }
            None => words.push(word.to_owned()),
        }
    }
    words.join(" ")
}

fn left_in(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

/// A server that reads a request, answers with these bytes, whatever they are, and closes; and the count of answers.
fn raw_server(answer: &'static [u8]) -> (Url, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/file", listener.local_addr().unwrap())).unwrap();
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let _ = stream.read(&mut [0; 4096]);
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = stream.write_all(answer);
        }
    });
    (url, count)
}

#[tokio::test]
async fn a_file_arrives_whole_with_its_hash_and_its_progress() {
    let server = MockServer::start().await;
    let body = vec![7; 300_000];
    serve(&server, "/file", ResponseTemplate::new(200).set_body_bytes(body.clone())).await;
    let folder = tempfile::tempdir().unwrap();
    let destination = folder.path().join("a/file");
    let seen = Mutex::new(Vec::new());
    let expected = Expected { sha256: Some(&sha256(&body)), max_bytes: 300_000 };
    let downloaded = client(quick())
        .get_to_file(&url(&server, "/file"), &destination, expected, &mut |bytes| seen.lock().unwrap().push(bytes))
        .await
        .unwrap();
    assert_eq!(downloaded, Downloaded { bytes: 300_000, sha256: sha256(&body) });
    assert_eq!(read_optional(&destination).unwrap().unwrap(), body);
    let seen = seen.into_inner().unwrap();
    assert!(seen.is_sorted() && seen.last() == Some(&300_000), "{seen:?}");
}

#[tokio::test]
async fn a_file_with_another_hash_is_not_kept_nor_asked_for_again() {
    let server = MockServer::start().await;
    serve(&server, "/file", ResponseTemplate::new(200).set_body_string("other")).await;
    let folder = tempfile::tempdir().unwrap();
    let promised = "0".repeat(64);
    let error = client(quick())
        .get_to_file(
            &url(&server, "/file"),
            &folder.path().join("file"),
            Expected { sha256: Some(&promised), max_bytes: 100 },
            &mut |_| {},
        )
        .await
        .unwrap_err();
    insta::assert_snapshot!(message(&error), @"http://registry.example/file has the SHA-256 d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa, not 0000000000000000000000000000000000000000000000000000000000000000 as promised; nothing was kept: the mirror has a damaged copy, or the file was replaced after it was published");
    assert_eq!((left_in(folder.path()), requests(&server).await), (0, 1));
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_tried_again_and_not_kept() {
    let (url, count) = raw_server(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf of it");
    let folder = tempfile::tempdir().unwrap();
    let error =
        client(quick()).get_to_file(&url, &folder.path().join("file"), NO_LIMIT, &mut |_| {}).await.unwrap_err();
    insta::assert_snapshot!(message(&error), @"registry.example broke off in the middle of http://registry.example/file, after 10 bytes (3 tries): end of file before message length reached; nothing was kept, the next cycle tries again");
    assert_eq!((left_in(folder.path()), count.load(Ordering::SeqCst)), (0, 3));
}

#[tokio::test]
async fn a_chunked_body_without_its_end_is_cut_off() {
    let (url, _) = raw_server(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n");
    let error = client(quick()).get_bytes(&url, 100).await.unwrap_err();
    assert!(matches!(error, HttpError::Truncated { received: 5, .. }), "{error}");
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_is_cut_off() {
    let (url, count) = raw_server(b"");
    let error = client(quick()).get_bytes(&url, 100).await.unwrap_err();
    insta::assert_snapshot!(message(&error), @"registry.example broke off in the middle of http://registry.example/file, after 0 bytes (3 tries): connection closed before message completed; nothing was kept, the next cycle tries again");
    assert_eq!(count.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_body_cut_off_once_is_whole_the_second_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/file", listener.local_addr().unwrap())).unwrap();
    std::thread::spawn(move || {
        let answers: [&[u8]; 2] =
            [b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nwrong", b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood"];
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            stream.write_all(answer).unwrap();
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let destination = folder.path().join("file");
    let expected = Expected { sha256: Some(&sha256(b"good")), max_bytes: 100 };
    client(quick()).get_to_file(&url, &destination, expected, &mut |_| {}).await.unwrap();
    assert_eq!(read_optional(&destination).unwrap().unwrap(), b"good");
}

#[tokio::test]
async fn more_than_the_limit_is_refused_whether_announced_or_not() {
    let server = MockServer::start().await;
    serve(&server, "/file", ResponseTemplate::new(200).set_body_bytes(vec![0; 101])).await;
    let error = client(quick()).get_bytes(&url(&server, "/file"), 100).await.unwrap_err();
    insta::assert_snapshot!(message(&error), @"http://registry.example/file is larger than the 100 bytes allowed; if it is meant to be, raise the limit under [limits]");
    let (endless, count) = raw_server(b"HTTP/1.1 200 OK\r\n\r\n0123456789012345678901234567890123456789");
    let error = client(quick()).get_bytes(&endless, 10).await.unwrap_err();
    assert!(matches!(error, HttpError::TooLarge { limit: 10, .. }), "{error}");
    assert_eq!((requests(&server).await, count.load(Ordering::SeqCst)), (1, 1));
}

#[tokio::test]
async fn a_passing_fault_is_tried_again() {
    let server = MockServer::start().await;
    Mock::given(path("/file")).respond_with(ResponseTemplate::new(503)).up_to_n_times(2).mount(&server).await;
    serve(&server, "/file", ResponseTemplate::new(200).set_body_string("good")).await;
    assert_eq!(client(quick()).get_bytes(&url(&server, "/file"), 100).await.unwrap(), b"good");
    assert_eq!(requests(&server).await, 3);
}

#[tokio::test]
async fn what_is_not_there_is_asked_for_once() {
    let server = MockServer::start().await;
    let http = client(quick());
    let error = http.get_bytes(&url(&server, "/file?token=secret"), 100).await.unwrap_err();
    assert!(error.is_absent());
    insta::assert_snapshot!(message(&error), @"registry.example answered 404 Not Found for http://registry.example/file; it is not there: check the name, and the address under [registries]");
    for (status, absent) in [(410, true), (451, true), (403, false), (418, false)] {
        let at = format!("/{status}");
        serve(&server, &at, ResponseTemplate::new(status)).await;
        assert_eq!(http.get_bytes(&url(&server, &at), 100).await.unwrap_err().is_absent(), absent, "{status}");
    }
    assert_eq!(requests(&server).await, 5);
}

#[tokio::test]
async fn a_wait_that_the_host_asks_for_is_kept_or_ends_the_tries() {
    let server = MockServer::start().await;
    let short = ResponseTemplate::new(429).insert_header("retry-after", "1");
    Mock::given(path("/short")).respond_with(short).up_to_n_times(1).mount(&server).await;
    serve(&server, "/short", ResponseTemplate::new(200)).await;
    let http = client(quick());
    let before = std::time::Instant::now();
    http.get_bytes(&url(&server, "/short"), 100).await.unwrap();
    // Not a time limit: a lower bound, which a slow machine cannot break.
    assert!(before.elapsed() >= Duration::from_secs(1));

    for value in ["3600", "Thu, 01 Jan 2026 01:00:00 GMT"] {
        server.reset().await;
        serve(&server, "/long", ResponseTemplate::new(429).insert_header("retry-after", value)).await;
        let error = http.get_bytes(&url(&server, "/long"), 100).await.unwrap_err();
        insta::allow_duplicates! {
            insta::assert_snapshot!(message(&error), @"registry.example answered 429 Too Many Requests for http://registry.example/long and asks to wait 3600 s; the next cycle tries again");
        }
        assert_eq!(requests(&server).await, 1);
    }
}

#[tokio::test]
async fn a_host_that_keeps_failing_is_left_alone_and_others_are_not() {
    let (sick, healthy) = (MockServer::start().await, MockServer::start().await);
    serve(&sick, "/file", ResponseTemplate::new(500)).await;
    serve(&healthy, "/file", ResponseTemplate::new(200).set_body_string("good")).await;
    let http = client(HttpSettings { failures_before_pause: 2, attempts: 2, ..quick() });
    for _ in 0..2 {
        let error = http.get_bytes(&url(&sick, "/file"), 100).await.unwrap_err();
        assert!(matches!(error, HttpError::Status { .. }), "{error}");
    }
    assert_eq!(requests(&sick).await, 4);
    let error = http.get_bytes(&url(&sick, "/other"), 100).await.unwrap_err();
    insta::assert_snapshot!(message(&error), @"registry.example is left alone after 2 failed requests in a row; the last one: registry.example answered 500 Internal Server Error for http://registry.example/file; the fault is the server's: the next cycle tries again");
    assert_eq!(requests(&sick).await, 4);
    assert_eq!(http.get_bytes(&url(&healthy, "/file"), 100).await.unwrap(), b"good");
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_a_failure_to_connect() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = client(quick()).get_bytes(&Url::parse(&format!("http://{free}/")).unwrap(), 100).await.unwrap_err();
    insta::assert_snapshot!(message(&error), @"cannot connect to registry.example for http://registry.example/: Connection refused (os error 111) (3 tries); check the network, and the address under [registries] in the configuration");
}

#[tokio::test]
async fn a_host_that_falls_silent_is_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/file", listener.local_addr().unwrap())).unwrap();
    let settings = HttpSettings { read_timeout: Duration::from_millis(50), attempts: 2, ..quick() };
    let error = client(settings).get_bytes(&url, 100).await.unwrap_err();
    insta::assert_snapshot!(message(&error), @"registry.example stopped answering for http://registry.example/file (2 tries); the next cycle tries again");
    drop(listener);
}

#[tokio::test]
async fn redirects_are_followed_but_not_without_end() {
    let server = MockServer::start().await;
    serve(&server, "/from", ResponseTemplate::new(302).insert_header("location", "/to")).await;
    serve(&server, "/to", ResponseTemplate::new(200).set_body_string("good")).await;
    serve(&server, "/loop", ResponseTemplate::new(302).insert_header("location", "/loop")).await;
    let http = client(quick());
    assert_eq!(http.get_bytes(&url(&server, "/from"), 100).await.unwrap(), b"good");
    let error = http.get_bytes(&url(&server, "/loop"), 100).await.unwrap_err();
    insta::assert_snapshot!(message(&error), @"registry.example sends http://registry.example/loop on to another address that is not followed: more than 5 redirects in a row");
}

#[test]
fn a_redirect_never_leaves_encryption() {
    let refused = |previous: &[&str], next: &str| {
        let previous: Vec<Url> = previous.iter().map(|url| url.parse().unwrap()).collect();
        refused_redirect(&previous, &next.parse().unwrap()).is_some()
    };
    let (plain, encrypted) = ("http://registry.example/", "https://registry.example/");
    assert!(refused(&[encrypted], plain));
    assert!(refused(&[plain, encrypted], plain));
    assert!(!refused(&[plain], plain) && !refused(&[plain], encrypted) && !refused(&[encrypted], encrypted));
}

#[tokio::test]
async fn a_server_that_sends_a_byte_now_and_then_is_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/file", listener.local_addr().unwrap())).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n");
        while stream.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let settings = HttpSettings { try_timeout: Duration::from_millis(200), attempts: 1, ..quick() };
    let error = client(settings).get_bytes(&url, 2_000_000).await.unwrap_err();
    assert!(matches!(error, HttpError::Timeout { .. }), "{error}");
}

#[tokio::test]
async fn requests_to_one_host_are_few_at_a_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/file", listener.local_addr().unwrap())).unwrap();
    let (now, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (now_seen, most_seen) = (Arc::clone(&now), Arc::clone(&most));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, now, most) = (stream.unwrap(), Arc::clone(&now_seen), Arc::clone(&most_seen));
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(30));
                now.fetch_sub(1, Ordering::SeqCst);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            });
        }
    });
    let http = client(HttpSettings { requests_per_host: 2, ..quick() });
    let all = (0..8).map(|_| http.get_bytes(&url, 100));
    for result in futures::future::join_all(all).await {
        result.unwrap();
    }
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_document_that_has_not_changed_is_not_sent_again() {
    let server = MockServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("doc");
    let (http, url) = (client(quick()), url(&server, "/doc"));
    let first = ResponseTemplate::new(200)
        .insert_header("etag", "\"one\"")
        .insert_header("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        .set_body_string("body\nmore");
    serve(&server, "/doc", first).await;
    let fetched = http.get_conditional(&url, &cache, 100).await.unwrap();
    assert_eq!((fetched.body.as_slice(), fetched.changed), (b"body\nmore".as_slice(), true));

    server.reset().await;
    Mock::given(path("/doc"))
        .and(header("if-none-match", "\"one\""))
        .respond_with(ResponseTemplate::new(304))
        .mount(&server)
        .await;
    let fetched = http.get_conditional(&url, &cache, 100).await.unwrap();
    assert_eq!((fetched.body.as_slice(), fetched.changed), (b"body\nmore".as_slice(), false));
    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!(request.headers["if-modified-since"], "Thu, 01 Jan 2026 00:00:00 GMT");
}

#[tokio::test]
async fn a_copy_that_is_damaged_or_of_another_address_is_not_used() {
    let server = MockServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("doc");
    let http = client(quick());
    let answer = ResponseTemplate::new(200).insert_header("etag", "\"one\"").set_body_string("body");
    serve(&server, "/doc", answer.clone()).await;
    serve(&server, "/other", answer).await;
    http.get_conditional(&url(&server, "/doc"), &cache, 100).await.unwrap();
    http.get_conditional(&url(&server, "/other"), &cache, 100).await.unwrap();
    let mut bytes = read_optional(&cache).unwrap().unwrap();
    bytes.pop();
    crate::clients::files::write(&cache, &bytes).unwrap();
    let fetched = http.get_conditional(&url(&server, "/other"), &cache, 100).await.unwrap();
    assert_eq!(fetched.body, b"body");
    for request in server.received_requests().await.unwrap() {
        assert!(!request.headers.contains_key("if-none-match"), "{request:?}");
    }
}

#[tokio::test]
async fn a_failed_request_leaves_the_copy_as_it_was() {
    let server = MockServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("doc");
    let http = client(quick());
    let answer = ResponseTemplate::new(200).insert_header("etag", "\"one\"").set_body_string("body");
    serve(&server, "/doc", answer).await;
    http.get_conditional(&url(&server, "/doc"), &cache, 100).await.unwrap();
    let before = read_optional(&cache).unwrap();
    server.reset().await;
    serve(&server, "/doc", ResponseTemplate::new(500)).await;
    http.get_conditional(&url(&server, "/doc"), &cache, 100).await.unwrap_err();
    assert_eq!(read_optional(&cache).unwrap(), before);
}

#[tokio::test]
async fn every_request_says_who_asks() {
    let server = MockServer::start().await;
    serve(&server, "/file", ResponseTemplate::new(200)).await;
    client(quick()).get_bytes(&url(&server, "/file"), 100).await.unwrap();
    let request = &server.received_requests().await.unwrap()[0];
    assert_eq!(request.headers["user-agent"], concat!("nixwright/", env!("CARGO_PKG_VERSION")));
}
