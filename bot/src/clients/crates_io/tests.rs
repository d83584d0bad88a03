use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};
use url::Url;
use wiremock::matchers::{header, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::index::{RegistryConfig, path as index_path};
use super::{CratesIo, CratesIoError};
use crate::clients::http::{Http, HttpSettings};
use crate::model::Clock;

fn registry(server: &MockServer, cache: &Path) -> CratesIo {
    let settings = HttpSettings { attempts: 1, first_wait: Duration::from_millis(1), ..HttpSettings::default() };
    let http = Http::new(settings, Clock::system()).unwrap();
    CratesIo::new(http, Url::parse(&format!("{}/index/", server.uri())).unwrap(), cache)
}

fn sha256(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

fn line(version: &str) -> String {
    format!(
        r#"{{"name":"abcd","vers":"{version}","deps":[],"cksum":"{}","features":{{}},"yanked":false}}"#,
        "0".repeat(64)
    )
}

async fn serve(server: &MockServer, at: &str, response: ResponseTemplate) {
    Mock::given(path(at)).respond_with(response).mount(server).await;
}

/// A registry with `config.json` and one crate at the address that its `dl` key means.
async fn serve_crate(server: &MockServer, dl: &str, at: &str, body: &[u8]) {
    let config = serde_json::json!({ "dl": format!("{}{dl}", server.uri()) });
    serve(server, "/index/config.json", ResponseTemplate::new(200).set_body_json(config)).await;
    serve(server, at, ResponseTemplate::new(200).set_body_bytes(body)).await;
}

fn message(server: &MockServer, error: &CratesIoError) -> String {
    error
        .to_string()
        .replace(&server.uri(), "http://registry.example")
        .replace(server.uri().trim_start_matches("http://"), "registry.example")
}

#[test]
fn a_crates_file_is_where_the_cargo_book_says() {
    let paths = ["a", "Ab", "abc", "ABCD", "fd-find"].map(index_path);
    assert_eq!(paths, ["1/a", "2/ab", "3/a/abc", "ab/cd/abcd", "fd/-f/fd-find"]);
}

#[test]
fn the_download_address_is_a_template_or_a_plain_one() {
    let index = Url::parse("https://registry.example/").unwrap();
    let download = |dl: &str| {
        let config = RegistryConfig::parse(&index, serde_json::json!({ "dl": dl }).to_string().as_bytes()).unwrap();
        config.download(&index, "Abcd", "1.0.0", "ff").map(String::from).map_err(|error| error.to_string())
    };
    let said = [
        "https://files.registry.example/crates",
        "https://files.registry.example/crates/",
        "https://files.registry.example/{prefix}/{lowerprefix}/{crate}-{version}.crate?{sha256-checksum}",
        "file:///crates",
        "crates",
    ]
    .map(|dl| download(dl).unwrap_or_else(|error| error))
    .join("\n");
    insta::assert_snapshot!(said, @r#"
https://files.registry.example/crates/Abcd/1.0.0/download
https://files.registry.example/crates/Abcd/1.0.0/download
https://files.registry.example/Ab/cd/ab/cd/Abcd-1.0.0.crate?ff
config.json of the index https://registry.example/ is not usable: `dl` is "file:///crates", which is not an http or https address; check the address under [registries]
config.json of the index https://registry.example/ is not usable: `dl` is "crates": relative URL without a base; check the address under [registries]
"#);
}

#[tokio::test]
async fn versions_have_what_the_index_says() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let sum = "AB".repeat(32);
    let full = format!(
        r#"{{"name":"abCd","vers":"1.2.3+x","deps":[],"cksum":"{sum}","features":{{"a":["b"]}},"features2":{{"c":["dep:d"]}},
            "yanked":true,"links":"z","rust_version":"1.85","pubtime":"2026-02-14T12:56:47Z","v":2}}"#
    )
    .replace('\n', " ");
    let body = format!("{full}\n{}\n", line("2.0.0"));
    serve(&server, "/index/ab/cd/abcd", ResponseTemplate::new(200).set_body_string(body)).await;
    let versions = registry(&server, folder.path()).versions("Abcd").await.unwrap();
    assert_eq!(versions.len(), 2);
    insta::assert_debug_snapshot!(versions[0], @r#"
IndexEntry {
    name: "abCd",
    version: Version {
        major: 1,
        minor: 2,
        patch: 3,
        build: BuildMetadata("x"),
    },
    sha256: "abababababababababababababababababababababababababababababababab",
    yanked: true,
    published: Some(
        2026-02-14T12:56:47Z,
    ),
    rust_version: Some(
        "1.85",
    ),
    links: Some(
        "z",
    ),
    features: {
        "a": [
            "b",
        ],
        "c": [
            "dep:d",
        ],
    },
}
"#);
    assert_eq!((versions[1].published, versions[1].yanked), (None, false));
}

#[tokio::test]
async fn lines_of_an_unknown_form_are_left_out() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let unknown = [
        line("1.0.0").replace("\"yanked\"", "\"v\":3,\"yanked\""),
        line("not-semver"),
        line("1.0.0").replace("\"cksum\":\"0", "\"cksum\":\"z"),
        r#"{"something":"else"}"#.to_owned(),
        line("2.0.0"),
    ];
    serve(&server, "/index/ab/cd/abcd", ResponseTemplate::new(200).set_body_string(unknown.join("\n"))).await;
    let versions = registry(&server, folder.path()).versions("abcd").await.unwrap();
    assert_eq!(versions.iter().map(|entry| entry.version.to_string()).collect::<Vec<_>>(), ["2.0.0"]);
}

