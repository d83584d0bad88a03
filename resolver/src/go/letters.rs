//! Classes of characters as Go's `unicode` package has them, where Rust's own differ.

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// `unicode.IsLetter`: categories Lu, Ll, Lt, Lm and Lo.
pub(crate) fn is_letter(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphabetic();
    }
    character.general_category_group() == GeneralCategoryGroup::Letter
}

/// `unicode.IsDigit`: category Nd.
pub(crate) fn is_digit(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_digit();
    }
    character.general_category() == GeneralCategory::DecimalNumber
}

/// `unicode.IsGraphic`: letters, marks, numbers, punctuation, symbols, and spaces of category Zs.
pub(crate) fn is_graphic(character: char) -> bool {
    let space = character.general_category() == GeneralCategory::SpaceSeparator;
    let other = [GeneralCategoryGroup::Separator, GeneralCategoryGroup::Other];
    space || !other.contains(&character.general_category_group())
}
