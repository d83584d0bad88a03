//! A plan as a software bill of materials: CycloneDX 1.6, JSON.
//!
//! The same plan gives the same bytes: no time is in it, and the serial number is made from the content (a UUID of version 8,
//! RFC 9562 §5.8). <https://cyclonedx.org/docs/1.6/json/> is the reference.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::components::{Component, Components, Hash};
use super::{Metadata, Plan};

/// The document of a plan.
pub fn cyclonedx(plan: &Plan) -> Value {
    of_components(&plan.name, &plan.components(), &plan.metadata)
}

/// The document of what was taken out of a plan before: its name, what it is made of, and what upstream says of it.
pub fn of_components(name: &str, components: &Components, metadata: &Metadata) -> Value {
    let others = components.by_purl.values().filter(|component| component.purl != components.root);
    let content = json!({
        "metadata": {
            "tools": { "components": [{
                "type": "application", "name": "nixwright", "version": env!("CARGO_PKG_VERSION"),
            }] },
            "component": root(name, components, metadata),
        },
        "components": others.map(|component| described(component, "library")).collect::<Vec<_>>(),
        "dependencies": dependencies(components),
    });
    let mut document = Map::new();
    document.insert("bomFormat".to_owned(), "CycloneDX".into());
    document.insert("specVersion".to_owned(), "1.6".into());
    document.insert("serialNumber".to_owned(), serial_number(&content.to_string()).into());
    document.insert("version".to_owned(), 1.into());
    if let Value::Object(content) = content {
        document.extend(content);
    }
    Value::Object(document)
}

fn root(name: &str, components: &Components, metadata: &Metadata) -> Value {
    let mut root = components
        .by_purl
        .get(&components.root)
        .map_or_else(|| json!({ "type": "application", "name": name }), |root| described(root, "application"));
    if let Some(description) = &metadata.description {
        root["description"] = description.clone().into();
    }
    let references = [("website", &metadata.homepage), ("vcs", &metadata.repository)];
    let references: Vec<Value> = references
        .into_iter()
        .filter_map(|(kind, url)| Some((kind, url.as_deref().filter(|url| is_address(url))?)))
        .map(|(kind, url)| json!({ "type": kind, "url": url }))
        .collect();
    if !references.is_empty() {
        root["externalReferences"] = references.into();
    }
    root
}

/// The schema asks for an IRI; upstream may have written anything.
fn is_address(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>\"{}|\\^`".contains(c);
    (text.starts_with("https://") || text.starts_with("http://")) && !text.contains(odd)
}

/// A hash in CycloneDX's words: algorithm and lower-case hexadecimal.
fn hash(hash: &Hash) -> Option<(&'static str, String)> {
    let integrity = match hash {
        Hash::Sha256(content) => return Some(("SHA-256", content.clone())),
        Hash::Integrity(integrity) => integrity,
    };
    let names = [("sha512-", "SHA-512"), ("sha384-", "SHA-384"), ("sha256-", "SHA-256"), ("sha1-", "SHA-1")];
    let (base64, name) = names.iter().find_map(|(prefix, name)| Some((integrity.strip_prefix(prefix)?, *name)))?;
    let bytes = data_encoding::BASE64.decode(base64.as_bytes()).ok()?;
    Some((name, data_encoding::HEXLOWER.encode(&bytes)))
}

fn described(component: &Component, kind: &str) -> Value {
    let mut row = json!({
        "type": kind,
        "bom-ref": component.purl,
        "name": component.name,
        "version": component.version,
    });
    if component.builds_only {
        // The word for what is there without being part of what runs.
        row["scope"] = "excluded".into();
    }
    if let Some((algorithm, content)) = component.hash.as_ref().and_then(hash) {
        row["hashes"] = json!([{ "alg": algorithm, "content": content }]);
    }
    if let Some(license) = component.license.as_deref().filter(|license| !license.is_empty()) {
        // An expression has to be one; other words are a licence's name.
        row["licenses"] = match spdx::Expression::parse(license) {
            Ok(_) => json!([{ "expression": license }]),
            Err(_) => json!([{ "license": { "name": license } }]),
        };
    }
    row["purl"] = component.purl.clone().into();
    row
}

/// Each component once, also those that need nothing: left out would mean "not known".
fn dependencies(components: &Components) -> Vec<Value> {
    let needed = |purl: &String| components.edges.get(purl).into_iter().flatten().collect::<Vec<_>>();
    components.by_purl.keys().map(|purl| json!({ "ref": purl, "dependsOn": needed(purl) })).collect()
}

fn serial_number(content: &str) -> String {
    let digest = Sha256::digest(content.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    let number = u128::from_be_bytes(bytes);
    // Version 8 in bits 48 to 51, variant 0b10 in bits 64 and 65.
    let number = number & !(0xf << 76) & !(0b11 << 62) | (0x8 << 76) | (0b10 << 62);
    let hex = format!("{number:032x}");
    format!("urn:uuid:{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::cyclonedx;
    use crate::plan::components::tests::plan;

    #[test]
    fn names_everything_once_with_its_hash_licence_and_dependencies() {
        let bom = cyclonedx(&plan());
        assert_eq!(bom["bomFormat"], "CycloneDX");
        assert_eq!(bom["metadata"]["component"]["purl"], "pkg:cargo/root@1.0.0");
        let addresses = &bom["metadata"]["component"]["externalReferences"];
        assert_eq!(addresses.as_array().unwrap().len(), 1, "what is no address is left out: {addresses}");
        let rows = bom["components"].as_array().unwrap();
        let by_name = |name: &str| rows.iter().find(|row| row["name"] == name).unwrap();
        assert_eq!(by_name("lib")["licenses"][0]["expression"], "MIT");
        assert_eq!(by_name("cc")["licenses"][0]["license"]["name"], "see the file LICENSE");
        assert_eq!(by_name("cc")["scope"], "excluded");
        assert_eq!(by_name("lib")["hashes"][0]["content"], "ab".repeat(32));
        assert!(by_name("derive").get("licenses").is_none());
        let refs: BTreeSet<&str> = rows.iter().filter_map(|row| row["bom-ref"].as_str()).collect();
        assert_eq!(refs.len(), rows.len());
        for row in bom["dependencies"].as_array().unwrap() {
            for purl in row["dependsOn"].as_array().unwrap() {
                assert!(refs.contains(purl.as_str().unwrap()), "{purl} is nowhere described");
            }
        }
    }

    #[test]
    fn the_serial_number_is_the_contents_and_a_uuid() {
        let bom = cyclonedx(&plan());
        assert_eq!(bom.to_string(), cyclonedx(&plan()).to_string());
        let serial = bom["serialNumber"].as_str().unwrap();
        let parts: Vec<&str> = serial.strip_prefix("urn:uuid:").unwrap().split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert!(parts[2].starts_with('8') && parts[3].starts_with(['8', '9', 'a', 'b']), "{serial}");
        let mut other = plan();
        other.metadata.description = None;
        assert_ne!(cyclonedx(&other)["serialNumber"], bom["serialNumber"]);
    }
}
