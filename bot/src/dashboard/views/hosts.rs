//! The hosts of upstreams: which answer, which are left alone, how much they still allow.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Source;
use crate::store::{HostRecord, StoreError};

/// What is known of the hosts.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Hosts {
    /// Those in trouble first.
    pub(crate) hosts: Vec<HostDoc>,
}

/// A host.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct HostDoc {
    pub(crate) host: String,
    pub(crate) is_well: bool,
    pub(crate) answered: u32,
    pub(crate) failed: u32,
    pub(crate) failed_in_row: u32,
    pub(crate) last_answer: Option<Timestamp>,
    pub(crate) last_error: Option<String>,
    pub(crate) last_error_at: Option<Timestamp>,
    /// Until when it is left alone, if it is.
    pub(crate) paused_until: Option<Timestamp>,
    pub(crate) rate_limit: Option<u32>,
    pub(crate) rate_remaining: Option<u32>,
    pub(crate) rate_reset: Option<Timestamp>,
}

impl HostDoc {
    fn of(host: HostRecord, now: Timestamp) -> Self {
        Self {
            is_well: host.failed_in_row == 0,
            paused_until: host.paused_until.filter(|until| *until > now),
            host: host.host,
            answered: host.answered,
            failed: host.failed,
            failed_in_row: host.failed_in_row,
            last_answer: host.last_answer,
            last_error: host.last_error,
            last_error_at: host.last_error_at,
            rate_limit: host.rate_limit,
            rate_remaining: host.rate_remaining,
            rate_reset: host.rate_reset,
        }
    }
}

impl Hosts {
    pub(crate) async fn load(source: Source<'_>) -> Result<Self, StoreError> {
        let hosts = source.store.hosts().await?;
        Ok(Self { hosts: hosts.into_iter().map(|host| HostDoc::of(host, source.now)).collect() })
    }
}
