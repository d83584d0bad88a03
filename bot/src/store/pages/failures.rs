//! Why packages fail: what they have in common.
//!
//! When a run ends badly, the first derivation that failed and the line of its log that says why are put beside it, and a
//! key in which what differs from package to package is left out. Packages with the same key fail for the same reason.

use jiff::Timestamp;

use crate::model::{AttrPath, FailureClass};
use crate::store::{RunId, Store, StoreError, codec};

/// How much of the end of a log is searched for the line that says why.
const TAIL: usize = 200;

/// A package whose newest attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedPackage {
    /// Its name in the overlay.
    pub attr: AttrPath,
    /// The release that failed.
    pub version: Option<String>,
    /// Why, for a person.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// When the bot tries again.
    pub next_attempt: Option<Timestamp>,
    /// The newest run that failed.
    pub run: Option<RunId>,
    /// Whose fault it is.
    pub class: Option<FailureClass>,
    /// The first derivation that failed.
    pub derivation: Option<String>,
    /// The line of its log that says why, else the failure's message.
    pub line: Option<String>,
    /// The same without what differs.
    pub key: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    attr: String,
    version: Option<String>,
    reason: String,
    state_since: String,
    next_attempt: Option<String>,
    id: Option<i64>,
    failure_class: Option<String>,
    failed_derivation: Option<String>,
    failure_line: Option<String>,
    failure_key: Option<String>,
}

impl Store {
    /// The packages that stand as failed, at most `limit`, by name.
    pub async fn failed_packages(&self, limit: u32) -> Result<Vec<FailedPackage>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT p.attr, p.version, p.reason, p.state_since, p.next_attempt, r.id, r.failure_class, r.failed_derivation, \
             r.failure_line, r.failure_key FROM packages p LEFT JOIN runs r ON r.id = \
             (SELECT max(id) FROM runs s WHERE s.attr = p.attr) AND r.outcome = 'failed' \
             WHERE p.configured = 1 AND p.state = 'failed' ORDER BY p.attr LIMIT ?",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::query("list what failed"))?;
        rows.into_iter()
            .map(|row| {
                Ok(FailedPackage {
                    attr: codec::read_text("package name", &row.attr)?,
                    version: row.version,
                    reason: row.reason,
                    since: codec::read_time("time of a state", &row.state_since)?,
                    next_attempt: codec::read_optional_time("time of the next attempt", row.next_attempt)?,
                    run: row.id.map(RunId),
                    class: codec::read_optional_text("failure class", row.failure_class)?,
                    derivation: row.failed_derivation,
                    line: row.failure_line,
                    key: row.failure_key,
                })
            })
            .collect()
    }

    /// What a failed run has in common with others, and how many packages stand as failed for it.
    pub async fn failing_alike(&self, run: RunId) -> Result<Option<(String, u32)>, StoreError> {
        let row: Option<(String, i64)> = sqlx::query_as(
            "SELECT failure_key, (SELECT count(*) FROM packages p JOIN runs s ON s.id = \
             (SELECT max(id) FROM runs WHERE attr = p.attr) WHERE p.configured = 1 AND p.state = 'failed' \
             AND s.outcome = 'failed' AND s.failure_key = r.failure_key) \
             FROM runs r WHERE id = ? AND failure_key IS NOT NULL",
        )
        .bind(run.0)
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::query("look for what fails alike"))?;
        row.map(|(key, count)| Ok((key, super::total(count)?))).transpose()
    }

    /// Puts down what a failed run has in common with others. Call it when its derivations and logs are kept.
    pub(in crate::store) async fn explain_failure(&self, run: RunId) -> Result<(), StoreError> {
        let failed = || StoreError::query("put down why a run failed");
        let row: Option<(String, String, String, String)> = sqlx::query_as(
            "SELECT attr, version, failure_class, failure_message FROM runs WHERE id = ? AND failure_message IS NOT NULL",
        )
        .bind(run.0)
        .fetch_optional(&self.pool)
        .await
        .map_err(failed())?;
        let Some((attr, version, class, message)) = row else { return Ok(()) };
        // The first in the order in which they printed something; what never printed comes last.
        let derivation: Option<(String, Option<String>)> = sqlx::query_as(
            "SELECT d.name, l.text FROM derivations d LEFT JOIN logs l ON l.run = d.run AND l.name = d.name \
             WHERE d.run = ? AND d.outcome IN ('failed', 'timed_out', 'hash_mismatch') \
             ORDER BY l.rowid IS NULL, l.rowid, d.drv LIMIT 1",
        )
        .bind(run.0)
        .fetch_optional(&self.pool)
        .await
        .map_err(failed())?;
        let (name, log) = derivation.map_or((None, None), |(name, log)| (Some(name), log));
        let line = log.as_deref().and_then(telling_line).unwrap_or(message);
        let own = name.as_deref().map(|name| without_own_name(name, &attr, &version));
        let key = format!("{class} | {} | {}", own.unwrap_or_default(), normalised(&line, &attr, &version));
        sqlx::query("UPDATE runs SET failed_derivation = ?, failure_line = ?, failure_key = ? WHERE id = ?")
            .bind(name)
            .bind(line)
            .bind(key)
            .bind(run.0)
            .execute(&self.pool)
            .await
            .map_err(failed())?;
        Ok(())
    }
}

