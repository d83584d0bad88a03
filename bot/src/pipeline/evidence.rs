//! What a pull request shows, gathered: from the plan and the one before it, the build, the database of advisories and the
//! upstream's forge. What cannot be had is said to be missing, and stops nothing.

use std::collections::{BTreeMap, BTreeSet};

use indicatif::ProgressBar;
use jiff::SignedDuration;
use nixwright_resolver::plan::changes::{LicenseChanges, Novelty, runs_code};
use nixwright_resolver::plan::components::{Component, Components};
use nixwright_resolver::plan::{Graph, Plan};
use url::Url;

use super::Bot;
use super::decide::Why;
use super::package::{Current, Job};
use super::record::{Attempt, diff, unit_times};
use super::view::branch_of;
use crate::clients::github::Github;
use crate::clients::http::HttpError;
use crate::clients::osv::{Answer, OsvError};
use crate::config::{BuildPackages, Package};
use crate::message::{
    Advisories, AdvisoryRow, ClosureSize, CodeRun, FailureReport, NativeCheck, PullRequestEvidence, SystemBuild, WhyNow,
};
use crate::model::Track;
use crate::overlay::PublishedGraph;
use crate::overlay::cargo::native;
use crate::stages::watch::find;

/// Where release notes are: a forge whose releases can be asked for, and its pages.
#[derive(Debug, Clone)]
pub struct Notes {
    /// The client.
    pub github: Github,
    /// Where its repositories are; ends in `/`.
    pub web: Url,
}

impl Bot {
    /// Everything that is known of an attempt; nothing if it did not come to a plan and a strategy.
    pub(super) async fn evidence(&self, job: Job<'_>, attempt: &Attempt) -> Option<PullRequestEvidence> {
        let Job { attr, package, entry, current, .. } = job;
        let plan = attempt.plan.as_deref()?;
        let strategy = attempt.strategy?;
        let built = attempt.built.as_ref();
        let before = self.plan_before(job).await;
        let old = before.as_ref().map(Plan::components);
        let new = plan.components();
        let failure = attempt.failure.as_ref().map(|failure| {
            let cause = built.and_then(|built| built.failure.as_ref());
            FailureReport {
                class: failure.class,
                message: failure.message.clone(),
                derivation: cause.map(|cause| cause.derivation.clone()),
                log: cause.map(|cause| cause.log.clone()).unwrap_or_default(),
            }
        });
        let building = built.is_none() && failure.is_none();
        Some(PullRequestEvidence {
            attr: attr.clone(),
            purl: package.upstream.release(&plan.version),
            from: current.version().map(str::to_owned),
            to: plan.version.clone(),
            published: entry.published,
            description: plan.metadata.description.clone(),
            homepage: plan.metadata.homepage.clone().or_else(|| plan.metadata.repository.clone()),
            license: plan.metadata.license.clone(),
            strategy,
            fallback_reason: attempt.fallback_reason.clone(),
            diff: diff(plan, current),
            systems: vec![SystemBuild {
                system: self.builder.system.clone(),
                succeeded: attempt.failure.is_none(),
                elapsed: built.map(|built| built.elapsed).unwrap_or_default(),
                programs: plan.binaries().into_iter().map(str::to_owned).collect(),
            }],
            reused: built.map_or(0, |built| built.reused),
            built: built.map_or(0, |built| built.built),
            units: built.map(unit_times).unwrap_or_default(),
            code_runs: code_runs(old.as_ref(), &new, current.graph.as_ref()),
            native_checks: self.native_checks(package, plan),
            licenses: match (&old, current.version()) {
                (Some(old), _) => Some(LicenseChanges::between(old, &new)),
                (None, None) => Some(LicenseChanges::default()),
                (None, Some(_)) => None,
            },
            // Asked once, when there is something to say beside it.
            advisories: if building {
                Advisories::Unavailable
            } else {
                self.advisories(old.as_ref(), &new, current).await
            },
            closure: self.closure(),
            notes: self.notes_of(plan).await,
            why: self.why_now(job),
            building,
            flake: format!("{}?ref={}", self.flake, branch_of(attr, package)),
            failure,
        })
    }

