//! What is written down for the pages alone: who maintains what, how hosts answer, what a build prints while it goes on.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::{Bot, CycleError};
use crate::clients::http::HostReport;
use crate::clients::nix::BuildEvent;
use crate::clients::osv::Answer;
use crate::model::AttrPath;
use crate::stages::build::short_name;
use crate::store::{AdvisoryRecord, DerivationRecord, DerivationState, HostRecord, RunId, StoreError};

/// How long what a build prints is gathered before it is written.
const GATHER: Duration = Duration::from_millis(400);

/// How many lines of a run are shown while it goes on; its logs are kept whole at its end.
const MOST_LINES: usize = 20_000;

impl Bot {
    /// Who maintains what, by the configuration.
    pub(super) fn maintainers(&self) -> Vec<(AttrPath, Vec<String>)> {
        let logins =
            |package: &crate::config::Package| package.policy.maintainers.iter().map(ToString::to_string).collect();
        self.config.packages.iter().map(|(attr, package)| (attr.clone(), logins(package))).collect()
    }

    /// How hosts answered since this was last written down.
    pub(super) async fn record_hosts(&self) -> Result<(), CycleError> {
        let reports = self.builder.http.reports().into_iter().chain(self.osv.reports());
        let records: Vec<HostRecord> = reports.map(record).collect();
        Ok(self.store.record_hosts(&records).await?)
    }

    /// What the database of advisories says of what was asked about.
    pub(super) async fn record_advisories(&self, asked: Vec<String>, answer: &Answer) -> Result<(), StoreError> {
        let found = answer.advisories.iter().flat_map(|(purl, advisories)| {
            advisories.iter().map(|advisory| AdvisoryRecord {
                purl: purl.clone(),
                id: advisory.id.clone(),
                severity: advisory.severity.clone(),
                summary: advisory.summary.clone(),
            })
        });
        self.store.record_advisories(&asked, &found.collect::<Vec<_>>()).await
    }

    /// Writes down what a build does and prints while it goes on, until there is nothing more to come. That this fails stops no
    /// build: the end of the run writes down everything that counts.
    pub(super) async fn follow_build(&self, run: RunId, mut events: mpsc::UnboundedReceiver<BuildEvent>) {
        let mut gathered = Gathered::default();
        let mut is_open = true;
        while is_open {
            let Some(event) = events.recv().await else { break };
            gathered.take(event);
            let until = Instant::now() + GATHER;
            loop {
                tokio::select! {
                    event = events.recv() => if let Some(event) = event {
                        gathered.take(event);
                    } else {
                        is_open = false;
                        break;
                    },
                    () = sleep_until(until) => break,
                }
            }
            if let Err(error) = self.write_gathered(run, &mut gathered).await {
                tracing::warn!("what a build prints cannot be shown while it goes on: {error}");
                return;
            }
        }
    }

    async fn write_gathered(&self, run: RunId, gathered: &mut Gathered) -> Result<(), StoreError> {
        let records: Vec<DerivationRecord> = std::mem::take(&mut gathered.states).into_values().collect();
        if !records.is_empty() {
            self.store.record_derivations(run, &records).await?;
        }
        let lines = std::mem::take(&mut gathered.lines);
        if lines.is_empty() { Ok(()) } else { self.store.add_live_lines(run, &lines).await }
    }
}

fn record(report: HostReport) -> HostRecord {
    let (last_error, last_error_at) = report.last_error.unzip();
    let (rate_limit, rate_remaining) = report.limit.unzip();
    HostRecord {
        host: report.host,
        answered: report.answered,
        failed: report.failed,
        failed_in_row: report.failed_in_row,
        last_answer: report.last_answer,
        last_error,
        last_error_at,
        paused_until: report.paused_until,
        rate_limit,
        rate_remaining,
        rate_reset: report.reset,
    }
}

/// What happened since it was last written.
#[derive(Default)]
struct Gathered {
    states: BTreeMap<String, DerivationRecord>,
    /// Derivation and text; lines of one derivation that follow one another are one text.
    lines: Vec<(String, String)>,
    count: usize,
}

impl Gathered {
    fn take(&mut self, event: BuildEvent) {
        match event {
            BuildEvent::Started { drv } => self.state(drv, DerivationState::Building, None),
            BuildEvent::Finished { drv, elapsed } => self.state(drv, DerivationState::Ended, Some(elapsed)),
            BuildEvent::Phase { .. } => {}
            BuildEvent::Log { drv, line } => self.line(short_name(&drv), &line),
        }
    }

    fn state(&mut self, drv: String, outcome: DerivationState, elapsed: Option<Duration>) {
        let name = short_name(&drv).to_owned();
        self.states.insert(drv.clone(), DerivationRecord { drv, name, outcome, elapsed });
    }

    fn line(&mut self, name: &str, line: &str) {
        self.count += 1;
        let line = match self.count {
            0..MOST_LINES => line,
            MOST_LINES => "(more than can be shown; the whole log is here when the run has ended)",
            _ => return,
        };
        match self.lines.last_mut() {
            Some((last, text)) if last == name => {
                text.push('\n');
                text.push_str(line);
            }
            _ => self.lines.push((name.to_owned(), line.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BuildEvent, DerivationState, Gathered, MOST_LINES};

    #[test]
    fn lines_are_gathered_by_derivation_and_the_newest_state_counts() {
        let drv = |name: &str| format!("/nix/store/0123456789abcdfghijklmnpqrsvwxyz-{name}.drv");
        let mut gathered = Gathered::default();
        let log = |name: &str, line: &str| BuildEvent::Log { drv: drv(name), line: line.to_owned() };
        gathered.take(BuildEvent::Started { drv: drv("a-1") });
        for event in [log("a-1", "one"), log("a-1", "two"), log("b-1", "other"), log("a-1", "three")] {
            gathered.take(event);
        }
        gathered.take(BuildEvent::Finished { drv: drv("a-1"), elapsed: std::time::Duration::from_secs(2) });
        let lines: Vec<_> = gathered.lines.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(lines, [("a-1", "one\ntwo"), ("b-1", "other"), ("a-1", "three")]);
        assert_eq!(gathered.states[&drv("a-1")].outcome, DerivationState::Ended);
        for _ in 0..MOST_LINES + 10 {
            gathered.take(log("a-1", "x"));
        }
        assert!(gathered.lines.iter().map(|(_, text)| text.lines().count()).sum::<usize>() <= MOST_LINES);
    }
}