#[tokio::test]
async fn a_damaged_index_is_an_error_that_names_the_line() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let cut = format!("{}\n{}", line("1.0.0"), &line("2.0.0")[..40]);
    serve(
        &server,
        "/index/ab/cd/abcd",
        ResponseTemplate::new(200).insert_header("etag", "\"one\"").set_body_string(cut),
    )
    .await;
    serve(&server, "/index/ab/ce/abce", ResponseTemplate::new(200).set_body_string(line("1.0.0"))).await;
    let registry = registry(&server, folder.path());
    let damaged = registry.versions("abcd").await.unwrap_err().to_string();
    // With a validator, the damaged copy would be "not changed" for ever.
    assert!(!folder.path().join("index/ab/cd/abcd").exists());
    let other = registry.versions("abce").await.unwrap_err().to_string();
    insta::assert_snapshot!(format!("{damaged}\n{other}"), @r#"
the index's file of abcd is damaged in line 2: no JSON at column 40; nothing was kept, the next cycle tries again
the index's file of abce is damaged in line 1: it is about the crate "abcd"; nothing was kept, the next cycle tries again
"#);
}

#[tokio::test]
async fn an_unknown_crate_is_not_found_whichever_way_it_is_said() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let registry = registry(&server, folder.path());
    for status in [404, 410, 451] {
        server.reset().await;
        serve(&server, "/index/ab/cd/abcd", ResponseTemplate::new(status)).await;
        let error = registry.versions("abcd").await.unwrap_err();
        assert!(matches!(error, CratesIoError::NotFound { .. }), "{error}");
        insta::allow_duplicates! {
            insta::assert_snapshot!(message(&server, &error), @"the crate abcd is not in the index http://registry.example/index/; check its spelling, `-` and `_` included");
        }
    }
}

#[tokio::test]
async fn a_registry_that_fails_is_not_a_crate_that_is_absent() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    serve(&server, "/index/ab/cd/abcd", ResponseTemplate::new(500)).await;
    let error = registry(&server, folder.path()).versions("abcd").await.unwrap_err();
    assert!(matches!(error, CratesIoError::Http(_)), "{error}");
}

#[tokio::test]
async fn names_that_could_leave_their_place_are_never_asked_for() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let registry = registry(&server, folder.path());
    for name in ["", "../a", "a/b", "a b", "-a", "ä", "a\n"] {
        let error = registry.versions(name).await.unwrap_err();
        assert!(matches!(error, CratesIoError::InvalidName { .. }), "{error}");
    }
    let sum = "0".repeat(64);
    for (version, sha256) in [("../1", sum.as_str()), ("1.0.0", "../../x"), ("1.0.0", &"F".repeat(64))] {
        let error = registry.crate_file("a", version, sha256).await.unwrap_err();
        assert!(matches!(error, CratesIoError::InvalidRelease { .. }), "{error}");
    }
    assert!(server.received_requests().await.unwrap().is_empty());
    insta::assert_snapshot!(registry.versions("../a").await.unwrap_err(), @r#""../a" is not a crate's name (letters, digits, `-` and `_`, starting with a letter, at most 64)"#);
    insta::assert_snapshot!(registry.crate_file("a", "1", "ff").await.unwrap_err(), @r#"a "1" with the SHA-256 "ff" cannot be fetched: not a version and a hash as registries have them"#);
}

#[tokio::test]
async fn the_index_is_asked_conditionally() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let answer = ResponseTemplate::new(200).insert_header("etag", "\"one\"").set_body_string(line("1.0.0"));
    serve(&server, "/index/ab/cd/abcd", answer).await;
    let registry = registry(&server, folder.path());
    let first = registry.versions("abcd").await.unwrap();
    server.reset().await;
    let unchanged = Mock::given(header("if-none-match", "\"one\"")).respond_with(ResponseTemplate::new(304));
    unchanged.mount(&server).await;
    assert_eq!(registry.versions("abcd").await.unwrap(), first);
}

