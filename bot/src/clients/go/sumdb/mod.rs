//! The checksum database: what everybody was told of a module's version.
//!
//! The database is a log that only grows. A record is believed when it is in the log (a proof of hashes up to the signed head),
//! and the log is the one that was seen before (a proof that it has grown). What cannot be asked proves nothing: a mirror
//! that gives records but no proofs is as good as none. <https://go.dev/design/25530-sumdb>

mod key;
mod note;
#[cfg(test)]
pub(crate) mod tests;
mod tree;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use data_encoding::BASE64;
use jiff::{SignedDuration, Timestamp};
use nixwright_resolver::plan::go::Proof;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use url::Url;

pub use self::key::{Sumdb, VerifierKey};
use self::note::Head;
use self::tree::{Growth, Hash, Path as ProofPath, Range, Stored, Tile, of_range, of_record, of_tile};
use super::{GoProxyError, Patterns, escaped};
use crate::clients::files;
use crate::clients::http::{Http, HttpError};
use crate::model::Clock;

/// The largest record, in bytes.
const RECORD_LIMIT: u64 = 1 << 20;

/// After so long, a database that gave no proof is asked again.
const ASK_AGAIN: SignedDuration = SignedDuration::from_hours(24);

/// What the database says of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is what everybody was given, which this proves.
    Verified(Proof),
    /// It is not, or the database is not what it was.
    Failed {
        /// What is wrong.
        why: String,
    },
    /// It could not be asked.
    Unavailable {
        /// Why not.
        why: String,
    },
}

/// A checksum database; clones share what is known of it.
#[derive(Debug, Clone)]
pub struct SumdbClient {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    http: Http,
    sumdb: Sumdb,
    hidden: Patterns,
    cache: PathBuf,
    clock: Clock,
    /// Held while the head that was seen last is compared with another.
    head: Mutex<()>,
}

/// What is kept of a version.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kept {
    /// That it is in the log.
    Proved(Proof),
    /// That there was no proof, and when.
    Unavailable { why: String, at: Timestamp },
}

/// Why a version was not verified.
enum Doubt {
    Failed(String),
    Unavailable(String),
    Cache(GoProxyError),
}

impl<E: Into<GoProxyError>> From<E> for Doubt {
    fn from(error: E) -> Self {
        Self::Cache(error.into())
    }
}

/// A database that is asked.
#[derive(Clone, Copy)]
struct Database<'a> {
    key: &'a VerifierKey,
    url: &'a Url,
}

/// A record as the database gives it.
struct Record<'a> {
    number: u64,
    text: &'a str,
    /// The signed head of a tree that has it.
    note: &'a str,
    head: Head,
}

impl SumdbClient {
    /// `hidden` are the modules that the database may not hear of; `cache` is a folder for its own use.
    pub fn new(http: Http, sumdb: Sumdb, hidden: Patterns, cache: &Path, clock: Clock) -> Self {
        let name = match &sumdb {
            Sumdb::Off => "off".to_owned(),
            // The address beside the name: two that sign with one key may still differ in what they say.
            Sumdb::Database { key, url } => {
                let text = format!("{key} {url}");
                data_encoding::HEXLOWER.encode(&of_record(text.as_bytes())).chars().take(16).collect()
            }
        };
        let cache = cache.join("go/sumdb").join(name);
        Self { inner: Arc::new(Inner { http, sumdb, hidden, cache, clock, head: Mutex::default() }) }
    }

    /// Compares a version's hash (`h1:…`) with what the database says.
    ///
    /// # Errors
    /// When the path or the version is none, or the cache cannot be used.
    pub async fn check(&self, module: &str, version: &str, sum: &str) -> Result<Verdict, GoProxyError> {
        let Sumdb::Database { key, url } = &self.inner.sumdb else {
            return Ok(Verdict::Unavailable { why: "no checksum database is asked (`off`)".to_owned() });
        };
        if self.inner.hidden.matches(module) {
            return Ok(Verdict::Unavailable { why: "the module is private".to_owned() });
        }
        let path = escaped(module, version)?.kept;
        let file = self.inner.cache.join("records").join(format!("{path}.json"));
        let what = format!("{module} {version}");
        if let Some(kept) = self.kept(&file, key, &what, sum)? {
            return Ok(kept);
        }
        match self.look_up(Database { key, url }, &path, &what, sum).await {
            Ok(kept) => {
                keep(&file, &Kept::Proved(kept.clone()))?;
                Ok(Verdict::Verified(kept))
            }
            Err(Doubt::Failed(why)) => Ok(Verdict::Failed { why }),
            Err(Doubt::Unavailable(why)) => {
                keep(&file, &Kept::Unavailable { why: why.clone(), at: self.inner.clock.now() })?;
                Ok(Verdict::Unavailable { why })
            }
            Err(Doubt::Cache(error)) => Err(error),
        }
    }

