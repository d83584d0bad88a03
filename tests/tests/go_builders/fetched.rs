//! Nix's own fetcher takes a module through the function that the overlay's packages use. The bot adds modules to the store
//! itself, so no other test makes Nix fetch one; a subscriber's Nix does nothing else.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use nixwright_resolver::go::zip::{LIMITS, read_zip};
use nixwright_tests::process::{Finished, files_below, read_text, write_file};
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;

use super::fixtures::tree;
use super::workbench::{TEMPLATES, Workbench};

/// Capitals are escaped in a proxy's addresses, and in a module cache's folders.
const PATH: &str = "fetched.test/Upper/m";
const VERSION: &str = "v1.2.3-Pre";

#[tokio::test(flavor = "multi_thread")]
async fn nix_fetches_a_module_and_has_the_tree_that_was_computed_from_its_zip() {
    let bench = Workbench::open().await;
    let hash = published(&bench, "");
    let realised = realise(&bench, &served(bench.home.path().join("proxy")).await, &hash).expect_code(0);
    let out = Path::new(realised.stdout.trim());
    assert_eq!(read_text(&out.join("words/words.go")), "package words\n");
    assert_eq!(files_below(out).len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn nix_refuses_a_zip_with_another_tree() {
    let bench = Workbench::open().await;
    let hash = published(&bench, "");
    published(&bench, "// Changed since.\n");
    let realised = realise(&bench, &served(bench.home.path().join("proxy")).await, &hash);
    assert_ne!(realised.code, Some(0), "{realised}");
    realised.expect_words(&["hash mismatch", &hash]);
}

/// Publishes the module, which no store has yet, and gives the hash of its tree.
fn published(bench: &Workbench, more: &str) -> String {
    let salt = format!("{}\n", bench.home.path().display());
    let words = format!("{more}package words\n");
    let go_mod = format!("module {PATH}\n\ngo 1.21\n");
    let files = [("go.mod", go_mod.as_str()), ("SALT", salt.as_str()), ("words/words.go", words.as_str())];
    bench.publish_tree(PATH, VERSION, &tree(files));
    let zip = bench.home.path().join("proxy/fetched.test/!upper/m/@v/v1.2.3-!pre.zip");
    let facts = read_zip(&std::fs::read(zip).unwrap(), PATH, VERSION, LIMITS).unwrap();
    facts.hash().to_owned()
}

/// A folder as a server on the loopback interface; its address.
async fn served(folder: PathBuf) -> String {
    async fn answer(State(folder): State<PathBuf>, request: Request) -> Response {
        // Go writes the proxies' `!` as `%21`.
        let path = percent_decode_str(request.uri().path()).decode_utf8_lossy();
        let file = folder.join(path.trim_start_matches('/'));
        std::fs::read(file).map_or_else(|_| StatusCode::NOT_FOUND.into_response(), IntoResponse::into_response)
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer).with_state(folder)).await });
    address
}

/// Has Nix realise the module, through the templates with one address exchanged.
fn realise(bench: &Workbench, proxy: &str, hash: &str) -> Finished {
    let home = bench.home.path();
    let library = Path::new(TEMPLATES).join("overlay/lib");
    for file in ["go/fetch.nix", "go/fetch.sh", "go/names.nix", "registries.nix"] {
        write_file(&home.join("lib").join(file), read_text(&library.join(file)));
    }
    let public = read_text(&library.join("registries.nix"));
    let mirrored: Vec<String> = public
        .lines()
        .map(|line| if line.contains("go-proxy = ") { format!("go-proxy = \"{proxy}\";") } else { line.to_owned() })
        .collect();
    write_file(&home.join("lib/registries.nix"), mirrored.join("\n"));
    let expression = format!(
        "let\n  pkgs = import {TEMPLATES}/hostpkgs {{ toolchain = builtins.fromJSON (builtins.readFile ./toolchain.json); }};\nin\n\
         import ./lib/go/fetch.nix {{ inherit pkgs; inherit (pkgs.buildPackages) go; }} {{\n  path = \"{PATH}\";\n  \
         version = \"{VERSION}\";\n  hash = \"{hash}\";\n}}\n"
    );
    let file = home.join("fetched.nix");
    write_file(&file, expression);
    bench.call("nix-build", &["--no-out-link", file.to_str().unwrap()])
}
