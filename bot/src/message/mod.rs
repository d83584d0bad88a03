//! The text of pull requests: pure functions from evidence to Markdown.
//!
//! Whatever upstream wrote is hostile until escaped: the template's escaper is [`Markdown`], so a plain `{{ … }}` is safe, and
//! nobody is mentioned and no other repository referred to by accident.

mod facts;
mod markdown;
mod notes;
#[cfg(test)]
mod tests;
pub mod text;

use std::borrow::Borrow;
use std::fmt::Write as _;
use std::time::Duration;

use askama::Template;
use askama::filters::{Escaper as _, Safe};
use jiff::Timestamp;
use nixwright_resolver::plan::changes::{LicenseChanges, Novelty};
use nixwright_resolver::plan::diff::{ChangedVersions, GraphDiff, NamedVersions};

use crate::clients::endpoints::{advisory_page, package_page};
use crate::model::{AttrPath, FailureClass, GroupName, Strategy, System};
pub use facts::{Advisories, AdvisoryRow, ClosureSize, CodeRun, NativeCheck, WhyNow};
pub use markdown::Markdown;
use markdown::filters;

/// The longest body, in bytes: GitHub takes 65,536 characters.
pub const LONGEST_BODY: usize = 60_000;

/// What is kept free for the end of a group's text, in bytes.
const GROUP_END: usize = 3_000;

/// How many names a list shows.
const LONGEST_LIST: usize = 40;

/// How many units count as the slowest.
const SLOWEST: usize = 5;

/// What a pull request shows. Every text may come from outside; none is escaped yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequestEvidence {
    /// The package.
    pub attr: AttrPath,
    /// The release, as a package URL with a version.
    pub purl: String,
    /// What `main` has; `None` for a new package.
    pub from: Option<String>,
    /// The release's version.
    pub to: String,
    /// When upstream published it.
    pub published: Option<Timestamp>,
    /// What upstream says it is.
    pub description: Option<String>,
    /// Upstream's page.
    pub homepage: Option<String>,
    /// An SPDX expression.
    pub license: Option<String>,
    /// How it was built.
    pub strategy: Strategy,
    /// Why the `shared` strategy was given up, if it was.
    pub fallback_reason: Option<String>,
    /// What changed in the graph.
    pub diff: GraphDiff,
    /// The result on each system.
    pub systems: Vec<SystemBuild>,
    /// Units that were there already.
    pub reused: u32,
    /// Units that were built.
    pub built: u32,
    /// Units that were built, with the time of each, in any order.
    pub units: Vec<UnitTime>,
    /// Packages that run code while building.
    pub code_runs: Vec<CodeRun>,
    /// Crates whose native inputs nobody knows.
    pub native_checks: Vec<NativeCheck>,
    /// What licences changed; `None` where the last release's are not known.
    pub licenses: Option<LicenseChanges>,
    /// What is known of advisories.
    pub advisories: Advisories,
    /// How large it is with all that it needs.
    pub closure: ClosureSize,
    /// What upstream says of the release, as it wrote it.
    pub notes: Option<String>,
    /// Why it comes now.
    pub why: WhyNow,
    /// Whether it is still being built.
    pub building: bool,
    /// What Nix takes to reach this branch: `git+https://…?ref=…`.
    pub flake: String,
    /// Why it failed, if it did.
    pub failure: Option<FailureReport>,
}

/// What was built and tried on one system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemBuild {
    /// The system.
    pub system: System,
    /// Whether it was built and its programs started.
    pub succeeded: bool,
    /// How long that took.
    pub elapsed: Duration,
    /// The programs that were started.
    pub programs: Vec<String>,
}

/// A unit that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitTime {
    /// Its derivation's name.
    pub name: String,
    /// How long its builder ran.
    pub elapsed: Duration,
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureReport {
    /// Who can mend it.
    pub class: FailureClass,
    /// What happened.
    pub message: String,
    /// The derivation that failed first, if one did.
    pub derivation: Option<String>,
    /// Its log; the end of it is shown.
    pub log: String,
}

/// The title: `ripgrep: 15.1.0 -> 15.2.0`, or `ripgrep: init at 15.2.0`.
pub fn title(attr: &AttrPath, from: Option<&str>, to: &str) -> String {
    match from {
        Some(from) => format!("{attr}: {} -> {}", version(from), version(to)),
        None => format!("{attr}: init at {}", version(to)),
    }
}

/// A text of somebody else's for a cell of a table, in one line.
pub fn cell(text: &str) -> String {
    let mut line = String::new();
    // Writing to a text does not fail.
    let _ = Markdown.write_escaped_str(&mut line, &text::clip(text, 300));
    line
}

/// A version for a title, which no forge escapes: what a version has no need of becomes `_`.
fn version(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || ".+-_~/".contains(c) { c } else { '_' };
    text::clip(&text.chars().map(plain).collect::<String>(), 60)
}

/// The body, in Markdown. The same evidence gives the same bytes.
///
/// # Errors
/// None that evidence can cause: askama's signature has one for filters that fail, and ours do not.
pub fn body(evidence: &PullRequestEvidence) -> Result<String, askama::Error> {
    let mut text = Body::new(evidence).render()?;
    if text.len() > LONGEST_BODY {
        // Only names of hundreds of characters lead here. Everything below the summary gives way, as a half list would mislead.
        text = Body { brief: true, notes: None, ..Body::new(evidence) }.render()?;
    }
    Ok(text)
}

/// The title of a group's pull request.
pub fn group_title(group: &GroupName, members: usize) -> String {
    format!("{group}: {}", count(members, "update", "updates"))
}

