//! People's own pull requests: which packages they touch, and to which version.

use std::collections::BTreeSet;

use super::GithubForge;
use super::records::own_branch;
use crate::clients::git::{GitError, Overlay};
use crate::clients::github::Pull;
use crate::forge::ForgeError;
use crate::model::{AttrPath, BranchName, CommitSha};
use crate::overlay::PublishedGraph;
use crate::stages::write::MAIN;
use crate::store::OtherPullRequest;

/// No more of them are looked into, the newest first: each is fetched.
const MOST: usize = 200;

/// A title is somebody's text: so much of it is kept, in characters.
const LONGEST_TITLE: usize = 200;

impl GithubForge {
    pub(super) async fn look_at_others(&self) -> Result<(), ForgeError> {
        let open = self.github().open_pulls().await.map_err(|error| self.forge_error(&error))?;
        let mut others: Vec<Pull> =
            open.into_iter().filter(|pull| own_branch(pull).is_none() && pull.base.branch == MAIN).collect();
        others.sort_by_key(|pull| std::cmp::Reverse(pull.number));
        others.truncate(MOST);
        let missing = self.missing(&others).await?;
        if !missing.is_empty() {
            self.fetch_references(missing, false).await?;
        }
        let found = self.here(move |overlay, _| {
            let mut found = Vec::new();
            for pull in &others {
                found.extend(touched(overlay, pull)?);
            }
            Ok(found)
        });
        Ok(self.store().set_other_pull_requests(&found.await?).await?)
    }

    /// What is to be fetched; and what is not open any more is forgotten.
    async fn missing(&self, others: &[Pull]) -> Result<Vec<String>, ForgeError> {
        let wanted: Vec<(i64, CommitSha)> = others.iter().map(|pull| (pull.number, pull.head.sha.clone())).collect();
        self.here(move |overlay, _| {
            let open: BTreeSet<String> = wanted.iter().map(|(number, _)| reference(*number)).collect();
            overlay.forget_references("refs/pull/", &open)?;
            let mut missing = Vec::new();
            for (number, head) in wanted {
                let reference = reference(number);
                if overlay.reference(&reference)?.as_ref() != Some(&head) {
                    missing.push(format!("+{reference}:{reference}"));
                }
            }
            Ok(missing)
        })
        .await
    }
}

fn reference(number: i64) -> String {
    format!("refs/pull/{number}/head")
}

/// The packages that a pull request changes, by what its commits have and where they began.
fn touched(overlay: &Overlay, pull: &Pull) -> Result<Vec<OtherPullRequest>, GitError> {
    let Ok(main) = MAIN.parse::<BranchName>() else { return Ok(Vec::new()) };
    let (Some(head), Some(main)) = (overlay.reference(&reference(pull.number))?, overlay.origin_branch(&main)?) else {
        return Ok(Vec::new());
    };
    let Some(start) = overlay.common_ancestor(&head, &main)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for name in overlay.changed_entries(&start, &head, "packages")? {
        let Ok(attr) = name.parse::<AttrPath>() else { continue };
        found.push(OtherPullRequest {
            number: pull.number,
            version: version(overlay, &head, &attr)?,
            attr,
            title: pull.title.replace(char::is_control, " ").chars().take(LONGEST_TITLE).collect(),
            author: pull.user.as_ref().map(|user| user.login.clone()).unwrap_or_default(),
            url: Some(pull.html_url.clone()),
        });
    }
    Ok(found)
}

/// The version that a package has in a commit, by its graph, else by its Nix file.
fn version(overlay: &Overlay, head: &CommitSha, attr: &AttrPath) -> Result<Option<String>, GitError> {
    let read = |name: &str| overlay.read_file(head.as_str(), &format!("packages/{attr}/{name}"));
    if let Some(graph) = read("graph.json")?.and_then(|content| PublishedGraph::parse(&content)) {
        return Ok(Some(graph.version));
    }
    let nix = read("package.nix")?.map(|content| String::from_utf8_lossy(&content).into_owned());
    Ok(nix.as_deref().and_then(version_in_nix))
}

/// The first `version = "…";` of a Nix file.
fn version_in_nix(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let rest = line.trim().strip_prefix("version")?.trim_start().strip_prefix('=')?.trim_start();
        let (version, _) = rest.strip_prefix('"')?.split_once('"')?;
        let plain = !version.is_empty()
            && version.len() <= 100
            && version.chars().all(|c| c.is_ascii_alphanumeric() || ".+-_~".contains(c));
        plain.then(|| version.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::version_in_nix;

    #[test]
    fn a_version_is_read_from_nix() {
        assert_eq!(version_in_nix("{ }:\nx {\n  version = \"1.2.3+a\";\n}").as_deref(), Some("1.2.3+a"));
        for none in ["", "versions = \"1\"", "version = src.version;", "version = \"${x}\";"] {
            assert_eq!(version_in_nix(none), None, "{none}");
        }
    }
}
