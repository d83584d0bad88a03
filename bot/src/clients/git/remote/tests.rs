use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::TcpListener;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::{PushRef, Remote, within};
use crate::clients::git::{Author, Change, CommitText, GitError, Overlay};
use crate::model::{BranchName, CommitSha};

/// Here and there: the bot's repository, and the forge's.
struct Fixture {
    _folder: tempfile::TempDir,
    here: Overlay,
    there: Overlay,
    remote: Remote,
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let here = Overlay::open_or_init(&folder.path().join("here.git")).unwrap();
    let there = Overlay::open_or_init(&folder.path().join("there.git")).unwrap();
    let url = Url::from_file_path(there.path()).unwrap();
    Fixture { _folder: folder, here, there, remote: Remote::new(url, None, Duration::from_secs(20)) }
}

fn branch(name: &str) -> BranchName {
    name.parse().unwrap()
}

fn commit(overlay: &Overlay, on: &str, content: &str) -> CommitSha {
    let author = Author { name: "A".to_owned(), email: "a@forge.example".to_owned() };
    let text = CommitText { message: content, author: &author, time: "2026-02-14T12:56:47Z".parse().unwrap() };
    let files = BTreeMap::from([("file".to_owned(), Change::text(content))]);
    let parent = overlay.branch(&branch(on)).unwrap();
    overlay.commit(&branch(on), parent.as_ref(), &files, text).unwrap().unwrap()
}

impl Fixture {
    fn push(&self, on: &str, commit: Option<&CommitSha>, expected: Option<&CommitSha>) -> Result<(), GitError> {
        let wish = PushRef { branch: branch(on), commit: commit.cloned(), expected: expected.cloned() };
        self.here.push(&self.remote, &[wish])
    }

    fn fetch(&self) {
        self.here.fetch(&self.remote, &["+refs/heads/*:refs/remotes/origin/*".to_owned()], true).unwrap();
    }

    fn there(&self, on: &str) -> Option<CommitSha> {
        self.there.branch(&branch(on)).unwrap()
    }
}

#[test]
fn a_push_makes_moves_and_deletes_a_branch() {
    let fixture = fixture();
    let first = commit(&fixture.here, "main", "1");
    fixture.push("main", Some(&first), None).unwrap();
    assert_eq!(fixture.there("main"), Some(first.clone()));
    let second = commit(&fixture.here, "main", "2");
    fixture.push("main", Some(&second), Some(&first)).unwrap();
    // Back, which is no fast-forward: the lease decides.
    fixture.push("main", Some(&first), Some(&second)).unwrap();
    assert_eq!(fixture.there("main"), Some(first.clone()));
    fixture.push("nixwright/fd", Some(&second), None).unwrap();
    fixture.push("nixwright/fd", None, Some(&second)).unwrap();
    assert_eq!(fixture.there("nixwright/fd"), None);
}

#[test]
fn a_push_can_be_done_again() {
    let fixture = fixture();
    let first = commit(&fixture.here, "main", "1");
    fixture.push("main", Some(&first), None).unwrap();
    // The answer was lost, say, so the branch is still thought to be absent.
    fixture.push("main", Some(&first), None).unwrap();
    assert_eq!(fixture.there("main"), Some(first));
}

#[test]
fn a_person_who_was_quicker_wins() {
    let fixture = fixture();
    let seen = commit(&fixture.here, "nixwright/fd", "1");
    fixture.push("nixwright/fd", Some(&seen), None).unwrap();
    let theirs = commit(&fixture.there, "nixwright/fd", "by hand");
    let ours = commit(&fixture.here, "nixwright/fd", "2");
    for (commit, expected) in [(Some(&ours), Some(&seen)), (Some(&ours), None), (None, Some(&seen))] {
        let error = fixture.push("nixwright/fd", commit, expected).unwrap_err();
        assert!(matches!(&error, GitError::BranchMoved { found, .. } if found.as_ref() == Some(&theirs)), "{error}");
        assert_eq!(fixture.there("nixwright/fd"), Some(theirs.clone()));
    }
    // Gone meanwhile: somebody wanted that, too.
    fixture.there.follow(&branch("nixwright/fd"), None).unwrap();
    let error = fixture.push("nixwright/fd", Some(&ours), Some(&seen)).unwrap_err();
    assert!(matches!(error, GitError::BranchMoved { found: None, .. }), "{error}");
    assert_eq!(fixture.there("nixwright/fd"), None);
}

#[test]
fn a_fetch_brings_what_is_there_and_forgets_what_is_not() {
    let fixture = fixture();
    let main = commit(&fixture.there, "main", "1");
    let other = commit(&fixture.there, "nixwright/fd", "2");
    fixture.fetch();
    assert_eq!(fixture.here.origin_branch(&branch("main")).unwrap(), Some(main.clone()));
    assert_eq!(
        fixture.here.origin_branches().unwrap(),
        [(branch("main"), main.clone()), (branch("nixwright/fd"), other.clone())]
    );
    assert_eq!(fixture.here.branch(&branch("main")).unwrap(), None);
    fixture.here.follow(&branch("main"), Some(&main)).unwrap();
    fixture.there.follow(&branch("nixwright/fd"), None).unwrap();
    fixture.fetch();
    assert_eq!(fixture.here.origin_branches().unwrap().len(), 1);
    // Local branches are no business of a fetch.
    assert_eq!(fixture.here.branch(&branch("main")).unwrap(), Some(main));
}

#[test]
fn what_is_not_there_is_said() {
    let fixture = fixture();
    let url = Url::parse("http://user:secret@127.0.0.1:9/o/r.git").unwrap();
    let remote = Remote::new(url, Some(SecretString::from("ghs_secret")), Duration::from_secs(5));
    let error = fixture.here.fetch(&remote, &["+refs/heads/*:refs/remotes/origin/*".to_owned()], true).unwrap_err();
    let text = format!("{error} {error:?} {remote:?}");
    assert!(matches!(error, GitError::RemoteFailed { .. }) && text.contains("127.0.0.1:9"), "{text}");
    assert!(!text.contains("secret"), "{text}");
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let fixture = fixture();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}/o/r.git", listener.local_addr().unwrap())).unwrap();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let silent = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 100]);
        let _ = stopped.recv();
    });
    let remote = Remote::new(url, None, Duration::from_millis(200));
    let here = fixture.here.clone();
    let work = move |remote: &Remote| here.fetch(remote, &["+refs/heads/*:refs/remotes/origin/*".to_owned()], true);
    let error = within("fetch from", remote, work).await.unwrap_err();
    assert!(matches!(error, GitError::RemoteSilent { .. }), "{error}");
    drop(stop);
    silent.join().unwrap();
}
