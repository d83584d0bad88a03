use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use data_encoding::BASE64;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::key::key_hash;
use super::tree::{Hash, of_nodes, of_record, of_tile};
use super::{Patterns, Sumdb, SumdbClient, Verdict, VerifierKey};
use crate::clients::go::tests::http;
use crate::model::Clock;

/// A checksum database made for a test: every record it has, and how it misbehaves.
#[derive(Clone)]
pub(crate) struct Log {
    pair: Arc<Ed25519KeyPair>,
    key: VerifierKey,
    records: Vec<String>,
    /// How many of them the head that is shown speaks of; all of them if nothing is said.
    shown: Option<usize>,
    /// Whether tiles are given.
    tiles: bool,
    /// A tile's address in which one bit is wrong.
    damaged: Option<String>,
    /// Signed by somebody else.
    forged: bool,
    /// What is put in the place of every answer's first occurrence of a text.
    replaced: Option<(String, String)>,
}

impl Log {
    pub(crate) fn new(count: usize) -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let key: [u8; 32] = pair.public_key().as_ref().try_into().unwrap();
        let name = "sum.example".to_owned();
        let key = VerifierKey { hash: key_hash(&name, &key), name, key };
        let records = (0..count).map(record).collect();
        Self {
            pair: Arc::new(pair),
            key,
            records,
            shown: None,
            tiles: true,
            damaged: None,
            forged: false,
            replaced: None,
        }
    }

    fn hashes(&self) -> Vec<Hash> {
        self.records.iter().map(|record| of_record(record.as_bytes())).collect()
    }

    fn head(&self) -> String {
        let size = self.shown.unwrap_or(self.records.len());
        let root = root(&self.hashes()[..size]);
        let text = format!("go.sum database tree\n{size}\n{}\n", BASE64.encode(&root));
        let stranger = Ed25519KeyPair::generate().unwrap();
        self.signed(&text, if self.forged { &stranger } else { &self.pair })
    }

    fn signed(&self, text: &str, pair: &Ed25519KeyPair) -> String {
        let signature = [&self.key.hash[..], pair.sign(text.as_bytes()).as_ref()].concat();
        format!("{text}\n\u{2014} {} {}\n", self.key.name, BASE64.encode(&signature))
    }

    fn answer(&self, path: &str) -> Option<Vec<u8>> {
        if let Some(what) = path.strip_prefix("lookup/") {
            let what = what.replace('@', " ");
            let number = self.records.iter().position(|record| record.starts_with(&format!("{what} ")))?;
            return Some(format!("{number}\n{}\n{}", self.records[number], self.head()).into_bytes());
        }
        let (level, rest) = path.strip_prefix("tile/8/")?.split_once('/')?;
        let (number, width) = rest.split_once(".p/").unwrap_or((rest, "256"));
        let number: usize = number.replace(['x', '/'], "").parse().unwrap();
        let hashes = self.hashes();
        let below = 1 << (8 * level.parse::<u32>().unwrap());
        let width: usize = width.parse().unwrap();
        let level: Vec<Hash> = hashes.chunks_exact(below).map(|part| of_tile(part).unwrap()).collect();
        let mut tile = level.get(number * 256..number * 256 + width)?.concat();
        if self.damaged.as_deref() == Some(path) {
            tile[0] ^= 1;
        }
        Some(tile)
    }
}

fn record(number: usize) -> String {
    format!("forge.example/m{number} v1.0.0 h1:{number}=\nforge.example/m{number} v1.0.0/go.mod h1:mod{number}=\n")
}

fn root(records: &[Hash]) -> Hash {
    if let [one] = records {
        *one
    } else {
        let middle = records.len().next_power_of_two() / 2;
        of_nodes(&root(&records[..middle]), &root(&records[middle..]))
    }
}

impl Respond for Log {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let path = request.url.path().trim_start_matches('/');
        if path.starts_with("tile/") && !self.tiles {
            return ResponseTemplate::new(403);
        }
        let Some(mut body) = self.answer(path) else { return ResponseTemplate::new(404) };
        if let Some((old, new)) = &self.replaced
            && path.starts_with("lookup/")
        {
            body = String::from_utf8(body).unwrap().replacen(old, new, 1).into_bytes();
        }
        ResponseTemplate::new(200).set_body_bytes(body)
    }
}

async fn served(log: Log) -> (MockServer, Sumdb) {
    let server = MockServer::start().await;
    let sumdb: Sumdb = format!("{} {}", log.key, server.uri()).parse().unwrap();
    Mock::given(any()).respond_with(log).mount(&server).await;
    (server, sumdb)
}

