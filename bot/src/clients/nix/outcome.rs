//! From what was asked, what was seen and what is there afterwards, to an outcome for each derivation.
//!
//! Exit codes and messages only narrow it down: whether something is built is decided by the outputs being valid.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use crate::model::FailureClass;

use super::Closure;
use super::error::DISK_FULL;
use super::trace::{Trace, Traces};

/// How it ended for one derivation that had to be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DerivationOutcome {
    /// Its outputs are there.
    Built,
    /// Its builder failed.
    Failed,
    /// It was not tried, because something that it needs failed.
    DependencyFailed,
    /// It took too long, or was silent for too long.
    TimedOut,
    /// What it made does not have the hash that it had to have.
    HashMismatch,
}

impl DerivationOutcome {
    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Built => "built",
            Self::Failed => "failed",
            Self::DependencyFailed => "dependency_failed",
            Self::TimedOut => "timed_out",
            Self::HashMismatch => "hash_mismatch",
        }
    }
}

/// A derivation that had to be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltDerivation {
    /// The path of its file.
    pub drv: String,
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: DerivationOutcome,
    /// How long it was built, where that is known exactly. Unknown when it was not started, and when several of those
    /// that were asked for by name failed.
    pub elapsed: Option<Duration>,
    /// What its builder printed.
    pub log: String,
    /// What Nix said when it failed, without colours.
    pub message: Option<String>,
}

impl BuiltDerivation {
    /// The class of its failure; `None` when it was built.
    pub fn class(&self) -> Option<FailureClass> {
        match self.outcome {
            DerivationOutcome::Built => None,
            DerivationOutcome::DependencyFailed => Some(FailureClass::Dependency),
            DerivationOutcome::TimedOut => Some(FailureClass::Timeout),
            DerivationOutcome::HashMismatch => Some(FailureClass::Hash),
            DerivationOutcome::Failed => {
                let said = self.message.as_deref().unwrap_or_default();
                // A full disk may show only in the builder's own words. Near the end: earlier ones did not stop it.
                let end = super::process::last_lines(&self.log, 20);
                let full = DISK_FULL.iter().any(|sign| said.contains(sign) || end.contains(sign));
                let not_started = ["while setting up the build environment", "cloning builder process"]
                    .iter()
                    .any(|sign| said.contains(sign));
                Some(if full || not_started { FailureClass::Infrastructure } else { FailureClass::Build })
            }
        }
    }
}

/// What Nix's exit code says: `Worker::exitStatus` in its `src/libstore/build/worker.cc`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExitBits {
    /// Something could not be built.
    pub build_failed: bool,
    /// A build took too long.
    pub timed_out: bool,
    /// A fixed output had another hash.
    pub hash_mismatch: bool,
}

impl ExitBits {
    /// Reads an exit code; `None` if it is not one of a build that was carried through.
    pub fn from_code(code: i32) -> Option<Self> {
        match code {
            0 => Some(Self::default()),
            96..=111 => {
                Some(Self { build_failed: code & 4 != 0, timed_out: code & 1 != 0, hash_mismatch: code & 2 != 0 })
            }
            _ => None,
        }
    }

    /// Both together.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            build_failed: self.build_failed || other.build_failed,
            timed_out: self.timed_out || other.timed_out,
            hash_mismatch: self.hash_mismatch || other.hash_mismatch,
        }
    }
}

/// The derivations that have to be built for `roots`, inputs before what needs them. What has all its outputs needs no inputs.
pub(super) fn needed(closure: &Closure, roots: &[String], invalid: &BTreeSet<String>) -> Vec<String> {
    let mut order = Vec::new();
    let mut seen: HashSet<&str> = HashSet::new();
    // The second time a derivation comes up, all its inputs are in the order.
    let mut stack: Vec<(&str, bool)> = roots.iter().rev().map(|root| (root.as_str(), false)).collect();
    while let Some((drv, inputs_done)) = stack.pop() {
        if inputs_done {
            order.push(drv.to_owned());
        } else if is_invalid(closure, drv, invalid) && seen.insert(drv) {
            stack.push((drv, true));
            let inputs =
                closure.derivations.get(drv).into_iter().flat_map(|derivation| derivation.input_drvs.iter().rev());
            stack.extend(inputs.map(|input| (input.as_str(), false)));
        }
    }
    order
}

