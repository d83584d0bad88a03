//! Who vouches for a release beside its hash: the registry's signatures, and whether there is a provenance attestation.
//!
//! The registry signs `NAME@VERSION:INTEGRITY` (ECDSA, P-256, SHA-256) with keys that it publishes;
//! <https://docs.npmjs.com/about-registry-signatures>. A mirror may carry neither signatures nor keys: then there is nothing to
//! judge by, which is not the same as passing.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use data_encoding::BASE64;
use jiff::Timestamp;
use nixwright_resolver::plan::npm::Trust;
use serde::{Deserialize, Deserializer};

/// The one kind of key that npm knows.
const KEY_TYPE: &str = "ecdsa-sha2-nistp256";

/// The keys that a registry signs with.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct RegistryKeys {
    #[serde(default)]
    keys: Vec<RegistryKey>,
}

/// One of them.
#[derive(Debug, Clone, Deserialize)]
struct RegistryKey {
    #[serde(default)]
    expires: Option<String>,
    keyid: String,
    #[serde(default)]
    keytype: String,
    /// `SubjectPublicKeyInfo`, in base 64.
    key: String,
}

/// What a manifest says of its tarball, as far as trust goes.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Dist {
    /// Subresource integrity, as the registry writes it.
    #[serde(default)]
    pub integrity: Option<String>,
    #[serde(default, deserialize_with = "null_is_none")]
    signatures: Vec<Signature>,
    #[serde(default)]
    attestations: Option<Attestations>,
    /// Which version it is of, by the manifest around it.
    #[serde(skip)]
    version: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Signature {
    keyid: String,
    /// In base 64.
    sig: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Attestations {
    #[serde(default)]
    provenance: Option<serde_json::Value>,
}

fn null_is_none<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Dist {
    /// Reads the part `dist` of a manifest; what is not of the usual form says nothing.
    pub fn of_manifest(manifest: &str) -> Self {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Manifest {
            dist: Dist,
            version: String,
        }
        let Manifest { dist, version } = serde_json::from_str(manifest).unwrap_or_default();
        Self { version, ..dist }
    }

    /// Whether it is of this version.
    pub fn is_of(&self, version: &str) -> bool {
        self.version == version
    }

    /// Whether there are signatures to judge by.
    pub fn is_signed(&self) -> bool {
        self.integrity.is_some() && !self.signatures.is_empty()
    }

    /// Whether the registry has a provenance attestation. Its content is not judged.
    pub fn provenance(&self) -> Trust {
        match self.attestations.as_ref().and_then(|attestations| attestations.provenance.as_ref()) {
            Some(provenance) if !provenance.is_null() => Trust::Verified,
            _ => Trust::Unavailable,
        }
    }
}

impl RegistryKeys {
    /// Whether what the registry says of a release was signed by it.
    ///
    /// Every signature by a key that is known must hold, and be older than the end of its key (where the registry does not say
    /// when the release was published, it counts as older, as npm has it). Signatures by other keys say nothing: whoever could
    /// put one there could as well leave it out.
    pub fn judge(&self, name: &str, version: &str, dist: &Dist, published: Option<Timestamp>) -> Trust {
        let Some(integrity) = &dist.integrity else { return Trust::Unavailable };
        let message = format!("{name}@{version}:{integrity}");
        let known = |signature: &Signature| {
            self.keys.iter().find(|key| key.keyid == signature.keyid && key.keytype == KEY_TYPE)
        };
        let judged = dist.signatures.iter().filter_map(|signature| {
            let key = known(signature)?;
            Some(key.was_valid(published) && key.holds(message.as_bytes(), &signature.sig))
        });
        judged.fold(Trust::Unavailable, |trust, holds| match (trust, holds) {
            (Trust::Failed, _) | (_, false) => Trust::Failed,
            (_, true) => Trust::Verified,
        })
    }
}

impl RegistryKey {
    fn was_valid(&self, published: Option<Timestamp>) -> bool {
        match (&self.expires, published) {
            (Some(expires), Some(published)) => {
                // An end that cannot be read may be any: the key is not trusted.
                expires.parse::<Timestamp>().is_ok_and(|expires| published < expires)
            }
            _ => true,
        }
    }

    fn holds(&self, message: &[u8], signature: &str) -> bool {
        let (Ok(key), Ok(signature)) = (BASE64.decode(self.key.as_bytes()), BASE64.decode(signature.as_bytes())) else {
            return false;
        };
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).verify(message, &signature).is_ok()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
    use data_encoding::BASE64;
    use serde_json::{Value, json};

    use super::{Dist, RegistryKeys, Trust};

    const INTEGRITY: &str = "sha512-AAAA";

    /// A key made for a test.
    pub(crate) struct Key {
        pair: EcdsaKeyPair,
        keyid: &'static str,
    }

    impl Key {
        pub(crate) fn new(keyid: &'static str) -> Self {
            Self { pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(), keyid }
        }

        /// As the registry publishes it.
        pub(crate) fn public(&self, expires: &Value) -> Value {
            let key = self.pair.public_key().as_der().unwrap();
            json!({ "expires": expires, "keyid": self.keyid, "keytype": "ecdsa-sha2-nistp256",
                    "scheme": "ecdsa-sha2-nistp256", "key": BASE64.encode(key.as_ref()) })
        }

        /// As it stands in a manifest.
        pub(crate) fn sign(&self, message: &str) -> Value {
            let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
            json!({ "keyid": self.keyid, "sig": BASE64.encode(signature.as_ref()) })
        }
    }

    fn judge(keys: &[Value], signatures: &[Value], published: Option<&str>) -> Trust {
        let keys: RegistryKeys = serde_json::from_value(json!({ "keys": keys })).unwrap();
        let dist = json!({ "dist": { "integrity": INTEGRITY, "signatures": signatures } }).to_string();
        keys.judge("@a/b", "1.0.0", &Dist::of_manifest(&dist), published.map(|time| time.parse().unwrap()))
    }

    fn message() -> String {
        format!("@a/b@1.0.0:{INTEGRITY}")
    }

    #[test]
    fn a_signature_of_the_registry_holds_for_this_release_only() {
        let (key, other) = (Key::new("one"), Key::new("one"));
        let public = [key.public(&Value::Null)];
        assert_eq!(judge(&public, &[key.sign(&message())], None), Trust::Verified);
        assert_eq!(judge(&public, &[key.sign("@a/b@1.0.1:sha512-AAAA")], None), Trust::Failed);
        assert_eq!(judge(&public, &[other.sign(&message())], None), Trust::Failed);
        assert_eq!(judge(&public, &[key.sign(&message()), other.sign(&message())], None), Trust::Failed);
        assert_eq!(judge(&public, &[json!({ "keyid": "one", "sig": "!" })], None), Trust::Failed);
    }

    #[test]
    fn without_a_signature_or_its_key_there_is_nothing_to_judge_by() {
        let (key, unknown) = (Key::new("one"), Key::new("two"));
        let public = [key.public(&Value::Null)];
        assert_eq!(judge(&public, &[], None), Trust::Unavailable);
        assert_eq!(judge(&[], &[key.sign(&message())], None), Trust::Unavailable);
        assert_eq!(judge(&public, &[unknown.sign("nonsense")], None), Trust::Unavailable);
        assert_eq!(judge(&public, &[unknown.sign("nonsense"), key.sign(&message())], None), Trust::Verified);
        let keys: RegistryKeys = serde_json::from_value(json!({ "keys": public })).unwrap();
        for manifest in ["{}", "null", r#"{"dist":{"signatures":null}}"#, r#"{"dist":{"signatures":[]}}"#] {
            let dist = Dist::of_manifest(manifest);
            assert!(!dist.is_signed());
            assert_eq!(keys.judge("a", "1.0.0", &dist, None), Trust::Unavailable, "{manifest}");
        }
    }

    #[test]
    fn a_key_counts_until_its_end() {
        let key = Key::new("one");
        let signed = [key.sign(&message())];
        let until = |expires: Value, published| judge(&[key.public(&expires)], &signed, published);
        assert_eq!(until(json!("2025-01-29T00:00:00.000Z"), Some("2025-01-28T00:00:00Z")), Trust::Verified);
        assert_eq!(until(json!("2025-01-29T00:00:00.000Z"), Some("2025-01-30T00:00:00Z")), Trust::Failed);
        assert_eq!(until(json!("some day"), Some("2025-01-30T00:00:00Z")), Trust::Failed);
        assert_eq!(until(json!("2025-01-29T00:00:00.000Z"), None), Trust::Verified);
    }

    #[test]
    fn provenance_is_there_or_not() {
        let provenance = |dist: Value| Dist::of_manifest(&json!({ "dist": dist }).to_string()).provenance();
        let there = json!({ "attestations": { "url": "x", "provenance": { "predicateType": "y" } } });
        assert_eq!(provenance(there), Trust::Verified);
        for dist in [json!({}), json!({ "attestations": null }), json!({ "attestations": { "provenance": null } })] {
            assert_eq!(provenance(dist), Trust::Unavailable);
        }
    }
}
