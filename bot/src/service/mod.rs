//! The bot as a service: it looks when the schedule says so, works through the queue, shows its pages, and stops when asked.
//!
//! Two loops run side by side, so that a long build keeps nobody from looking: one asks the forge and the upstreams, one
//! brings updates in. Whatever fails is told and tried again at the next time; only the configuration and the machine can
//! keep the service from starting.

mod health;
mod pages;
mod timetable;

use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Notify, watch};

use self::health::Health;
pub use self::pages::{ServeError, bind, show};
use self::timetable::Timetable;
use crate::dashboard::{Actions, App, Oversight, Site};
use crate::pipeline::{Bot, CycleSummary};
use crate::store::{JobKind, StoreError};

/// No sleep is longer: a clock that was set, or a lid that was opened, is noticed by then.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// How soon the schedule, and what people ask for on the pages, is looked at again.
const SHORT_SLEEP: Duration = Duration::from_secs(2);

/// How long updates rest after the store or the forge failed them.
const REST: Duration = Duration::from_secs(60);

/// Where the service shows what it does.
#[derive(Debug)]
pub struct Shown {
    /// An open port.
    pub listener: TcpListener,
    /// What the pages say of the overlay.
    pub site: Site,
    /// Who may act on them.
    pub actions: Option<Actions>,
}

struct Service<'a> {
    bot: &'a Bot,
    health: Health,
    /// Taken by whatever builds.
    machine: Mutex<()>,
    /// There may be an update to do.
    updates: Notify,
    /// What the alarm goes by.
    oversight: Oversight,
}

/// Runs until `stop` becomes true; what was under way then is put back into the queue.
///
/// # Errors
/// When the pages cannot be served any more, or the store cannot be left in order.
pub async fn run(bot: &Bot, shown: Shown, mut stop: watch::Receiver<bool>) -> Result<(), ServiceError> {
    let settings = &bot.config.service;
    let oversight =
        Oversight { schedule: settings.schedule.clone(), alarm_after: settings.alarm_after, since: bot.clock.now() };
    let service = Service {
        bot,
        health: Health::default(),
        machine: Mutex::new(()),
        updates: Notify::new(),
        oversight: oversight.clone(),
    };
    let Shown { listener, site, actions } = shown;
    let mut app = App::new(bot.store.clone(), site, bot.clock.clone());
    (app.oversight, app.actions) = (Some(oversight), actions);
    let mut stopped = stop.clone();
    let until = async move {
        // The sender goes away with the program only.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let server = pages::serve(listener, app, until);
    let work = async {
        tokio::join!(service.look(), service.update());
    };
    tokio::select! {
        result = server => result.map_err(ServiceError::Serve)?,
        () = work => {}
        // Builders end with their client, and what was begun on the forge was written down.
        _ = stop.wait_for(|stop| *stop) => {}
    }
    bot.store.leave().await?;
    Ok(())
}

/// Why the service ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The server.
    #[error("the pages cannot be served any more: {0}")]
    Serve(#[source] std::io::Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Service<'_> {
    /// Looks at the forge and the upstreams when that is due.
    async fn look(&self) {
        let mut is_begun = false;
        loop {
            let due = match Timetable::load(self.bot).await {
                Ok(timetable) => timetable.due(self.bot.clock.now()),
                Err(error) => {
                    tracing::error!("the times of the schedule cannot be read: {error}");
                    tokio::time::sleep(REST).await;
                    continue;
                }
            };
            if !due.is_now() {
                self.watch_over().await;
                if !self.is_asked().await {
                    tokio::time::sleep(due.rest(self.bot.clock.now()).min(SHORT_SLEEP)).await;
                    continue;
                }
            }
            let started = self.bot.clock.now();
            tracing::info!(packages = due.packages.len(), reason = %due.reason, "looking at upstreams");
            let looked = async {
                // First of all that the times are used up: what fails is tried again at the next one.
                due.use_up(self.bot, started).await?;
                if is_begun {
                    self.bot.observe().await?;
                } else {
                    self.bot.begin().await?;
                    is_begun = true;
                }
                self.bot.queue_checks(&due.packages, due.reason).await?;
                let mut summary = CycleSummary::default();
                if let Ok(_building) = self.machine.try_lock() {
                    self.bot.update_common(&mut summary).await?;
                    self.bot.update_lock(&mut summary).await?;
                    for told in [&summary.common, &summary.lock].into_iter().flatten() {
                        tracing::info!("{told}");
                    }
                }
                summary.packages = self.bot.check_lane().await?;
                self.bot.record_cycle(started, &summary).await
            };
            if let Err(error) = looked.await {
                tracing::error!("{error}; the next look is made when the schedule says so");
                if !due.is_now() {
                    // What somebody asked for is still there; it is not to be tried without a pause.
                    tokio::time::sleep(REST).await;
                }
            }
            self.updates.notify_one();
        }
    }

    /// Whether somebody asked for a look that the schedule does not know of.
    async fn is_asked(&self) -> bool {
        let next = self.bot.store.next_due(JobKind::Check).await.ok().flatten();
        next.is_some_and(|next| next <= self.bot.clock.now())
    }

    /// Raises the alarm when no look has got through for too long, and ends it when one has.
    async fn watch_over(&self) {
        match self.oversight.alarm(&self.bot.store, self.bot.clock.now()).await {
            Ok(alarm) => self.alarm(alarm),
            Err(error) => self.alarm(Some(format!("the store cannot be read: {error}"))),
        }
    }

    fn alarm(&self, alarm: Option<String>) {
        if self.health.set(alarm.clone()) {
            if let Some(alarm) = alarm {
                tracing::error!("{alarm}");
            } else {
                tracing::warn!("a look at the upstreams has got through again");
            }
        }
    }

    /// Brings updates in, one after another.
    async fn update(&self) {
        // The first look makes what updates build on.
        self.updates.notified().await;
        loop {
            let mut summary = CycleSummary::default();
            let updated = match self.bot.next_update().await {
                Ok(Some(lease)) => {
                    let _building = self.machine.lock().await;
                    self.bot.do_update(lease, &mut summary).await.map(Some)
                }
                Ok(None) => Ok(None),
                Err(error) => Err(error),
            };
            match updated {
                Ok(Some(results)) => {
                    for result in results.iter().flatten() {
                        tracing::info!(package = %result.attr, "{}", result.detail);
                    }
                    if let Err(error) = self.bot.move_stable(&mut summary).await {
                        tracing::error!("`stable` cannot be moved: {error}");
                    }
                }
                Ok(None) => self.wait_for_update().await,
                Err(error) => {
                    tracing::error!("{error}; it is tried again later");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }

    async fn wait_for_update(&self) {
        let next = self.bot.store.next_due(JobKind::Update).await.ok().flatten();
        let rest = next.map_or(LONGEST_SLEEP, |next| until(self.bot.clock.now(), next));
        tokio::select! {
            () = self.updates.notified() => {}
            () = tokio::time::sleep(rest.clamp(Duration::from_millis(100), LONGEST_SLEEP)) => {}
        }
    }
}

/// The time between; none if it has passed.
fn until(now: Timestamp, then: Timestamp) -> Duration {
    then.duration_since(now).try_into().unwrap_or(Duration::ZERO)
}
