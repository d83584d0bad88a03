//! Strings as Go's source writes them (`strconv.Unquote`).

use std::str::Chars;

/// What a literal at the beginning of `text` stands for, and what follows it. `None`, if there is none, it has no end, or it is not UTF-8.
pub(super) fn unquote(text: &str) -> Option<(String, &str)> {
    if let Some(inside) = text.strip_prefix('`') {
        let (value, rest) = inside.split_once('`')?;
        return Some((value.replace('\r', ""), rest));
    }
    let mut characters = text.strip_prefix('"')?.chars();
    let mut value = Vec::new();
    loop {
        match characters.next()? {
            '"' => return Some((String::from_utf8(value).ok()?, characters.as_str())),
            '\n' => return None,
            '\\' => escaped(&mut characters, &mut value)?,
            plain => push(plain, &mut value),
        }
    }
}

fn push(character: char, value: &mut Vec<u8>) {
    value.extend(character.encode_utf8(&mut [0; 4]).bytes());
}

fn escaped(characters: &mut Chars<'_>, value: &mut Vec<u8>) -> Option<()> {
    let byte = match characters.next()? {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        '\\' => b'\\',
        '"' => b'"',
        'x' => u8::try_from(number(characters, 2, 16, 0)?).ok()?,
        letter @ ('u' | 'U') => {
            let digits = if letter == 'u' { 4 } else { 8 };
            push(char::from_u32(number(characters, digits, 16, 0)?)?, value);
            return Some(());
        }
        digit @ '0'..='7' => u8::try_from(number(characters, 2, 8, digit.to_digit(8)?)?).ok()?,
        _ => return None,
    };
    value.push(byte);
    Some(())
}

fn number(characters: &mut Chars<'_>, digits: u32, radix: u32, start: u32) -> Option<u32> {
    (0..digits).try_fold(start, |sum, _| sum.checked_mul(radix)?.checked_add(characters.next()?.to_digit(radix)?))
}