    /// What is known from an earlier time: a proof is checked again, which takes no network.
    fn kept(&self, file: &Path, key: &VerifierKey, what: &str, sum: &str) -> Result<Option<Verdict>, GoProxyError> {
        let Some(bytes) = files::read_optional(file)? else { return Ok(None) };
        Ok(match serde_json::from_slice(&bytes) {
            Ok(Kept::Proved(proof)) => {
                let hashes = proof.hashes.iter().map(|hash| hash_of(hash)).collect::<Option<Vec<Hash>>>();
                let Some(hashes) = hashes else { return Ok(None) };
                match read_record(&proof.record, key).and_then(|record| {
                    record.agrees(what, sum)?;
                    record.is_proved(&hashes)
                }) {
                    Ok(()) => Some(Verdict::Verified(proof)),
                    Err(why) => Some(Verdict::Failed { why }),
                }
            }
            Ok(Kept::Unavailable { why, at }) => {
                let age = self.inner.clock.now().duration_since(at);
                (age >= SignedDuration::ZERO && age < ASK_AGAIN).then_some(Verdict::Unavailable { why })
            }
            Err(_) => None,
        })
    }

    async fn look_up(&self, database: Database<'_>, path: &str, what: &str, sum: &str) -> Result<Proof, Doubt> {
        let body = self.get(database, &format!("lookup/{path}"), RECORD_LIMIT).await?;
        let text = String::from_utf8(body).map_err(|_| Doubt::Failed(format!("the record of {what} is no text")))?;
        let record = read_record(&text, database.key).map_err(Doubt::Failed)?;
        record.agrees(what, sum).map_err(Doubt::Failed)?;
        let not_in_it = || Doubt::Failed(format!("the database says that {what} is not in it"));
        let proof_path = ProofPath::of_record(record.number, record.head.size).ok_or_else(not_in_it)?;
        let mut tiles = Tiles { client: self, database, size: record.head.size, known: BTreeMap::new() };
        let proof = tiles.hashes(proof_path.ranges()).await?;
        record.is_proved(&proof).map_err(Doubt::Failed)?;
        self.compare_heads(database, &record).await?;
        let hashes = proof.iter().map(|hash| BASE64.encode(hash)).collect();
        Ok(Proof { record: text, hashes })
    }

    /// That this is the log that was seen before, only longer or shorter; the longest head is remembered.
    async fn compare_heads(&self, database: Database<'_>, record: &Record<'_>) -> Result<(), Doubt> {
        let _held = self.inner.head.lock().await;
        let file = self.inner.cache.join("latest");
        let new = record.head;
        let Some(bytes) = files::read_optional(&file)? else { return Ok(files::write(&file, record.note.as_bytes())?) };
        let latest = String::from_utf8(bytes).ok();
        let latest = latest.as_deref().and_then(|text| Head::parse(note::open(text, database.key).ok()?));
        let Some(latest) = latest else {
            return Err(Doubt::Failed(format!(
                "the head that was seen last cannot be read; look at {}",
                file.display()
            )));
        };
        let (old, larger) = if latest.size <= new.size { (latest, new) } else { (new, latest) };
        let forked = || {
            Doubt::Failed(format!(
                "{} has shown two logs that do not fit together, one of {} and one of {} records: somebody may be told other things \
                 than others; the heads are in {} and in what {} says now",
                database.key.name,
                old.size,
                larger.size,
                file.display(),
                database.url
            ))
        };
        let growth = Growth::new(old.size, larger.size).ok_or_else(forked)?;
        let mut tiles = Tiles { client: self, database, size: larger.size, known: BTreeMap::new() };
        let hashes = tiles.hashes(growth.ranges()).await?;
        if !growth.holds(old.hash, larger.hash, &hashes) {
            return Err(forked());
        }
        if new.size > latest.size {
            files::write(&file, record.note.as_bytes())?;
        }
        Ok(())
    }

