//! Reading a package's tarball: one pass, in memory, within limits, never unpacked.
//!
//! Tarballs are hostile. Only the texts that a resolution needs are kept: the package's manifest, its shrinkwrap, and the
//! manifests of what is bundled. As npm does, the first folder of every path is cut off whatever its name, and what is
//! neither a file nor a folder is passed over.

use std::io::{self, Read};
use std::path::{Component, Path};

use flate2::read::MultiGzDecoder;

use super::catalog::PackageFiles;
use crate::archive::{Bounded, Limits, printable};

/// A manifest or a shrinkwrap larger than this is refused, in bytes.
const TEXT_LIMIT: u64 = 16 << 20;

/// Why a tarball is refused.
#[derive(Debug, thiserror::Error)]
pub enum TarballError {
    /// Not gzip, not tar, or cut off.
    #[error("not a readable tarball: {}", printable(.0))]
    Unreadable(#[source] io::Error),
    /// One of [`Limits`].
    #[error("larger than allowed: {what} above {limit}")]
    TooLarge {
        /// What was counted.
        what: &'static str,
        /// How much is allowed.
        limit: u64,
    },
    /// `package.json` is missing.
    #[error("there is no package.json in it")]
    NoManifest,
}

/// Reads the tarball of a package, compressed or not; [`PackageFiles::integrity`] stays empty.
///
/// # Errors
/// [`TarballError`], for what is no tarball, has no `package.json`, or is beyond `limits`.
pub fn read_tarball(mut archive: impl Read, limits: Limits) -> Result<PackageFiles, TarballError> {
    // npm takes tarballs that are not compressed; gzip begins with these two bytes.
    let mut start = [0; 2];
    let length = fill(&mut archive, &mut start).map_err(TarballError::Unreadable)?;
    let whole = io::Cursor::new(start).take(length as u64).chain(archive);
    if start == [0x1f, 0x8b] {
        read_tar(Bounded::new(MultiGzDecoder::new(whole), limits.unpacked), limits)
    } else {
        read_tar(Bounded::new(whole, limits.unpacked), limits)
    }
}

/// Reads as much as there is, up to the buffer's length.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest)? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

fn read_tar<R: Read>(unpacked: Bounded<R>, limits: Limits) -> Result<PackageFiles, TarballError> {
    let mut tar = tar::Archive::new(unpacked);
    let mut found = Found::default();
    let outcome = found.entries(&mut tar, limits);
    if tar.into_inner().exceeded() {
        return Err(TarballError::TooLarge { what: "unpacked bytes", limit: limits.unpacked });
    }
    outcome?;
    let manifest = found.manifest.ok_or(TarballError::NoManifest)?;
    Ok(PackageFiles { manifest, ..found.files })
}

#[derive(Default)]
struct Found {
    manifest: Option<String>,
    files: PackageFiles,
}

impl Found {
    fn entries<R: Read>(&mut self, tar: &mut tar::Archive<R>, limits: Limits) -> Result<(), TarballError> {
        let entries = tar.entries().map_err(TarballError::Unreadable)?;
        for (index, entry) in (0_u64..).zip(entries) {
            if index >= limits.entries {
                return Err(TarballError::TooLarge { what: "entries", limit: limits.entries });
            }
            let mut entry = entry.map_err(TarballError::Unreadable)?;
            if !matches!(entry.header().entry_type(), tar::EntryType::Regular | tar::EntryType::Continuous) {
                continue;
            }
            let path = entry.path().ok().and_then(|path| below_the_first_folder(&path));
            let Some(path) = path else { continue };
            match path.as_str() {
                "package.json" => self.manifest = Some(text(&mut entry)?),
                "npm-shrinkwrap.json" => self.files.shrinkwrap = Some(text(&mut entry)?),
                "binding.gyp" => self.files.gyp = true,
                _ => {
                    if let Some(folder) = path.strip_suffix("/package.json").filter(|folder| is_package_folder(folder))
                    {
                        let manifest = text(&mut entry)?;
                        self.files.bundled.insert(folder.to_owned(), manifest);
                    }
                }
            }
        }
        Ok(())
    }
}

/// The path without its first folder, `/` between its parts; nothing for what would leave the package's folder.
fn below_the_first_folder(path: &Path) -> Option<String> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::CurDir | Component::RootDir => {}
            _ => return None,
        }
    }
    (parts.len() > 1).then(|| parts.get(1..).unwrap_or_default().join("/"))
}

