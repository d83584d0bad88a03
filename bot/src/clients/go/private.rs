//! Modules that are nobody else's business: Go's variables `GOPRIVATE`, `GONOPROXY` and `GONOSUMDB`.

use globset::{GlobBuilder, GlobMatcher};

use crate::model::InvalidValue;

/// Patterns of module paths, each for a whole number of elements at the path's beginning.
///
/// <https://pkg.go.dev/golang.org/x/mod/module#MatchPrefixPatterns>
#[derive(Debug, Clone, Default)]
pub struct Patterns(Vec<Pattern>);

#[derive(Debug, Clone)]
struct Pattern {
    text: String,
    elements: usize,
    glob: GlobMatcher,
}

impl Patterns {
    /// Reads patterns joined by commas, as the variables have them; none where there is no text.
    ///
    /// # Errors
    /// When one is no pattern: a private module must not be asked for in public because of a slip of the pen.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let patterns = text.split(',').map(str::trim).filter(|part| !part.trim_end_matches('/').is_empty());
        patterns.map(pattern).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a module's path begins with what one of the patterns says.
    pub fn matches(&self, module: &str) -> bool {
        self.0.iter().any(|pattern| {
            let end = module.match_indices('/').nth(pattern.elements - 1).map_or(module.len(), |(at, _)| at);
            let has_enough = module.split('/').count() >= pattern.elements;
            has_enough && module.get(..end).is_some_and(|start| pattern.glob.is_match(start))
        })
    }
}

impl PartialEq for Patterns {
    fn eq(&self, other: &Self) -> bool {
        self.0.iter().map(|pattern| &pattern.text).eq(other.0.iter().map(|pattern| &pattern.text))
    }
}

impl Eq for Patterns {}

fn pattern(text: &str) -> Result<Pattern, InvalidValue> {
    let expected = "a pattern of module paths such as `*.corp.example` or `forge.example/team` (as in Go's GOPRIVATE)";
    let invalid = || InvalidValue { value: text.to_owned(), expected };
    let text = text.strip_suffix('/').unwrap_or(text);
    // To Go, two stars are as good as one and braces are no signs; no path has a brace.
    if text.contains(['{', '}']) {
        return Err(invalid());
    }
    let mut plain = text.to_owned();
    while plain.contains("**") {
        plain = plain.replace("**", "*");
    }
    let glob =
        GlobBuilder::new(&plain).literal_separator(true).backslash_escape(true).build().map_err(|_| invalid())?;
    Ok(Pattern { text: text.to_owned(), elements: text.split('/').count(), glob: glob.compile_matcher() })
}

#[cfg(test)]
mod tests {
    use super::Patterns;

    #[test]
    fn a_pattern_is_for_whole_elements_at_the_beginning() {
        let matches = |patterns: &str, module: &str| Patterns::parse(patterns).unwrap().matches(module);
        assert!(matches("*.corp.example", "git.corp.example/a/b"));
        assert!(matches("forge.example/team", "forge.example/team"));
        assert!(matches("forge.example/team/", "forge.example/team/x/y"));
        assert!(matches("a.example, forge.example/t*m", "forge.example/team/x"));
        assert!(matches("forge.example/**", "forge.example/team/x"));
        assert!(matches("forge.example/[a-t]eam", "forge.example/team"));
        assert!(!matches("forge.example/team", "forge.example/teams"));
        assert!(!matches("forge.example/team", "forge.example"));
        assert!(!matches("*.corp.example", "corp.example/a"));
        for nothing in ["", ",", " , /"] {
            assert!(!matches(nothing, "forge.example/team"));
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        let said = |text: &str| Patterns::parse(text).unwrap_err().to_string();
        insta::assert_snapshot!(said("a.example,forge.example/[x"), @r#""forge.example/[x" is not a pattern of module paths such as `*.corp.example` or `forge.example/team` (as in Go's GOPRIVATE)"#);
        assert!(Patterns::parse("{a,b}.example").is_err());
    }
}
