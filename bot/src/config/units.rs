//! Durations and sizes as people write them: `1h 30m`, `64MiB`.

use std::time::Duration;

/// Reads `3d`, `1h 30m`, `1h30m`: whole numbers of weeks, days, hours, minutes and seconds, added up.
///
/// Nothing for anything else, or for more than a Duration holds.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut total = 0_u64;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = number(rest)?;
        let mut letters = after.trim_start().chars();
        let seconds = match letters.next()? {
            's' => 1,
            'm' => 60,
            'h' => 60 * 60,
            'd' => 24 * 60 * 60,
            'w' => 7 * 24 * 60 * 60,
            _ => return None,
        };
        rest = letters.as_str();
        // `5min` is not five minutes and something unknown.
        if rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        total = total.checked_add(number.checked_mul(seconds)?)?;
        rest = rest.trim_start();
    }
    // jiff's times do not go further, and neither does anything that is waited for.
    (total <= i64::MAX.unsigned_abs()).then(|| Duration::from_secs(total))
}

/// Reads `64MiB`, `8 GiB`, `512KB`, `100B` into bytes: `KiB` is 1024, `KB` is 1000.
///
/// Nothing for anything else, or for more than fits.
pub(super) fn size(text: &str) -> Option<u64> {
    let (number, unit) = number(text.trim())?;
    let factor: u64 = match unit.trim_start() {
        "B" => 1,
        "KB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    number.checked_mul(factor)
}

/// The digits at the start, and what follows.
fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{duration, size};

    #[test]
    fn durations_add_up() {
        let seconds = |text| duration(text).map(|duration| duration.as_secs());
        assert_eq!(seconds("3d"), Some(259_200));
        assert_eq!(seconds("1h 30m"), Some(5400));
        assert_eq!(seconds(" 1w1d1h1m1s "), Some(694_861));
        assert_eq!(seconds("0s"), Some(0));
        for bad in ["", " ", "3", "d", "3x", "3 days", "5min", "-1d", "1.5h", "1h,30m", "99999999999999999999s", "ä"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
        assert_eq!(seconds(&format!("{}w", u64::MAX)), None);
    }

    #[test]
    fn sizes_are_binary_or_decimal_by_their_unit() {
        assert_eq!(size("64MiB"), Some(67_108_864));
        assert_eq!(size("64 MB"), Some(64_000_000));
        assert_eq!(size("8GiB"), Some(8_589_934_592));
        assert_eq!(size("1B"), Some(1));
        for bad in ["", "64", "MiB", "64mib", "64Mi", "-1B", "1.5GiB", "99999999TiB", "1 M iB"] {
            assert_eq!(size(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "\\PC*") {
            let _ = (duration(&text), size(&text));
        }
    }
}
