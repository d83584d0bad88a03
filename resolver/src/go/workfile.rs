//! The grammar of go.work, as `golang.org/x/mod/modfile` reads it.

use super::modfile::syntax::{Item, Line, read};
use super::modfile::{Fields, Replace, SyntaxError, Versions, verb};

/// A go.work file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GoWork {
    /// The go line.
    pub go: Option<String>,
    /// The toolchain line.
    pub toolchain: Option<String>,
    /// `godebug` lines: name and value.
    pub godebug: Vec<(String, String)>,
    /// `use` lines, in order: folders as they are written.
    pub uses: Vec<Use>,
    /// `replace` lines, in order.
    pub replace: Vec<Replace>,
}

/// A `use` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The folder, relative to that of the go.work, or rooted.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
}

impl GoWork {
    /// Reads a go.work.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let mut file = Self::default();
        let mut first_error = None;
        read(text, |item| {
            let wrong = match item {
                Item::Block { number, head } => {
                    let known = matches!(head, ["godebug" | "use" | "replace"]);
                    let unknown =
                        || SyntaxError { line: number, reason: format!("unknown block type: {}", head.join(" ")) };
                    (!known).then(unknown)
                }
                Item::Line(line) => file.line(&line).err().map(|reason| SyntaxError { line: line.number, reason }),
            };
            if first_error.is_none() {
                first_error = wrong;
            }
        })?;
        first_error.map_or(Ok(file), Err)
    }

    fn line(&mut self, line: &Line<'_, '_>) -> Result<(), String> {
        let Some((verb, words)) = verb(line) else { return Ok(()) };
        let in_block = line.block.is_some();
        let fields = Fields { verb, words, versions: Versions::MadeCanonical };
        match verb {
            "go" if !in_block => {
                if self.go.is_some() {
                    return Err("repeated go statement".to_owned());
                }
                self.go = Some(fields.go_version(true)?);
            }
            "toolchain" if !in_block => {
                if self.toolchain.is_some() {
                    return Err("repeated toolchain statement".to_owned());
                }
                self.toolchain = Some(fields.toolchain()?);
            }
            "godebug" => self.godebug.push(fields.godebug()?),
            "use" => {
                let [_] = words else { return Err("usage: use local/dir".to_owned()) };
                self.uses.push(Use { path: fields.one_string()?, line: line.number });
            }
            "replace" => self.replace.push(fields.replace()?),
            _ if in_block => {}
            _ => return Err(format!("unknown directive: {verb}")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::GoWork;

    #[test]
    fn a_workspace_is_read() {
        let text = "go 1.22\ntoolchain go1.22.1\ngodebug x=1\nuse ./a // first\nuse (\n\t./b\n\t\"./c d\"\n)\nreplace x.y/z v1.2 => ./z\n";
        let work = GoWork::parse(text).unwrap();
        assert_eq!(work.go.as_deref(), Some("1.22"));
        assert_eq!(work.toolchain.as_deref(), Some("go1.22.1"));
        assert_eq!(
            work.uses.iter().map(|used| (used.path.as_str(), used.line)).collect::<Vec<_>>(),
            [("./a", 4), ("./b", 6), ("./c d", 7)]
        );
        assert_eq!(work.replace[0].version.as_deref(), Some("v1.2.0"));
        let refused = ["require a v1.0.0", "go 1.22\ngo 1.22", "use a b", "require (\n)", "go (\n1.2\n)", "use (\n./a"];
        let reasons: Vec<String> = refused.iter().map(|text| GoWork::parse(text).unwrap_err().to_string()).collect();
        insta::assert_snapshot!(reasons.join("\n"), @r"
        line 1: unknown directive: require
        line 2: repeated go statement
        line 1: usage: use local/dir
        line 1: unknown block type: require
        line 1: unknown block type: go
        line 2: syntax error (unterminated block started at line 1)
        ");
    }
}
