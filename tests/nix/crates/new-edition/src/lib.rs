//! Rule: editions. Conditions like this one are an error before edition 2024.

/// The number in the text, if it is an even one.
pub fn even(text: &str) -> Option<u32> {
    if let Ok(number) = text.parse::<u32>()
        && number % 2 == 0
    {
        Some(number)
    } else {
        None
    }
}
