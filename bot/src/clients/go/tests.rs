use std::path::Path;
use std::time::Duration;

use url::Url;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{GoModules, GoProxyError, GoRegistries, Netrc, Patterns, Sumdb};
use crate::clients::http::{Http, HttpSettings};
use crate::model::Clock;

pub(crate) fn http() -> Http {
    let settings = HttpSettings { attempts: 1, first_wait: Duration::from_millis(1), ..HttpSettings::default() };
    Http::new(settings, Clock::system()).unwrap()
}

/// A list of proxies, and nobody who vouches for what they give.
pub(crate) fn from(proxies: &str) -> GoRegistries {
    GoRegistries {
        proxies: proxies.parse().unwrap(),
        sumdb: Sumdb::Off,
        no_proxy: Patterns::default(),
        no_sumdb: Patterns::default(),
    }
}

/// Modules from a list of proxies, without logins or private modules.
pub(crate) fn modules(proxies: &str, cache: &Path) -> GoModules {
    GoModules::new(http(), from(proxies), Netrc::default(), cache)
}

pub(crate) async fn serve(server: &MockServer, at: &str, response: ResponseTemplate) {
    Mock::given(method("GET")).and(path(at)).respond_with(response).mount(server).await;
}

pub(crate) fn text(body: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body, "text/plain")
}

fn said(servers: &[&MockServer], error: &GoProxyError) -> String {
    let mut text = error.to_string();
    for (number, server) in servers.iter().enumerate() {
        let name = format!("proxy{number}.example");
        text = text.replace(server.uri().trim_start_matches("http://"), &name);
    }
    text
}

async fn asked(server: &MockServer) -> Vec<String> {
    server.received_requests().await.unwrap().iter().map(|request| request.url.path().to_owned()).collect()
}

#[tokio::test]
async fn names_are_escaped_and_what_never_changes_is_asked_for_once() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    serve(&server, "/go/forge.example/!a/b/@v/list", text("v1.0.0\nv1.1.0-!x 2020-01-01T00:00:00Z\n\n")).await;
    serve(&server, "/go/forge.example/!a/b/@v/v1.0.0-!r!c.mod", text("module forge.example/A/b\n")).await;
    let info = r#"{"Version":"v1.0.0-RC","Time":"2020-01-02T03:04:05Z","Origin":{"VCS":"git","URL":"https://forge.example/A/b"}}"#;
    serve(&server, "/go/forge.example/!a/b/@v/v1.0.0-!r!c.info", text(info)).await;
    serve(&server, "/go/forge.example/!a/b/@v/v1.0.0-!r!c.zip", text("zip")).await;
    let modules = modules(&format!("{}/go", server.uri()), folder.path());
    assert_eq!(modules.versions("forge.example/A/b").await.unwrap(), ["v1.0.0", "v1.1.0-!x"]);
    for _ in 0..2 {
        let info = modules.info("forge.example/A/b", "v1.0.0-RC").await.unwrap();
        assert_eq!(info.time, Some("2020-01-02T03:04:05Z".parse().unwrap()));
        assert_eq!(info.origin.unwrap().url.as_deref(), Some("https://forge.example/A/b"));
        assert_eq!(modules.go_mod("forge.example/A/b", "v1.0.0-RC").await.unwrap(), b"module forge.example/A/b\n");
        let zip = modules.zip("forge.example/A/b", "v1.0.0-RC").await.unwrap();
        assert_eq!(std::fs::read(zip).unwrap(), b"zip");
    }
    assert!(modules.kept_mod("forge.example/A/b", "v1.0.0-RC").unwrap().is_some());
    assert_eq!(asked(&server).await.len(), 4);
}

