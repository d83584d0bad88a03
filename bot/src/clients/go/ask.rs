//! Asking proxies one after the other.

use std::io;
use std::path::Path;

use url::Url;

use super::{GoModules, GoProxyError, Inner, Proxy, ProxyList};
use crate::clients::files::{FileError, PendingFile};
use crate::clients::http::HttpError;

/// Where an answer goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Destination<'a> {
    /// To memory.
    Memory,
    /// To memory, with a copy for those servers that say whether it still holds.
    Conditional(&'a Path),
    /// To this file.
    File(&'a Path),
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    /// The module's path.
    pub(super) module: &'a str,
    /// For messages: the module, with the version if there is one.
    pub(super) what: &'a str,
    /// Below the proxy's address, escaped.
    pub(super) path: &'a str,
    /// No more bytes than these.
    pub(super) max_bytes: u64,
    /// Where the answer goes.
    pub(super) to: Destination<'a>,
}

/// An answer, and whose it is.
#[derive(Debug)]
pub(super) struct Answer {
    /// Empty where it went to a file.
    pub(super) body: Vec<u8>,
    /// For messages.
    pub(super) proxy: String,
}

/// How asking one proxy ended, if not with an answer.
enum Tried {
    /// It does not have it, and says so in these words.
    Absent(String),
    Failed(GoProxyError),
}

impl GoModules {
    /// Asks whoever may be asked for the module, in order; the next one only as the list says. What is told at the end is
    /// what helps most: what went wrong comes before who does not have it.
    ///
    /// The rule is that of `TryProxies` in Go's `modfetch`.
    pub(super) async fn ask(&self, question: Question<'_>) -> Result<Answer, GoProxyError> {
        let what = question.what.to_owned();
        let direct = ProxyList::direct();
        let is_private = self.inner.from.no_proxy.matches(question.module);
        let list = if is_private { &direct } else { &self.inner.from.proxies };
        let (mut absent, mut worst) = (Vec::new(), None);
        for entry in list.entries() {
            let tried = match &entry.proxy {
                Proxy::Http(base) => self.ask_server(base, question).await,
                Proxy::Folder(folder) => ask_folder(folder, question),
                Proxy::Direct => return Err(GoProxyError::Direct { what }),
                Proxy::Off if absent.is_empty() => return Err(worst.unwrap_or(GoProxyError::Off { what })),
                Proxy::Off => Err(Tried::Absent("then the list says `off`".to_owned())),
            };
            match tried {
                Ok(body) => return Ok(Answer { body, proxy: entry.proxy.to_string() }),
                Err(Tried::Absent(said)) => absent.push(said),
                Err(Tried::Failed(error)) if entry.next_on_error => worst = Some(error),
                Err(Tried::Failed(error)) => return Err(error),
            }
        }
        Err(worst.unwrap_or(GoProxyError::NotFound { what, asked: absent.join(", ") }))
    }

    async fn ask_server(&self, base: &Url, question: Question<'_>) -> Result<Vec<u8>, Tried> {
        let Question { path, max_bytes, .. } = question;
        // Not `join`: a path that begins with `a:` would be an address of its own.
        let url =
            Url::parse(&format!("{base}{path}")).map_err(|_| Tried::Absent(format!("no address below {base}")))?;
        let Inner { http, netrc, .. } = &*self.inner;
        let login = netrc.authorization(&url);
        let got = match question.to {
            Destination::Memory => http.get_bytes_as(&url, login, max_bytes).await,
            Destination::Conditional(cache) => {
                http.get_conditional_as(&url, login, cache, max_bytes).await.map(|fetched| fetched.body)
            }
            Destination::File(file) => http.get_to_file_as(&url, login, file, max_bytes).await.map(|()| Vec::new()),
        };
        got.map_err(|error| match &error {
            // These two and no others: https://go.dev/ref/mod#goproxy-protocol
            HttpError::Status { host, status, .. } if matches!(status.as_u16(), 404 | 410) => {
                Tried::Absent(format!("{host} answered {status}"))
            }
            _ => Tried::Failed(error.into()),
        })
    }
}

fn ask_folder(folder: &Path, question: Question<'_>) -> Result<Vec<u8>, Tried> {
    let path = folder.join(question.path);
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            Tried::Absent(format!("there is no {}", path.display()))
        }
        _ => Tried::Failed(FileError::new("read", &path, error).into()),
    };
    let length = std::fs::metadata(&path).map_err(failed)?.len();
    if length > question.max_bytes {
        let too_large = HttpError::TooLarge { url: path.display().to_string(), limit: question.max_bytes };
        return Err(Tried::Failed(too_large.into()));
    }
    let bytes = std::fs::read(&path).map_err(failed)?;
    let Destination::File(file) = question.to else { return Ok(bytes) };
    let mut pending = PendingFile::create(file).map_err(|error| Tried::Failed(error.into()))?;
    let written = pending.write(&bytes).and_then(|()| pending.commit_without_sync());
    written.map(|()| Vec::new()).map_err(|error| Tried::Failed(error.into()))
}
