//! What people do on the forge while the bot is at work, and what they decide beforehand.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use data_encoding::BASE64;
use git2::Oid;

use super::faults::{Call, Fault, When};
use super::rest::Opening;
use super::world::{App, CheckRun, Comment, Release, Settings};
use super::{Hub, clock};
use crate::process::files_of;

/// The person who does what needs no name.
const PERSON: &str = "alice";

impl Hub {
    /// Opens a pull request of a branch that is there already, and gives its number.
    #[track_caller]
    pub fn open_pull(&self, branch: &str, title: &str, author: &str) -> u64 {
        let opening = Opening { title, body: None, head: branch, base: "main", draft: false, author };
        let opened = self.world().open(&opening);
        opened.unwrap_or_else(|reply| panic!("{branch} cannot be opened: {:?}", reply.body()))
    }

    /// Opens a pull request of one changed file from a person's fork, and gives its number.
    #[track_caller]
    pub fn open_pull_from_fork(&self, author: &str, branch: &str, title: &str, (path, text): (&str, &str)) -> u64 {
        let mut world = self.world();
        let base = world.branch("main").expect("a main branch");
        let head = world.commit_on(Some(base), path, text, author);
        let opening = Opening { title, body: None, head: branch, base: "main", draft: false, author };
        world.add_pull(&opening, author, base, head)
    }

    /// Closes a pull request.
    #[track_caller]
    pub fn close(&self, number: u64) {
        self.turn(number, "closed");
    }

    /// Opens a closed one again.
    #[track_caller]
    pub fn reopen(&self, number: u64) {
        self.turn(number, "open");
    }

    #[track_caller]
    fn turn(&self, number: u64, state: &str) {
        let mut world = self.world();
        let turned = world.change_state(number, Some(state), PERSON);
        turned.unwrap_or_else(|error| panic!("pull request {number}: {error}"));
        world.settle(PERSON);
    }

    /// Merges a pull request with a merge commit, whatever its checks say, and gives that commit.
    #[track_caller]
    pub fn merge(&self, number: u64) -> String {
        self.merge_as(number, "merge")
    }

    /// Merges by a method: `merge`, `squash` or `rebase`.
    #[track_caller]
    pub fn merge_as(&self, number: u64, method: &str) -> String {
        let mut world = self.world();
        let merged = world.merge_pull(number, method, None, None, PERSON);
        let commit = merged.unwrap_or_else(|| panic!("pull request {number} cannot be merged"));
        world.settle(PERSON);
        commit.to_string()
    }

    /// Commits a file to a branch, which is made from `main` where it is new, and gives the commit.
    pub fn commit_as_person(&self, branch: &str, path: &str, text: &str) -> String {
        let mut world = self.world();
        let commit = world.commit_file(branch, path, text, PERSON);
        world.settle(PERSON);
        commit.to_string()
    }

    /// Commits a file to `main`.
    pub fn push_to_main(&self, path: &str, text: &str) -> String {
        self.commit_as_person("main", path, text)
    }

    /// Commits the files of a text in which each begins with a line `-- PATH --` to `main`.
    pub fn push_files(&self, text: &str) {
        for (path, content) in files_of(text) {
            self.push_to_main(&path, &content);
        }
    }

    /// Moves the tag of a release to what `main` has now.
    #[track_caller]
    pub fn move_tag(&self, tag: &str) {
        let world = self.world();
        let target = world.branch("main").expect("a main branch");
        world.set_reference(&format!("refs/tags/{tag}"), target);
    }

    /// Takes a release back, with its tag.
    #[track_caller]
    pub fn withdraw(&self, tag: &str) {
        let mut world = self.world();
        let mut reference = world.git.find_reference(&format!("refs/tags/{tag}")).expect("a tag");
        reference.delete().expect("a tag that can be deleted");
        drop(reference);
        world.releases.retain(|release| release.tag != tag);
    }

    /// Puts a branch to a commit that the repository has, as a forced push does.
    #[track_caller]
    pub fn move_branch(&self, branch: &str, commit: &str) {
        let mut world = self.world();
        world.set_reference(&format!("refs/heads/{branch}"), Oid::from_str(commit).expect("a commit's hash"));
        world.settle(PERSON);
    }

