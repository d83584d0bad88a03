//! Anybody's repositories, whose releases are followed. Nothing is ever written there.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::OnceCell;
use url::Url;

use super::{Auth, Github, GithubError, GithubSettings, ListedRelease, Sleep};
use crate::model::{Clock, RepositoryName};

/// The GitHub where upstreams are; clones share what it said before.
#[derive(Debug, Clone)]
pub struct Upstreams {
    api: Url,
    token: Option<SecretString>,
    client: Arc<OnceCell<Github>>,
}

impl Upstreams {
    /// `api` ends in `/`. Without a token everything that is public can be asked, but not often.
    pub fn new(api: Url, token: Option<SecretString>) -> Self {
        Self { api, token, client: Arc::default() }
    }

    /// The newest releases of a repository; nothing if there is no such repository, or nobody may see it.
    ///
    /// # Errors
    /// As [`Github::releases`].
    pub async fn releases(&self, of: &RepositoryName) -> Result<Option<Vec<ListedRelease>>, GithubError> {
        let make = || async {
            let auth = self.token.clone().map_or(Auth::Nobody, Auth::Token);
            // A client is for one repository, and asks about any.
            let (api, repository) = (self.api.clone(), of.clone());
            let settings = GithubSettings { api, repository, auth, write_interval: Duration::ZERO };
            Github::new(settings, Clock::system(), Sleep::real())
        };
        self.client.get_or_try_init(make).await?.releases(of).await
    }
}
