use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use nixwright_resolver::plan::npm::Trust;
use url::Url;
use wiremock::matchers::{header, header_regex, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::trust::tests::Key;
use super::{Dist, Form, Npm, NpmError};
use crate::clients::endpoints;
use crate::clients::http::{Http, HttpError, HttpSettings};
use crate::model::Clock;

const DOCUMENT: &str = r#"{"name":"@a/b","dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":{"name":"@a/b",
    "version":"1.0.0","dist":{"tarball":"http://registry.example/@a/b/-/b-1.0.0.tgz"}}}}"#;

/// The bytes `bytes`, by SHA-512, and the same by SHA-1.
const SHA512: &str = "sha512-rYerwe+0LgMgfzqYuPQR2tCVOqI9TTGaQkiAznBaEhke4sc3DCJOLYpoG4dctq+kYb25moaTst23SyXfAAINTQ==";

pub(crate) fn registry(server: &MockServer, cache: &Path) -> Npm {
    let settings = HttpSettings { attempts: 1, first_wait: Duration::from_millis(1), ..HttpSettings::default() };
    let http = Http::new(settings, Clock::system()).unwrap();
    Npm::new(http, Url::parse(&format!("{}/npm/", server.uri())).unwrap(), cache)
}

pub(crate) async fn serve(server: &MockServer, at: &str, response: ResponseTemplate) {
    Mock::given(method("GET")).and(path(at)).respond_with(response).mount(server).await;
}

fn message(server: &MockServer, error: &NpmError) -> String {
    error
        .to_string()
        .replace(&server.uri(), "http://registry.example")
        .replace(server.uri().trim_start_matches("http://"), "registry.example")
}

fn json(body: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body, "application/json")
}

async fn asked(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn a_packument_is_asked_for_by_its_escaped_name_and_in_the_form_that_is_needed() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let full = DOCUMENT.replace("\"versions\"", r#""time":{"1.0.0":"2026-01-01T00:00:00.000Z"},"versions""#);
    let abbreviated =
        Mock::given(path("/npm/@a%2fb")).and(header_regex("accept", "^application/vnd.npm.install-v1\\+json; q=1.0, "));
    abbreviated.respond_with(json(DOCUMENT)).mount(&server).await;
    serve(&server, "/npm/@a%2fb", json(&full)).await;
    let registry = registry(&server, folder.path());
    let short = registry.packument("@a/b", Form::Abbreviated).await.unwrap();
    let long = registry.packument("@a/b", Form::Full).await.unwrap();
    assert_eq!((short.full, long.full), (false, true));
    assert_eq!(long.time("1.0.0"), Some("2026-01-01T00:00:00.000Z"));
    for packument in [short, long] {
        assert_eq!(packument.versions().collect::<Vec<_>>(), ["1.0.0"]);
    }
}

#[tokio::test]
async fn a_packument_may_come_compressed() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(DOCUMENT.as_bytes()).unwrap();
    let body = gzip.finish().unwrap();
    let answer = ResponseTemplate::new(200).insert_header("content-encoding", "gzip").set_body_bytes(body.clone());
    serve(&server, "/npm/@a%2fb", answer).await;
    let answer = ResponseTemplate::new(200).insert_header("content-encoding", "gzip").set_body_bytes(&body[..40]);
    serve(&server, "/npm/c", answer).await;
    serve(&server, "/npm/d", ResponseTemplate::new(200).insert_header("content-encoding", "br")).await;
    let registry = registry(&server, folder.path());
    assert!(registry.packument("@a/b", Form::Full).await.unwrap().has("1.0.0"));
    for name in ["c", "d"] {
        let error = registry.packument(name, Form::Full).await.unwrap_err();
        assert!(matches!(error, NpmError::Http(HttpError::Encoding { .. })), "{error}");
    }
}

#[tokio::test]
async fn a_packument_is_asked_for_conditionally_and_its_copy_used_where_nothing_changed() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    serve(&server, "/npm/@a%2fb", json(DOCUMENT).insert_header("etag", "\"one\"")).await;
    let first = registry(&server, folder.path()).packument("@a/b", Form::Full).await.unwrap();
    server.reset().await;
    let unchanged = Mock::given(header("if-none-match", "\"one\"")).respond_with(ResponseTemplate::new(304));
    unchanged.mount(&server).await;
    let again = registry(&server, folder.path()).packument("@a/b", Form::Full).await.unwrap();
    assert_eq!(again.to_compact(), first.to_compact());
    // A damaged copy is as good as none, and has no validator.
    let kept = folder.path().join("npm/packuments/@a/b/full");
    let cut = std::fs::read(&kept).unwrap();
    crate::clients::files::write(&kept, &cut[..cut.len() - 1]).unwrap();
    assert!(registry(&server, folder.path()).packument("@a/b", Form::Full).await.is_err());
}