    /// Deletes a branch; open pull requests of it are closed by that.
    pub fn delete_branch(&self, branch: &str) {
        let mut world = self.world();
        world.delete_branch(branch);
        world.settle(PERSON);
    }

    /// Puts exactly these labels on a pull request.
    pub fn set_labels(&self, number: u64, labels: &[&str]) {
        let mut world = self.world();
        world.change(number, |pull| pull.labels = labels.iter().map(|label| (*label).to_owned()).collect());
        world.settle(PERSON);
    }

    /// Changes title and text of a pull request by hand.
    pub fn edit_text(&self, number: u64, title: &str, body: &str) {
        let mut world = self.world();
        world.change(number, |pull| {
            title.clone_into(&mut pull.title);
            pull.body = Some(body.to_owned());
        });
        world.settle(PERSON);
    }

    /// Approves a pull request.
    pub fn approve(&self, number: u64, login: &str) {
        let mut world = self.world();
        world.change(number, |pull| {
            pull.approvals.insert(login.to_owned());
            pull.reviewers.retain(|reviewer| reviewer != login);
        });
        world.settle(login);
    }

    /// Comments on a pull request.
    pub fn comment(&self, number: u64, author: &str, body: &str) -> Comment {
        let mut world = self.world();
        let comment = world.add_comment(number, author, body);
        world.remember();
        comment
    }

    /// A check of another app on a commit: `None` while it runs, else `success`, `failure`…
    pub fn check(&self, sha: &str, name: &str, conclusion: Option<&str>) {
        let mut world = self.world();
        let check = CheckRun {
            id: world.id(),
            sha: sha.to_owned(),
            name: name.to_owned(),
            conclusion: conclusion.map(str::to_owned),
            started: clock::now(),
        };
        world.checks.push(check);
        world.settle(PERSON);
    }

    /// Publishes a release of what `main` has now.
    #[track_caller]
    pub fn release(&self, tag: &str, notes: &str, prerelease: bool) {
        let mut world = self.world();
        let target = world.branch("main").expect("a main branch");
        world.set_reference(&format!("refs/tags/{tag}"), target);
        let (tag, body) = (tag.to_owned(), notes.to_owned());
        world.releases.push(Release { name: tag.clone(), tag, body, prerelease, published: clock::now() });
    }

    /// Changes what the repository's owner decides. Owner, name and token stay as they were at the start.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        let mut world = self.world();
        change(&mut world.settings);
        world.settle(PERSON);
    }

    /// Installs an app in the repository, and gives its private key (PEM). Its tokens live for an hour.
    pub fn install_app(&self, id: u64, installation: u64) -> String {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("a pair of keys");
        let lifetime = std::time::Duration::from_secs(3600);
        let public_key = pair.public_key().as_ref().to_vec();
        self.world().app = Some(App { id, installation, public_key, lifetime });
        let private: Pkcs8V1Der<'_> = pair.as_der().expect("the private key");
        pem("PRIVATE KEY", private.as_ref())
    }

    /// How long the tokens of the app live that it gets from now on.
    pub fn set_token_lifetime(&self, lifetime: std::time::Duration) {
        if let Some(app) = &mut self.world().app {
            app.lifetime = lifetime;
        }
    }

    /// All tokens that were given out so far are refused from now on; an app can get new ones.
    pub fn refuse_tokens(&self) {
        self.world().tokens.iter_mut().for_each(|token| token.refused = true);
    }

    /// The next `times` requests of this kind have this fault; faults come in the order in which they were staged.
    pub fn stage(&self, call: Call, fault: Fault, times: usize) {
        self.traffic().staged.add_fault(call, fault, times);
    }

    /// How many staged faults did not come yet.
    pub fn staged(&self) -> usize {
        self.traffic().staged.left()
    }

    /// Calls `hook` at each request of this kind. The answer waits for it; it may ask the fake anything.
    pub fn on(&self, call: Call, when: When, hook: impl Fn() + Send + 'static) {
        self.traffic().staged.add_hook(call, when, Box::new(hook));
    }

    /// No fault and no hook any more.
    pub fn heal(&self) {
        self.traffic().staged.clear();
    }
}

/// Bytes in the form in which keys are handed about.
fn pem(name: &str, bytes: &[u8]) -> String {
    let text = BASE64.encode(bytes);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN {name}-----\n{}\n-----END {name}-----\n", lines.join("\n"))
}
