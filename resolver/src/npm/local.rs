//! What the manifests of a project refer to on disk, for whoever reads its files.

use serde_json::Value;

use super::spec::{Kind, Spec};

/// A dependency that lies beside the project's own files; the path is relative to the project's folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Local {
    /// A folder with a `package.json`.
    Folder(String),
    /// A tarball.
    Tarball(String),
}

/// What the manifest in the folder `base` (empty for the project's own) refers to. What cannot be read refers to nothing: the
/// resolution says what is wrong with it.
pub fn references(manifest: &str, base: &str) -> Vec<Local> {
    let manifest: Value = serde_json::from_str(manifest).unwrap_or_default();
    let fields = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];
    let entries = fields.iter().filter_map(|field| manifest.get(field)?.as_object()).flatten();
    let mut found: Vec<Local> = entries
        .filter_map(|(name, spec)| match Spec::resolve(name, spec.as_str()?, base).ok()?.kind {
            Kind::Directory(path) => Some(Local::Folder(path)),
            Kind::File(path) => Some(Local::Tarball(path)),
            _ => None,
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::{Local, references};

    #[test]
    fn folders_and_tarballs_are_named_from_the_projects_folder() {
        let manifest =
            r#"{"dependencies":{"a":"file:../two","b":"^1"},"devDependencies":{"c":"./c.tgz","a":"file:../two"}}"#;
        let found = references(manifest, "packages/one");
        assert_eq!(found, [Local::Folder("packages/two".to_owned()), Local::Tarball("packages/one/c.tgz".to_owned())]);
        assert!(references("nonsense", "").is_empty());
    }
}