#[tokio::test]
async fn the_newest_may_be_unknown() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    serve(&server, "/forge.example/a/@latest", text(r#"{"Version":"v0.0.0-20200101000000-abcdefabcdef"}"#)).await;
    serve(&server, "/forge.example/c/@latest", ResponseTemplate::new(403)).await;
    let modules = modules(&server.uri(), folder.path());
    let latest = modules.latest("forge.example/a").await.unwrap().unwrap();
    assert_eq!((latest.version.as_str(), latest.time), ("v0.0.0-20200101000000-abcdefabcdef", None));
    assert_eq!(modules.latest("forge.example/b").await.unwrap(), None);
    assert!(modules.latest("forge.example/c").await.is_err());
}

/// What two proxies say, joined by `sign`, when the first answers `status`.
async fn second_after(status: u16, sign: &str) -> String {
    let (one, two, folder) = (MockServer::start().await, MockServer::start().await, tempfile::tempdir().unwrap());
    serve(&one, "/forge.example/a/@v/v1.0.0.mod", ResponseTemplate::new(status)).await;
    serve(&two, "/forge.example/a/@v/v1.0.0.mod", text("second")).await;
    let modules = modules(&format!("{}{sign}{}", one.uri(), two.uri()), folder.path());
    match modules.go_mod("forge.example/a", "v1.0.0").await {
        Ok(body) => String::from_utf8(body).unwrap(),
        Err(error) => said(&[&one, &two], &error),
    }
}

#[tokio::test]
async fn a_comma_leads_on_after_not_found_only_and_a_bar_always() {
    for status in [404, 410] {
        assert_eq!(second_after(status, ",").await, "second");
        assert_eq!(second_after(status, "|").await, "second");
    }
    for status in [403, 451, 500] {
        assert_eq!(second_after(status, "|").await, "second");
        assert!(second_after(status, ",").await.contains(&status.to_string()));
    }
    insta::assert_snapshot!(second_after(403, ",").await, @"proxy0.example answered 403 Forbidden for http://proxy0.example/forge.example/a/@v/v1.0.0.mod; it refuses this client: check whether the address needs a login, or blocks bots");
}

#[tokio::test]
async fn where_nobody_has_it_everybody_who_was_asked_is_named() {
    let (one, two, folder) = (MockServer::start().await, MockServer::start().await, tempfile::tempdir().unwrap());
    serve(&two, "/forge.example/b/@v/v1.0.0.mod", ResponseTemplate::new(403)).await;
    let (one_uri, two_uri) = (one.uri(), two.uri());
    let said = async |proxies: String, module: &str| {
        let error = modules(&proxies, folder.path()).go_mod(module, "v1.0.0").await.unwrap_err();
        format!("{} {}", error.is_absent(), said(&[&one, &two], &error))
    };
    let all = [
        said(format!("{one_uri},{two_uri}"), "forge.example/a").await,
        said(format!("{two_uri}|{one_uri}"), "forge.example/b").await,
        said(format!("{one_uri},off"), "forge.example/a").await,
        said("off".to_owned(), "forge.example/a").await,
        said(format!("{one_uri},direct"), "forge.example/a").await,
        said("file:///absent".to_owned(), "forge.example/a").await,
    ];
    insta::assert_snapshot!(all.join("\n"), @r"
true forge.example/a@v1.0.0 is not there: proxy0.example answered 404 Not Found, proxy1.example answered 404 Not Found; check the module's path, its capital letters included, and the version
false proxy1.example answered 403 Forbidden for http://proxy1.example/forge.example/b/@v/v1.0.0.mod; it refuses this client: check whether the address needs a login, or blocks bots
true forge.example/a@v1.0.0 is not there: proxy0.example answered 404 Not Found, then the list says `off`; check the module's path, its capital letters included, and the version
true forge.example/a@v1.0.0 is not asked for: the list of module proxies says `off`
true forge.example/a@v1.0.0 would have to come from its own repository (the list of module proxies says `direct`, or the module is private), which this version does not ask; name a proxy that has it (`go_proxy` under [registries], or NIXWRIGHT_GOPROXY), and take the module out of GOPRIVATE and GONOPROXY
true forge.example/a@v1.0.0 is not there: there is no /absent/forge.example/a/@v/v1.0.0.mod; check the module's path, its capital letters included, and the version
");
}

#[tokio::test]
async fn a_private_module_is_never_asked_of_a_proxy() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let no_proxy = Patterns::parse("*.corp.example,forge.example/team").unwrap();
    let from = GoRegistries { no_proxy, ..from(&server.uri()) };
    let modules = GoModules::new(http(), from, Netrc::default(), folder.path());
    for module in ["git.corp.example/a", "forge.example/team/b"] {
        assert!(matches!(modules.go_mod(module, "v1.0.0").await, Err(GoProxyError::Direct { .. })));
        assert!(modules.versions(module).await.is_err());
        assert!(modules.latest(module).await.is_err());
        assert!(modules.info(module, "v1.0.0").await.is_err());
        assert!(modules.zip(module, "v1.0.0").await.is_err());
    }
    assert_eq!(asked(&server).await, [""; 0]);
}

#[tokio::test]
async fn a_login_is_sent_to_its_host_and_told_to_nobody() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let uri = Url::parse(&server.uri()).unwrap();
    let netrc = folder.path().join("netrc");
    std::fs::write(&netrc, format!("machine {} login me password s3cret", uri.host_str().unwrap())).unwrap();
    std::fs::set_permissions(&netrc, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let netrc = Netrc::read(&netrc).unwrap();
    Mock::given(header("authorization", "Basic bWU6czNjcmV0"))
        .and(path("/forge.example/a/@v/v1.0.0.mod"))
        .respond_with(text("module forge.example/a\n"))
        .mount(&server)
        .await;
    let modules = GoModules::new(http(), from(&server.uri()), netrc, folder.path());
    assert!(modules.go_mod("forge.example/a", "v1.0.0").await.is_ok());
    let error = modules.go_mod("forge.example/a", "v1.0.1").await.unwrap_err();
    for text in [error.to_string(), format!("{error:?}"), format!("{modules:?}")] {
        assert!(!text.contains("s3cret") && !text.contains("bWU6czNjcmV0"), "{text}");
    }
}

#[tokio::test]
async fn a_folder_is_a_proxy_too() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("proxy/forge.example/!a/@v");
    std::fs::create_dir_all(&at).unwrap();
    std::fs::write(at.join("list"), "v1.0.0\n").unwrap();
    std::fs::write(at.join("v1.0.0.mod"), "module forge.example/A\n").unwrap();
    std::fs::write(at.join("v1.0.0.zip"), "0123456789").unwrap();
    let proxy = format!("file://{}", folder.path().join("proxy").display());
    let modules = modules(&proxy, &folder.path().join("cache"));
    assert_eq!(modules.versions("forge.example/A").await.unwrap(), ["v1.0.0"]);
    assert_eq!(modules.latest("forge.example/A").await.unwrap(), None);
    assert!(modules.versions("forge.example/b").await.unwrap_err().is_absent());
    assert_eq!(modules.go_mod("forge.example/A", "v1.0.0").await.unwrap(), b"module forge.example/A\n");
    let small = modules.clone().with_archive_limit(9);
    assert!(small.zip("forge.example/A", "v1.0.0").await.unwrap_err().to_string().contains("larger than the 9 bytes"));
    assert_eq!(std::fs::read(modules.zip("forge.example/A", "v1.0.0").await.unwrap()).unwrap(), b"0123456789");
}

