//! The order in which npm compares names and paths: that of `localeCompare(…, 'en')`.

use std::cmp::Ordering;
use std::sync::LazyLock;

use icu_collator::options::CollatorOptions;
use icu_collator::{Collator, CollatorBorrowed};
use icu_locale_core::locale;

static ENGLISH: LazyLock<Option<CollatorBorrowed<'static>>> =
    LazyLock::new(|| Collator::try_new(locale!("en").into(), CollatorOptions::default()).ok());

/// Compares two texts as an English dictionary would: punctuation, digits, letters, case last.
pub(super) fn compare(one: &str, other: &str) -> Ordering {
    if one == other {
        return Ordering::Equal;
    }
    match &*ENGLISH {
        Some(collator) => collator.compare(one, other),
        // The data is part of the program; without it the order of bytes is still an order.
        None => one.cmp(other),
    }
}

#[cfg(test)]
mod tests {
    use super::compare;

    /// What `[…].sort((a, b) => a.localeCompare(b, 'en'))` gives in node 20.
    #[test]
    fn the_order_is_that_of_the_english_locale() {
        let sorted = ["_a", "-a", "@x/y", "a", "A", "a_b", "a-b", "a.b", "a/b", "a1", "a2", "a10", "ab", "aB", "b"];
        let mut shuffled: Vec<&str> = sorted.iter().rev().copied().collect();
        shuffled.sort_by(|one, other| compare(one, other));
        assert_eq!(shuffled.join(" "), oracle());
    }

    fn oracle() -> &'static str {
        "_a -a @x/y a A a_b a-b a.b a/b a1 a10 a2 ab aB b"
    }
}
