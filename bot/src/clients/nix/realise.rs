//! Building.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::process::ExitStatus;
use std::time::Instant;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::sync::mpsc::UnboundedSender;

use super::config::Purpose;
use super::error::machine_problem;
use super::internal_json::read_line;
use super::outcome::{BuiltDerivation, DerivationOutcome, ExitBits, Facts, needed, outcomes, outermost};
use super::process::{batches, command, last_lines};
use super::trace::Traces;
use super::{Closure, Nix, NixError};

/// Something that happened in a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildEvent {
    /// A derivation is being built.
    Started {
        /// Its path.
        drv: String,
    },
    /// Its builder entered a phase.
    Phase {
        /// Its path.
        drv: String,
        /// The phase's name, as the builder gave it.
        phase: String,
    },
    /// Its builder printed a line.
    Log {
        /// Its path.
        drv: String,
        /// The line, without its end; control characters are as the builder printed them.
        line: String,
    },
    /// It is over, well or badly.
    Finished {
        /// Its path.
        drv: String,
        /// Time since it started; the report says whether this is exact.
        elapsed: std::time::Duration,
    },
}

/// What came of a build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildReport {
    /// Every derivation that had to be built, inputs before what needs them. What was there before is not in it.
    pub built: Vec<BuiltDerivation>,
    /// What Nix's exit code said.
    pub exit: ExitBits,
}

impl BuildReport {
    /// Whether all that was asked for is there.
    pub fn succeeded(&self) -> bool {
        self.built.iter().all(|derivation| derivation.outcome == DerivationOutcome::Built)
    }

    /// The derivations that failed themselves, so that others were not tried.
    pub fn causes(&self) -> impl Iterator<Item = &BuiltDerivation> {
        self.built.iter().filter(|derivation| {
            !matches!(derivation.outcome, DerivationOutcome::Built | DerivationOutcome::DependencyFailed)
        })
    }
}

/// A longer line is cut; Nix itself cuts a log before that at `max-build-log-size`.
const LONGEST_LINE: u64 = 8 * 1024 * 1024;

impl Nix {
    /// Builds derivations in the sandbox, without network, going on after failures. Must be called on a thread that lives as
    /// long as the program (see `namespaces`): when it ends, or this future is dropped, all builders are killed.
    pub async fn realise(&self, drvs: &[String], events: UnboundedSender<BuildEvent>) -> Result<BuildReport, NixError> {
        let closure = self.closure(drvs).await?;
        let before = self.invalid_paths(&closure.output_paths()).await?;
        let needed = needed(&closure, drvs, &before);
        if needed.is_empty() {
            return Ok(BuildReport::default());
        }
        let roots = outermost(&closure, drvs);
        let mut traces = Traces::new(&roots, usize::try_from(self.settings.max_log_bytes).unwrap_or(usize::MAX));
        let mut exit = ExitBits::default();
        for batch in batches(&roots) {
            exit = exit.or(self.run_build(batch, &mut traces, &events).await?);
        }
        let after = self.outputs_missing(&closure, &needed).await?;
        let facts = Facts {
            closure: &closure,
            roots: &roots,
            invalid: &after,
            exit,
            timeout: self.settings.timeout,
            max_silent: self.settings.max_silent,
        };
        Ok(BuildReport { built: outcomes(&facts, &needed, traces), exit })
    }

    async fn outputs_missing(&self, closure: &Closure, drvs: &[String]) -> Result<BTreeSet<String>, NixError> {
        let derivations = drvs.iter().filter_map(|drv| closure.derivations.get(drv));
        let outputs: Vec<String> =
            derivations.flat_map(|derivation| derivation.outputs.values().map(|output| output.path.clone())).collect();
        self.invalid_paths(&outputs).await
    }

