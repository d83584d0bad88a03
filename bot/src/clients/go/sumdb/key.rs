//! Which checksum database is believed, and by which key: Go's variable `GOSUMDB`.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::clients::endpoints;
use crate::model::InvalidValue;

const EXPECTED: &str =
    "a checksum database as Go's GOSUMDB has it (`off`, a known name, or `NAME+HASH+KEY`, then perhaps its address)";

/// The number of the one kind of signature that there is: Ed25519.
const ED25519: u8 = 1;

/// Who vouches for modules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sumdb {
    /// Nobody.
    Off,
    /// A database.
    Database {
        /// What it signs with.
        key: VerifierKey,
        /// Its address, ending in `/`.
        url: Url,
    },
}

/// A key of signed notes; <https://pkg.go.dev/golang.org/x/mod/sumdb/note>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    /// Whose it is.
    pub name: String,
    /// The beginning of the key's hash, by which signatures name it.
    pub hash: [u8; 4],
    /// Ed25519's public key.
    pub key: [u8; 32],
}

impl FromStr for VerifierKey {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let parse = || {
            let (name, rest) = text.split_once('+')?;
            let (hash, key) = rest.split_once('+')?;
            let key = BASE64.decode(key.as_bytes()).ok()?;
            let (kind, bytes) = key.split_first()?;
            let bytes: [u8; 32] = bytes.try_into().ok()?;
            let is_name = !name.is_empty() && !name.contains(char::is_whitespace) && !name.contains('+');
            if !is_name || *kind != ED25519 {
                return None;
            }
            let expected = key_hash(name, &bytes);
            let is_hash = data_encoding::HEXLOWER.encode(&expected) == hash;
            is_hash.then(|| Self { name: name.to_owned(), hash: expected, key: bytes })
        };
        parse().ok_or_else(|| InvalidValue { value: text.to_owned(), expected: EXPECTED })
    }
}

/// As Go spells it.
impl fmt::Display for VerifierKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ED25519], &self.key[..]].concat();
        write!(formatter, "{}+{}+{}", self.name, data_encoding::HEXLOWER.encode(&self.hash), BASE64.encode(&key))
    }
}

/// The beginning of the hash of a key's name and bytes.
pub(super) fn key_hash(name: &str, key: &[u8; 32]) -> [u8; 4] {
    let digest = Sha256::new().chain_update(name).chain_update([b'\n', ED25519]).chain_update(key).finalize();
    [digest[0], digest[1], digest[2], digest[3]]
}

impl FromStr for Sumdb {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let invalid = || InvalidValue { value: text.to_owned(), expected: EXPECTED };
        let mut words = text.split_whitespace();
        let first = words.next().ok_or_else(invalid)?;
        let url = words.next();
        if words.next().is_some() {
            return Err(invalid());
        }
        if first == "off" {
            return if url.is_none() { Ok(Self::Off) } else { Err(invalid()) };
        }
        let (key, own_url) = match endpoints::known_sumdb(first) {
            Some((key, own_url)) => (key, Some(own_url)),
            None => (first, None),
        };
        let key: VerifierKey = key.parse().map_err(|_| invalid())?;
        let url = match url.or(own_url) {
            Some(url) => endpoints::parse_api(url).map_err(|_| invalid())?,
            None => endpoints::parse_api(&format!("https://{}/", key.name)).map_err(|_| invalid())?,
        };
        Ok(Self::Database { key, url })
    }
}

#[cfg(test)]
mod tests {
    use super::{Sumdb, VerifierKey, key_hash};
    use crate::clients::endpoints;

    #[test]
    fn a_database_is_named_as_go_names_it() {
        let key = VerifierKey { name: "sum.example".to_owned(), hash: key_hash("sum.example", &[7; 32]), key: [7; 32] };
        let text = key.to_string();
        assert_eq!(text.parse::<VerifierKey>().unwrap(), key);
        let address = |text: &str| match text.parse::<Sumdb>().unwrap() {
            Sumdb::Database { key, url } => format!("{} {url}", key.name),
            Sumdb::Off => "off".to_owned(),
        };
        assert_eq!(address(&text), "sum.example https://sum.example/");
        assert_eq!(address(&format!("{text} https://other.example/sum")), "sum.example https://other.example/sum/");
        assert_eq!(address("off"), "off");
        assert!(address(endpoints::GO_SUMDB).starts_with(endpoints::GO_SUMDB));
    }

    #[test]
    fn a_key_that_is_not_whole_is_refused() {
        let key = VerifierKey { name: "sum.example".to_owned(), hash: key_hash("sum.example", &[7; 32]), key: [7; 32] };
        let text = key.to_string();
        for bad in [
            "",
            "sum.example",
            "off https://a.example",
            &text.replace("sum.example", "other.example"),
            &text[..text.len() - 4],
            &format!("{text} a b"),
            &format!("{text} ftp://a.example"),
        ] {
            assert!(bad.parse::<Sumdb>().is_err(), "{bad}");
        }
    }
}
