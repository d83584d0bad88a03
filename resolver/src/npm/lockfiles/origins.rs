//! From what a lock says of a package's origin to a source that can be fetched and checked.

use data_encoding::BASE64;

use super::error::LockError;
use crate::npm::spec::{Kind, Spec};
use crate::plan::npm::Source;

/// Reads the origins of one lock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origins<'a> {
    /// The lock's file name.
    pub(super) file: &'a str,
    /// Addresses of registries whose tarballs are found at the usual place, without a final `/`.
    pub(super) registries: &'a [&'a str],
}

/// What a lock says of one package.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said<'a> {
    /// The entry's key in the lock.
    pub(super) entry: &'a str,
    /// The package's real name.
    pub(super) name: &'a str,
    /// Its version, if it is known.
    pub(super) version: &'a str,
    /// An address.
    pub(super) resolved: Option<&'a str>,
    /// Subresource integrity.
    pub(super) integrity: Option<&'a str>,
}

impl Origins<'_> {
    /// Where the package's files come from.
    ///
    /// # Errors
    /// When there is neither an address nor a hash, no hash, or an address that cannot be fetched from.
    pub(super) fn source(&self, said: Said<'_>) -> Result<Source, LockError> {
        let (file, entry) = (|| self.file.to_owned(), || said.entry.to_owned());
        if !said.version.is_empty() && !is_version(said.version) {
            return Err(LockError::PackageVersion { file: file(), entry: entry(), version: said.version.to_owned() });
        }
        let integrity = said.integrity.map(|text| self.integrity(said.entry, text)).transpose()?;
        let Some(resolved) = said.resolved else {
            return match integrity {
                Some(integrity) if !said.version.is_empty() => Ok(Source::Registry { integrity }),
                _ => Err(LockError::NoSource { file: file(), entry: entry() }),
            };
        };
        let refuse = |reason| {
            let origin = without_secrets(resolved);
            Err(LockError::Origin { file: file(), entry: entry(), origin, reason })
        };
        if resolved.chars().any(|character| character.is_control() || character.is_whitespace()) {
            return refuse("no address has blanks or control characters");
        }
        if let Some((repository, commit)) = git(resolved).or_else(|| short_form(resolved)) {
            if commit.len() != 40 || !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return refuse("it does not say the whole commit; make the lock again");
            }
            let Some(url) = repository_url(&repository) else {
                return refuse("only git over https, http, ssh and git can be fetched");
            };
            return Ok(Source::Git { url, commit: commit.to_ascii_lowercase(), hash: String::new() });
        }
        if !resolved.starts_with("https://") && !resolved.starts_with("http://") {
            return refuse(if resolved.starts_with("file:") {
                "a tarball in the project's folder cannot be built from; unpack it and depend on the folder"
            } else {
                "only tarballs over https or http, git repositories and folders of the project can be built from"
            });
        }
        if authority(resolved).contains('@') {
            return refuse("an address must not carry a name or password, it would be published");
        }
        let (url, fragment) = resolved.split_once('#').unwrap_or((resolved, ""));
        match integrity.or_else(|| from_fragment(fragment)) {
            Some(integrity) if self.is_usual(url, said) => Ok(Source::Registry { integrity }),
            Some(integrity) => Ok(Source::Tarball { url: url.to_owned(), integrity }),
            None => match archive_of_commit(url) {
                Some((url, commit)) => Ok(Source::Git { url, commit, hash: String::new() }),
                None => Err(LockError::NoHash { file: file(), entry: entry(), url: url.to_owned() }),
            },
        }
    }

    /// Whether the address is `REGISTRY/NAME/-/BASE-VERSION.tgz`: then it need not be written.
    fn is_usual(&self, url: &str, said: Said<'_>) -> bool {
        let Said { name, version, .. } = said;
        let base = name.rsplit('/').next().unwrap_or(name);
        let tail = format!("/{name}/-/{base}-{version}.tgz");
        !version.is_empty() && url.strip_suffix(&tail).is_some_and(|registry| self.registries.contains(&registry))
    }

    /// The strongest of the hashes that Nix knows too.
    fn integrity(&self, entry: &str, text: &str) -> Result<String, LockError> {
        let strength = |hash: &&str| {
            let (algorithm, digest) = hash.split_once('-')?;
            let digest = digest.split('?').next().unwrap_or(digest);
            let bytes = BASE64.decode(digest.as_bytes()).ok()?.len();
            let strength = [("sha1", 20), ("sha256", 32), ("sha512", 64)]
                .iter()
                .position(|&(known, length)| known == algorithm && length == bytes)?;
            Some((strength, format!("{algorithm}-{digest}")))
        };
        let best = text.split_whitespace().filter_map(|hash| strength(&hash)).max();
        best.map(|(_, hash)| hash).ok_or_else(|| LockError::Integrity {
            file: self.file.to_owned(),
            entry: entry.to_owned(),
            integrity: text.to_owned(),
        })
    }
}

