//! A run's page: what it did, how long each part took, and what the builders printed.

use jiff::Timestamp;
use nixwright_resolver::plan::diff::GraphDiff;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::listing::text;
use super::package::shell_word;
use super::{Alike, RunRow, Source, ms, per_mille, span_ms};
use crate::dashboard::ansi;
use crate::message::text::{clip, one_line, plain_log};
use crate::model::CommitSha;
use crate::store::{DerivationRecord, DerivationState, LogText, Run, RunId, Stage, StoreError, SystemResult};

/// How many derivations count as the most expensive.
const EXPENSIVE: usize = 10;

/// How much of a derivation's log the page itself holds, in bytes; the file beside it has all.
const SHOWN_LOG: usize = 128 * 1024;

/// How many rows of what is being printed the page of a run under way begins with.
const LIVE_ROWS: u32 = 200;

/// How many lines a search shows.
const FOUND: usize = 200;

/// What a run's page shows.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct RunDoc {
    #[serde(flatten)]
    pub(crate) row: RunRow,
    pub(crate) failure_message: Option<String>,
    pub(crate) commit: Option<CommitSha>,
    /// The pull request of this commit, or of this version.
    pub(crate) pull_request: Option<i64>,
    /// What else fails for the same reason.
    pub(crate) alike: Option<Alike>,
    pub(crate) fallback_reason: Option<String>,
    pub(crate) systems: Vec<SystemResult>,
    pub(crate) stages: Vec<StageDoc>,
    /// The longest first.
    pub(crate) derivations: Vec<DerivationDoc>,
    pub(crate) diff: GraphDiff,
    pub(crate) build_scripts: Vec<String>,
    /// How to build the same again.
    pub(crate) reproduce: Option<String>,
    /// The file with all logs, beside this page.
    pub(crate) log_file: Option<String>,
    /// What was looked for in the logs.
    pub(crate) find: Option<String>,
    /// Where it is.
    pub(crate) found: Option<Found>,
    #[serde(skip)]
    pub(crate) logs: Vec<LogDoc>,
    /// What a run that is under way has printed last, as HTML.
    #[serde(skip)]
    pub(crate) live: String,
    /// Where its reader goes on.
    #[serde(skip)]
    pub(crate) live_after: i64,
}

/// What a run's page is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct RunQuery {
    /// A text to look for in the logs.
    pub(crate) find: Option<String>,
}

/// Lines of the logs that have a text in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Found {
    /// How many in all.
    pub(crate) total: usize,
    /// The first of them.
    pub(crate) lines: Vec<FoundLine>,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct FoundLine {
    /// The derivation.
    pub(crate) log: String,
    /// From 1.
    pub(crate) number: usize,
    pub(crate) text: String,
}

/// A stage, and where its bar begins and how long it is, in thousandths of the run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct StageDoc {
    pub(crate) stage: String,
    pub(crate) started: Timestamp,
    pub(crate) elapsed_ms: u64,
    pub(crate) detail: String,
    #[serde(skip)]
    pub(crate) offset: u64,
    #[serde(skip)]
    pub(crate) width: u64,
}

/// A derivation, and how long its bar is, in thousandths of the longest.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct DerivationDoc {
    pub(crate) name: String,
    pub(crate) drv: String,
    pub(crate) outcome: DerivationState,
    pub(crate) elapsed_ms: Option<u64>,
    #[serde(skip)]
    pub(crate) width: u64,
}

/// A derivation's log as plain text.
#[derive(Debug, Clone)]
pub(crate) struct LogDoc {
    pub(crate) name: String,
    pub(crate) failed: bool,
    pub(crate) lines: usize,
    /// All of it.
    pub(crate) text: String,
    /// Where the part begins that the page holds.
    from: usize,
    /// The end of it with its colours, as HTML.
    html: String,
}

impl LogDoc {
    /// The end of the log, as much as the page holds.
    pub(crate) fn shown(&self) -> &str {
        &self.html
    }

    /// Whether the page holds all of it.
    pub(crate) fn is_whole(&self) -> bool {
        self.from == 0
    }
}