/// `node_modules/NAME` or `node_modules/@SCOPE/NAME`, once or several times in a row: where packages are looked for.
fn is_package_folder(folder: &str) -> bool {
    let mut parts = folder.split('/');
    let mut any = false;
    while let Some(part) = parts.next() {
        let name = parts.next().filter(|_| part == "node_modules");
        let complete = match name {
            Some(scope) if scope.starts_with('@') => parts.next().is_some(),
            Some(name) => !name.starts_with('.'),
            None => false,
        };
        if !complete {
            return false;
        }
        any = true;
    }
    any
}

/// A text, with U+FFFD for what is not UTF-8 and without a byte order mark, as node reads it.
fn text(entry: &mut impl Read) -> Result<String, TarballError> {
    let mut bytes = Vec::new();
    entry.take(TEXT_LIMIT + 1).read_to_end(&mut bytes).map_err(TarballError::Unreadable)?;
    if bytes.len() as u64 > TEXT_LIMIT {
        return Err(TarballError::TooLarge { what: "bytes of a manifest or shrinkwrap", limit: TEXT_LIMIT });
    }
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::{PackageFiles, TarballError, read_tarball};
    use crate::archive::Limits;

    fn tar(files: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, content) in files {
            let mut header = tar::Header::new_gnu();
            // Set by hand: the builder refuses the paths that are to be tried.
            header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            builder.append(&header, content.as_bytes()).unwrap();
        }
        let mut link = tar::Header::new_gnu();
        link.set_entry_type(tar::EntryType::Symlink);
        link.set_size(0);
        builder.append_link(&mut link, "package/npm-shrinkwrap.json", "/etc/passwd").unwrap();
        builder.into_inner().unwrap()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<PackageFiles, TarballError> {
        read_tarball(bytes, Limits::default())
    }

    #[test]
    fn manifests_and_the_shrinkwrap_are_read_whatever_the_first_folder_is_called() {
        let files = tar(&[
            ("any name/package.json", "\u{feff}{}"),
            ("any name/npm-shrinkwrap.json", "lock"),
            ("any name/binding.gyp", ""),
            ("any name/node_modules/a/package.json", "a"),
            ("any name/node_modules/@s/b/package.json", "b"),
            ("any name/node_modules/@s/b/node_modules/c/package.json", "c"),
            ("any name/node_modules/a/lib/package.json", "no"),
            ("any name/node_modules/@s/package.json", "no"),
            ("any name/lib/node_modules/d/package.json", "no"),
            ("package.json", "no"),
            ("any name/../../package.json", "no"),
        ]);
        let found = read(&gzip(&files)).unwrap();
        assert_eq!((found.manifest.as_str(), found.shrinkwrap.as_deref(), found.gyp), ("{}", Some("lock"), true));
        let bundled: Vec<String> = found.bundled.iter().map(|(path, text)| format!("{path} {text}")).collect();
        assert_eq!(bundled, ["node_modules/@s/b b", "node_modules/@s/b/node_modules/c c", "node_modules/a a"]);
        assert_eq!(read(&files).unwrap(), found);
    }

    #[test]
    fn links_are_passed_over() {
        assert_eq!(read(&tar(&[("package/package.json", "{}")])).unwrap().shrinkwrap, None);
    }

    #[test]
    fn what_is_no_tarball_or_too_large_is_refused() {
        let files = tar(&[("package/package.json", &" ".repeat(100_000)), ("package/b", "")]);
        let limited = |limits: Limits| read_tarball(files.as_slice(), limits).unwrap_err().to_string();
        let said = [
            read(b"").unwrap_err().to_string(),
            read(&[0x1f, 0x8b, 0, 0]).unwrap_err().to_string(),
            read(&files[..5000]).unwrap_err().to_string(),
            read(&tar(&[("package/x", "")])).unwrap_err().to_string(),
            limited(Limits { unpacked: 50_000, ..Limits::default() }),
            limited(Limits { entries: 1, ..Limits::default() }),
        ];
        assert_eq!(
            said,
            [
                "there is no package.json in it",
                "not a readable tarball: unexpected end of file",
                "not a readable tarball: unexpected EOF during skip",
                "there is no package.json in it",
                "larger than allowed: unpacked bytes above 50000",
                "larger than allowed: entries above 1",
            ]
        );
    }
}
