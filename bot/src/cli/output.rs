//! What goes to the terminal: plain text, with colours only where they are welcome.

use std::io::{self, IsTerminal as _, Write as _};

/// Whether to colour a stream: it is a terminal, and neither `NO_COLOR` nor a dumb terminal forbids it.
pub(super) fn colours_wanted(is_terminal: bool) -> bool {
    is_terminal
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// How a piece of text is meant.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tone {
    Good,
    Bad,
    Quiet,
}

/// `text`, coloured for standard output if that is wanted.
pub(super) fn toned(tone: Tone, text: &str) -> String {
    if !colours_wanted(io::stdout().is_terminal()) {
        return text.to_owned();
    }
    let code = match tone {
        Tone::Good => "32",
        Tone::Bad => "31",
        Tone::Quiet => "2",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

/// Prints to standard output; a reader that went away (`| head`) is not an error.
pub(super) fn print(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Prints an error to standard error.
pub(super) fn error(message: &str) {
    let prefix = if colours_wanted(io::stderr().is_terminal()) { "\u{1b}[1;31merror:\u{1b}[0m" } else { "error:" };
    let _ = writeln!(io::stderr(), "{prefix} {message}");
}

/// A duration for a person: `0.4s`, `12s`, `3m 05s`.
pub(super) fn duration(elapsed: std::time::Duration) -> String {
    let seconds = elapsed.as_secs();
    match seconds {
        0..10 => format!("{:.1}s", elapsed.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        _ => format!("{}m {:02}s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::duration;

    #[test]
    fn durations_are_as_precise_as_a_person_wants() {
        assert_eq!(duration(Duration::from_millis(440)), "0.4s");
        assert_eq!(duration(Duration::from_secs(12)), "12s");
        assert_eq!(duration(Duration::from_secs(185)), "3m 05s");
    }
}
