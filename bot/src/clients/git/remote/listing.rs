//! What a repository elsewhere has, and commits of it that are brought over: for packages that come from one.

use std::cell::Cell;

use git2::{AutotagOption, Direction, FetchOptions, FetchPrune, RemoteRedirect};

use super::{GitError, Overlay, Remote};

/// A reference over there: `HEAD`, `refs/heads/main`, `refs/tags/v1`; that of a tag's commit ends in `^{}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteRef {
    /// Its full name.
    pub name: String,
    /// The object that it is at, in hexadecimal.
    pub id: String,
}

impl Overlay {
    /// The references over there, as `git ls-remote` lists them.
    ///
    /// # Errors
    /// As [`Overlay::fetch`].
    pub fn list_remote(&self, remote: &Remote) -> Result<Vec<RemoteRef>, GitError> {
        let repository = self.open()?;
        let asked = Cell::new(false);
        let list = || {
            let mut there = remote.open(&repository)?;
            let connection = there.connect_auth(Direction::Fetch, Some(remote.callbacks(&asked)), None)?;
            let heads = connection.list()?;
            Ok(heads
                .iter()
                .map(|head| RemoteRef { name: head.name().to_owned(), id: head.oid().to_string() })
                .collect())
        };
        list().map_err(|trouble| remote.failed("ask", trouble))
    }

    /// Brings references over without their history where the server can, else with it.
    ///
    /// # Errors
    /// As [`Overlay::fetch`].
    pub fn fetch_tips(&self, remote: &Remote, refspecs: &[String]) -> Result<(), GitError> {
        let repository = self.open()?;
        // Servers by HTTP know shallow fetches; the transport of local paths does not.
        let depth = i32::from(remote.url().scheme().starts_with("http"));
        let asked = Cell::new(false);
        let fetch = || {
            let mut options = FetchOptions::new();
            options
                .remote_callbacks(remote.callbacks(&asked))
                .prune(FetchPrune::Off)
                .download_tags(AutotagOption::None)
                .update_fetchhead(false)
                .depth(depth)
                .follow_redirects(RemoteRedirect::Initial);
            remote.open(&repository)?.fetch(refspecs, Some(&mut options), Some("nixwright"))?;
            Ok(())
        };
        fetch().map_err(|trouble| remote.failed("fetch from", trouble))
    }
}