    async fn get(&self, database: Database<'_>, path: &str, max_bytes: u64) -> Result<Vec<u8>, Doubt> {
        let url = Url::parse(&format!("{}{path}", database.url));
        let url = url.map_err(|_| Doubt::Unavailable(format!("{}{path} is no address", database.url)))?;
        self.inner.http.get_bytes(&url, max_bytes).await.map_err(|error| match error {
            HttpError::File(error) => Doubt::Cache(error.into()),
            error => Doubt::Unavailable(error.to_string()),
        })
    }
}

fn keep(file: &Path, kept: &Kept) -> Result<(), GoProxyError> {
    // Texts and times always become JSON.
    Ok(files::write(file, &serde_json::to_vec(kept).unwrap_or_default())?)
}

fn hash_of(text: &str) -> Option<Hash> {
    BASE64.decode(text.as_bytes()).ok()?.try_into().ok()
}

/// Reads what a lookup gives: a number, the record, and the signed head.
/// <https://pkg.go.dev/golang.org/x/mod/sumdb/tlog#ParseRecord>
fn read_record<'a>(text: &'a str, key: &VerifierKey) -> Result<Record<'a>, String> {
    let parts = || {
        let (number, rest) = text.split_once('\n')?;
        let number = number.parse().ok().filter(|_| number == "0" || !number.starts_with(['0', '+']))?;
        let (record, note) = rest.split_once("\n\n")?;
        Some((number, rest.get(..record.len() + 1)?, note))
    };
    let (number, text, note) = parts().ok_or("a record is not in the form that records have")?;
    let signed =
        note::open(note, key).map_err(|why| format!("the signed head of the database is not believed: {why}"))?;
    let head = Head::parse(signed).ok_or("the signed head of the database cannot be read")?;
    Ok(Record { number, text, note, head })
}

impl Record<'_> {
    /// That it is about this version (`MODULE VERSION`), and has this hash.
    fn agrees(&self, what: &str, sum: &str) -> Result<(), String> {
        let said = self.text.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(' '));
        match said {
            Some(said) if said == sum => Ok(()),
            Some(said) => Err(format!("the checksum database has {said}, and here it is {sum}")),
            None => Err(format!("the record that the checksum database has for {what} is about something else")),
        }
    }

    /// That these hashes lead from it to the head.
    fn is_proved(&self, proof: &[Hash]) -> Result<(), String> {
        let path = ProofPath::of_record(self.number, self.head.size);
        let root = path.and_then(|path| path.root(of_record(self.text.as_bytes()), proof));
        if root == Some(self.head.hash) {
            return Ok(());
        }
        Err("the record is not in the log that the checksum database has signed".to_owned())
    }
}

/// Tiles of a tree, each asked for once.
struct Tiles<'a> {
    client: &'a SumdbClient,
    database: Database<'a>,
    size: u64,
    known: BTreeMap<Tile, Vec<Hash>>,
}

impl Tiles<'_> {
    async fn hashes(&mut self, ranges: impl Iterator<Item = Range>) -> Result<Vec<Hash>, Doubt> {
        let mut hashes = Vec::new();
        for range in ranges {
            let mut stored = Vec::new();
            for part in range.stored() {
                stored.push(self.hash(part).await?);
            }
            hashes.extend(of_range(&stored));
        }
        Ok(hashes)
    }

    async fn hash(&mut self, stored: Stored) -> Result<Hash, Doubt> {
        let outside = || Doubt::Failed("a proof asks for what is not in the log".to_owned());
        let (tile, covered) = Tile::of(stored, self.size).ok_or_else(outside)?;
        if !self.known.contains_key(&tile) {
            let hashes = self.tile(tile).await?;
            self.known.insert(tile, hashes);
        }
        self.known.get(&tile).and_then(|hashes| of_tile(hashes.get(covered)?)).ok_or_else(outside)
    }

    /// Not kept: a proof vouches for the hashes that it needs, not for the others in their tile.
    async fn tile(&self, tile: Tile) -> Result<Vec<Hash>, Doubt> {
        let (address, length) = (tile.address(), tile.width * 32);
        let bytes = self.client.get(self.database, &address, length).await?;
        if bytes.len() as u64 != length {
            let found = bytes.len();
            return Err(Doubt::Failed(format!("{address} of the checksum database has {found} bytes, not {length}")));
        }
        Ok(bytes.chunks_exact(32).filter_map(|hash| hash.try_into().ok()).collect())
    }
}
