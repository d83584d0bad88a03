//! Quoted strings, as Go's `strconv.Unquote` reads them.

/// The text of a word: itself, or what its quotes hold.
///
/// # Errors
///
/// Why it is none: quotes in the wrong places, single or back quotes, bad escapes.
pub(super) fn text(word: &str) -> Result<String, &'static str> {
    if word.starts_with('"') {
        return unquote(word).ok_or("invalid syntax");
    }
    if word.contains(['"', '\'', '`']) {
        return Err("unquoted string cannot contain quote");
    }
    Ok(word.to_owned())
}

fn unquote(word: &str) -> Option<String> {
    let inner = word.strip_prefix('"')?.strip_suffix('"').filter(|_| word.len() >= 2)?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' | '\n' => return None,
            '\\' => escape(&mut characters, &mut bytes)?,
            _ => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    String::from_utf8(bytes).ok()
}

/// What follows a backslash.
fn escape(characters: &mut std::str::Chars<'_>, bytes: &mut Vec<u8>) -> Option<()> {
    let from_here = characters.clone();
    bytes.push(match characters.next()? {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        '\\' => b'\\',
        '"' => b'"',
        'x' => u8::try_from(number(characters, 2, 16)?).ok()?,
        '0'..='7' => {
            *characters = from_here;
            u8::try_from(number(characters, 3, 8)?).ok()?
        }
        kind @ ('u' | 'U') => {
            let character = char::from_u32(number(characters, if kind == 'u' { 4 } else { 8 }, 16)?)?;
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(());
        }
        _ => return None,
    });
    Some(())
}

/// A number of exactly so many digits.
fn number(characters: &mut std::str::Chars<'_>, digits: usize, radix: u32) -> Option<u32> {
    (0..digits).try_fold(0_u32, |value, _| value.checked_mul(radix)?.checked_add(characters.next()?.to_digit(radix)?))
}