#[tokio::test]
async fn a_crate_is_fetched_once_from_where_the_index_says() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    serve_crate(&server, "/{lowerprefix}/{crate}-{version}", "/3/a/Abc-1.0.0", b"bytes").await;
    let sum = sha256(b"bytes");
    let path = registry(&server, folder.path()).crate_file("Abc", "1.0.0", &sum).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"bytes");
    assert!(path.ends_with(format!("crates/{}/Abc-1.0.0-{sum}.crate", &sum[..2])), "{}", path.display());
    server.reset().await;
    // A new client: only the files are left.
    assert_eq!(registry(&server, folder.path()).crate_file("Abc", "1.0.0", &sum).await.unwrap(), path);
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_damaged_file_in_the_cache_is_fetched_again() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    serve_crate(&server, "/crates", "/crates/abc/1.0.0/download", b"bytes").await;
    let registry = registry(&server, folder.path());
    let path = registry.crate_file("abc", "1.0.0", &sha256(b"bytes")).await.unwrap();
    crate::clients::files::write(&path, b"bytez").unwrap();
    registry.crate_file("abc", "1.0.0", &sha256(b"bytes")).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"bytes");
}

#[tokio::test]
async fn a_crate_that_is_not_what_the_index_promised_is_not_kept() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    serve_crate(&server, "/crates", "/crates/abc/1.0.0/download", b"evil").await;
    let sum = sha256(b"bytes");
    let error = registry(&server, folder.path()).crate_file("abc", "1.0.0", &sum).await.unwrap_err();
    insta::assert_snapshot!(message(&server, &error), @"http://registry.example/crates/abc/1.0.0/download has the SHA-256 b5c1fb2efc6d6b4674c2fdcc48ce01b43a3b7c03763c0c3355de0099ee0f8c73, not 277089d91c0bdf4f2e6862ba7e4a07605119431f5d13f726dd352b06f1b206a9 as promised; nothing was kept: the mirror has a damaged copy, or the file was replaced after it was published");
    let kept = folder.path().join("crates").join(&sum[..2]);
    assert_eq!(std::fs::read_dir(kept).unwrap().count(), 0);
}

#[tokio::test]
async fn a_crate_beyond_the_limit_is_refused() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    serve_crate(&server, "/crates", "/crates/abc/1.0.0/download", b"bytes").await;
    let registry = registry(&server, folder.path()).with_archive_limit(4);
    let error = registry.crate_file("abc", "1.0.0", &sha256(b"bytes")).await.unwrap_err();
    insta::assert_snapshot!(message(&server, &error), @"http://registry.example/crates/abc/1.0.0/download is larger than the 4 bytes allowed; if it is meant to be, raise the limit under [limits]");
}

#[tokio::test]
async fn a_registry_without_the_file_or_without_its_configuration_is_named() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let sum = sha256(b"bytes");
    let registry_ = registry(&server, folder.path());
    let error = registry_.crate_file("abc", "1.0.0", &sum).await.unwrap_err();
    insta::assert_snapshot!(message(&server, &error), @"config.json of the index http://registry.example/index/ is not usable: it is not there, so this is no sparse index; check the address under [registries]");
    serve_crate(&server, "/crates", "/elsewhere", b"bytes").await;
    let error = registry_.crate_file("abc", "1.0.0", &sum).await.unwrap_err();
    insta::assert_snapshot!(message(&server, &error), @"abc 1.0.0 is in the index, but not at http://registry.example/crates/abc/1.0.0/download; the registry is inconsistent, the next cycle tries again");
    server.reset().await;
    serve(&server, "/index/config.json", ResponseTemplate::new(200).set_body_string("<html>")).await;
    let error = registry(&server, folder.path()).crate_file("abc", "1.0.0", &sum).await.unwrap_err();
    insta::assert_snapshot!(message(&server, &error), @"config.json of the index http://registry.example/index/ is not usable: expected value at line 1 column 1; check the address under [registries]");
}

#[tokio::test]
async fn the_configuration_is_asked_for_once_by_many_at_once() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    serve_crate(&server, "/crates", "/crates/abc/1.0.0/download", b"bytes").await;
    let (registry, sum) = (registry(&server, folder.path()), sha256(b"bytes"));
    let all = futures::future::join_all((0..5).map(|_| registry.crate_file("abc", "1.0.0", &sum))).await;
    assert!(all.iter().all(Result::is_ok));
    let asked = server.received_requests().await.unwrap();
    assert_eq!(asked.iter().filter(|request| request.url.path().ends_with("config.json")).count(), 1);
}
