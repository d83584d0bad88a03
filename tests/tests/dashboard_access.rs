//! Whether everybody can use the pages, and pictures of them: light and dark, on a phone and on a desk.

use nixwright_tests::dashboard::axe;
use nixwright_tests::dashboard::browser::Browser;
use nixwright_tests::dashboard::population::Scale;
use nixwright_tests::dashboard::scenes;
use nixwright_tests::dashboard::site::{Site, pages};
use nixwright_tests::target;

/// Width in CSS pixels, whether it is dark, and what the pictures are called.
const LOOKS: [(u32, bool, &str); 4] =
    [(1280, false, "light"), (1280, true, "dark"), (375, false, "phone"), (375, true, "phone-dark")];

#[tokio::test(flavor = "multi_thread")]
async fn the_readme_has_pictures_of_three_pages() {
    let site = Site::start(Scale::SMALL).await;
    let browser = Browser::start().await;
    let wanted = [
        ("overview", "/index.html".to_owned(), false),
        ("package", format!("/packages/{}.html", scenes::FAILED), true),
        ("graph", format!("/graphs/{}.html", scenes::FRESH), false),
    ];
    for (name, path, is_dark) in wanted {
        browser.look(1100, is_dark).await;
        browser.open(&site.url(&path)).await;
        let file = target().join(format!("pages/readme/{name}.png"));
        browser.window(&file).await;
        // They are kept in `docs/screenshots`, where they should weigh little.
        let weight = std::fs::metadata(&file).expect("a picture").len();
        assert!((10_000..150_000).contains(&weight), "{}: {weight} bytes", file.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_serious_and_nothing_is_wider_than_a_phone() {
    let site = Site::start(Scale::SMALL).await;
    let browser = Browser::start().await;
    let mut found = Vec::new();
    for (width, is_dark, look) in LOOKS {
        browser.look(width, is_dark).await;
        for (name, path) in pages() {
            browser.open(&site.url(&path)).await;
            browser.picture(&target().join("pages").join(format!("{name}-{look}.png"))).await;
            found.extend(axe::judge(&browser).await.into_iter().map(|rule| format!("{name} {look}: {rule}")));
            let wide = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
            if browser.run(wide).await == true {
                found.push(format!("{name} {look}: the page is wider than the window"));
            }
        }
    }
    assert!(found.is_empty(), "{} findings:\n{}", found.len(), found.join("\n"));
}
