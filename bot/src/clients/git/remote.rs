//! Fetching from a forge and pushing to it.
//!
//! A push says where it saw the branch (a lease), and overwrites nothing else. The token is given to libgit2 when the
//! server asks for it, and only to the server that is meant: it is in no address, no configuration and no message.

mod listing;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use git2::{
    AutotagOption, Cred, CredentialType, Direction, ErrorClass, ErrorCode, FetchOptions, FetchPrune, PushOptions,
    PushUpdate, RemoteCallbacks, RemoteRedirect, Repository,
};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

pub use self::listing::RemoteRef;
use super::error::GitError;
use super::{Overlay, reference_name, sha};
use crate::model::{BranchName, CommitSha};

/// The name that a forge expects beside a token.
const USER: &str = "x-access-token";

/// The longest text of a server that goes into a message, in characters.
const LONGEST_REASON: usize = 300;

/// A repository elsewhere.
#[derive(Debug, Clone)]
pub struct Remote {
    url: Url,
    token: Option<SecretString>,
    patience: Duration,
}

/// What a push does to a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushRef {
    /// The branch over there.
    pub branch: BranchName,
    /// Where it is to be; nothing deletes it.
    pub commit: Option<CommitSha>,
    /// Where it was seen; nothing: it was not there. If it is elsewhere by now, nothing is pushed.
    pub expected: Option<CommitSha>,
}

impl Remote {
    /// A repository by its address. `patience` is how long one fetch or push may take in all.
    pub fn new(url: Url, token: Option<SecretString>, patience: Duration) -> Self {
        let mut url = url;
        // What is in an address ends up in messages. These fail only for addresses that cannot hold credentials.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        Self { url, token, patience }
    }

    /// Its address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// How long one fetch or push may take.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// The remote of libgit2, if this machine's configuration does not put another address in its place.
    fn open<'r>(&self, repository: &'r Repository) -> Result<git2::Remote<'r>, Trouble> {
        let remote = repository.remote_anonymous(self.url.as_str())?;
        if remote.url_bytes() != self.url.as_str().as_bytes() || remote.pushurl_bytes().is_some() {
            return Err(Trouble::Elsewhere);
        }
        Ok(remote)
    }

    /// Credentials, once and for the right server; and an end to what takes too long but still moves.
    fn callbacks<'a>(&'a self, asked: &'a Cell<bool>) -> RemoteCallbacks<'a> {
        let end = Instant::now() + self.patience;
        let mut callbacks = RemoteCallbacks::new();
        callbacks.credentials(move |url, _, kinds| self.credentials(url, kinds, asked));
        callbacks.transfer_progress(move |_| Instant::now() < end);
        callbacks.sideband_progress(move |_| Instant::now() < end);
        callbacks
    }

    fn credentials(&self, url: &str, kinds: CredentialType, asked: &Cell<bool>) -> Result<Cred, git2::Error> {
        let refused = |message| Err(git2::Error::new(ErrorCode::Auth, ErrorClass::Http, message));
        let same = Url::parse(url).is_ok_and(|url| url.origin() == self.url.origin());
        match &self.token {
            _ if !same => refused("another server asks for the token"),
            _ if asked.replace(true) => refused("the token is not accepted"),
            Some(token) if kinds.contains(CredentialType::USER_PASS_PLAINTEXT) => {
                Cred::userpass_plaintext(USER, token.expose_secret())
            }
            Some(_) => refused("the server does not take a token"),
            None => refused("a token is needed, and none is configured"),
        }
    }

    /// Sorts what libgit2 says by what to do about it.
    fn failed(&self, action: &'static str, trouble: Trouble) -> GitError {
        let remote = self.url.to_string();
        let error = match trouble {
            Trouble::Elsewhere => {
                let reason = "the git configuration of this machine puts another address in its place (`insteadOf`)";
                return GitError::RemoteRefused { action, remote, reason: reason.to_owned() };
            }
            Trouble::Git(error) => error,
        };
        let reason = shortened(error.message());
        let refused = error.code() == ErrorCode::Auth
            || ["status code: 401", "status code: 403", "status code: 404", "redirect"]
                .iter()
                .any(|word| reason.contains(word));
        if refused {
            GitError::RemoteRefused { action, remote, reason }
        } else {
            GitError::RemoteFailed { action, remote, reason }
        }
    }
}