fn client(sumdb: Sumdb, cache: &Path) -> SumdbClient {
    SumdbClient::new(http(), sumdb, Patterns::default(), cache, Clock::system())
}

async fn verdict(log: Log, number: usize) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (server, sumdb) = served(log).await;
    said(&server, &client(sumdb, folder.path()), number).await
}

async fn said(server: &MockServer, client: &SumdbClient, number: usize) -> String {
    let verdict = client.check(&format!("forge.example/m{number}"), "v1.0.0", &format!("h1:{number}=")).await.unwrap();
    let cache = client.inner.cache.display().to_string();
    let text = match verdict {
        Verdict::Verified(_) => "verified".to_owned(),
        Verdict::Failed { why } => format!("failed: {why}"),
        Verdict::Unavailable { why } => format!("unavailable: {why}"),
    };
    text.replace(server.uri().trim_start_matches("http://"), "sum.example").replace(&cache, "")
}

#[tokio::test]
async fn a_record_is_verified_and_its_proof_kept() {
    for (count, number) in [(1, 0), (2, 1), (300, 0), (300, 299), (70_000, 65_600)] {
        assert_eq!(verdict(Log::new(count), number).await, "verified", "{count} {number}");
    }
    let folder = tempfile::tempdir().unwrap();
    let (server, sumdb) = served(Log::new(300)).await;
    assert_eq!(said(&server, &client(sumdb.clone(), folder.path()), 7).await, "verified");
    let asked = server.received_requests().await.unwrap().len();
    let again = client(sumdb, folder.path());
    assert_eq!(said(&server, &again, 7).await, "verified");
    assert_eq!(server.received_requests().await.unwrap().len(), asked);
    let other = again.check("forge.example/m7", "v1.0.0", "h1:other=").await.unwrap();
    assert_eq!(other, Verdict::Failed { why: "the checksum database has h1:7=, and here it is h1:other=".to_owned() });
}

/// The head that a path of hashes leads to, as RFC 6962 says it in section 2.1.1.
fn head_of(number: usize, size: usize, record: Hash, path: &[Hash]) -> Hash {
    let Some((last, path)) = path.split_last() else { return record };
    let middle = size.next_power_of_two() / 2;
    if number < middle {
        of_nodes(&head_of(number, middle, record, path), last)
    } else {
        of_nodes(last, &head_of(number - middle, size - middle, record, path))
    }
}

