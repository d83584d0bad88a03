//! Paths of a module's zip that contradict each other (`zip.CheckZip` of golang.org/x/mod).

use std::collections::HashMap;

/// Finds paths that are one on a file system which does not tell upper from lower case, and paths that are both file and folder.
#[derive(Debug, Default)]
pub(super) struct Collisions(HashMap<String, (String, bool)>);

impl Collisions {
    /// Adds a path and the folders that it is in.
    pub(super) fn add(&mut self, path: &str, is_folder: bool) -> Result<(), String> {
        let mut path = path;
        let mut is_folder = is_folder;
        loop {
            match self.0.get(fold(path).as_str()) {
                Some((other, _)) if other != path => {
                    return Err(format!("case-insensitive file name collision with {other:?}"));
                }
                Some((_, other)) if *other != is_folder => return Err("both a file and a folder".to_owned()),
                Some(_) if is_folder => return Ok(()),
                Some(_) => return Err("several entries for one file".to_owned()),
                None => self.0.insert(fold(path), (path.to_owned(), is_folder)),
            };
            let Some((parent, _)) = path.rsplit_once('/') else { return Ok(()) };
            path = parent;
            is_folder = true;
        }
    }
}

/// One spelling for all that differ only in case.
fn fold(path: &str) -> String {
    path.chars()
        .map(|character| if character.is_ascii() { character.to_ascii_lowercase() } else { fold_other(character) })
        .collect()
}

/// The lower case of the upper case, where each is one character: that is the same for all of a family (`k` and the Kelvin sign). The `i` without
/// its dot is in none.
fn fold_other(character: char) -> char {
    fn only(mut characters: impl Iterator<Item = char>) -> Option<char> {
        characters.next().filter(|_| characters.next().is_none())
    }
    if character == 'ı' {
        return character;
    }
    only(character.to_uppercase()).and_then(|upper| only(upper.to_lowercase())).unwrap_or(character)
}
