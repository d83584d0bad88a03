//! Versions that the tags of a git repository name, for specs such as `owner/name#semver:^1`.

use super::semver::{Range, Version};

/// Of a repository's tags the one with the newest version in the range; nothing where there is none.
///
/// A tag names a version by its end (`v1.2.3`, `release-1.2.3`), as in `@npmcli/git`; of two that name the same, the later
/// counts.
pub fn newest_tag<'a>(range: &str, tags: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let range = Range::parse(range)?;
    let versions = tags.into_iter().filter_map(|tag| Some((version(tag)?, tag)));
    let inside = versions.filter(|(version, _)| range.contains(version));
    inside.max_by(|(one, _), (other, _)| one.compare(other)).map(|(_, tag)| tag)
}

/// The first end of a tag that reads as a version: three numbers, and perhaps what follows them.
fn version(tag: &str) -> Option<Version> {
    let starts = tag.char_indices().filter(|(at, letter)| {
        letter.is_ascii_digit() && !tag[..*at].ends_with(|before: char| before.is_ascii_digit())
    });
    starts.map(|(at, _)| &tag[at..]).find(|text| has_three_numbers(text)).and_then(Version::parse)
}

fn has_three_numbers(text: &str) -> bool {
    let mut rest = text;
    for place in 0..3 {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        rest = &rest[digits..];
        if digits == 0 {
            return false;
        }
        if place < 2 {
            let Some(next) = rest.strip_prefix('.') else { return false };
            rest = next;
        }
    }
    rest.is_empty() || (rest.len() > 1 && rest.starts_with(['-', '+']))
}

#[cfg(test)]
mod tests {
    use super::newest_tag;

    #[test]
    fn the_newest_version_in_the_range_is_found_by_the_end_of_its_tag() {
        let tags = ["v1.0.0", "v1.10.0", "release-1.2.0", "v2.0.0", "1.11.0-rc.1", "latest", "v1.12", "x1.13.0y"];
        assert_eq!(newest_tag("^1", tags), Some("v1.10.0"));
        assert_eq!(newest_tag("~1.2", tags), Some("release-1.2.0"));
        assert_eq!(newest_tag("^1.11.0-0", tags), Some("1.11.0-rc.1"));
        assert_eq!(newest_tag("*", tags), Some("v2.0.0"));
        assert_eq!(newest_tag("^3", tags), None);
        assert_eq!(newest_tag("nonsense", tags), None);
    }
}
