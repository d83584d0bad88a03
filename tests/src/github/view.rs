//! What a test can see of the fake.

use std::path::PathBuf;
use std::time::Duration;

use super::Hub;
use super::call::Request;
use super::world::{Comment, Pull, Status};

impl Hub {
    /// All pull requests by number.
    pub fn pulls(&self) -> Vec<Pull> {
        self.world().pulls.values().cloned().collect()
    }

    /// The open ones.
    pub fn open_pulls(&self) -> Vec<Pull> {
        self.pulls().into_iter().filter(Pull::is_open).collect()
    }

    /// One pull request.
    #[track_caller]
    pub fn pull(&self, number: u64) -> Pull {
        let found = self.world().pulls.get(&number).cloned();
        found.unwrap_or_else(|| panic!("there is no pull request {number}"))
    }

    /// GitHub's word for whether it can be merged: `clean`, `dirty`, `blocked`, `unstable`, `draft`.
    #[track_caller]
    pub fn merge_state(&self, number: u64) -> &'static str {
        let pull = self.pull(number);
        self.world().merge_state(&pull)
    }

    /// What was said of a commit, oldest first.
    pub fn statuses(&self, sha: &str) -> Vec<Status> {
        self.world().statuses.iter().filter(|status| status.sha == sha).cloned().collect()
    }

    /// The comments under a pull request, oldest first.
    pub fn comments(&self, number: u64) -> Vec<Comment> {
        self.world().comments.iter().filter(|comment| comment.pull == number).cloned().collect()
    }

    /// Where a branch is; `None` where it is not.
    pub fn branch(&self, name: &str) -> Option<String> {
        self.world().branch(name).map(|commit| commit.to_string())
    }

    /// Every branch with its commit.
    pub fn branches(&self) -> Vec<(String, String)> {
        self.world().branches().into_iter().map(|(name, commit)| (name, commit.to_string())).collect()
    }

    /// The bare repository.
    pub fn repository(&self) -> PathBuf {
        self.world().git.path().to_owned()
    }

    /// Every request since the start, in the order in which they arrived.
    pub fn requests(&self) -> Vec<Request> {
        self.traffic().requests.clone()
    }

    /// How many requests of this method and form came. A part of the path in braces stands for any one part.
    pub fn count(&self, method: &str, pattern: &str) -> usize {
        self.traffic().requests.iter().filter(|request| request.is(method, pattern)).count()
    }

    /// Those that may have changed something through the API.
    pub fn writes(&self) -> Vec<Request> {
        self.requests().into_iter().filter(Request::is_write).collect()
    }

    /// The shortest time from one write to the next; `None` where there were not two.
    pub fn shortest_pause(&self) -> Option<Duration> {
        let writes = self.writes();
        let pauses = writes.windows(2).map(|pair| pair[1].time.duration_since(pair[0].time).unsigned_abs());
        pauses.min()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.traffic().requests.clear();
    }

    /// Every token that was ever valid, to look for in places where it must not be.
    pub fn tokens(&self) -> Vec<String> {
        self.world().tokens.iter().map(|token| token.value.clone()).collect()
    }

    /// What was asked that GitHub does not know, and what the fake answered that GitHub would not.
    pub fn violations(&self) -> Vec<String> {
        self.traffic().violations.clone()
    }

    /// The violations, which are forgotten: for tests that cause one.
    pub fn take_violations(&self) -> Vec<String> {
        std::mem::take(&mut self.traffic().violations)
    }
}
