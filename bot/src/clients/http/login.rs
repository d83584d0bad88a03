//! Requests with a login, for servers that do not let everybody in.
//!
//! It travels in a header that is marked as sensitive, which no log shows and no redirect to another host takes along.

use std::path::Path;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use url::Url;

use super::{Algorithm, Fetched, Http, HttpError, Wanted};

impl Wanted<'_> {
    fn with_login(self, login: Option<HeaderValue>) -> Self {
        let headers = login.map(|login| (AUTHORIZATION, login)).into_iter().collect::<HeaderMap>();
        Self { headers, ..self }
    }
}

impl Http {
    /// The body in memory.
    pub async fn get_bytes_as(
        &self,
        url: &Url,
        login: Option<HeaderValue>,
        max_bytes: u64,
    ) -> Result<Vec<u8>, HttpError> {
        let mut body = Vec::new();
        self.fetch(&Wanted::new(url, max_bytes).with_login(login), &mut body).await?;
        Ok(body)
    }

    /// As [`get_conditional`](Self::get_conditional).
    pub async fn get_conditional_as(
        &self,
        url: &Url,
        login: Option<HeaderValue>,
        cache: &Path,
        max_bytes: u64,
    ) -> Result<Fetched, HttpError> {
        self.conditional(Wanted::new(url, max_bytes).with_login(login), cache).await
    }

    /// Streams what is judged later into `destination`, which is there afterwards only if it is whole.
    pub async fn get_to_file_as(
        &self,
        url: &Url,
        login: Option<HeaderValue>,
        destination: &Path,
        max_bytes: u64,
    ) -> Result<(), HttpError> {
        let wanted = Wanted::new(url, max_bytes).with_login(login);
        let streamed = self.stream(&wanted, destination, Algorithm::Sha256, &mut |_| {}).await?;
        Ok(streamed.file.commit_without_sync()?)
    }
}
