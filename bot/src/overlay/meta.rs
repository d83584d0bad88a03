//! What people want to know of a package, as Nix literals: the same for every ecosystem.

use nixwright_resolver::plan::Plan;

use super::files::RenderError;
use super::nix_string::nix_string;

/// The head and the `meta` of a `package.nix`; every string is a Nix literal.
#[derive(Debug)]
pub(super) struct Meta {
    pub(super) pname: String,
    pub(super) version: String,
    pub(super) license_spdx: Vec<String>,
    pub(super) description: Option<String>,
    pub(super) homepage: Option<String>,
    pub(super) changelog: Option<String>,
    pub(super) main_program: Option<String>,
}

impl Meta {
    /// # Errors
    /// When upstream's text cannot be written to Nix.
    pub(super) fn of(plan: &Plan) -> Result<Self, RenderError> {
        let optional = |field, text: Option<&str>| text.map(|text| literal(plan, field, text)).transpose();
        let metadata = &plan.metadata;
        let homepage = metadata.homepage.as_deref().or(metadata.repository.as_deref()).filter(|url| is_web(url));
        let one_line = metadata.description.as_deref().map(one_line);
        Ok(Self {
            pname: literal(plan, "the name", &plan.name)?,
            version: literal(plan, "the version", &plan.version)?,
            license_spdx: licenses(metadata.license.as_deref().unwrap_or_default())
                .iter()
                .map(|id| literal(plan, "the licence", id))
                .collect::<Result<_, _>>()?,
            description: optional("the description", one_line.as_deref())?,
            homepage: optional("the homepage", homepage)?,
            changelog: optional("the changelog", changelog(plan).as_deref())?,
            main_program: optional("the program", main_program(plan))?,
        })
    }
}

/// A Nix string; `field` says what it is when it cannot be one.
///
/// # Errors
/// When Nix cannot hold it.
pub(super) fn literal(plan: &Plan, field: &'static str, text: &str) -> Result<String, RenderError> {
    let package = format!("{} {}", plan.name, plan.version);
    nix_string(text).map_err(|source| RenderError::Text { field, package, source })
}

/// nixpkgs' rule for descriptions: one line, no full stop at the end.
fn one_line(description: &str) -> String {
    let words: Vec<&str> = description.split_whitespace().collect();
    words.join(" ").trim_end_matches('.').to_owned()
}

fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// Where a repository on GitHub has its releases; elsewhere nobody knows.
fn changelog(plan: &Plan) -> Option<String> {
    let repository = plan.metadata.repository.as_deref()?;
    let path = repository.strip_prefix("https://github.com/")?.trim_end_matches('/');
    let mut parts = path.split('/');
    let (owner, name) = (parts.next()?, parts.next()?.trim_end_matches(".git"));
    Some(format!("https://github.com/{owner}/{name}/releases"))
}

/// The only binary, or the one that is called like the package.
fn main_program(plan: &Plan) -> Option<&str> {
    let binaries = plan.binaries();
    if binaries.len() == 1 {
        return binaries.first().copied();
    }
    binaries.get(plan.name.as_str()).copied()
}

/// The SPDX ids of an expression; none if it is not one.
fn licenses(expression: &str) -> Vec<String> {
    let Ok(expression) = spdx::Expression::parse_mode(expression, spdx::ParseMode::LAX) else { return Vec::new() };
    let mut ids: Vec<String> = expression
        .requirements()
        .filter_map(|requirement| requirement.req.license.id().map(|id| id.name.to_owned()))
        .collect();
    ids.sort();
    ids.dedup();
    ids
}

#[cfg(test)]
mod tests {
    use super::licenses;

    #[test]
    fn licences_are_spdx_ids_or_nothing() {
        assert_eq!(licenses("MIT OR Apache-2.0"), ["Apache-2.0", "MIT"]);
        assert_eq!(licenses("(MIT OR Apache-2.0) AND Unicode-3.0"), ["Apache-2.0", "MIT", "Unicode-3.0"]);
        assert!(licenses("ask us").is_empty());
    }
}
