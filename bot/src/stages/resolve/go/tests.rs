use std::io::{Cursor, Write as _};
use std::path::Path;

use indicatif::ProgressBar;
use nixwright_resolver::go::sums::hash_of_go_mod;
use nixwright_resolver::go::zip::{LIMITS, read_zip};
use nixwright_resolver::plan::Plan;
use nixwright_resolver::plan::npm::Trust;
use wiremock::{MockServer, ResponseTemplate};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{GoGraphs, GoRelease};
use crate::clients::go::sumdb::SumdbClient;
use crate::clients::go::tests::{from, http, modules, serve, text};
use crate::model::{Clock, Failure};

/// A module's zip, its files below `path@version/` as Go wants them.
fn packed(path: &str, version: &str, files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(format!("{path}@{version}/{name}"), SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

async fn publish(server: &MockServer, path: &str, version: &str, files: &[(&str, &str)]) {
    let at = format!("/{path}/@v/{version}");
    let go_mod = files.iter().find(|(name, _)| *name == "go.mod").unwrap().1;
    serve(server, &format!("{at}.mod"), text(go_mod)).await;
    let zip = packed(path, version, files);
    serve(server, &format!("{at}.zip"), ResponseTemplate::new(200).set_body_bytes(zip)).await;
}

const LIBRARY: &str = "forge.example/library";
const PROGRAM: &str = "forge.example/program";
const LIBRARY_FILES: [(&str, &str); 4] = [
    ("go.mod", "module forge.example/library\n\ngo 1.21\n"),
    ("words/words.go", "package words\n\nimport \"strings\"\n\nvar Word = strings.ToUpper(\"a\")\n"),
    ("words/words_windows.go", "package words\n\nimport _ \"forge.example/absent\"\n"),
    ("unused/unused.go", "package unused\n"),
];

/// The lines of go.sum that these files have.
fn sums(path: &str, version: &str, files: &[(&str, &str)]) -> String {
    let zip = read_zip(&packed(path, version, files), path, version, LIMITS).unwrap();
    let go_mod = hash_of_go_mod(files[0].1.as_bytes());
    format!("{path} {version} {}\n{path} {version}/go.mod {go_mod}\n", zip.sum())
}

/// A proxy with a program, which says this of Go and of its library's sums.
async fn proxy(go: &str, sums: &str) -> MockServer {
    let server = MockServer::start().await;
    publish(&server, LIBRARY, "v1.0.0", &LIBRARY_FILES).await;
    let go_mod = format!("module {PROGRAM}\n\ngo {go}\n\nrequire {LIBRARY} v1.0.0\n");
    let main = "package main\n\nimport \"forge.example/library/words\"\n\nfunc main() { println(words.Word) }\n";
    publish(&server, PROGRAM, "v1.2.3", &[("go.mod", &go_mod), ("go.sum", sums), ("main.go", main)]).await;
    server
}

fn graphs(server: &MockServer, cache: &Path) -> GoGraphs {
    let registries = from(&server.uri());
    let sumdb = SumdbClient::new(http(), registries.sumdb, registries.no_sumdb, cache, Clock::system());
    let search = std::env::var_os("PATH").expect("PATH with a Go on it");
    GoGraphs { modules: modules(&server.uri(), cache), sumdb, search, cache: cache.to_owned() }
}

async fn plan(graphs: &GoGraphs) -> Result<Plan, Failure> {
    let release = GoRelease {
        module: PROGRAM.to_owned(),
        version: "v1.2.3".to_owned(),
        subpath: None,
        systems: ["x86_64-linux", "aarch64-darwin"].map(|system| system.parse().unwrap()).to_vec(),
        tags: Vec::new(),
        cgo: true,
        even_too_new: false,
    };
    graphs.plan(&release, &ProgressBar::hidden()).await
}

#[tokio::test]
async fn a_release_is_its_packages_and_is_asked_for_once() {
    let server = proxy("1.21", &sums(LIBRARY, "v1.0.0", &LIBRARY_FILES)).await;
    let folder = tempfile::tempdir().unwrap();
    let first = plan(&graphs(&server, folder.path())).await.unwrap();
    let graph = first.go().unwrap();
    assert_eq!(
        graph.packages.keys().collect::<Vec<_>>(),
        [PROGRAM, "forge.example/library/words"].map(str::to_owned).iter().rev().collect::<Vec<_>>()
    );
    assert_eq!(graph.versions().into_iter().collect::<Vec<_>>(), [(LIBRARY, "v1.0.0"), (PROGRAM, "v1.2.3")]);
    assert!(graph.standard.values().all(|packages| packages.contains("strings") && packages.contains("runtime")));
    assert_eq!(graph.modules[PROGRAM].checked, Trust::Unavailable);
    let asked = server.received_requests().await.unwrap().len();
    // Another process, the same cache.
    assert_eq!(plan(&graphs(&server, folder.path())).await.unwrap(), first);
    let again = server.received_requests().await.unwrap().split_off(asked);
    assert!(again.iter().all(|request| request.url.path().contains("/v1.2.3.info")), "{again:?}");
}

#[tokio::test]
async fn what_a_release_cannot_be_made_of_is_refused() {
    let fine = sums(LIBRARY, "v1.0.0", &LIBRARY_FILES);
    let other = sums(LIBRARY, "v1.0.0", &LIBRARY_FILES[..2]);
    let absent = MockServer::start().await;
    let mut said = Vec::new();
    for server in [proxy("1.21", &other).await, proxy("1.21", "").await, proxy("1.99", &fine).await, absent] {
        let folder = tempfile::tempdir().unwrap();
        let failure = plan(&graphs(&server, folder.path())).await.unwrap_err();
        let message = failure.message.replace(server.uri().trim_start_matches("http://"), "proxy.example");
        let message = message.replace(&graphs(&server, folder.path()).rules().await.unwrap(), "VERSION");
        said.push(format!("{}: {message}", failure.class.as_str()));
    }
    insta::assert_snapshot!(said.join("\n"), @r"
hash: forge.example/library@v1.0.0 is not what go.sum says: it has h1:Tfm6ickj1jSgsDBsss9G95ZocXVS8sMegbIXFl5o6NM=, and should have h1:OH4Nkp+cj7xLcqnfhVUCquNsLy0YgWgByH6hefE63Qk=; someone may have changed it
resolve: forge.example/program requires forge.example/library@v1.0.0: go.sum has no line for forge.example/library@v1.0.0/go.mod; to add it: go mod download forge.example/library
resolve: go.mod requires go >= 1.99, and go VERSION is too old
upstream: forge.example/program@v1.2.3 is not there: proxy.example answered 404 Not Found; check the module's path, its capital letters included, and the version
");
}