#[tokio::test]
async fn a_verdict_brings_its_proof_new_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::new(300);
    let (_server, sumdb) = served(log.clone()).await;
    let client = client(sumdb, folder.path());
    for number in [0, 7, 255, 256, 299] {
        let said = format!("h1:{number}=");
        let first = client.check(&format!("forge.example/m{number}"), "v1.0.0", &said).await.unwrap();
        assert_eq!(client.check(&format!("forge.example/m{number}"), "v1.0.0", &said).await.unwrap(), first);
        let Verdict::Verified(proof) = first else { panic!("{first:?}") };
        assert!(proof.record.starts_with(&format!("{number}\n{}\ngo.sum database tree\n300\n", record(number))));
        let path = proof.hashes.iter().map(|hash| BASE64.decode(hash.as_bytes()).unwrap().try_into().unwrap());
        let leaf = of_record(record(number).as_bytes());
        assert_eq!(head_of(number, 300, leaf, &path.collect::<Vec<Hash>>()), root(&log.hashes()), "{number}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_never_merely_unavailable() {
    let log = Log::new(300);
    let replaced = |old: &str, new: &str| Log { replaced: Some((old.to_owned(), new.to_owned())), ..log.clone() };
    let all = [
        verdict(Log { forged: true, ..log.clone() }, 7).await,
        verdict(Log { damaged: Some("tile/8/0/000".to_owned()), ..log.clone() }, 7).await,
        verdict(replaced("h1:7=", "h1:8="), 7).await,
        verdict(replaced("h1:mod7=", "h1:mod8="), 7).await,
        verdict(replaced("7\n", "8\n"), 7).await,
        verdict(replaced("7\n", "300\n"), 7).await,
        verdict(replaced("7\n", "07\n"), 7).await,
        verdict(replaced("forge.example/m7 v1.0.0 h1", "forge.example/m8 v1.0.0 h1"), 7).await,
        verdict(replaced("tree\n300", "tree\n299"), 7).await,
        verdict(replaced("\n\n", "\n"), 7).await,
        verdict(replaced("\u{2014} sum.example", "\u{2014} other.example"), 7).await,
        verdict(replaced("\u{2014} sum.example", "- sum.example"), 7).await,
    ];
    assert!(all.iter().all(|said| said.starts_with("failed: ")));
    insta::assert_snapshot!(all.join("\n"), @r"
failed: the signed head of the database is not believed: its signature does not hold
failed: the record is not in the log that the checksum database has signed
failed: the checksum database has h1:8=, and here it is h1:7=
failed: the record is not in the log that the checksum database has signed
failed: the record is not in the log that the checksum database has signed
failed: the database says that forge.example/m7 v1.0.0 is not in it
failed: a record is not in the form that records have
failed: the record that the checksum database has for forge.example/m7 v1.0.0 is about something else
failed: the signed head of the database is not believed: its signature does not hold
failed: the signed head of the database is not believed: it has no signature
failed: the signed head of the database is not believed: it is not signed by the key that is known
failed: the signed head of the database is not believed: it has a line that is no signature
");
}

#[tokio::test]
async fn a_database_without_proofs_says_nothing_and_is_not_asked_all_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let (server, sumdb) = served(Log { tiles: false, ..Log::new(300) }).await;
    let client = client(sumdb, folder.path());
    let first = said(&server, &client, 7).await;
    insta::assert_snapshot!(first, @"unavailable: sum.example answered 403 Forbidden for http://sum.example/tile/8/0/000; it refuses this client: check whether the address needs a login, or blocks bots");
    let asked = server.received_requests().await.unwrap().len();
    assert_eq!(said(&server, &client, 7).await, first);
    assert_eq!(server.received_requests().await.unwrap().len(), asked);
    assert!(!client.inner.cache.join("latest").exists());
    insta::assert_snapshot!(said(&server, &client, 300).await, @"unavailable: sum.example answered 404 Not Found for http://sum.example/lookup/forge.example/m300@v1.0.0; it is not there: check the name, and the address under [registries]");
}

#[tokio::test]
async fn a_log_may_grow_and_not_fork() {
    let folder = tempfile::tempdir().unwrap();
    let small = Log::new(280);
    let check = async |log: Log, number: usize| {
        let server = MockServer::start().await;
        let url = server.uri();
        Mock::given(any()).respond_with(log.clone()).mount(&server).await;
        // The same cache, though each server of a test has its own port.
        let sumdb = Sumdb::Database { key: log.key.clone(), url: url::Url::parse(&format!("{url}/")).unwrap() };
        let mut client = client(sumdb, folder.path());
        let inner = Arc::get_mut(&mut client.inner).unwrap();
        inner.cache = folder.path().join("log");
        said(&server, &client, number).await
    };
    let grown = Log { records: (0..900).map(record).collect(), ..small.clone() };
    let mut forked = Log { shown: Some(600), ..grown.clone() };
    forked.records[500] = "forge.example/x v1.0.0 h1:x=\n".to_owned();
    let mut other = Log { records: (0..1000).map(record).collect(), ..grown.clone() };
    other.records[3] = "forge.example/x v1.0.0 h1:x=\n".to_owned();
    assert_eq!(check(small, 1).await, "verified");
    assert_eq!(check(grown.clone(), 2).await, "verified");
    assert_eq!(check(Log { shown: Some(300), ..grown.clone() }, 4).await, "verified");
    let all = [check(forked, 5).await, check(other, 6).await];
    assert!(all.iter().all(|said| said.starts_with("failed: ")), "{all:?}");
    assert_eq!(check(grown, 7).await, "verified");
    insta::assert_snapshot!(all.join("\n"), @r"
failed: sum.example has shown two logs that do not fit together, one of 600 and one of 900 records: somebody may be told other things than others; the heads are in /latest and in what http://sum.example/ says now
failed: sum.example has shown two logs that do not fit together, one of 900 and one of 1000 records: somebody may be told other things than others; the heads are in /latest and in what http://sum.example/ says now
");
}

#[tokio::test]
async fn private_modules_are_not_told_and_off_is_off() {
    let folder = tempfile::tempdir().unwrap();
    let (server, sumdb) = served(Log::new(3)).await;
    let hidden = Patterns::parse("forge.example").unwrap();
    let private = SumdbClient::new(http(), sumdb, hidden, folder.path(), Clock::system());
    let off = client(Sumdb::Off, folder.path());
    insta::assert_snapshot!(said(&server, &private, 1).await + "\n" + &said(&server, &off, 1).await, @r"
unavailable: the module is private
unavailable: no checksum database is asked (`off`)
");
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
}
