use super::{Badge, BadgeKind, PLAIN};

#[test]
fn a_badge_is_small_escaped_and_says_the_same_to_who_cannot_see_it() {
    let svg = Badge::new("nixwright", "1.2.3", PLAIN).svg();
    insta::assert_snapshot!(svg, @r##"<svg xmlns="http://www.w3.org/2000/svg" width="105" height="20" role="img" aria-label="nixwright: 1.2.3"><title>nixwright: 1.2.3</title><clipPath id="r"><rect width="105" height="20" rx="3"/></clipPath><g clip-path="url(#r)"><path fill="#3a3f45" d="M0 0h66v20H0z"/><path fill="#1f5fa8" d="M66 0h39v20H66z"/></g><g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"><text x="5" y="14" textLength="56">nixwright</text><text x="71" y="14" textLength="29">1.2.3</text></g></svg>"##);
    let svg = Badge::new("nixwright", "\"><script>\u{202e}\u{ffff}'&\u{1b}", PLAIN).svg();
    assert!(
        svg.contains("<title>nixwright: &quot;&gt;&lt;script&gt;\u{fffd}\u{fffd}&#39;&amp;\u{fffd}</title>"),
        "{svg}"
    );
    let long = Badge::new("nixwright", &"9".repeat(500), PLAIN).svg();
    assert!(long.len() < 1000, "{long}");
}

#[test]
fn kinds_are_found_by_their_names() {
    for kind in BadgeKind::ALL {
        assert_eq!(BadgeKind::named(kind.as_str()), Some(kind));
    }
    assert_eq!(BadgeKind::named("Version"), None);
}