/// Why something did not come about, before it has words for people.
enum Trouble {
    Elsewhere,
    Git(git2::Error),
}

impl From<git2::Error> for Trouble {
    fn from(error: git2::Error) -> Self {
        Self::Git(error)
    }
}

impl Overlay {
    /// Brings references over: `refspecs` say which (`+refs/heads/*:refs/remotes/origin/*`); `prune` removes local ones that
    /// are not over there any more.
    ///
    /// # Errors
    /// [`GitError::RemoteRefused`] when trying again will not help, [`GitError::RemoteFailed`] when it may.
    pub fn fetch(&self, remote: &Remote, refspecs: &[String], prune: bool) -> Result<(), GitError> {
        let repository = self.open()?;
        let asked = Cell::new(false);
        let fetch = || {
            let mut options = FetchOptions::new();
            options
                .remote_callbacks(remote.callbacks(&asked))
                .prune(if prune { FetchPrune::On } else { FetchPrune::Off })
                .download_tags(AutotagOption::None)
                .update_fetchhead(false)
                .follow_redirects(RemoteRedirect::None);
            remote.open(&repository)?.fetch(refspecs, Some(&mut options), Some("nixwright"))?;
            Ok(())
        };
        fetch().map_err(|trouble| remote.failed("fetch from", trouble))
    }

    /// Puts branches over there to commits, if they still are where they were seen; else nothing is pushed.
    ///
    /// A branch that is at its commit already is as good as pushed, so this can be done again after any interruption.
    ///
    /// # Errors
    /// [`GitError::BranchMoved`] when someone else was there first, [`GitError::PushRejected`] when the forge's rules forbid
    /// it, else as [`Overlay::fetch`].
    pub fn push(&self, remote: &Remote, wishes: &[PushRef]) -> Result<(), GitError> {
        let repository = self.open()?;
        let lease = Lease { wishes, ..Lease::default() };
        match push(&repository, remote, &lease) {
            Ok(()) if lease.rejections.borrow().is_empty() => Ok(()),
            Ok(()) => Err(rejected(&repository, remote, &lease)),
            Err(_) if lease.done.get() => Ok(()),
            Err(trouble) => match lease.moved.take() {
                Some(moved) => Err(moved),
                // The answer may have been lost after the work.
                None if lease.sent.get() && is_done(&repository, remote, wishes) => Ok(()),
                None => Err(remote.failed("push to", trouble)),
            },
        }
    }
}

/// What happens to a push on its way.
#[derive(Default)]
struct Lease<'a> {
    wishes: &'a [PushRef],
    /// A branch that is not where it was seen.
    moved: RefCell<Option<GitError>>,
    /// All is over there already.
    done: Cell<bool>,
    /// Commands went out, so that they may have been carried out.
    sent: Cell<bool>,
    /// What the server did not do, by reference, and why.
    rejections: RefCell<Vec<(String, String)>>,
}

impl Lease<'_> {
    /// Compares what the server just said with what is expected, before anything is sent; the server in turn moves a branch
    /// only from there.
    fn check(&self, updates: &[PushUpdate<'_>]) -> Result<(), git2::Error> {
        let stop = || git2::Error::new(ErrorCode::User, ErrorClass::Callback, "the push is not needed, or not safe");
        if updates.iter().all(|update| update.src() == update.dst()) {
            self.done.set(true);
            return Err(stop());
        }
        for update in updates {
            let wish =
                self.wishes.iter().find(|wish| reference_name(&wish.branch).as_bytes() == update.dst_refname_bytes());
            let found = Some(update.src()).filter(|id| !id.is_zero()).map(sha);
            match wish {
                Some(wish) if wish.expected == found || wish.commit == found => {}
                Some(wish) => {
                    let (branch, expected) = (wish.branch.clone(), wish.expected.clone());
                    self.moved.replace(Some(GitError::BranchMoved { branch, expected, found }));
                    return Err(stop());
                }
                None => return Err(stop()),
            }
        }
        self.sent.set(true);
        Ok(())
    }
}

