//! Which paths a module's zip may have (`module.CheckFilePath` and `zip.CheckZip` of golang.org/x/mod).

use std::collections::HashMap;

use crate::go::letters::is_letter;

/// ASCII punctuation that a file's name may have.
const PUNCTUATION: &str = "!#$%&()+,-.=@[]^_{}~ ";

/// Names that Windows keeps for devices.
const DEVICES: &[&str] = &["con", "prn", "aux", "nul"];

/// Whether a path below a module's root may be a file's.
///
/// # Errors
/// What is wrong with it.
pub fn check_file_path(path: &str) -> Result<(), String> {
    path.split('/').try_for_each(check_element)
}

fn check_element(element: &str) -> Result<(), String> {
    if element.is_empty() {
        return Err("empty path element".to_owned());
    }
    if element.bytes().all(|byte| byte == b'.') {
        return Err(format!("invalid path element {element:?}"));
    }
    if element.ends_with('.') {
        return Err("trailing dot in path element".to_owned());
    }
    let allowed = |character: char| {
        if character.is_ascii() {
            character.is_ascii_alphanumeric() || PUNCTUATION.contains(character)
        } else {
            is_letter(character)
        }
    };
    if let Some(character) = element.chars().find(|character| !allowed(*character)) {
        return Err(format!("invalid char {character:?}"));
    }
    let stem = element.split_once('.').map_or(element, |(stem, _)| stem);
    if is_device(stem) { Err(format!("{stem:?} disallowed as path element component on Windows")) } else { Ok(()) }
}

fn is_device(stem: &str) -> bool {
    let lower = stem.to_ascii_lowercase();
    let numbered = |prefix| lower.strip_prefix(prefix).is_some_and(|digit| matches!(digit.as_bytes(), [b'1'..=b'9']));
    DEVICES.contains(&lower.as_str()) || numbered("com") || numbered("lpt")
}

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
