//! Which licence a module has: Go has no place where it is said, only texts at the root.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use spdx::detection::scan::Scanner;
use spdx::detection::{Store, TextData};

/// The texts of all licences with an SPDX identifier; nothing only if they were damaged when this program was made.
static TEXTS: LazyLock<Option<Store>> = LazyLock::new(|| Store::load_inline().ok());

/// No licence has more bytes.
pub(super) const LARGEST: usize = 256 << 10;

/// How much of a text must be the licence's own, of 1: a copyright line and another line break do not count.
const ALIKE: f32 = 0.9;

/// Whether a file at a module's root has a name that licences have.
pub(super) fn is_licence(path: &str) -> bool {
    let upper = path.to_ascii_uppercase();
    !path.contains('/') && ["LICENSE", "LICENCE", "COPYING", "UNLICENSE"].iter().any(|name| upper.starts_with(name))
}

/// The SPDX identifier of a text; nothing where it is none of these licences, or more than one.
pub(super) fn identify(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= LARGEST && !text.trim().is_empty())?;
    let scanner = Scanner::new(TEXTS.as_ref()?).confidence_threshold(ALIKE);
    let found = scanner.scan(&TextData::from(text)).license?.name;
    spdx::license_id(found).map(|id| id.name.to_owned())
}

/// What several files together say: all of them hold, unless their names tell that one may choose (`LICENSE-MIT` beside
/// `LICENSE-APACHE`). Nothing, where one of them is not known: it could be the one that counts.
pub(super) fn expression(files: &[(String, Option<String>)]) -> Option<String> {
    let found: BTreeSet<&str> = files.iter().map(|(_, id)| id.as_deref()).collect::<Option<_>>()?;
    let may_choose = files.iter().all(|(name, _)| name.contains(['-', '_']));
    let join = if may_choose { " OR " } else { " AND " };
    let found: Vec<&str> = found.into_iter().collect();
    (!found.is_empty()).then(|| found.join(join))
}

#[cfg(test)]
pub(super) mod tests {
    use super::{expression, identify};

    pub(in crate::go::facts) const MIT: &str = "Copyright (c) 2024 Some Body\n\nPermission is hereby granted, free of charge, to any person obtaining a copy of this \
software and associated documentation files (the \"Software\"), to deal in the Software without restriction, including without limitation \
the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom \
the Software is furnished to do so, subject to the following conditions:\n\nThe above copyright notice and this permission notice shall be \
included in all copies or substantial portions of the Software.\n\nTHE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR \
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT \
SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR \
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.\n";

    #[test]
    fn a_text_is_told_by_its_words() {
        assert_eq!(identify(MIT.as_bytes()).as_deref(), Some("MIT"));
        assert_eq!(identify(MIT.replace(' ', "\n  ").as_bytes()).as_deref(), Some("MIT"));
        for other in ["", " \n", "All rights reserved.", "\u{feff}\0", &"free as in beer ".repeat(1000)] {
            assert_eq!(identify(other.as_bytes()), None, "{other:?}");
        }
        assert_eq!((identify(b"\xff\xfe"), identify(MIT.repeat(1000).as_bytes())), (None, None));
    }

    #[test]
    fn several_files_are_joined_and_an_unknown_one_leaves_it_open() {
        let said = |files: &[(&str, Option<&str>)]| {
            let owned = files.iter().map(|(name, id)| ((*name).to_owned(), id.map(str::to_owned)));
            expression(&owned.collect::<Vec<_>>())
        };
        assert_eq!(said(&[("LICENSE", Some("MIT"))]).as_deref(), Some("MIT"));
        assert_eq!(said(&[("COPYING", Some("GPL-3.0")), ("LICENSE", Some("GPL-3.0"))]).as_deref(), Some("GPL-3.0"));
        assert_eq!(
            said(&[("COPYING", Some("Unicode-3.0")), ("LICENSE", Some("MIT"))]).as_deref(),
            Some("MIT AND Unicode-3.0")
        );
        let both = [("LICENSE-APACHE", Some("Apache-2.0")), ("LICENSE-MIT", Some("MIT"))];
        assert_eq!(said(&both).as_deref(), Some("Apache-2.0 OR MIT"));
        assert_eq!((said(&[("LICENSE", Some("MIT")), ("COPYING", None)]), said(&[])), (None, None));
    }
}