fn push(repository: &Repository, remote: &Remote, lease: &Lease<'_>) -> Result<(), Trouble> {
    let asked = Cell::new(false);
    let mut callbacks = remote.callbacks(&asked);
    let end = Instant::now() + remote.patience;
    callbacks.push_negotiation(|updates| {
        if Instant::now() >= end {
            return Err(git2::Error::new(ErrorCode::User, ErrorClass::Callback, "it took too long"));
        }
        lease.check(updates)
    });
    callbacks.push_update_reference(|name, reason| {
        if let Some(reason) = reason {
            lease.rejections.borrow_mut().push((name.to_owned(), shortened(reason)));
        }
        Ok(())
    });
    let mut options = PushOptions::new();
    options.remote_callbacks(callbacks).follow_redirects(RemoteRedirect::None);
    // The `+` because the lease, and not the direction, decides.
    let refspec = |wish: &PushRef| match &wish.commit {
        Some(commit) => format!("+{commit}:{}", reference_name(&wish.branch)),
        None => format!(":{}", reference_name(&wish.branch)),
    };
    let refspecs: Vec<String> = lease.wishes.iter().map(refspec).collect();
    remote.open(repository)?.push(&refspecs, Some(&mut options))?;
    Ok(())
}

/// A rejection's reason: somebody who was quicker, or the forge's rules.
fn rejected(repository: &Repository, remote: &Remote, lease: &Lease<'_>) -> GitError {
    let rejections = lease.rejections.take();
    let named = lease.wishes.iter().find_map(|wish| {
        let name = reference_name(&wish.branch);
        let (_, reason) = rejections.iter().find(|(rejected, _)| *rejected == name)?;
        Some((wish, reason.clone()))
    });
    let Some((wish, reason)) = named else {
        let reason = rejections.into_iter().map(|(_, reason)| reason).collect::<Vec<_>>().join(", ");
        return GitError::RemoteFailed { action: "push to", remote: remote.url.to_string(), reason };
    };
    match tip(repository, remote, &wish.branch) {
        Ok(found) if found != wish.expected => {
            GitError::BranchMoved { branch: wish.branch.clone(), expected: wish.expected.clone(), found }
        }
        _ => GitError::PushRejected { branch: wish.branch.clone(), remote: remote.url.to_string(), reason },
    }
}

fn is_done(repository: &Repository, remote: &Remote, wishes: &[PushRef]) -> bool {
    wishes.iter().all(|wish| tip(repository, remote, &wish.branch).is_ok_and(|found| found == wish.commit))
}

/// Where a branch is over there, asked now.
fn tip(repository: &Repository, remote: &Remote, branch: &BranchName) -> Result<Option<CommitSha>, Trouble> {
    let asked = Cell::new(false);
    let mut opened = remote.open(repository)?;
    let connection = opened.connect_auth(Direction::Fetch, Some(remote.callbacks(&asked)), None)?;
    let name = reference_name(branch);
    let found = connection.list()?.iter().find(|head| head.name() == name).map(|head| sha(head.oid()));
    Ok(found)
}

/// A server's text, for one line of a message.
fn shortened(text: &str) -> String {
    text.trim().replace(char::is_control, " ").chars().take(LONGEST_REASON).collect()
}

/// Does blocking work with a remote on a thread of its own, and gives up when it is silent for longer than `patience`.
///
/// libgit2 waits for a silent server for ever, and a thread cannot be ended from outside. It is left to itself: its push
/// still has its lease, and the end of the program does not wait for it.
///
/// # Errors
/// [`GitError::RemoteSilent`] names what hung.
pub async fn within<T: Send + 'static>(
    action: &'static str,
    remote: Remote,
    work: impl FnOnce(&Remote) -> Result<T, GitError> + Send + 'static,
) -> Result<T, GitError> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let (patience, url) = (remote.patience, remote.url.to_string());
    std::thread::spawn(move || {
        // Nobody waits any more if this fails.
        let _ = sender.send(work(&remote));
    });
    // A little longer than the work's own limit, which has the better words.
    match tokio::time::timeout(patience + patience / 10, receiver).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => {
            Err(GitError::RemoteFailed { action, remote: url, reason: "the work was ended by a bug".to_owned() })
        }
        Err(_) => Err(GitError::RemoteSilent { action, remote: url, seconds: patience.as_secs() }),
    }
}
