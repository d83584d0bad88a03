//! Killing the program, and what must be true afterwards.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long the system may take to clear up after a killed process.
const PATIENCE: Duration = Duration::from_secs(30);

/// A process by number and start, since numbers come again.
pub type Process = (u32, String);

/// Kills the program that runs now with SIGKILL, from wherever it is called.
#[derive(Debug, Clone, Default)]
pub struct Killer {
    id: Arc<AtomicU32>,
    began: Arc<std::sync::Mutex<BTreeSet<Process>>>,
}

impl Killer {
    /// Aims at a process that was just started.
    pub fn aim(&self, child: &Child) {
        self.id.store(child.id(), Ordering::SeqCst);
    }

    /// Kills it, once, after having noted all that it had started; nothing if it was killed before.
    pub fn kill(&self) {
        let id = self.id.swap(0, Ordering::SeqCst);
        if id == 0 {
            return;
        }
        let mut began = self.began.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        began.extend(descendants(id));
        let status = crate::process::command("kill").args(["-KILL", &id.to_string()]).status();
        assert!(status.is_ok(), "kill can be run");
    }

    /// Aims at nothing any more, since the program has ended by itself and its number may come again.
    pub fn put_down(&self) {
        self.id.store(0, Ordering::SeqCst);
    }

    /// Fails the test unless everything that killed programs had started is gone soon.
    pub fn expect_no_orphans(&self) {
        let began = std::mem::take(&mut *self.began.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        let start = Instant::now();
        loop {
            let left: Vec<&Process> =
                began.iter().filter(|process| start_of(process.0).as_ref() == Some(&process.1)).collect();
            if left.is_empty() {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "left behind by a killed program: {left:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// All that a process has started, directly or not.
pub fn descendants(id: u32) -> BTreeSet<Process> {
    let mut parents: Vec<(u32, u32)> = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("processes").flatten() {
        let Some(child) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some(parent) = fields_of(child).and_then(|fields| fields.get(1)?.parse().ok()) {
            parents.push((child, parent));
        }
    }
    let mut found = BTreeSet::new();
    let mut open = vec![id];
    while let Some(parent) = open.pop() {
        for (child, _) in parents.iter().filter(|(_, of)| *of == parent) {
            open.push(*child);
            found.extend(start_of(*child).map(|start| (*child, start)));
        }
    }
    found
}

fn start_of(id: u32) -> Option<String> {
    let fields = fields_of(id)?;
    // A zombie is gone; somebody has only not asked for its end.
    (fields.first()? != "Z").then(|| fields.get(19).cloned())?
}

/// The fields of `/proc/ID/stat` after the name, which may have anything in it.
fn fields_of(id: u32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(Path::new("/proc").join(id.to_string()).join("stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}