/// The body of a group's pull request: one part for each package, shorter ones where all would be too long.
///
/// # Errors
/// As [`body`].
pub fn group_body(members: &[PullRequestEvidence]) -> Result<String, askama::Error> {
    let mut text = format!("{} of one group.\n", count(members.len(), "package", "packages"));
    let mut left_out: Vec<&str> = Vec::new();
    for (place, evidence) in members.iter().enumerate() {
        let whole = Body { part: true, ..Body::new(evidence) }.render()?;
        // What is left is shared by those that are left.
        let room = (LONGEST_BODY - GROUP_END).saturating_sub(text.len()) / (members.len() - place);
        let part = if whole.len() > room {
            Body { part: true, brief: true, notes: None, ..Body::new(evidence) }.render()?
        } else {
            whole
        };
        if part.len() + text.len() > LONGEST_BODY - GROUP_END {
            left_out.push(evidence.attr.as_str());
            continue;
        }
        let _ = write!(text, "\n## {}\n\n{part}\n", evidence.attr);
    }
    if !left_out.is_empty() {
        let names = text::clip(&left_out.join(", "), GROUP_END - 300);
        let _ = write!(text, "\nThe text of these did not fit: {names}.\n");
    }
    text.push_str("\nWritten by Nixwright. This text is brought up to date in place; comments are for people.\n");
    Ok(text)
}

/// A name as code, with a link where there is a page.
fn linked(name: &str, page: Option<&url::Url>) -> String {
    match page {
        Some(page) => format!("[{}](<{page}>)", markdown::code(name)),
        None => markdown::code(name),
    }
}

#[derive(Template)]
#[template(path = "pr/body.md")]
struct Body<'a> {
    evidence: &'a PullRequestEvidence,
    brief: bool,
    /// Whether this is one of several in a text.
    part: bool,
    notes: Option<String>,
    added: List<'a, NamedVersions>,
    removed: List<'a, NamedVersions>,
    changed: List<'a, ChangedVersions>,
    slowest: Vec<&'a UnitTime>,
    scripts: Vec<&'a CodeRun>,
    scripts_more: usize,
    native_checks: List<'a, NativeCheck>,
    log: String,
    installable: String,
}

/// The shown part of a list, and how much is not shown.
struct List<'a, T> {
    all: usize,
    shown: &'a [T],
}

impl<'a, T> List<'a, T> {
    fn new(all: &'a [T]) -> Self {
        Self { all: all.len(), shown: &all[..all.len().min(LONGEST_LIST)] }
    }

    fn more(&self) -> usize {
        self.all - self.shown.len()
    }
}

impl<'a> Body<'a> {
    fn new(evidence: &'a PullRequestEvidence) -> Self {
        let mut slowest: Vec<&UnitTime> = evidence.units.iter().collect();
        slowest.sort_by(|a, b| b.elapsed.cmp(&a.elapsed).then_with(|| a.name.cmp(&b.name)));
        slowest.truncate(SLOWEST);
        let mut scripts: Vec<&CodeRun> = evidence.code_runs.iter().collect();
        scripts.sort_by(|a, b| a.novelty.cmp(&b.novelty).then_with(|| a.package.cmp(&b.package)));
        let scripts_more = scripts.len().saturating_sub(LONGEST_LIST);
        scripts.truncate(LONGEST_LIST);
        Self {
            evidence,
            brief: false,
            part: false,
            notes: evidence.notes.as_deref().and_then(notes::quoted),
            added: List::new(&evidence.diff.added),
            removed: List::new(&evidence.diff.removed),
            changed: List::new(&evidence.diff.changed),
            slowest,
            scripts,
            scripts_more,
            native_checks: List::new(&evidence.native_checks),
            log: evidence.failure.as_ref().map(|failure| text::tail(&failure.log, 40, 8_000)).unwrap_or_default(),
            installable: shell_quoted(&format!("{}#{}", evidence.flake, evidence.attr)),
        }
    }

    fn scripts_that_are(&self, novelty: Novelty) -> usize {
        self.evidence.code_runs.iter().filter(|run| run.novelty == novelty).count()
    }

    /// A dependency's name with a link to its page.
    fn named(&self, name: &str, versions: &[String]) -> Safe<String> {
        let kind = self.evidence.purl.strip_prefix("pkg:").and_then(|purl| purl.split_once('/')).map(|(kind, _)| kind);
        let page = kind.zip(versions.last()).and_then(|(kind, version)| package_page(kind, name, version));
        Safe(linked(name, page.as_ref()))
    }

    /// An advisory's line: what it is, where it is told, what it is about.
    fn advisory(row: &AdvisoryRow) -> Safe<String> {
        let mut line = format!(
            "{} in {}",
            linked(&row.id, advisory_page(&row.id).as_ref()),
            markdown::code(&row.packages.join(", "))
        );
        for (text, before) in [(&row.severity, ", "), (&row.summary, ": ")] {
            if let Some(text) = text {
                line.push_str(before);
                // Writing to a string does not fail.
                let _ = Markdown.write_escaped_str(&mut line, &text::clip(text, 200));
            }
        }
        Safe(line)
    }

    /// When the release came out, to the minute.
    fn published(&self) -> Option<String> {
        self.evidence.published.map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string())
    }
}

/// A word of a POSIX shell.
fn shell_quoted(text: &str) -> String {
    format!("'{}'", text::one_line(text).replace('\'', r"'\''"))
}

/// What a template can call with a reference.
fn time(duration: &Duration) -> String {
    text::duration(*duration)
}

/// `1 unit`, `2 units`.
fn count(number: impl Borrow<usize>, one: &str, many: &str) -> String {
    let number = *number.borrow();
    format!("{number} {}", if number == 1 { one } else { many })
}
