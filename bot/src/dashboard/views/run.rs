//! A run's page: what it did, how long each part took, and what the builders printed.

use jiff::Timestamp;
use nixwright_resolver::plan::diff::GraphDiff;
use serde::Serialize;

use super::package::shell_word;
use super::{RunRow, ms, per_mille, span_ms};
use crate::dashboard::Site;
use crate::dashboard::snapshot::{RunDetails, Snapshot};
use crate::message::text::{one_line, plain_log};
use crate::model::CommitSha;
use crate::store::{DerivationRecord, DerivationState, LogText, Run, Stage, SystemResult};

/// How many derivations count as the most expensive.
const EXPENSIVE: usize = 10;

/// How much of a derivation's log the page itself holds, in bytes; the file beside it has all.
const SHOWN_LOG: usize = 128 * 1024;

/// What a run's page shows.
#[derive(Debug, Clone, Serialize)]
pub(in crate::dashboard) struct RunDoc {
    #[serde(flatten)]
    pub(in crate::dashboard) row: RunRow,
    pub(in crate::dashboard) failure_message: Option<String>,
    pub(in crate::dashboard) commit: Option<CommitSha>,
    /// The pull request of this commit, or of this version.
    pub(in crate::dashboard) pull_request: Option<i64>,
    pub(in crate::dashboard) fallback_reason: Option<String>,
    pub(in crate::dashboard) systems: Vec<SystemResult>,
    pub(in crate::dashboard) stages: Vec<StageDoc>,
    /// The longest first.
    pub(in crate::dashboard) derivations: Vec<DerivationDoc>,
    pub(in crate::dashboard) diff: GraphDiff,
    pub(in crate::dashboard) build_scripts: Vec<String>,
    /// How to build the same again.
    pub(in crate::dashboard) reproduce: Option<String>,
    /// The file with all logs, beside this page.
    pub(in crate::dashboard) log_file: Option<String>,
    #[serde(skip)]
    pub(in crate::dashboard) logs: Vec<LogDoc>,
}

/// A stage, and where its bar begins and how long it is, in thousandths of the run.
#[derive(Debug, Clone, Serialize)]
pub(in crate::dashboard) struct StageDoc {
    pub(in crate::dashboard) stage: String,
    pub(in crate::dashboard) started: Timestamp,
    pub(in crate::dashboard) elapsed_ms: u64,
    pub(in crate::dashboard) detail: String,
    #[serde(skip)]
    pub(in crate::dashboard) offset: u64,
    #[serde(skip)]
    pub(in crate::dashboard) width: u64,
}

/// A derivation, and how long its bar is, in thousandths of the longest.
#[derive(Debug, Clone, Serialize)]
pub(in crate::dashboard) struct DerivationDoc {
    pub(in crate::dashboard) name: String,
    pub(in crate::dashboard) drv: String,
    pub(in crate::dashboard) outcome: DerivationState,
    pub(in crate::dashboard) elapsed_ms: Option<u64>,
    #[serde(skip)]
    pub(in crate::dashboard) width: u64,
}

/// A derivation's log as plain text.
#[derive(Debug, Clone)]
pub(in crate::dashboard) struct LogDoc {
    pub(in crate::dashboard) name: String,
    pub(in crate::dashboard) failed: bool,
    pub(in crate::dashboard) lines: usize,
    /// All of it.
    pub(in crate::dashboard) text: String,
    /// Where the part begins that the page holds.
    from: usize,
}

impl LogDoc {
    /// The end of the log, as much as the page holds.
    pub(in crate::dashboard) fn shown(&self) -> &str {
        &self.text[self.from..]
    }

    /// Whether the page holds all of it.
    pub(in crate::dashboard) fn is_whole(&self) -> bool {
        self.from == 0
    }
}

