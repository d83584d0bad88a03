//! The fake GitHub itself: that it lives as the real one does, and lets nothing pass that the real one would not know.

mod client;
mod faults;
mod libraries;
mod life;
mod rules;