    /// The plan of the release that `main` has: most often kept, else made again.
    async fn plan_before(&self, job: Job<'_>) -> Option<Plan> {
        let version = job.current.version()?;
        let made = async {
            let candidate = find(&self.resolver, job.package, version).await?;
            let release = self.release_at(job.attr, &candidate, job.package, job.current.head.as_ref()).await?;
            self.resolver.plan(&release, &ProgressBar::hidden()).await
        };
        match made.await {
            Ok(plan) => Some(plan),
            Err(failure) => {
                tracing::info!(package = %job.attr, "the plan of {version} cannot be had to compare with: {failure}");
                None
            }
        }
    }

    async fn advisories(&self, old: Option<&Components>, new: &Components, current: &Current) -> Advisories {
        let before: BTreeSet<String> = match old {
            Some(old) => old.by_purl.keys().cloned().collect(),
            None => current.graph.as_ref().map(published_purls).unwrap_or_default(),
        };
        let after: BTreeSet<String> = new.by_purl.keys().cloned().collect();
        let asked: BTreeSet<String> = before.union(&after).cloned().collect();
        match self.osv.advisories(&asked).await {
            Ok(answer) => {
                if let Err(error) = self.record_advisories(asked.into_iter().collect(), &answer).await {
                    tracing::warn!("{error}");
                }
                compared(&answer, &before, &after)
            }
            Err(error) => {
                // Said of a host that is left alone already, it would be said of every package.
                if matches!(error, OsvError::Http(HttpError::LeftAlone { .. })) {
                    tracing::info!("advisories cannot be asked for: {error}");
                } else {
                    tracing::warn!("advisories cannot be asked for: {error}");
                }
                Advisories::Unavailable
            }
        }
    }

    /// What is compiled for the systems that are built, and may need a library that nobody named.
    pub(super) fn native_checks(&self, package: &Package, plan: &Plan) -> Vec<NativeCheck> {
        let Graph::Cargo(graph) = &plan.graph else { return Vec::new() };
        let unknown = native::unknown(graph, &self.config.systems.build).into_iter();
        let asked = unknown.filter(|unknown| !package.native.contains_key(&unknown.name));
        let check = |unknown: &nixwright_resolver::plan::cargo::Package| NativeCheck {
            package: format!("{} {}", unknown.name, unknown.version),
            links: unknown.links.clone().unwrap_or_default(),
        };
        asked.map(check).collect()
    }

    fn closure(&self) -> ClosureSize {
        let reason = match self.config.build.pkgs {
            BuildPackages::Host => {
                "with the host's toolchains as package set it would say nothing of what a subscriber fetches"
            }
            BuildPackages::Nixpkgs { .. } => "this version does not measure it",
        };
        ClosureSize::NotMeasured { reason }
    }

    fn why_now(&self, job: Job<'_>) -> WhyNow {
        match job.why {
            Why::Withdrawn => WhyNow::Withdrawn { version: job.current.version().unwrap_or_default().to_owned() },
            Why::Stale => WhyNow::Stale,
            Why::Same => WhyNow::Changed,
            Why::New => WhyNow::NewRelease {
                age: job.entry.published.map(|published| self.clock.now().duration_since(published)),
                min_age: job.package.policy.min_age.max(SignedDuration::ZERO),
                track: match &job.package.policy.track {
                    Track::Major => "all stable releases".to_owned(),
                    Track::Minor => "the stable releases that are compatible with what the overlay has".to_owned(),
                    Track::Prerelease => "all releases, prereleases too".to_owned(),
                    Track::Exact { version } => format!("exactly {version}"),
                },
            },
        }
    }

    /// What the upstream says of a release, if its repository is on the forge that can be asked.
    async fn notes_of(&self, plan: &Plan) -> Option<String> {
        let notes = self.notes.as_ref()?;
        let repository = plan.metadata.repository.as_deref()?;
        let (owner, repo) = repository_on(&notes.web, repository)?;
        let (name, version) = (&plan.name, &plan.version);
        let usual = [format!("v{version}"), version.clone(), format!("{name}-{version}"), format!("{name}-v{version}")];
        let known = plan.commit.as_ref().map(|commit| vec![commit.tag.clone()]);
        for tag in known.unwrap_or_else(|| usual.to_vec()) {
            match notes.github.release_notes(&owner, &repo, &tag).await {
                Ok(None) => {}
                Ok(found) => return found,
                Err(error) => {
                    tracing::info!("release notes of {name} cannot be asked for: {error}");
                    return None;
                }
            }
        }
        None
    }
}

