//! A forge on the fake GitHub, and a bot that only writes commits.
#![expect(clippy::unwrap_used, reason = "all of this is of tests, though not marked as one")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use nixwright::clients::git::{Author, Change, CommitText, Overlay};
use nixwright::clients::github::{Auth, Github, GithubSettings, Sleep};
use nixwright::forge::{Forge as _, ForgeError, GithubForge, GithubForgeParts};
use nixwright::model::{BranchName, Clock, CommitSha};
use nixwright::store::{ConfiguredPackage, PrState, PullRequest, PullRequestDraft, Store};
use nixwright_tests::github::{GitHub, Settings};
use tempfile::TempDir;

pub(crate) struct Bench {
    pub(crate) github: GitHub,
    pub(crate) forge: GithubForge,
    pub(crate) store: Store,
    pub(crate) overlay: Overlay,
    pub(crate) time: Time,
    _folder: TempDir,
}

/// The machine's time, and what was waited on top of it without waiting.
#[derive(Clone, Default)]
pub(crate) struct Time(Arc<Mutex<Vec<Duration>>>);

impl Time {
    fn clock(&self) -> Clock {
        let (system, time) = (Clock::system(), self.clone());
        Clock::from_fn(move || system.now() + time.waits().iter().sum::<Duration>())
    }

    fn sleep(&self) -> Sleep {
        let time = self.clone();
        Sleep::from_fn(move |duration| {
            time.0.lock().unwrap().push(duration);
            Box::pin(async {})
        })
    }

    pub(crate) fn waits(&self) -> Vec<Duration> {
        self.0.lock().unwrap().clone()
    }
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(GitHub::start()).await
    }

    pub(crate) async fn with_settings(settings: Settings) -> Self {
        Self::with(GitHub::with(settings)).await
    }

    pub(crate) async fn with(github: GitHub) -> Self {
        let auth = Auth::Token(github.token().into());
        Self::as_who(github, auth).await
    }

    pub(crate) async fn as_who(github: GitHub, auth: Auth) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let time = Time::default();
        let store = Store::open(&folder.path().join("nixwright.db"), time.clock()).await.unwrap();
        let package = ConfiguredPackage { attr: "fd".parse().unwrap(), purl: "pkg:cargo/fd-find".to_owned() };
        store.sync_packages(&[package]).await.unwrap();
        let overlay = Overlay::open_or_init(&folder.path().join("overlay.git")).unwrap();
        let forge = forge(&github, auth, &time, &store, &overlay);
        let bench = Self { github, forge, store, overlay, time, _folder: folder };
        bench.forge.observe().await.unwrap();
        bench
    }

    /// Another process after a kill: all that is known is in the store and the repository.
    pub(crate) fn restart(&mut self) {
        let auth = Auth::Token(self.github.token().into());
        self.forge = forge(&self.github, auth, &self.time, &self.store, &self.overlay);
    }

    /// A commit of the bot's that brings a version, from `main`.
    pub(crate) fn commit(&self, version: &str) -> CommitSha {
        let bot = author();
        let time: Timestamp = "2026-02-14T12:56:47Z".parse().unwrap();
        let message = format!("fd: {version}");
        let text = CommitText { message: &message, author: &bot, time };
        let nix = format!("{{ }}:\n{{\n  version = \"{version}\";\n}}\n");
        let files = BTreeMap::from([("packages/fd/package.nix".to_owned(), Change::text(nix))]);
        let main = self.overlay.branch(&branch("main")).unwrap();
        self.overlay.write_commit(main.as_ref(), &files, text).unwrap().unwrap()
    }

    pub(crate) fn draft(&self, version: &str) -> PullRequestDraft {
        PullRequestDraft {
            branch: branch("nixwright/fd"),
            attr: Some("fd".parse().unwrap()),
            title: format!("fd: {version}"),
            body: format!("Brings fd {version}.\n"),
            head: self.commit(version),
            base: "main".to_owned(),
            version: version.to_owned(),
            failed: false,
            draft: false,
            labels: vec!["nixwright".to_owned(), "rust".to_owned()],
            maintainers: vec!["bob".to_owned()],
        }
    }

    pub(crate) async fn publish(&self, version: &str) -> Result<PullRequest, ForgeError> {
        self.forge.publish(&self.draft(version)).await
    }

    pub(crate) async fn observe(&self) {
        self.forge.observe().await.unwrap();
    }

    pub(crate) async fn record(&self, number: i64) -> PullRequest {
        self.store.pull_request(number).await.unwrap().unwrap()
    }

    pub(crate) async fn states(&self) -> Vec<(i64, PrState, String)> {
        let mut all = self.store.pull_requests().await.unwrap();
        all.reverse();
        all.into_iter().map(|request| (request.number, request.state, request.version)).collect()
    }

    /// Store, local repository and GitHub say the same.
    #[track_caller]
    pub(crate) fn agrees(&self, record: &PullRequest) {
        let pull = self.github.pull(u64::try_from(record.number).unwrap());
        let head = self.github.branch(record.branch.as_str());
        assert_eq!(pull.is_open(), record.state == PrState::Open);
        assert_eq!(pull.merged, record.state == PrState::Merged);
        assert_eq!((pull.title.as_str(), pull.head_sha.as_str()), (record.title.as_str(), record.head.as_str()));
        assert_eq!(pull.body.as_deref(), Some(record.body.as_str()));
        assert_eq!(pull.draft, record.draft);
        if record.state == PrState::Open {
            assert_eq!(head.as_deref(), Some(record.head.as_str()));
            let here = self.overlay.branch(&record.branch).unwrap();
            assert_eq!(here.as_ref(), Some(&record.head));
        }
        let main = self.overlay.branch(&branch("main")).unwrap();
        assert_eq!(main.map(String::from), self.github.branch("main"));
    }
}

/// The client alone.
pub(crate) fn client(github: &GitHub, auth: Auth, time: &Time) -> Github {
    let settings = GithubSettings {
        api: format!("{}/", github.api_url()).parse().unwrap(),
        repository: github.name().parse().unwrap(),
        auth,
        write_interval: Duration::from_secs(1),
    };
    Github::new(settings, time.clock(), time.sleep()).unwrap()
}

fn forge(github: &GitHub, auth: Auth, time: &Time, store: &Store, overlay: &Overlay) -> GithubForge {
    let parts = GithubForgeParts {
        github: client(github, auth, time),
        overlay: overlay.clone(),
        store: store.clone(),
        bot: author(),
        clock: time.clock(),
        sleep: time.sleep(),
        web: format!("{}/", github.base_url()).parse().unwrap(),
        patience: Duration::from_secs(20),
    };
    GithubForge::new(parts).unwrap()
}

fn author() -> Author {
    Author { name: "Nixwright".to_owned(), email: "bot@nixwright.invalid".to_owned() }
}

pub(crate) fn branch(name: &str) -> BranchName {
    name.parse().unwrap()
}

/// GitHub's times are whole seconds, and what is told apart by them has to be in different ones.
pub(crate) async fn next_second() {
    tokio::time::sleep(Duration::from_millis(1050)).await;
}
