//! What a manifest says of its package, for people.

use nixwright_resolver::plan::Metadata;
use serde_json::Value;

use crate::clients::endpoints;

/// Reads a manifest; what it does not say, or says in a form that nobody uses, is not there.
pub(super) fn read(manifest: &[u8]) -> Metadata {
    let manifest: Value = serde_json::from_slice(manifest).unwrap_or_default();
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned).filter(|text| !text.is_empty());
    // Before npm 2, licences were objects, or several of them.
    let license = manifest.get("license").or_else(|| manifest.get("licenses")?.get(0));
    let license = text(license).or_else(|| text(license?.get("type")));
    let repository = manifest.get("repository");
    let repository = text(repository).or_else(|| text(repository?.get("url")));
    Metadata {
        description: text(manifest.get("description")),
        homepage: text(manifest.get("homepage")),
        repository: repository.and_then(|repository| browsable(&repository)),
        license,
        rust_version: None,
    }
}

/// The address of a repository for a browser; <https://docs.npmjs.com/cli/configuring-npm/package-json#repository>.
fn browsable(repository: &str) -> Option<String> {
    let repository = repository.strip_prefix("git+").unwrap_or(repository);
    let plain = repository.split('#').next().unwrap_or_default();
    let plain = plain.strip_suffix(".git").unwrap_or(plain);
    if plain.starts_with("https://") || plain.starts_with("http://") {
        return Some(plain.to_owned());
    }
    for prefix in ["git://", "ssh://git@", "ssh://"] {
        if let Some(rest) = plain.strip_prefix(prefix) {
            return Some(format!("https://{rest}"));
        }
    }
    endpoints::github_repository(plain.strip_prefix("github:").unwrap_or(plain)).map(String::from)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn every_usual_way_to_write_a_manifest_is_read() {
        let metadata = |manifest: serde_json::Value| read(manifest.to_string().as_bytes());
        let found = metadata(serde_json::json!({
            "description": "It does.", "homepage": "https://tool.example/", "license": "MIT",
            "repository": { "type": "git", "url": "git+https://forge.example/a/b.git#main" },
        }));
        assert_eq!(found.description.as_deref(), Some("It does."));
        assert_eq!(found.homepage.as_deref(), Some("https://tool.example/"));
        assert_eq!(found.license.as_deref(), Some("MIT"));
        assert_eq!(found.repository.as_deref(), Some("https://forge.example/a/b"));
        let old = metadata(serde_json::json!({ "licenses": [{ "type": "BSD-2-Clause" }], "homepage": ["x"] }));
        assert_eq!((old.license.as_deref(), old.homepage), (Some("BSD-2-Clause"), None));
        assert_eq!(read(b"nonsense"), super::Metadata::default());
    }

    #[test]
    fn the_repository_is_an_address_or_nothing() {
        let repository = |text: &str| read(serde_json::json!({ "repository": text }).to_string().as_bytes()).repository;
        assert_eq!(repository("git://forge.example/a/b.git").as_deref(), Some("https://forge.example/a/b"));
        assert_eq!(repository("git+ssh://git@forge.example/a/b").as_deref(), Some("https://forge.example/a/b"));
        for shorthand in ["a/b", "github:a/b"] {
            assert!(repository(shorthand).is_some_and(|address| address.ends_with("/a/b")));
        }
        for nothing in ["gist:12", "a", "javascript:alert(1)", "a/b/c", "../b"] {
            assert_eq!(repository(nothing), None, "{nothing}");
        }
    }
}