impl RunDoc {
    /// Nothing if there is no such run.
    pub(crate) async fn load(source: Source<'_>, id: RunId, asked: &RunQuery) -> Result<Option<Self>, StoreError> {
        let store = source.store;
        let Some(run) = store.run(id).await? else { return Ok(None) };
        let commit = run.commit.as_ref().map(CommitSha::as_str);
        let pull_request = store.pull_request_of_run(&run.attr, &run.version, commit).await?;
        let (kept, records) = (store.logs(id).await?, store.derivations(id).await?);
        let logs = logs(&kept, &records);
        let find = text(asked.find.as_deref());
        let (mut live, mut live_after) = (String::new(), 0);
        if run.finished.is_none() {
            live_after = store.live_end(id, LIVE_ROWS).await?;
            for line in store.live_lines(id, live_after, LIVE_ROWS).await? {
                live_after = line.seq;
                live.push_str(&ansi::html(&line.text));
            }
        }
        let overlay = &source.site.overlay;
        Ok(Some(Self {
            row: (&run).into(),
            failure_message: run.failure.as_ref().map(|failure| failure.message.clone()),
            commit: run.commit.clone(),
            pull_request,
            alike: Alike::load(source, id).await?,
            fallback_reason: run.fallback_reason.clone(),
            stages: stages(&run, &store.stages(id).await?),
            derivations: derivations(&records),
            reproduce: run.commit.as_ref().map(|commit| {
                let reference = format!("{overlay}?ref=nixwright/{}&rev={commit}#{}", run.attr, run.attr);
                format!("nix build {}", shell_word(&reference))
            }),
            log_file: (!logs.is_empty()).then(|| format!("{}.log", run.id)),
            found: find.as_deref().map(|find| found(&logs, find)),
            find,
            logs,
            live,
            live_after,
            systems: run.systems,
            diff: run.diff,
            build_scripts: run.build_scripts,
        }))
    }

    pub(crate) fn is_under_way(&self) -> bool {
        self.row.outcome.is_none()
    }

    /// How many derivations are in each state that one is in.
    pub(crate) fn derivation_counts(&self) -> Vec<(DerivationState, usize)> {
        let count = |state| self.derivations.iter().filter(|derivation| derivation.outcome == state).count();
        DerivationState::ALL.iter().map(|&state| (state, count(state))).filter(|(_, count)| *count > 0).collect()
    }

    /// The derivations that took longest, of those that ran.
    pub(crate) fn expensive(&self) -> impl Iterator<Item = &DerivationDoc> {
        self.derivations.iter().filter(|derivation| derivation.elapsed_ms.is_some()).take(EXPENSIVE)
    }

    /// All logs, one after the other, for the file beside the page.
    pub(crate) fn log_text(&self) -> String {
        let mut all = String::new();
        for log in &self.logs {
            all.extend(["=== ", &log.name, " ===\n", log.text.trim_end_matches('\n'), "\n\n"]);
        }
        all
    }

    /// The share of units that were there already, in thousandths.
    pub(crate) fn reused_share(&self) -> u64 {
        let (reused, built) = (u64::from(self.row.reused), u64::from(self.row.built));
        per_mille(reused, reused + built)
    }

    /// Whether there are units to speak of.
    pub(crate) fn has_units(&self) -> bool {
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
                && !matches!(
                    record.outcome,
                    DerivationState::Built
                        | DerivationState::Reused
                        | DerivationState::Building
                        | DerivationState::Ended
                )
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
                html: ansi::html(&log.text[shown_from(&log.text)..]),
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

/// The lines that have a text in them, whatever the case of its letters.
fn found(logs: &[LogDoc], find: &str) -> Found {
    let wanted = find.to_lowercase();
    let mut found = Found { total: 0, lines: Vec::new() };
    for log in logs {
        for (place, line) in log.text.lines().enumerate().filter(|(_, line)| line.to_lowercase().contains(&wanted)) {
            found.total += 1;
            if found.lines.len() < FOUND {
                let text = clip(line, 400);
                found.lines.push(FoundLine { log: log.name.clone(), number: place + 1, text });
            }
        }
    }
    found
}
