//! The one place where text becomes Nix.
//!
//! `\`, `"`, every `$` (escaping only `${` fails on `$${`), CR, LF and TAB are escaped; what Nix cannot hold is refused.
//! Upstream's text goes nowhere else: not into comments (a carriage return ends one), not into `''` strings.

/// Text that no Nix string can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a NUL byte at offset {offset} cannot be written to Nix")]
pub struct NotNixText {
    /// Where, in bytes.
    pub offset: usize,
}

/// `text` as a quoted Nix string literal.
///
/// # Errors
/// On a NUL byte.
pub fn nix_string(text: &str) -> Result<String, NotNixText> {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for (offset, character) in text.char_indices() {
        match character {
            '\0' => return Err(NotNixText { offset }),
            '\\' | '"' | '$' => literal.extend(['\\', character]),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            _ => literal.push(character),
        }
    }
    literal.push('"');
    Ok(literal)
}

#[cfg(test)]
mod tests {
    use super::nix_string;

    #[test]
    fn every_dollar_is_escaped_not_only_those_before_a_brace() {
        assert_eq!(nix_string("a$${b}\"\\\r\n\t").unwrap(), r#""a\$\${b}\"\\\r\n\t""#);
    }

    #[test]
    fn nul_is_refused_with_its_place() {
        assert_eq!(nix_string("ab\0").unwrap_err().offset, 2);
    }
}