    async fn run_build(
        &self,
        roots: &[String],
        traces: &mut Traces,
        events: &UnboundedSender<BuildEvent>,
    ) -> Result<ExitBits, NixError> {
        let scratch = self.folders.scratch()?;
        let mut inner: Vec<OsString> = vec![self.tools.nix_store.clone().into()];
        inner.extend(["--realise", "--keep-going", "--log-format", "internal-json"].map(OsString::from));
        inner.extend(roots.iter().map(OsString::from));
        let (program, arguments) = self.surroundings().wrap(&inner)?;
        let group = self.users.as_ref().map(|_| super::users::GROUP);
        let purpose = Purpose::Build { group, hook: &self.tools.truth, shown: &self.shown };
        let mut client = command(&program);
        self.environment(&mut client, &self.config(purpose));
        client.args(arguments).env("TMPDIR", scratch.path());
        // Ctrl-C is for us: we decide whether the build goes with us.
        client.process_group(0);
        let start_error = |source| NixError::Start { program: program.display().to_string(), source };
        let mut child = client.spawn().map_err(start_error)?;
        let (Some(mut stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(start_error(std::io::ErrorKind::BrokenPipe.into()));
        };
        let mut ignored = Vec::new();
        let (read, drained) =
            tokio::join!(follow(BufReader::new(stderr), traces, events), stdout.read_to_end(&mut ignored));
        read.and(drained.map(|_| ())).map_err(start_error)?;
        let status = child.wait().await.map_err(start_error)?;
        match status.code() {
            // Where no build failed for good, Nix has no bits to say so: one that fetches, or printed too much. What
            // breaks off a whole call names no build.
            Some(1) if traces.names_a_failure() => Ok(ExitBits { build_failed: true, ..ExitBits::default() }),
            Some(code) => ExitBits::from_code(code).ok_or_else(|| broken_off(status, traces)),
            None => Err(broken_off(status, traces)),
        }
    }
}

/// Reads the client's lines until it closes its end, stamping each.
async fn follow(
    mut lines: impl AsyncBufRead + Unpin,
    traces: &mut Traces,
    events: &UnboundedSender<BuildEvent>,
) -> std::io::Result<()> {
    let mut line = Vec::new();
    while next_line(&mut lines, &mut line).await? {
        if let Some(event) = traces.accept(read_line(&line), Instant::now()) {
            // Nobody has to listen.
            let _ = events.send(event);
        }
    }
    Ok(())
}

/// Reads a line into `line`, at most `LONGEST_LINE` of it, passing over the rest. False at the end.
async fn next_line(lines: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    if (&mut *lines).take(LONGEST_LINE).read_until(b'\n', line).await? == 0 {
        return Ok(false);
    }
    let mut rest = Vec::new();
    let mut whole = line.ends_with(b"\n");
    while !whole {
        rest.clear();
        let read = (&mut *lines).take(LONGEST_LINE).read_until(b'\n', &mut rest).await?;
        whole = read == 0 || rest.ends_with(b"\n");
    }
    Ok(true)
}

/// The error for a client that did not carry the build through.
fn broken_off(status: ExitStatus, traces: &Traces) -> NixError {
    let said = traces.messages.join("\n");
    if let Some(problem) = machine_problem(&said) {
        return problem;
    }
    let (status_text, message) = (status.to_string(), last_lines(&said, 20));
    if status.code().is_some() {
        NixError::Command { what: "`nix-store --realise`".to_owned(), status: status_text, message }
    } else {
        NixError::Interrupted { status: status_text, message }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::BufReader;

    use super::{LONGEST_LINE, next_line};

    #[tokio::test]
    async fn a_line_without_end_is_cut_and_the_next_is_read() {
        let mut text = vec![b'x'; usize::try_from(LONGEST_LINE).unwrap() + 5];
        text.extend_from_slice(b"\nnext\nlast");
        let mut lines = BufReader::new(text.as_slice());
        let mut line = Vec::new();
        assert!(next_line(&mut lines, &mut line).await.unwrap());
        assert_eq!(line.len() as u64, LONGEST_LINE);
        for expected in [&b"next\n"[..], b"last"] {
            assert!(next_line(&mut lines, &mut line).await.unwrap());
            assert_eq!(line, expected);
        }
        assert!(!next_line(&mut lines, &mut line).await.unwrap());
    }
}
