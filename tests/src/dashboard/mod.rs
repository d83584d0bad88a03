//! What the tests of the status pages share: a store with a history, the program that shows it, and a browser.
//!
//! The history is written with SQL into the file that the program made, for two reasons: 200,000 runs through the store's own
//! methods would be as many transactions, and a page that is open must see what another process writes.

pub mod axe;
pub mod browser;
mod graphs;
pub mod hostile;
pub mod names;
pub mod population;
pub mod rows;
pub mod scenes;
pub mod site;

use jiff::Timestamp;

/// Now: what the pages tell of is near the program's own time.
pub fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "the pages compare with the machine's time")]
    Timestamp::now()
}
