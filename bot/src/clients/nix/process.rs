//! Starting programs: scrubbed environment, a limit on time, nothing left behind when the caller goes away.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::Command;

use super::NixError;
use super::error::machine_problem;

/// A call with an empty environment, no input, and whose process is killed when its handle is dropped.
pub(super) fn command(program: &Path) -> Command {
    #[expect(clippy::disallowed_methods, reason = "this is a client, and the one place in it that makes commands")]
    let mut command = Command::new(program);
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// What a call printed.
#[derive(Debug)]
pub(super) struct Printed {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
    pub(super) status: ExitStatus,
}

impl Printed {
    /// The lines of standard output.
    pub(super) fn lines(&self) -> Vec<String> {
        String::from_utf8_lossy(&self.stdout).lines().map(str::to_owned).collect()
    }
}

/// Runs a call to its end; `what` names it in errors.
pub(super) async fn run(command: &mut Command, what: &str, limit: Duration) -> Result<Printed, NixError> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let running = command.output();
    let output = match tokio::time::timeout(limit, running).await {
        Ok(output) => output.map_err(|source| NixError::Start { program, source })?,
        Err(_) => return Err(NixError::TimedOut { what: what.to_owned(), after: limit }),
    };
    let stderr = plain_text(&output.stderr);
    Ok(Printed { stdout: output.stdout, stderr, status: output.status })
}

/// As `run`, and anything but success is an error.
pub(super) async fn run_ok(command: &mut Command, what: &str, limit: Duration) -> Result<Printed, NixError> {
    let printed = run(command, what, limit).await?;
    if printed.status.success() { Ok(printed) } else { Err(failure(what, &printed)) }
}

/// The error for a call that ended badly.
pub(super) fn failure(what: &str, printed: &Printed) -> NixError {
    machine_problem(&printed.stderr).unwrap_or_else(|| NixError::Command {
        what: what.to_owned(),
        status: printed.status.to_string(),
        message: last_lines(&printed.stderr, 20),
    })
}

/// Text without colours and other control sequences, whatever bytes it came as.
pub(super) fn plain_text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            // ECMA-48: ESC [ parameters, then a final character from @ to ~.
            '\u{1b}' if characters.peek() == Some(&'[') => {
                characters.next();
                for next in characters.by_ref() {
                    if ('@'..='~').contains(&next) {
                        break;
                    }
                }
            }
            '\n' | '\t' => plain.push(character),
            other if other.is_control() => {}
            other => plain.push(other),
        }
    }
    plain
}

/// The end of a message, which is where programs say why.
pub(super) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// Splits arguments into groups that fit a command line. The kernel takes 128 KiB for one argument and 2 MiB in all by
/// default, the environment included.
pub(super) fn batches<T: AsRef<OsStr>>(arguments: &[T]) -> Vec<&[T]> {
    const BYTES: usize = 512 * 1024;
    let mut batches = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, argument) in arguments.iter().enumerate() {
        // A pointer and a NUL come with each.
        let cost = argument.as_ref().len() + 9;
        if bytes + cost > BYTES && index > start {
            batches.push(&arguments[start..index]);
            (start, bytes) = (index, 0);
        }
        bytes += cost;
    }
    if start < arguments.len() {
        batches.push(&arguments[start..]);
    }
    batches
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::{batches, command, plain_text, run, run_ok};
    use crate::clients::nix::NixError;

    #[test]
    fn colours_and_broken_bytes_do_not_survive() {
        assert_eq!(plain_text(b"\x1b[31;1merror:\x1b[0m bad \xff\x07 byte\r\n"), "error: bad \u{fffd} byte\n");
    }

    #[test]
    fn batches_keep_order_and_lose_nothing() {
        let arguments: Vec<String> = (0..20_000).map(|number| format!("/nix/store/{number:0>60}")).collect();
        let batches = batches(&arguments);
        assert!(batches.len() > 1);
        assert_eq!(batches.concat(), arguments);
        assert!(super::batches::<String>(&[]).is_empty());
    }

    #[tokio::test]
    async fn no_variable_of_ours_reaches_a_program() {
        let printed = run(&mut command(Path::new("/usr/bin/env")), "env", Duration::from_secs(60)).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&printed.stdout), "");
    }

    #[tokio::test]
    async fn a_call_that_hangs_is_stopped_and_named() {
        let mut sleep = command(Path::new("/bin/sleep"));
        let error = run(sleep.arg("1000"), "the nap", Duration::from_millis(50)).await.unwrap_err();
        assert!(matches!(error, NixError::TimedOut { .. }), "{error}");
        assert!(error.to_string().starts_with("the nap took longer"), "{error}");
    }

    #[tokio::test]
    async fn a_failing_call_says_what_it_printed() {
        let mut shell = command(Path::new("/bin/sh"));
        let error =
            run_ok(shell.args(["-c", "echo why >&2; exit 3"]), "the call", Duration::from_secs(60)).await.unwrap_err();
        assert_eq!(error.to_string(), "the call failed (exit status: 3): why");
    }
}