impl RunDoc {
    pub(in crate::dashboard) fn new(snapshot: &Snapshot, run: &Run, details: &RunDetails, site: &Site) -> Self {
        let requests = || snapshot.pull_requests_of(&run.attr).filter(|request| request.version == run.version);
        let pull_request = requests()
            .find(|request| Some(&request.head) == run.commit.as_ref())
            .or_else(|| requests().next())
            .map(|request| request.number);
        let logs = logs(&details.logs, &details.derivations);
        let overlay = &site.overlay;
        Self {
            row: run.into(),
            failure_message: run.failure.as_ref().map(|failure| failure.message.clone()),
            commit: run.commit.clone(),
            pull_request,
            fallback_reason: run.fallback_reason.clone(),
            systems: run.systems.clone(),
            stages: stages(run, &details.stages),
            derivations: derivations(&details.derivations),
            diff: run.diff.clone(),
            build_scripts: run.build_scripts.clone(),
            reproduce: run.commit.as_ref().map(|commit| {
                let reference = format!("{overlay}?ref=nixwright/{}&rev={commit}#{}", run.attr, run.attr);
                format!("nix build {}", shell_word(&reference))
            }),
            log_file: (!logs.is_empty()).then(|| format!("{}.log", run.id)),
            logs,
        }
    }

    /// The derivations that took longest, of those that ran.
    pub(in crate::dashboard) fn expensive(&self) -> impl Iterator<Item = &DerivationDoc> {
        self.derivations.iter().filter(|derivation| derivation.elapsed_ms.is_some()).take(EXPENSIVE)
    }

    /// All logs, one after the other, for the file beside the page.
    pub(in crate::dashboard) fn log_text(&self) -> String {
        let mut all = String::new();
        for log in &self.logs {
            all.extend(["=== ", &log.name, " ===\n", log.text.trim_end_matches('\n'), "\n\n"]);
        }
        all
    }

    /// The share of units that were there already, in thousandths.
    pub(in crate::dashboard) fn reused_share(&self) -> u64 {
        let (reused, built) = (u64::from(self.row.reused), u64::from(self.row.built));
        per_mille(reused, reused + built)
    }

    /// Whether there are units to speak of.
    pub(in crate::dashboard) fn has_units(&self) -> bool {
        self.row.reused > 0 || self.row.built > 0
    }
}

fn stages(run: &Run, stages: &[Stage]) -> Vec<StageDoc> {
    let begin = stages.iter().map(|stage| stage.started).min().map_or(run.started, |first| first.min(run.started));
    let end_of = |stage: &Stage| span_ms(begin, stage.started) + ms(stage.elapsed);
    let whole = stages.iter().map(end_of).max().unwrap_or(0);
    stages
        .iter()
        .map(|stage| {
            let offset = per_mille(span_ms(begin, stage.started), whole);
            StageDoc {
                stage: stage.stage.clone(),
                started: stage.started,
                elapsed_ms: ms(stage.elapsed),
                detail: stage.detail.clone(),
                offset,
                // Too short to see is drawn as a mark.
                width: per_mille(ms(stage.elapsed), whole).max(6).min(1000 - offset.min(994)),
            }
        })
        .collect()
}

fn derivations(records: &[DerivationRecord]) -> Vec<DerivationDoc> {
    let longest = records.iter().filter_map(|record| record.elapsed).max().map_or(0, ms);
    records
        .iter()
        .map(|record| DerivationDoc {
            name: record.name.clone(),
            drv: record.drv.clone(),
            outcome: record.outcome,
            elapsed_ms: record.elapsed.map(ms),
            width: per_mille(record.elapsed.map_or(0, ms), longest).max(6),
        })
        .collect()
}

/// The logs as plain text, those of derivations that failed first.
fn logs(logs: &[LogText], derivations: &[DerivationRecord]) -> Vec<LogDoc> {
    let failed = |name: &str| {
        derivations.iter().any(|record| {
            (record.name == name || record.drv == name)
                && !matches!(record.outcome, DerivationState::Built | DerivationState::Reused)
        })
    };
    let mut docs: Vec<LogDoc> = logs
        .iter()
        .map(|log| {
            let text = plain_log(&log.text);
            LogDoc {
                name: one_line(&log.name),
                failed: failed(&log.name),
                lines: text.lines().count(),
                from: shown_from(&text),
                text,
            }
        })
        .collect();
    docs.sort_by_key(|log| !log.failed);
    docs
}

/// Where the last [`SHOWN_LOG`] bytes of a text begin, at the start of a line if there is one.
fn shown_from(text: &str) -> usize {
    let Some(mut from) = text.len().checked_sub(SHOWN_LOG) else { return 0 };
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text[from..].find('\n').map_or(from, |end| from + end + 1)
}
