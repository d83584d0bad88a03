use git2::{Oid, Repository, Signature, Time};

use super::{GitSources, TreeLimits};

const LIMITS: TreeLimits = TreeLimits { bytes: 100_000, entries: 100 };

struct Upstream {
    folder: tempfile::TempDir,
    repository: Repository,
}

impl Upstream {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(folder.path().join("up.git")).unwrap();
        repository.set_head("refs/heads/main").unwrap();
        Self { folder, repository }
    }

    fn commit(&self, manifest: &str) -> Oid {
        let repository = &self.repository;
        let mut top = repository.treebuilder(None).unwrap();
        top.insert("package.json", repository.blob(manifest.as_bytes()).unwrap(), 0o100_644).unwrap();
        top.insert("binding.gyp", repository.blob(b"").unwrap(), 0o100_644).unwrap();
        let tree = repository.find_tree(top.write().unwrap()).unwrap();
        let author = Signature::new("a", "a@tool.example", &Time::new(0, 0)).unwrap();
        let parent = repository.head().ok().map(|head| head.peel_to_commit().unwrap());
        let parents: Vec<_> = parent.iter().collect();
        repository.commit(Some("refs/heads/main"), &author, &author, "c", &tree, &parents).unwrap()
    }

    fn tag(&self, name: &str, annotated: bool) {
        let target = self.repository.head().unwrap().peel(git2::ObjectType::Commit).unwrap();
        let author = Signature::new("a", "a@tool.example", &Time::new(0, 0)).unwrap();
        if annotated {
            self.repository.tag(name, &target, &author, "t", false).unwrap();
        } else {
            self.repository.tag_lightweight(name, &target, false).unwrap();
        }
    }

    fn spec(&self, committish: &str) -> String {
        format!("git+file://{}/up.git{committish}", self.folder.path().display())
    }

    async fn found(&self, committish: &str) -> String {
        let sources = GitSources::new(&self.folder.path().join("cache"), LIMITS).with_local();
        match sources.find(&self.spec(committish)).await {
            Ok(found) => format!("{} {}", found.commit, found.files.manifest),
            Err(error) => error.to_string().replace(&self.folder.path().display().to_string(), ""),
        }
    }
}

#[tokio::test]
async fn a_commit_is_found_by_everything_that_npm_finds_it_by() {
    let upstream = Upstream::new();
    let first = upstream.commit("1").to_string();
    upstream.tag("v1.0.0", false);
    let second = upstream.commit("2").to_string();
    upstream.tag("v1.1.0", true);
    let between = upstream.commit("3").to_string();
    let last = upstream.commit("4").to_string();
    assert_eq!(upstream.found("").await, format!("{last} 4"));
    assert_eq!(upstream.found("#main").await, format!("{last} 4"));
    assert_eq!(upstream.found("#refs/heads/main").await, format!("{last} 4"));
    assert_eq!(upstream.found("#v1.0.0").await, format!("{first} 1"));
    assert_eq!(upstream.found("#semver:^1").await, format!("{second} 2"));
    assert_eq!(upstream.found("#semver:~1.0").await, format!("{first} 1"));
    assert_eq!(upstream.found(&format!("#{between}")).await, format!("{between} 3"));
    assert_eq!(upstream.found(&format!("#{}", &between[..9])).await, format!("{between} 3"));
    let said = [upstream.found("#absent").await, upstream.found("#semver:^9").await].join("\n");
    insta::assert_snapshot!(said, @r#"
git+file:///up.git#absent: the repository file:///up.git has no "absent"
git+file:///up.git#semver:^9: the repository file:///up.git has no "semver:^9"
"#);
}

#[tokio::test]
async fn what_was_brought_over_is_there_without_asking_and_as_a_folder() {
    let upstream = Upstream::new();
    let commit = upstream.commit("1").to_string();
    let sources = GitSources::new(&upstream.folder.path().join("cache"), LIMITS).with_local();
    let found = sources.find(&upstream.spec("")).await.unwrap();
    assert!(found.files.gyp && found.hash.starts_with("sha256-"), "{found:?}");
    std::fs::rename(upstream.folder.path().join("up.git"), upstream.folder.path().join("gone.git")).unwrap();
    let again = sources.find(&upstream.spec(&format!("#{commit}"))).await.unwrap();
    assert_eq!(again, found);
    let url = upstream.spec("");
    let folder = sources.folder(url.strip_prefix("git+").unwrap(), &commit).await.unwrap();
    assert_eq!(std::fs::read(folder.join("package.json")).unwrap(), b"1");
}

#[tokio::test]
async fn addresses_that_only_some_can_fetch_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let sources = GitSources::new(folder.path(), LIMITS);
    let mut said = Vec::new();
    for spec in ["git+file:///srv/a.git", "git+ssh://git@forge.example/a/b.git#v1", "git+rsync://forge.example/a", "a"]
    {
        let error = sources.find(spec).await.unwrap_err();
        assert!(error.is_absent());
        said.push(error.to_string());
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
git+file:///srv/a.git: a published package cannot come from a repository on this machine
git+ssh://git@forge.example/a/b.git#v1: it is fetched without anybody's key, so an address over https is needed, not ssh
git+rsync://forge.example/a: repositories are fetched over https
a: this is no address of a git repository
"#);
}