/// The line near the end of a log that says why: the first of its end that names an error, else the last one.
fn telling_line(log: &str) -> Option<String> {
    let plain = crate::message::text::plain_log(log);
    let mut lines: Vec<&str> = plain.lines().rev().map(str::trim).filter(|line| !line.is_empty()).take(TAIL).collect();
    lines.reverse();
    let errs = |line: &&&str| {
        let lower = line.to_lowercase();
        lower.starts_with("error")
            || lower.contains("error:")
            || lower.contains("error[")
            || lower.contains("fatal:")
            || lower.contains("panicked at")
            || lower.starts_with("npm err")
    };
    let line = lines.iter().find(errs).or(lines.last())?;
    Some(crate::message::text::clip(line, 300))
}

/// A derivation's name, where its own package and version stand for themselves.
fn without_own_name(derivation: &str, attr: &str, version: &str) -> String {
    derivation.replace(version, "VERSION").replace(attr, "PACKAGE")
}

/// A message without what differs from package to package: its own name and version, store paths, line numbers, ids, times.
fn normalised(line: &str, attr: &str, version: &str) -> String {
    let line = crate::message::text::one_line(line);
    let mut words = Vec::new();
    for word in line.split(' ') {
        let word = without_own_name(word, attr, version);
        let word = match word.split_once("/nix/store/") {
            // The hash differs even where the name does not.
            Some((before, path)) => format!("{before}{}", path.get(33..).unwrap_or_default()),
            None => word,
        };
        let mut short = String::with_capacity(word.len());
        for c in word.chars() {
            if !c.is_ascii_digit() {
                short.push(c);
            } else if !short.ends_with('#') {
                short.push('#');
            }
        }
        words.push(short);
    }
    // Error codes say what it is, so they stay as they are.
    let code =
        line.split(['[', ']']).nth(1).filter(|code| code.starts_with('E') && code.len() == 5).unwrap_or_default();
    format!("{code} {}", words.join(" ")).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{normalised, telling_line};

    #[test]
    fn what_differs_from_package_to_package_is_left_out() {
        let of = |line: &str| normalised(line, "hexyl", "0.16.0");
        insta::assert_snapshot!(of("error[E0658]: `let` in hexyl 0.16.0 at src/main.rs:74:12"), @"E0658 error[E#]: `let` in PACKAGE VERSION at src/main.rs:#:#");
        insta::assert_snapshot!(of("cannot open /nix/store/0123456789abcdfghijklmnpqrsvwxyz-libc-1.2/lib.rs"), @"cannot open libc-#.#/lib.rs");
        assert_ne!(of("error[E0658]: x"), of("error[E0277]: x"));
    }

    #[test]
    fn the_line_that_tells_is_the_first_error_near_the_end() {
        let log = "Compiling\n\u{1b}[31merror[E0658]\u{1b}[0m: unstable\n --> src/main.rs\nerror: could not compile\n";
        assert_eq!(telling_line(log).as_deref(), Some("error[E0658]: unstable"));
        assert_eq!(telling_line("one\ntwo\n\n").as_deref(), Some("two"));
        assert_eq!(telling_line("\n"), None);
    }
}
