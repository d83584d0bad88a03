//! Figures for Prometheus, in the text form of OpenMetrics 1.0. All are read from the store at the moment of asking, so that a
//! restart loses nothing and a second process may show them.

#[cfg(test)]
mod tests;

use std::fmt;

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use crate::store::{Figures, Store, StoreError};

/// The content type of [`render`].
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Reads the figures and writes them down; `is_well` is what `/health` says.
pub(crate) async fn load(store: &Store, is_well: bool) -> Result<String, StoreError> {
    Ok(render(store.figures().await?, is_well))
}

/// The figures as text.
pub(crate) fn render(figures: Figures, is_well: bool) -> String {
    let mut registry = Registry::with_prefix("nixwright");
    registry.register_collector(Box::new(Page { figures, is_well }));
    let mut page = String::new();
    // Writing to a string cannot fail, and what a collector returns is the writer's.
    let _ = text::encode(&mut page, &registry);
    page
}

#[derive(Debug)]
struct Page {
    figures: Figures,
    is_well: bool,
}

impl Collector for Page {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let figures = &self.figures;
        let mut page = Writer(encoder);
        let version = vec![("version", env!("CARGO_PKG_VERSION"))];
        page.gauge("build", "The program, by its version", None, [(version, 1.0)])?;
        page.gauge(
            "well",
            "Whether a look at the upstreams got through lately",
            None,
            [(vec![], f64::from(u8::from(self.is_well)))],
        )?;
        let states = figures.packages.iter().map(|(state, ecosystem, count)| {
            (vec![("state", state.as_str()), ("ecosystem", ecosystem.as_str())], float(*count))
        });
        page.gauge("packages", "Configured packages", None, states)?;
        let outcomes = figures.runs.iter().map(|(outcome, count)| (vec![("outcome", outcome.as_str())], *count));
        page.counter("runs", "Attempts at releases that have ended", outcomes)?;
        page.gauge("runs_under_way", "Attempts under way", None, [(vec![], float(figures.running))])?;
        let jobs = figures
            .jobs
            .iter()
            .map(|(kind, state, count)| (vec![("kind", kind.as_str()), ("state", state.as_str())], float(*count)));
        page.gauge("jobs", "Jobs in the queue", None, jobs)?;
        let oldest = figures.oldest_due_seconds.iter().map(|seconds| (vec![], *seconds));
        page.gauge("queue_oldest_due", "How long the oldest job that is due waits", Some(&Unit::Seconds), oldest)?;
        let requests =
            figures.pull_requests.iter().map(|(state, count)| (vec![("state", state.as_str())], float(*count)));
        page.gauge("pull_requests", "Pull requests", None, requests)?;
        let at = |time: Option<Timestamp>| time.map(|at| (vec![], seconds(at)));
        page.gauge(
            "last_cycle_timestamp",
            "When a look at the upstreams last ended",
            Some(&Unit::Seconds),
            at(figures.last_cycle),
        )?;
        page.gauge(
            "last_good_cycle_timestamp",
            "When one last ended in which not everything failed",
            Some(&Unit::Seconds),
            at(figures.last_good_cycle),
        )?;
        page.gauge("database_size", "The store", Some(&Unit::Bytes), [(vec![], float(figures.bytes))])
    }
}

struct Writer<'a>(DescriptorEncoder<'a>);

type Labels<'a> = Vec<(&'a str, &'a str)>;

impl Writer<'_> {
    fn gauge<'a>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        values: impl IntoIterator<Item = (Labels<'a>, f64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, unit, MetricType::Gauge)?;
        for (labels, value) in values {
            ConstGauge::new(value).encode(metric.encode_family(&labels.as_slice())?)?;
        }
        Ok(())
    }

    fn counter<'a>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (Labels<'a>, u64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in values {
            ConstCounter::new(value).encode(metric.encode_family(&labels.as_slice())?)?;
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "nothing here is counted so far")]
fn float(count: u64) -> f64 {
    count as f64
}

/// Seconds since 1970.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of any year that matters are exact")]
fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}
