//! Signed notes: texts with signatures below; <https://pkg.go.dev/golang.org/x/mod/sumdb/note>.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use data_encoding::BASE64;

use super::VerifierKey;
use super::tree::Hash;

/// What a signature's line begins with.
const DASH: &str = "\u{2014} ";

/// The text of a note, if this key has signed it.
///
/// # Errors
/// Why it is not believed.
pub(super) fn open<'a>(note: &'a str, key: &VerifierKey) -> Result<&'a str, &'static str> {
    let (text, signatures) = note.rsplit_once("\n\n").ok_or("it has no signature")?;
    let text = note.get(..text.len() + 1).unwrap_or_default();
    if !note.ends_with('\n') || text.contains(|c: char| c.is_control() && c != '\n') {
        return Err("it is not in the form of a signed note");
    }
    let mut signed = false;
    for line in signatures.lines() {
        let signature = line.strip_prefix(DASH).and_then(|rest| rest.split_once(' '));
        let (name, signature) = signature.ok_or("it has a line that is no signature")?;
        let bytes = BASE64.decode(signature.as_bytes()).map_err(|_| "it has a signature that cannot be read")?;
        let (hash, signature) = bytes.split_first_chunk::<4>().ok_or("it has a signature that is too short")?;
        // Others may sign as well; what they say is no concern of ours.
        if name != key.name || *hash != key.hash {
            continue;
        }
        let verified = UnparsedPublicKey::new(&ED25519, &key.key[..]).verify(text.as_bytes(), signature);
        verified.map_err(|_| "its signature does not hold")?;
        signed = true;
    }
    if signed { Ok(text) } else { Err("it is not signed by the key that is known") }
}

/// The head of the database's tree: how many records there are, and the hash over all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// How many records.
    pub(super) size: u64,
    /// Over all of them.
    pub(super) hash: Hash,
}

impl Head {
    /// Reads the text of a note about a tree; <https://pkg.go.dev/golang.org/x/mod/sumdb/tlog#ParseTree>.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_prefix("go.sum database tree\n")?.lines();
        let size = lines.next().filter(|size| *size == "0" || !size.starts_with(['0', '+']))?;
        let size = size.parse().ok().filter(|size| *size < 1 << 48)?;
        Some(Self { size, hash: BASE64.decode(lines.next()?.as_bytes()).ok()?.try_into().ok()? })
    }
}
