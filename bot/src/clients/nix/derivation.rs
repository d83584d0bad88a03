//! Derivation files, read by ourselves: their form (ATerm) has been the same since Nix's first years, whereas the JSON of
//! `nix show-derivation` changed with 2.19 and again with 2.32. The grammar is in Nix's `src/libstore/derivations.cc`.

use std::collections::BTreeMap;

/// One derivation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derivation {
    /// The name part of its path.
    pub name: String,
    /// What it makes, by output name.
    pub outputs: BTreeMap<String, Output>,
    /// The builder's environment.
    pub env: BTreeMap<String, String>,
    /// The derivations that it needs outputs of, sorted.
    pub input_drvs: Vec<String>,
    /// The store paths that it needs as they are, sorted.
    pub input_srcs: Vec<String>,
    /// The system that it is built on.
    pub system: String,
    /// The program that builds it.
    pub builder: String,
    /// The program's arguments.
    pub args: Vec<String>,
}

/// One output of a derivation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its store path.
    pub path: String,
    /// What its content has to be, for a fixed-output derivation.
    pub hash: Option<FixedHash>,
}

/// The hash that a fixed output has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedHash {
    /// `sha256`, `sha512`, …
    pub algo: String,
    /// Lower-case hexadecimal.
    pub hex: String,
    /// Of the whole tree in Nix's archive form, not of one flat file.
    pub recursive: bool,
}

/// Reads the text of a derivation file. `name` is that of the file, without `.drv`. The error says what was expected.
pub(super) fn parse(name: &str, text: &[u8]) -> Result<Derivation, String> {
    let mut reader = Reader { text, at: 0 };
    reader.expect("Derive(")?;
    let outputs = reader.list(|reader| {
        let [output, path, algo, hex] = reader.tuple()?;
        Ok((output, Output { path, hash: fixed_hash(&algo, hex) }))
    })?;
    reader.expect(",")?;
    let mut input_drvs = reader.list(|reader| {
        reader.expect("(")?;
        let drv = reader.string()?;
        reader.expect(",")?;
        reader.list(Reader::string)?;
        reader.expect(")")?;
        Ok(drv)
    })?;
    reader.expect(",")?;
    let mut input_srcs = reader.list(Reader::string)?;
    reader.expect(",")?;
    let system = reader.string()?;
    reader.expect(",")?;
    let builder = reader.string()?;
    reader.expect(",")?;
    let args = reader.list(Reader::string)?;
    reader.expect(",")?;
    let env = reader.list(|reader| {
        let [key, value] = reader.tuple()?;
        Ok((key, value))
    })?;
    reader.expect(")")?;
    input_drvs.sort();
    input_srcs.sort();
    Ok(Derivation {
        name: name.to_owned(),
        outputs: outputs.into_iter().collect(),
        env: env.into_iter().collect(),
        input_drvs,
        input_srcs,
        system,
        builder,
        args,
    })
}

fn fixed_hash(algo: &str, hex: String) -> Option<FixedHash> {
    if hex.is_empty() {
        return None;
    }
    let (recursive, algo) = match algo.strip_prefix("r:") {
        Some(algo) => (true, algo),
        None => (false, algo),
    };
    Some(FixedHash { algo: algo.to_owned(), hex, recursive })
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn expect(&mut self, word: &str) -> Result<(), String> {
        if self.text[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(format!("`{word}` expected at byte {}", self.at))
        }
    }

    fn string(&mut self) -> Result<String, String> {
        self.expect("\"")?;
        let mut bytes = Vec::new();
        loop {
            let byte = *self.text.get(self.at).ok_or("the end came inside a string")?;
            self.at += 1;
            match byte {
                b'"' => return Ok(String::from_utf8_lossy(&bytes).into_owned()),
                b'\\' => {
                    let escaped = *self.text.get(self.at).ok_or("the end came inside a string")?;
                    self.at += 1;
                    bytes.push(match escaped {
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        other => other,
                    });
                }
                other => bytes.push(other),
            }
        }
    }

    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T, String>) -> Result<Vec<T>, String> {
        self.expect("[")?;
        let mut items = Vec::new();
        while self.expect("]").is_err() {
            if !items.is_empty() {
                self.expect(",")?;
            }
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn tuple<const N: usize>(&mut self) -> Result<[String; N], String> {
        let mut fields = [const { String::new() }; N];
        for (index, field) in fields.iter_mut().enumerate() {
            self.expect(if index == 0 { "(" } else { "," })?;
            *field = self.string()?;
        }
        self.expect(")")?;
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    const FIXED: &str = r#"Derive([("out","/nix/store/x-a","r:sha256","00ff")],[("/nix/store/z-b.drv",["out","dev"]),("/nix/store/y-c.drv",["out"])],["/nix/store/s-src"],"x86_64-linux","/bin/sh",["-c","echo \"a\\b\"\n\t"],[("url","https://registry.example/a"),("urls","one two")])"#;

    #[test]
    fn every_field_is_read() {
        let derivation = parse("a", FIXED.as_bytes()).unwrap();
        let output = &derivation.outputs["out"];
        let hash = output.hash.as_ref().unwrap();
        assert_eq!((output.path.as_str(), hash.algo.as_str(), hash.hex.as_str()), ("/nix/store/x-a", "sha256", "00ff"));
        assert!(hash.recursive);
        assert_eq!(derivation.input_drvs, ["/nix/store/y-c.drv", "/nix/store/z-b.drv"]);
        assert_eq!(derivation.input_srcs, ["/nix/store/s-src"]);
        assert_eq!(derivation.args, ["-c", "echo \"a\\b\"\n\t"]);
        assert_eq!(derivation.env["urls"], "one two");
    }

    #[test]
    fn text_that_is_cut_off_anywhere_is_refused_and_never_panics() {
        for length in 0..FIXED.len() {
            assert!(parse("a", &FIXED.as_bytes()[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn the_newer_form_for_dynamic_derivations_is_refused() {
        let error = parse("a", br#"DrvWithVersion("xp-dyn-drv",[])"#).unwrap_err();
        assert!(error.contains("`Derive(` expected"), "{error}");
    }

    #[test]
    fn bytes_that_are_no_text_are_kept_readable() {
        let text = b"Derive([],[],[],\"s\",\"b\",[],[(\"k\",\"\xff\")])";
        assert_eq!(parse("a", text).unwrap().env["k"], "\u{fffd}");
    }
}
