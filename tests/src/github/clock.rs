//! The time, in one place: what the fake hands out has to be near the program's own, because tokens end.

use jiff::Timestamp;

/// Now.
pub(super) fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "a server of its own, with the machine's time as the program has")]
    Timestamp::now()
}

/// The form of GitHub's times, `2026-01-02T03:04:05Z`.
pub(super) fn text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
