//! Where the packages of a lock come from.

use serde::{Deserialize, Serialize};

/// The registry that every lock calls by this name, whatever mirror it was made with: cargo's own constant.
const CRATES_IO: &str = guppy::graph::ExternalSource::CRATES_IO_URL;

/// A place that cargo takes packages from, as a lock's `source` names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The public registry.
    #[default]
    CratesIo,
    /// Another registry, by the address of its index; a sparse one begins with `sparse+`.
    Registry {
        /// As in the lock, without `registry+`.
        index: String,
    },
    /// A commit of a git repository.
    Git {
        /// The repository's address, without what chooses the commit.
        url: String,
        /// What the manifest chose it by: `branch=…`, `tag=…`, `rev=…`, or nothing.
        reference: Option<String>,
        /// The full id.
        commit: String,
    },
    /// The tree that is resolved itself.
    Tree,
}

impl Source {
    /// Reads a lock's `source`; `None` for one of an unknown kind.
    pub fn parse(text: &str) -> Option<Self> {
        if text == CRATES_IO || text.strip_prefix("registry+") == Some(CRATES_IO) {
            return Some(Self::CratesIo);
        }
        if let Some(index) = text.strip_prefix("registry+") {
            return Some(Self::Registry { index: index.to_owned() });
        }
        if text.starts_with("sparse+") {
            return Some(Self::Registry { index: text.to_owned() });
        }
        let (address, commit) = text.strip_prefix("git+")?.rsplit_once('#')?;
        let is_commit = matches!(commit.len(), 40 | 64) && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        let (url, reference) = match address.split_once('?') {
            Some((url, reference)) => (url, Some(reference.to_owned())),
            None => (address, None),
        };
        is_commit.then(|| Self::Git { url: url.to_owned(), reference, commit: commit.to_owned() })
    }

    /// As cargo's metadata and locks spell it; nothing for the tree itself.
    pub fn spelled(&self) -> Option<String> {
        match self {
            Self::CratesIo => Some(format!("registry+{CRATES_IO}")),
            Self::Registry { index } if index.starts_with("sparse+") => Some(index.clone()),
            Self::Registry { index } => Some(format!("registry+{index}")),
            Self::Git { url, reference: Some(reference), commit } => Some(format!("git+{url}?{reference}#{commit}")),
            Self::Git { url, reference: None, commit } => Some(format!("git+{url}#{commit}")),
            Self::Tree => None,
        }
    }

    /// Whether this is the public registry.
    pub fn is_crates_io(&self) -> bool {
        *self == Self::CratesIo
    }
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn what_a_lock_names_is_spelled_as_it_was() {
        let commit = "0123456789012345678901234567890123456789";
        for text in [
            "registry+https://github.com/rust-lang/crates.io-index".to_owned(),
            "registry+https://registry.example/index".to_owned(),
            "sparse+https://registry.example/index/".to_owned(),
            format!("git+https://forge.example/a/b#{commit}"),
            format!("git+https://forge.example/a/b?branch=main#{commit}"),
        ] {
            assert_eq!(Source::parse(&text).unwrap().spelled().unwrap(), text);
        }
        for text in ["git+https://forge.example/a", "git+https://forge.example/a#main", "path+file:///a", ""] {
            assert_eq!(Source::parse(text), None, "{text}");
        }
    }
}