fn is_invalid(closure: &Closure, drv: &str, invalid: &BTreeSet<String>) -> bool {
    let Some(derivation) = closure.derivations.get(drv) else { return false };
    derivation.outputs.values().any(|output| invalid.contains(&output.path))
}

/// Those of `drvs` that no other of them needs: a derivation that was asked for by name is reported late.
pub(super) fn outermost(closure: &Closure, drvs: &[String]) -> Vec<String> {
    let mut inner: HashSet<&str> = HashSet::new();
    let mut stack: Vec<&str> = drvs.iter().map(String::as_str).collect();
    while let Some(drv) = stack.pop() {
        let Some(derivation) = closure.derivations.get(drv) else { continue };
        for input in &derivation.input_drvs {
            if inner.insert(input) {
                stack.push(input);
            }
        }
    }
    let mut kept: Vec<String> = drvs.iter().filter(|drv| !inner.contains(drv.as_str())).cloned().collect();
    kept.sort();
    kept.dedup();
    kept
}

/// What is known after a build.
pub(super) struct Facts<'a> {
    pub(super) closure: &'a Closure,
    pub(super) roots: &'a [String],
    /// Outputs that are not valid now.
    pub(super) invalid: &'a BTreeSet<String>,
    pub(super) exit: ExitBits,
    pub(super) timeout: Duration,
    pub(super) max_silent: Duration,
}

/// The outcome of each derivation in `needed`, in that order. Left out is what another client built meanwhile, and what
/// turned out not to be needed.
pub(super) fn outcomes(facts: &Facts<'_>, needed: &[String], mut traces: Traces) -> Vec<BuiltDerivation> {
    let failed_builds = traces.by_drv.keys().filter(|drv| is_invalid(facts.closure, drv, facts.invalid)).count();
    let mut bad: HashSet<&str> = HashSet::new();
    let mut all = Vec::new();
    for drv in needed {
        let Some(derivation) = facts.closure.derivations.get(drv) else { continue };
        let trace = traces.by_drv.remove(drv);
        let outcome = match (&trace, is_invalid(facts.closure, drv, facts.invalid)) {
            (Some(_), false) => DerivationOutcome::Built,
            (Some(trace), true) => how_it_failed(facts, drv, trace, traces.errors.get(drv), failed_builds == 1),
            (None, true) if derivation.input_drvs.iter().any(|input| bad.contains(input.as_str())) => {
                DerivationOutcome::DependencyFailed
            }
            (None, true) if facts.roots.contains(drv) => DerivationOutcome::Failed,
            (None, _) => continue,
        };
        if outcome != DerivationOutcome::Built {
            bad.insert(drv);
        }
        let message = if outcome == DerivationOutcome::Built { None } else { traces.errors.remove(drv) };
        let (elapsed, log) = match trace {
            Some(trace) => (trace.elapsed, trace.log.finish()),
            None => (None, String::new()),
        };
        all.push(BuiltDerivation { drv: drv.clone(), name: derivation.name.clone(), outcome, elapsed, log, message });
    }
    all
}

fn how_it_failed(
    facts: &Facts<'_>,
    drv: &str,
    trace: &Trace,
    error: Option<&String>,
    only_one: bool,
) -> DerivationOutcome {
    let said = |words: &str| error.is_some_and(|error| error.contains(words));
    let derivation = facts.closure.derivations.get(drv);
    let fixed = derivation.is_some_and(|derivation| derivation.outputs.values().any(|output| output.hash.is_some()));
    if facts.exit.hash_mismatch && fixed && (only_one || said("hash mismatch")) {
        return DerivationOutcome::HashMismatch;
    }
    // Nix checks its limits once a second.
    let slack = Duration::from_secs(1);
    let beyond = |measured: Duration, limit: Duration| !limit.is_zero() && measured + slack >= limit;
    // What was measured counts only where its end was seen: a late report looks like a long silence. 2.34 does not say
    // which build it was that "timed out".
    let long =
        trace.elapsed.is_some_and(|elapsed| beyond(elapsed, facts.timeout) || beyond(trace.silence, facts.max_silent));
    if facts.exit.timed_out && (only_one || said("timed out") || long) {
        return DerivationOutcome::TimedOut;
    }
    DerivationOutcome::Failed
}
