use std::cmp::Ordering;

use super::{gover, pseudo, semver};

#[test]
fn versions_of_modules_are_ordered_as_in_go() {
    let ascending = [
        "bad",
        "v0.0.0-20200101000000-abcdefabcdef",
        "v1.0.0-0.20190101000000-abcdefabcdef",
        "v1.0.0-alpha",
        "v1.0.0-alpha.1",
        "v1.0.0-alpha.beta",
        "v1.0.0-beta.2",
        "v1.0.0-beta.11",
        "v1.0.0-rc.1",
        "v1",
        "v1.2.0-pre",
        "v1.2",
        "v1.2.1",
        "v1.10.0",
        "v2.0.0+incompatible",
        "v99999999999999999999.0.0",
    ];
    for (place, left) in ascending.iter().enumerate() {
        for (other, right) in ascending.iter().enumerate() {
            assert_eq!(semver::compare(left, right), place.cmp(&other), "{left} {right}");
        }
    }
    assert_eq!(semver::compare("v1.0.0+a", "v1.0.0+b"), Ordering::Equal);
}

#[test]
fn what_is_no_version_is_told() {
    for text in [
        "",
        "1.0.0",
        "v",
        "v01",
        "v1.",
        "v1.2.",
        "v1.2.03",
        "v1-pre",
        "v1.2-pre",
        "v1.0.0-",
        "v1.0.0-01",
        "v1.0.0-a..b",
        "v1.0.0+",
        "v1.0.0-ä",
        "v1.0.0+a+b",
        "v1.0.0 ",
    ] {
        assert_eq!(semver::parse(text), None, "{text}");
    }
    assert_eq!(semver::canonical("v1").as_deref(), Some("v1.0.0"));
    assert_eq!(semver::canonical("v1.2.3-rc.1+meta").as_deref(), Some("v1.2.3-rc.1"));
    assert_eq!(semver::canonical("v2.0.0+incompatible").as_deref(), Some("v2.0.0+incompatible"));
    assert_eq!(semver::canonical("v1.0.0-0a").as_deref(), Some("v1.0.0-0a"));
    assert_eq!(
        (semver::major("v2.1.0"), semver::prerelease("v1.0.0-rc+x"), semver::build("v1.0.0-rc+x")),
        ("v2", "-rc", "+x")
    );
}

#[test]
fn versions_of_go_are_ordered_as_in_go() {
    let ascending = [
        "bad",
        "1",
        "1.5",
        "1.19rc1",
        "1.20",
        "1.20.1",
        "1.21",
        "1.21alpha1",
        "1.21rc1",
        "1.21rc2",
        "1.21.0",
        "1.21.3",
        "2",
    ];
    for (place, left) in ascending.iter().enumerate() {
        for (other, right) in ascending.iter().enumerate() {
            assert_eq!(gover::compare(left, right), place.cmp(&other), "{left} {right}");
        }
    }
    assert_eq!(gover::compare("1.20", "1.20.0"), Ordering::Equal);
    assert_eq!(gover::compare("1.19rc1", "1.19"), Ordering::Less);
    for bad in ["", "1.21.3rc1", "go1.21", "1.021", "1.21x-1", "1."] {
        assert!(!gover::is_valid(bad), "{bad}");
    }
    assert_eq!(gover::of_toolchain("go1.22.3-custom"), "1.22.3");
    assert_eq!(gover::of_toolchain("default"), "");
    assert_eq!((gover::language("1.22.3"), gover::language("1.21rc2")), ("1.22".to_owned(), "1.21".to_owned()));
}

#[test]
fn pseudo_versions_are_told_with_their_base() {
    let bases = [
        ("v0.0.0-20200101120000-abcdefabcdef", None),
        ("v1.2.4-0.20200101120000-abcdefabcdef", Some("v1.2.3")),
        ("v1.2.10-0.20200101120000-abcdefabcdef", Some("v1.2.9")),
        ("v1.3.0-0.20200101120000-abcdefabcdef", None),
        ("v1.2.3-rc.1.0.20200101120000-abcdefabcdef", Some("v1.2.3-rc.1")),
        ("v2.0.1-0.20200101120000-abcdefabcdef+incompatible", Some("v2.0.0+incompatible")),
    ];
    for (version, base) in bases {
        assert!(pseudo::is_pseudo(version), "{version}");
        assert_eq!(pseudo::base(version).as_deref(), base, "{version}");
    }
    for version in [
        "v1.2.3",
        "v1.2.3-rc.1",
        "v1.2.3-20200101120000-abcdefabcdef",
        "v1.0.0-2020010112000-abcdefabcdef",
        "v1.0.1-0.20200101120000",
        "v1.0.0-1.20200101120000-abcdefabcdef",
        "v1.2-20200101120000-abc",
    ] {
        assert!(!pseudo::is_pseudo(version), "{version}");
    }
}