/// Owner and name of a repository, if its address is below `web`.
fn repository_on(web: &Url, address: &str) -> Option<(String, String)> {
    let url = Url::parse(address.strip_prefix("git+").unwrap_or(address)).ok()?;
    if (url.host_str(), url.port_or_known_default()) != (web.host_str(), web.port_or_known_default()) {
        return None;
    }
    let path = url.path().strip_prefix(web.path().trim_end_matches('/'))?.trim_start_matches('/');
    let mut parts = path.split('/');
    let (owner, repo) = (parts.next()?, parts.next()?);
    let repo = repo.strip_suffix(".git").unwrap_or(repo);
    let plain = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    (plain(owner) && plain(repo)).then(|| (owner.to_owned(), repo.to_owned()))
}

/// Code that runs while building. Where the plan before is not known, the published graph still has names and versions.
fn code_runs(old: Option<&Components>, new: &Components, graph: Option<&PublishedGraph>) -> Vec<CodeRun> {
    let runs = runs_code(old, new).into_iter().map(|run| {
        let novelty = match (old, graph) {
            (None, Some(graph)) => novelty(&run.package, new, graph),
            _ => run.novelty,
        };
        CodeRun { package: run.package, kind: run.kind.as_str(), novelty }
    });
    runs.collect()
}

fn novelty(package: &str, new: &Components, graph: &PublishedGraph) -> Novelty {
    let is_it = |component: &&Component| format!("{}-{}", component.name, component.version) == package;
    let Some(component) = new.by_purl.values().find(is_it) else { return Novelty::New };
    let mut before = graph.packages.iter().filter(|(name, _)| *name == component.name).peekable();
    if before.peek().is_none() {
        Novelty::New
    } else if before.any(|(_, version)| *version == component.version) {
        Novelty::Same
    } else {
        Novelty::Changed
    }
}

fn published_purls(graph: &PublishedGraph) -> BTreeSet<String> {
    let escaped = |text: &str| text.replace('%', "%25").replace('@', "%40").replace('+', "%2B");
    let purl =
        |(name, version): &(String, String)| format!("pkg:{}/{}@{}", graph.ecosystem, escaped(name), escaped(version));
    graph.packages.iter().map(purl).collect()
}

