//! Progress bars on standard error; none where that is not a terminal (indicatif sees to it).

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// The bars of one command.
#[derive(Debug, Clone, Default)]
pub(super) struct Bars(MultiProgress);

impl Bars {
    /// A bar for work of a length that becomes known as it goes on.
    pub(super) fn bar(&self, what: &str) -> ProgressBar {
        let style = ProgressStyle::with_template("{prefix:>24} [{bar:28}] {pos}/{len} {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        let bar = self.0.add(ProgressBar::new(0).with_style(style));
        bar.set_prefix(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }
}