#[tokio::test]
async fn a_kept_packument_is_taken_unasked_where_that_is_preferred() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    serve(&server, "/npm/@a%2fb", json(DOCUMENT)).await;
    let registry = registry(&server, folder.path()).with_prefer_offline(true);
    registry.packument("@a/b", Form::Full).await.unwrap();
    registry.packument("@a/b", Form::Full).await.unwrap();
    registry.packument("@a/b", Form::Abbreviated).await.unwrap();
    assert_eq!(asked(&server).await, 1);
    registry.with_prefer_offline(false).packument("@a/b", Form::Full).await.unwrap();
    assert_eq!(asked(&server).await, 2);
}

#[tokio::test]
async fn what_is_no_packument_of_that_package_is_refused_and_not_kept() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    serve(&server, "/npm/a", json("<html>").insert_header("etag", "\"one\"")).await;
    serve(&server, "/npm/b", json(DOCUMENT)).await;
    serve(&server, "/npm/c", ResponseTemplate::new(304)).await;
    let registry = registry(&server, folder.path());
    let mut said = Vec::new();
    for name in ["a", "b", "c", "d"] {
        said.push(message(&server, &registry.packument(name, Form::Full).await.unwrap_err()));
    }
    assert!(!folder.path().join("npm/packuments").exists());
    insta::assert_snapshot!(said.join("\n"), @r#"
what the registry says of a cannot be used: what the registry says of the package is no JSON object; nothing was kept, the next cycle tries again
what the registry says of b cannot be used: it is about "@a/b"; nothing was kept, the next cycle tries again
registry.example answered 304 Not Modified for http://registry.example/npm/c; this was not expected: check the address under [registries]
the package d is not in the registry http://registry.example/npm/; check its spelling, the scope included
"#);
}

#[tokio::test]
async fn names_and_versions_that_could_leave_their_place_are_never_asked_for() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let registry = registry(&server, folder.path());
    for name in ["", "..", "a/b", "@a/../b", "-/npm/v1/keys", "a?b"] {
        let error = registry.packument(name, Form::Full).await.unwrap_err();
        assert!(matches!(error, NpmError::InvalidName { .. }), "{error}");
        assert!(registry.manifest(name, "1.0.0").await.is_err());
    }
    for version in ["", "..", "1/2"] {
        let error = registry.manifest("a", version).await.unwrap_err();
        assert!(matches!(error, NpmError::InvalidVersion { .. }), "{error}");
    }
    for url in ["file:///etc/passwd", "registry.example/a.tgz", "http://user@registry.example/a.tgz"] {
        let error = registry.tarball(url, SHA512).await.unwrap_err();
        assert!(matches!(error, NpmError::InvalidAddress { .. }), "{error}");
    }
    assert_eq!(asked(&server).await, 0);
    insta::assert_snapshot!(registry.packument("a/b", Form::Full).await.unwrap_err(), @r#""a/b" is not a package's name (`NAME` or `@SCOPE/NAME`, letters, digits and `-._~`, at most 214)"#);
    insta::assert_snapshot!(registry.manifest("a", "1/2").await.unwrap_err(), @r#"a "1/2" cannot be asked for: not a version as the registry has them"#);
}

#[tokio::test]
async fn a_manifest_is_asked_for_once() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let manifest = r#"{"name":"@a/b","version":"1.0.0+x","license":"MIT"}"#;
    serve(&server, "/npm/@a%2fb/1.0.0+x", json(manifest)).await;
    let registry = registry(&server, folder.path());
    assert_eq!(registry.manifest("@a/b", "1.0.0+x").await.unwrap(), manifest);
    assert_eq!(registry.manifest("@a/b", "1.0.0+x").await.unwrap(), manifest);
    assert_eq!(asked(&server).await, 1);
}