/// Advisories by what becomes of them.
fn compared(answer: &Answer, before: &BTreeSet<String>, after: &BTreeSet<String>) -> Advisories {
    // One thing has several ids, and which of them names it may differ from version to version.
    let of = |purls: &BTreeSet<String>| {
        let mut rows: BTreeMap<String, (AdvisoryRow, BTreeSet<String>)> = BTreeMap::new();
        for (purl, advisories) in answer.advisories.iter().filter(|(purl, _)| purls.contains(*purl)) {
            for advisory in advisories {
                let (row, ids) = rows.entry(advisory.id.clone()).or_insert_with(|| {
                    let row = AdvisoryRow {
                        id: advisory.id.clone(),
                        packages: Vec::new(),
                        severity: advisory.severity.clone(),
                        summary: advisory.summary.clone(),
                    };
                    (row, BTreeSet::from([advisory.id.clone()]))
                });
                ids.extend(advisory.aliases.iter().cloned());
                row.packages.push(purl.rsplit('/').next().unwrap_or(purl).replace('@', " ").replace("%2B", "+"));
            }
        }
        rows.into_values().collect::<Vec<_>>()
    };
    let (old, new) = (of(before), of(after));
    let pick = |from: &[(AdvisoryRow, BTreeSet<String>)], others: &[(AdvisoryRow, BTreeSet<String>)], wanted: bool| {
        let is_there = |ids: &BTreeSet<String>| others.iter().any(|(_, known)| !known.is_disjoint(ids));
        from.iter().filter(|(_, ids)| is_there(ids) == wanted).map(|(row, _)| row.clone()).collect()
    };
    Advisories::Known {
        at: answer.at,
        fixed: pick(&old, &new, false),
        brought: pick(&new, &old, false),
        remaining: pick(&new, &old, true),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use nixwright_resolver::plan::changes::Novelty;
    use nixwright_resolver::plan::components::{Component, Components};
    use url::Url;

    use super::{compared, novelty, repository_on};
    use crate::clients::osv::{Advisory, Answer};
    use crate::message::Advisories;
    use crate::overlay::PublishedGraph;

    fn component(name: &str, version: &str) -> (String, Component) {
        let component = Component {
            name: name.to_owned(),
            version: version.to_owned(),
            purl: format!("pkg:cargo/{name}@{version}"),
            license: None,
            hash: None,
            builds_only: true,
            runs: BTreeSet::new(),
        };
        (component.purl.clone(), component)
    }

    #[test]
    fn a_package_whose_name_begins_like_another_is_new_all_the_same() {
        let rows =
            [("proc-macro2", "1.0.1"), ("proc-macro2-diagnostics", "0.10.1"), ("libc", "0.2.2"), ("syn", "2.0.0")];
        let new = Components {
            by_purl: rows.map(|(name, version)| component(name, version)).into(),
            ..Components::default()
        };
        let known = [("proc-macro2", "1.0.0"), ("libc", "0.2.2"), ("proc-macro2", "0.9.0")];
        let packages = known.map(|(name, version)| (name.to_owned(), version.to_owned())).into();
        let graph = PublishedGraph { packages, ..PublishedGraph::default() };
        let of = |package: &str| novelty(package, &new, &graph);
        assert_eq!(of("proc-macro2-diagnostics-0.10.1"), Novelty::New);
        assert_eq!((of("proc-macro2-1.0.1"), of("libc-0.2.2")), (Novelty::Changed, Novelty::Same));
    }

    #[test]
    fn an_advisory_that_goes_by_another_id_for_another_version_is_the_same() {
        let advisory = |id: &str, alias: &str| Advisory {
            id: id.to_owned(),
            aliases: BTreeSet::from([alias.to_owned()]),
            summary: None,
            severity: None,
        };
        let (old, new) = ("pkg:cargo/a@1.0.0", "pkg:cargo/a@1.1.0");
        let advisories = BTreeMap::from([
            (
                old.to_owned(),
                vec![advisory("RUSTSEC-2026-0001", "CVE-2026-1"), advisory("RUSTSEC-2026-0002", "CVE-2026-2")],
            ),
            (new.to_owned(), vec![advisory("GHSA-aaaa-bbbb-cccc", "CVE-2026-1")]),
        ]);
        let answer = Answer { at: "2026-03-01T00:00:00Z".parse().unwrap(), advisories };
        let of = |purl: &str| BTreeSet::from([purl.to_owned()]);
        let Advisories::Known { fixed, brought, remaining, .. } = compared(&answer, &of(old), &of(new)) else {
            panic!("there is an answer");
        };
        assert_eq!((fixed.len(), brought.len(), remaining.len()), (1, 0, 1));
        assert_eq!((fixed[0].id.as_str(), remaining[0].id.as_str()), ("RUSTSEC-2026-0002", "GHSA-aaaa-bbbb-cccc"));
    }

    #[test]
    fn only_repositories_of_the_same_forge_are_asked_about() {
        let on = |address: &str| {
            let web = Url::parse("https://forge.example/git/").unwrap();
            repository_on(&web, address).map(|(owner, repo)| format!("{owner} {repo}"))
        };
        assert_eq!(on("https://forge.example/git/a/b").as_deref(), Some("a b"));
        assert_eq!(on("https://forge.example/git/a/b.git/tree/main").as_deref(), Some("a b"));
        assert_eq!(on("git+https://forge.example/git/a/b").as_deref(), Some("a b"));
        for other in [
            "https://other.example/git/a/b",
            "https://forge.example:8443/git/a/b",
            "https://forge.example/git/a",
            "https://forge.example/git/../b",
            "https://forge.example/elsewhere/a/b",
            "https://forge.example/git/a%2Fx/b",
            "forge.example/git/a/b",
            "",
        ] {
            assert_eq!(on(other), None, "{other}");
        }
    }
}
