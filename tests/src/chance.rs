//! Chance for generators of universes: the same choices for the same seed.

/// Every choice of a universe comes from here.
pub(crate) struct Chance(pub(crate) fastrand::Rng);

impl Chance {
    /// True in so many of a hundred cases.
    pub(crate) fn percent(&mut self, percent: u32) -> bool {
        self.0.u32(0..100) < percent
    }

    /// From `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: usize, high: usize) -> usize {
        self.0.usize(low..=high)
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.0.usize(0..from.len())]
    }
}
