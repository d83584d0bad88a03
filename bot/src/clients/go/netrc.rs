//! Logins for proxies and repositories, from the file that other tools of this machine read as well.
//!
//! What is in it goes into a request's header and nowhere else. Passwords are sent over encrypted connections only, or to this
//! machine itself; and a file that others may read is not used, because then its secrets are none.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use http::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::clients::files::{self, FileError};

/// A file of logins that is not used.
#[derive(Debug, thiserror::Error)]
pub enum NetrcError {
    /// Others may read it.
    #[error(
        "{} holds passwords and others on this machine may read it (mode {mode:03o}), so it is not used; run `chmod 600 {}`",
        path.display(), path.display()
    )]
    Readable {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The disk.
    #[error(transparent)]
    File(#[from] FileError),
}

#[derive(Debug)]
struct Login {
    machine: String,
    user: String,
    password: SecretString,
}

/// Logins by machine.
#[derive(Debug, Default)]
pub struct Netrc(Vec<Login>);

impl Netrc {
    /// Reads the file that `NETRC` names, else `.netrc` in the home folder; no logins where there is no file.
    ///
    /// # Errors
    /// When it cannot be read, or others can read it too.
    pub fn find(environment: &BTreeMap<String, String>) -> Result<Self, NetrcError> {
        let value = |name: &str| environment.get(name).filter(|value| !value.is_empty());
        let named = value("NETRC").map(PathBuf::from);
        match named.or_else(|| value("HOME").map(|home| Path::new(home).join(".netrc"))) {
            Some(path) => Self::read(&path),
            None => Ok(Self::default()),
        }
    }

    /// Reads a file; no logins where there is none.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn read(path: &Path) -> Result<Self, NetrcError> {
        let Some(bytes) = files::read_optional(path)? else { return Ok(Self::default()) };
        let netrc = Self::parse(&String::from_utf8_lossy(&bytes));
        let metadata = std::fs::metadata(path).map_err(|error| FileError::new("read", path, error))?;
        let mode = metadata.mode() & 0o777;
        if !netrc.0.is_empty() && mode & 0o077 != 0 {
            return Err(NetrcError::Readable { path: path.to_owned(), mode });
        }
        Ok(netrc)
    }

    /// <https://www.gnu.org/software/inetutils/manual/html_node/The-_002enetrc-file.html>, as far as Go reads it: what stands
    /// under `default` is for no machine of ours.
    fn parse(text: &str) -> Self {
        let mut logins = Vec::new();
        let (mut machine, mut login, mut password) = (None, None, None);
        let mut in_macro = false;
        for line in text.lines() {
            if in_macro {
                in_macro = !line.is_empty();
                continue;
            }
            let mut words = line.split_whitespace();
            while let Some(word) = words.next() {
                match word {
                    "default" => return Self(logins),
                    "machine" => (machine, login, password) = (words.next(), None, None),
                    "login" => login = words.next(),
                    "password" => password = words.next(),
                    "macdef" => {
                        in_macro = true;
                        break;
                    }
                    _ => drop(words.next()),
                }
                if let (Some(name), Some(user), Some(secret)) = (machine, login, password) {
                    let (machine, user) = (name.to_owned(), user.to_owned());
                    logins.push(Login { machine, user, password: SecretString::from(secret.to_owned()) });
                }
            }
        }
        Self(logins)
    }

    /// What a request to this address brings along: the first login for its host, or for its host and port.
    pub fn authorization(&self, url: &Url) -> Option<HeaderValue> {
        let host = url.host_str()?;
        if url.scheme() != "https" && !is_loopback(url) {
            return None;
        }
        let with_port = url.port().map(|port| format!("{host}:{port}"));
        let is_for = |login: &&Login| match &with_port {
            Some(with_port) => login.machine == *with_port || login.machine == host,
            None => login.machine == host,
        };
        let Login { user, password, .. } = self.0.iter().find(is_for)?;
        let pair = format!("{user}:{}", password.expose_secret());
        let mut value = HeaderValue::from_str(&format!("Basic {}", BASE64.encode(pair.as_bytes()))).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use url::Url;

    use super::Netrc;

    fn header(netrc: &Netrc, url: &str) -> Option<String> {
        let value = netrc.authorization(&Url::parse(url).unwrap())?;
        assert!(value.is_sensitive());
        Some(value.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_login_is_found_by_its_machine() {
        let netrc = Netrc::parse(
            "machine a.example login me password one\nmachine b.example:8080 account x\n login you\n password two\n\
             macdef init\nmachine c.example login no password no\n\nmachine d.example login only\n\
             machine a.example login other password three\ndefault login any password four\n\
             machine late.example login no password no\n",
        );
        assert_eq!(header(&netrc, "https://a.example/x").as_deref(), Some("Basic bWU6b25l"));
        assert_eq!(header(&netrc, "https://a.example:8443/x").as_deref(), Some("Basic bWU6b25l"));
        assert_eq!(header(&netrc, "https://b.example:8080/").as_deref(), Some("Basic eW91OnR3bw=="));
        for nobody in ["https://b.example/", "https://c.example/", "https://d.example/", "https://late.example/"] {
            assert_eq!(header(&netrc, nobody), None, "{nobody}");
        }
    }

    #[test]
    fn passwords_do_not_travel_in_the_open() {
        let netrc = Netrc::parse("machine a.example login me password one machine 127.0.0.1 login me password one");
        assert_eq!(header(&netrc, "http://a.example/"), None);
        assert!(header(&netrc, "http://127.0.0.1:1234/").is_some());
        assert!(!format!("{netrc:?}").contains("one"), "{netrc:?}");
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".netrc");
        let find = |key: &str, value: &Path| {
            Netrc::find(&BTreeMap::from([(key.to_owned(), value.display().to_string())])).map(|netrc| netrc.0.len())
        };
        assert_eq!(find("HOME", folder.path()).unwrap(), 0);
        std::fs::write(&path, "machine a.example login me password one").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(find("HOME", folder.path()).unwrap(), 1);
        assert_eq!(find("NETRC", &path).unwrap(), 1);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let said = find("NETRC", &path).unwrap_err().to_string().replace(&folder.path().display().to_string(), "");
        insta::assert_snapshot!(said, @"/.netrc holds passwords and others on this machine may read it (mode 644), so it is not used; run `chmod 600 /.netrc`");
        assert_eq!(Netrc::find(&BTreeMap::new()).unwrap().0.len(), 0);
    }
}