fn is_version(text: &str) -> bool {
    text.len() <= 256
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+_".contains(&byte))
}

/// yarn 1 writes a SHA-1 in hexadecimal digits behind the address.
fn from_fragment(fragment: &str) -> Option<String> {
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(fragment.as_bytes()).ok()?;
    (bytes.len() == 20).then(|| format!("sha1-{}", BASE64.encode(&bytes)))
}

fn authority(url: &str) -> &str {
    url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default())
}

/// An address for a message: without the name and password in it.
fn without_secrets(url: &str) -> String {
    match (url.split_once("://"), authority(url).rsplit_once('@')) {
        (Some((scheme, rest)), Some((secret, _))) => format!("{scheme}://…{}", &rest[secret.len()..]),
        _ => url.to_owned(),
    }
}

/// The repository and the commit of a git address: `git+ssh://…#COMMIT`, `git://…#COMMIT`, `git@HOST:PATH#COMMIT`,
/// `https://….git#COMMIT`.
fn git(resolved: &str) -> Option<(String, String)> {
    let (address, commit) = resolved.split_once('#').unwrap_or((resolved, ""));
    // pnpm writes `commit=…&path:…`, yarn `commit=…`.
    let commit = commit.strip_prefix("commit=").unwrap_or(commit);
    let parts = |address: &str| Some((address.to_owned(), commit.to_owned()));
    if let Some(address) = address.strip_prefix("git+") {
        return parts(address);
    }
    let short = address.starts_with("git@") || address.starts_with("git://") || address.starts_with("ssh://");
    let is_repository =
        address.split('?').next().is_some_and(|path| path.rsplit_once('.').is_some_and(|(_, end)| end == "git"));
    if short || is_repository { parts(address) } else { None }
}

/// `github:OWNER/NAME#COMMIT`, as old npm wrote it.
fn short_form(resolved: &str) -> Option<(String, String)> {
    if resolved.contains("://") {
        return None;
    }
    match Spec::resolve("", resolved, "").ok()?.kind {
        Kind::Git(git) => Some((git.repository, git.committish.unwrap_or_default())),
        _ => None,
    }
}

/// The address that the bot fetches a repository from: over https where the lock has ssh, as nobody's key is at hand, and
/// npm does the same with the hosts that it knows.
fn repository_url(address: &str) -> Option<String> {
    let Some((scheme, rest)) = address.split_once("://") else {
        // `git@HOST:OWNER/NAME.git`
        let (host, path) = address.strip_prefix("git@")?.split_once(':')?;
        return Some(format!("https://{host}/{path}"));
    };
    let (authority, path) = rest.split_once('/')?;
    match scheme {
        "https" | "http" | "git" if !authority.contains('@') => Some(address.to_owned()),
        "ssh" => {
            let host = authority.rsplit('@').next().unwrap_or(authority);
            // `git+ssh://git@HOST:OWNER/NAME`: what follows the colon is a path, unless it is a port.
            let (host, first) = host.split_once(':').unwrap_or((host, ""));
            if first.is_empty() || first.bytes().all(|byte| byte.is_ascii_digit()) {
                Some(format!("https://{host}/{path}"))
            } else {
                Some(format!("https://{host}/{first}/{path}"))
            }
        }
        _ => None,
    }
}

/// The archive that a forge makes of a commit (`https://codeload.HOST/OWNER/NAME/tar.gz/COMMIT`) has no hash that stays;
/// the commit has one.
fn archive_of_commit(url: &str) -> Option<(String, String)> {
    let rest = url.strip_prefix("https://codeload.")?;
    let [host, owner, name, "tar.gz", commit] = rest.split('/').collect::<Vec<_>>()[..] else { return None };
    let whole = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    whole.then(|| (format!("https://{host}/{owner}/{name}.git"), commit.to_ascii_lowercase()))
}
