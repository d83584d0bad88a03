//! What follows by itself: after branches moved, and after checks turned green.

use git2::Oid;

use super::clock;
use super::repository::parsed;
use super::world::{Pull, World};

impl World {
    /// Brings everything up to date with the branches as they are now; `who` moved them.
    pub(super) fn settle(&mut self, who: &str) {
        loop {
            self.follow_branches(who);
            self.remember();
            let Some((number, auto)) = self.ripe() else { return };
            self.merge_pull(number, &auto.method, auto.headline, auto.text, &auto.by);
        }
    }

    fn follow_branches(&mut self, who: &str) {
        let now = self.branches();
        let before = std::mem::replace(&mut self.heads, now.clone());
        if before == now {
            return;
        }
        let open: Vec<u64> = self.pulls.values().filter(|pull| pull.is_open()).map(|pull| pull.number).collect();
        for number in open {
            let pull = self.pulls[&number].clone();
            let Some((base, head)) = now.get(&pull.base).copied().zip(self.head_of(&pull)) else {
                self.finish(number, None, who);
                continue;
            };
            let head_moved = head.to_string() != pull.head_sha;
            if head_moved {
                self.move_head(number, head);
            }
            if self.contains(base, head) {
                let base_moved = before.get(&pull.base) != Some(&base);
                // A head that was put back to what the base has brings nothing: GitHub closes that.
                let merged = (base_moved && !head_moved).then(|| self.brought_by(base, head));
                self.finish(number, merged, who);
            }
        }
    }

    /// The first commit of the base's own line that has this one.
    fn brought_by(&self, base: Oid, head: Oid) -> Oid {
        let mut found = base;
        while let Some(parent) = self.git.find_commit(found).ok().and_then(|commit| commit.parent_id(0).ok()) {
            if !self.contains(parent, head) {
                break;
            }
            found = parent;
        }
        found
    }

    /// A pull request's head is here now.
    pub(super) fn move_head(&mut self, number: u64, head: Oid) {
        self.set_reference(&format!("refs/pull/{number}/head"), head);
        self.change(number, |pull| pull.head_sha = head.to_string());
    }

    /// Changes a pull request and its time.
    pub(super) fn change(&mut self, number: u64, change: impl FnOnce(&mut Pull)) {
        if let Some(pull) = self.pulls.get_mut(&number) {
            change(pull);
            pull.updated = clock::now();
        }
    }

    /// Closed, or with a commit: merged.
    pub(super) fn finish(&mut self, number: u64, merged: Option<Oid>, who: &str) {
        // Before its state changes: from then on the base is the one of that moment.
        let base = self.pulls.get(&number).map(|pull| self.base_before(pull, merged));
        self.change(number, |pull| {
            "closed".clone_into(&mut pull.state);
            pull.closed = Some(clock::now());
            pull.closed_by = Some(who.to_owned());
            pull.auto_merge = None;
            pull.base_sha = base.unwrap_or_default();
            if let Some(commit) = merged {
                pull.merged = true;
                pull.merge_commit = Some(commit.to_string());
                pull.merged_by = Some(who.to_owned());
            }
        });
    }

    /// The base without what the pull request brought.
    fn base_before(&self, pull: &Pull, merged: Option<Oid>) -> String {
        let parent = merged.and_then(|commit| self.git.find_commit(commit).ok()?.parent_id(0).ok());
        let parent = parent.filter(|parent| !self.contains(*parent, parsed(&pull.head_sha)));
        let base = parent.or_else(|| self.branch(&pull.base).filter(|_| merged.is_none()));
        base.map_or_else(|| pull.base_sha.clone(), |base| base.to_string())
    }

    /// Merges without asking whether it may be; `None` where it cannot.
    pub(super) fn merge_pull(
        &mut self,
        number: u64,
        method: &str,
        headline: Option<String>,
        text: Option<String>,
        who: &str,
    ) -> Option<Oid> {
        let pull = self.pulls.get(&number).filter(|pull| pull.is_open())?.clone();
        let headline = headline.unwrap_or_else(|| match method {
            "squash" => format!("{} (#{number})", pull.title),
            _ => format!("Merge pull request #{number} from {}/{}", pull.head_owner, pull.head),
        });
        let text = text.unwrap_or_else(|| pull.title.clone());
        let made = self.bring_in(&pull, method, &format!("{headline}\n\n{text}"), who);
        let Some(made) = made else {
            // A merge that waits gives up where there is a conflict.
            self.change(number, |pull| pull.auto_merge = None);
            return None;
        };
        self.finish(number, Some(made), who);
        if self.settings.delete_branch_on_merge && pull.head_owner == self.settings.owner {
            self.delete_branch(&pull.head);
        }
        self.follow_branches(who);
        self.remember();
        Some(made)
    }

    /// Removes a branch, if it is there.
    pub(super) fn delete_branch(&self, name: &str) {
        if let Ok(mut reference) = self.git.find_reference(&format!("refs/heads/{name}")) {
            reference.delete().expect("a branch that can be deleted");
        }
    }

    /// A pull request that waits for green and has it.
    fn ripe(&self) -> Option<(u64, super::world::AutoMerge)> {
        let waiting = self.pulls.values().filter(|pull| pull.is_open());
        waiting.filter(|pull| ["clean", "unstable"].contains(&self.merge_state(pull))).find_map(|pull| {
            let auto = pull.auto_merge.clone()?;
            Some((pull.number, auto))
        })
    }

    /// GitHub's word for whether a pull request can be merged.
    pub(super) fn merge_state(&self, pull: &Pull) -> &'static str {
        let (base, head) = self.ends(pull);
        if pull.draft {
            "draft"
        } else if self.merged_tree(base, head).is_none() {
            "dirty"
        } else if !self.missing(pull).is_empty() {
            "blocked"
        } else if self.all_green(&pull.head_sha) {
            "clean"
        } else {
            "unstable"
        }
    }

    /// What keeps a pull request from being merged, in GitHub's words.
    pub(super) fn missing(&self, pull: &Pull) -> Vec<String> {
        let required = self.settings.required_checks.iter();
        let mut missing: Vec<String> = required
            .filter_map(|name| match self.outcome(&pull.head_sha, name) {
                Some("success") => None,
                Some("failure" | "error") => Some(format!("Required status check \"{name}\" is failing.")),
                Some(_) => Some(format!("Required status check \"{name}\" is in progress.")),
                None => Some(format!("Required status check \"{name}\" is expected.")),
            })
            .collect();
        if pull.approvals.len() < self.settings.required_approvals {
            missing.push("At least 1 approving review is required by reviewers with write access.".to_owned());
        }
        missing
    }

    /// How one context or check of a commit fares, in the words of a status.
    fn outcome(&self, sha: &str, name: &str) -> Option<&str> {
        let check = self.checks.iter().rev().find(|check| check.sha == sha && check.name == name);
        let status = self.statuses.iter().rev().find(|status| status.sha == sha && status.context == name);
        let of_check = check.map(|check| match check.conclusion.as_deref() {
            None => "pending",
            Some("success" | "neutral" | "skipped") => "success",
            Some(_) => "failure",
        });
        status.map(|status| status.state.as_str()).or(of_check)
    }

    fn all_green(&self, sha: &str) -> bool {
        let contexts = self.statuses.iter().filter(|status| status.sha == sha).map(|status| &status.context);
        let checks = self.checks.iter().filter(|check| check.sha == sha).map(|check| &check.name);
        contexts.chain(checks).all(|name| self.outcome(sha, name) == Some("success"))
    }
}