#[tokio::test]
async fn another_hash_than_the_first_is_refused() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    Mock::given(path("/forge.example/a/@v/v1.0.0.mod")).respond_with(text("one")).up_to_n_times(1).mount(&server).await;
    serve(&server, "/forge.example/a/@v/v1.0.0.mod", text("two")).await;
    let modules = modules(&server.uri(), folder.path());
    modules.go_mod("forge.example/a", "v1.0.0").await.unwrap();
    let kept = modules.kept_file("mods", "forge.example/a", "v1.0.0", "mod").unwrap();
    // Half a file is as good as none.
    std::fs::write(&kept, &std::fs::read(&kept).unwrap()[..66]).unwrap();
    insta::assert_snapshot!(modules.go_mod("forge.example/a", "v1.0.0").await.unwrap_err(), @"the go.mod of forge.example/a@v1.0.0 was sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed when it was first seen, and is sha256:3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3 now: a published version never changes, so it is refused; ask upstream and the proxy what happened");
    modules.first_seen("forge.example/a", "v1.0.0", "h1:a=").unwrap();
    modules.first_seen("forge.example/a", "v1.0.0", "h1:a=").unwrap();
    insta::assert_snapshot!(modules.first_seen("forge.example/a", "v1.0.0", "h1:b=").unwrap_err(), @"forge.example/a@v1.0.0 was h1:a= when it was first seen, and is h1:b= now: a published version never changes, so it is refused; ask upstream and the proxy what happened");
}

#[tokio::test]
async fn what_is_about_another_version_or_unreadable_is_not_kept() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    serve(&server, "/forge.example/a/@v/v1.0.0.info", text(r#"{"Version":"v1.0.1"}"#)).await;
    serve(&server, "/forge.example/a/@v/v1.1.0.info", text("<html>")).await;
    let modules = modules(&server.uri(), folder.path());
    let mut all = String::new();
    for version in ["v1.0.0", "v1.1.0"] {
        let error = modules.info("forge.example/a", version).await.unwrap_err();
        assert!(!error.is_absent());
        all += &(said(&[&server], &error) + "\n");
    }
    insta::assert_snapshot!(all, @r#"
what http://proxy0.example/ says of forge.example/a@v1.0.0 cannot be used: it is about version "v1.0.1"; nothing was kept, the next cycle tries again
what http://proxy0.example/ says of forge.example/a@v1.1.0 cannot be used: expected value at line 1 column 1; nothing was kept, the next cycle tries again
"#);
    assert!(!folder.path().join("go").join("infos").exists());
}

#[tokio::test]
async fn what_cannot_be_a_module_is_never_asked_for() {
    let (server, folder) = (MockServer::start().await, tempfile::tempdir().unwrap());
    let modules = modules(&server.uri(), folder.path());
    for path in [
        "",
        "a",
        "forge",
        "forge.example/../b",
        "forge.example//b",
        "forge.example/b/",
        "/forge.example",
        "Forge.example/b",
        "forge.example/b c",
        "forge.example/b?c",
        "forge.example/é",
        "-forge.example/b",
    ] {
        let error = modules.go_mod(path, "v1.0.0").await.unwrap_err();
        assert!(matches!(error, GoProxyError::InvalidPath { .. }), "{error}");
    }
    for version in ["", "1.0.0", "v1/../../x", "v1 ", "v1.0.0\n", "vé"] {
        let error = modules.go_mod("forge.example/b", version).await.unwrap_err();
        assert!(matches!(error, GoProxyError::InvalidVersion { .. }), "{error}");
    }
    assert_eq!(asked(&server).await, [""; 0]);
    insta::assert_snapshot!(modules.go_mod("forge", "v1.0.0").await.unwrap_err(), @r#""forge" is not the path of a module that can be fetched: it has to begin with the name of a host, in small letters and with a dot"#);
}