#[tokio::test]
async fn a_registry_without_addresses_of_versions_is_asked_for_all_of_them() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    serve(&server, "/npm/@a%2fb", json(DOCUMENT)).await;
    let registry = registry(&server, folder.path());
    let manifest: serde_json::Value = serde_json::from_str(&registry.manifest("@a/b", "1.0.0").await.unwrap()).unwrap();
    assert_eq!(manifest["version"], "1.0.0");
    let mut said = vec![message(&server, &registry.manifest("@a/b", "2.0.0").await.unwrap_err())];
    said.push(message(&server, &registry.manifest("c", "2.0.0").await.unwrap_err()));
    serve(&server, "/npm/d/1.0.0", json(r#"{"name":"d"}"#)).await;
    said.push(message(&server, &registry.manifest("d", "1.0.0").await.unwrap_err()));
    insta::assert_snapshot!(said.join("\n"), @r#"
@a/b has no version 2.0.0 in the registry http://registry.example/npm/: it was never published, or was removed
the package c is not in the registry http://registry.example/npm/; check its spelling, the scope included
what the registry says of d 1.0.0 cannot be used: it is no manifest of a version; nothing was kept, the next cycle tries again
"#);
}

#[tokio::test]
async fn a_tarball_is_fetched_once_and_is_what_was_promised() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    serve(&server, "/npm/@a/b/-/b-1.0.0.tgz", ResponseTemplate::new(200).set_body_string("bytes")).await;
    serve(&server, "/npm/evil/-/evil-1.0.0.tgz", ResponseTemplate::new(200).set_body_string("other")).await;
    let registry = registry(&server, folder.path());
    let file = registry.registry_tarball("@a/b", "1.0.0", SHA512).await.unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), b"bytes");
    // By another address, with more hashes, it is the same file.
    let public = format!("{}@a/b/-/b-1.0.0.tgz", endpoints::NPM_REGISTRY);
    assert_eq!(registry.tarball(&public, &format!("sha1-AAAA {SHA512}")).await.unwrap(), file);
    assert_eq!(asked(&server).await, 1);
    crate::clients::files::write(&file, b"bytez").unwrap();
    registry.tarball(&public, SHA512).await.unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), b"bytes");
    let mut said = Vec::new();
    for name in ["evil", "absent"] {
        let other = SHA512.replace("sha512-r", "sha512-s");
        said.push(message(&server, &registry.registry_tarball(name, "1.0.0", &other).await.unwrap_err()));
    }
    said.push(message(&server, &registry.tarball("http://registry.example/a.tgz", "md5-AA").await.unwrap_err()));
    let small = registry.with_archive_limit(4);
    crate::clients::files::remove(&file).unwrap();
    said.push(message(&server, &small.tarball(&public, SHA512).await.unwrap_err()));
    insta::assert_snapshot!(said.join("\n"), @r#"
http://registry.example/npm/evil/-/evil-1.0.0.tgz has the integrity sha512-4lrDhF+MvhKAGi36WonUxV3EeQDztu3Jqe5ZDzwrkxL2ZdADnJOCi3tY8zlQvIF6CVWpxQAKjT4oBWnwh0XKaA==, not sha512-sYerwe+0LgMgfzqYuPQR2tCVOqI9TTGaQkiAznBaEhke4sc3DCJOLYpoG4dctq+kYb25moaTst23SyXfAAINTQ== as promised; nothing was kept: the mirror has a damaged copy, or the file was replaced after it was published
there is no tarball at http://registry.example/npm/absent/-/absent-1.0.0.tgz, though the registry names it; the next cycle tries again
the tarball http://registry.example/a.tgz cannot be checked: "md5-AA" is no integrity that can be checked (`sha512-` and 64 bytes in base 64, or sha384, sha256, sha1)
http://registry.example/npm/@a/b/-/b-1.0.0.tgz is larger than the 4 bytes allowed; if it is meant to be, raise the limit under [limits]
"#);
}

#[tokio::test]
async fn old_tarballs_have_only_a_sha_1() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    serve(&server, "/npm/a/-/a-1.0.0.tgz", ResponseTemplate::new(200).set_body_string("a")).await;
    let registry = registry(&server, folder.path());
    let file = registry.registry_tarball("a", "1.0.0", "sha1-hvfkN/qlp/zhXR3cuerq6jd2Z7g=").await.unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), b"a");
}

#[tokio::test]
async fn the_registrys_keys_judge_its_signatures_and_a_registry_without_keys_judges_nothing() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let registry = registry(&server, folder.path());
    let key = Key::new("SHA256:one");
    let signed = |message: &str| {
        let dist = serde_json::json!({ "integrity": SHA512, "signatures": [key.sign(message)] });
        Dist::of_manifest(&serde_json::json!({ "dist": dist }).to_string())
    };
    let good = signed(&format!("@a/b@1.0.0:{SHA512}"));
    for status in [400, 404] {
        server.reset().await;
        serve(&server, "/npm/-/npm/v1/keys", ResponseTemplate::new(status)).await;
        assert_eq!(registry.keys().await.unwrap().judge("@a/b", "1.0.0", &good, None), Trust::Unavailable);
    }
    server.reset().await;
    let keys = serde_json::json!({ "keys": [key.public(&serde_json::Value::Null)] });
    serve(&server, "/npm/-/npm/v1/keys", ResponseTemplate::new(200).set_body_json(keys)).await;
    let keys = registry.keys().await.unwrap();
    assert_eq!(keys.judge("@a/b", "1.0.0", &good, None), Trust::Verified);
    assert_eq!(keys.judge("@a/b", "1.0.0", &signed("@a/b@1.0.0:sha512-other"), None), Trust::Failed);
    server.reset().await;
    serve(&server, "/npm/-/npm/v1/keys", ResponseTemplate::new(500)).await;
    assert!(registry.keys().await.is_err());
}
