//! Nix's `--log-format internal-json`: one `@nix {…}` a line, without times.
//!
//! The numbers are those of `ActivityType` and `ResultType` in Nix's `src/libutil/logging.hh`, unchanged since 2.0. Builders can
//! print such lines themselves and Nix passes some on, but only phases and plain messages: starts, stops and errors
//! (which alone carry `raw_msg`) are Nix's own.

use serde_json::Value;

use super::process::plain_text;

/// What one line says, as far as it concerns us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// A derivation is being built.
    BuildStarted { activity: u64, drv: String },
    /// A derivation has been built and registered: Nix starts the hook for it.
    BuildSucceeded { drv: String },
    /// The activity that counts all builds.
    BuildsCounted { activity: u64 },
    /// How many builds have failed so far, by some activity that counts.
    FailedCount { activity: u64, failed: u64 },
    /// An activity is over.
    Stopped { activity: u64 },
    /// A line that the builder printed.
    Printed { activity: u64, line: String },
    /// The builder entered a phase.
    Phase { activity: u64, phase: String },
    /// An error of Nix's own.
    Error { message: String },
    /// Text that is not in this format: another program's.
    Foreign(String),
    /// Nothing for us.
    Other,
}

const BUILD: u64 = 105;
const BUILDS: u64 = 104;
const POST_BUILD_HOOK: u64 = 110;
const RESULT_LOG_LINE: u64 = 101;
const RESULT_PHASE: u64 = 104;
const RESULT_PROGRESS: u64 = 105;

/// Reads one line. Bytes that are not UTF-8 (2.8 passes on what a builder prints) are replaced, not refused.
pub(super) fn read_line(bytes: &[u8]) -> Line {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches(['\n', '\r']);
    let Some(json) = text.strip_prefix("@nix ") else {
        return Line::Foreign(plain_text(bytes).trim_end().to_owned());
    };
    match serde_json::from_str::<Value>(json) {
        Ok(value) => understand(&value),
        Err(_) => Line::Foreign(text.to_owned()),
    }
}

fn understand(value: &Value) -> Line {
    let number = |key: &str| value.get(key).and_then(Value::as_u64);
    let field = |index: usize| value.get("fields").and_then(|fields| fields.get(index));
    let text = |index: usize| field(index).and_then(Value::as_str).map(str::to_owned);
    let activity = number("id").unwrap_or_default();
    let line = match (value.get("action").and_then(Value::as_str), number("type")) {
        (Some("start"), Some(BUILD)) => text(0).map(|drv| Line::BuildStarted { activity, drv }),
        (Some("start"), Some(POST_BUILD_HOOK)) => text(0).map(|drv| Line::BuildSucceeded { drv }),
        (Some("start"), Some(BUILDS)) => Some(Line::BuildsCounted { activity }),
        (Some("stop"), _) => Some(Line::Stopped { activity }),
        (Some("result"), Some(RESULT_LOG_LINE)) => text(0).map(|line| Line::Printed { activity, line }),
        (Some("result"), Some(RESULT_PHASE)) => text(0).map(|phase| Line::Phase { activity, phase }),
        (Some("result"), Some(RESULT_PROGRESS)) => {
            field(3).and_then(Value::as_u64).map(|failed| Line::FailedCount { activity, failed })
        }
        (Some("msg"), _) => match (number("level"), value.get("msg").and_then(Value::as_str), value.get("raw_msg")) {
            (Some(0), Some(message), Some(_)) => Some(Line::Error { message: plain_text(message.as_bytes()) }),
            _ => None,
        },
        _ => None,
    };
    line.unwrap_or(Line::Other)
}

#[cfg(test)]
mod tests {
    use super::{Line, read_line};

    #[test]
    fn starts_logs_phases_and_stops_are_read() {
        let start = br#"@nix {"action":"start","fields":["/nix/store/x-a.drv","",1,1],"id":7,"level":3,"text":"building","type":105}"#;
        assert_eq!(read_line(start), Line::BuildStarted { activity: 7, drv: "/nix/store/x-a.drv".to_owned() });
        let log = br#"@nix {"action":"result","fields":["hello"],"id":7,"type":101}"#;
        assert_eq!(read_line(log), Line::Printed { activity: 7, line: "hello".to_owned() });
        let phase = br#"@nix {"action":"result","fields":["buildPhase"],"id":7,"type":104}"#;
        assert_eq!(read_line(phase), Line::Phase { activity: 7, phase: "buildPhase".to_owned() });
        assert_eq!(read_line(br#"@nix {"action":"stop","id":7}"#), Line::Stopped { activity: 7 });
        let hook = br#"@nix {"action":"start","fields":["/nix/store/x-a.drv"],"id":8,"level":3,"text":"","type":110}"#;
        assert_eq!(read_line(hook), Line::BuildSucceeded { drv: "/nix/store/x-a.drv".to_owned() });
        let count = br#"@nix {"action":"result","fields":[1,3,0,2],"id":5,"type":105}"#;
        assert_eq!(read_line(count), Line::FailedCount { activity: 5, failed: 2 });
    }

    #[test]
    fn an_error_loses_its_colours_and_one_that_a_builder_made_up_is_no_error() {
        let own = br#"@nix {"action":"msg","level":0,"msg":"\u001b[31;1merror:\u001b[0m builder failed","raw_msg":"builder failed"}"#;
        assert_eq!(read_line(own), Line::Error { message: "error: builder failed".to_owned() });
        let made_up = br#"@nix {"action":"msg","level":0,"msg":"error: builder failed"}"#;
        assert_eq!(read_line(made_up), Line::Other);
    }

    #[test]
    fn bytes_that_are_no_text_and_lines_that_are_no_json_are_kept() {
        let log = b"@nix {\"action\":\"result\",\"fields\":[\"a\xff\"],\"id\":7,\"type\":101}\n";
        assert_eq!(read_line(log), Line::Printed { activity: 7, line: "a\u{fffd}".to_owned() });
        assert_eq!(read_line(b"unshare: no\n"), Line::Foreign("unshare: no".to_owned()));
        assert_eq!(read_line(b"@nix {\"cut"), Line::Foreign("@nix {\"cut".to_owned()));
    }

    #[test]
    fn unknown_actions_are_passed_over() {
        assert_eq!(read_line(br#"@nix {"action":"later","id":1}"#), Line::Other);
        assert_eq!(read_line(br#"@nix {"action":"start","id":1,"type":105}"#), Line::Other);
    }
}
