//! Which experiments a toolchain has switched on where, read from its own source.
//!
//! `internal/buildcfg/exp.go` computes that in the first half of one short function: variables that depend on `goos` and `goarch`, then a literal
//! with a field for each experiment. Just this is understood, and anything else is an error rather than a guess.

use std::collections::HashMap;

use crate::go::constraint::{Constraint, go_build};

type Condition = Constraint<String>;

/// An experiment's name in tags, and where it is on: in tags `goos_X` and `goarch_X`.
pub(super) type Experiment = (String, Condition);

fn never() -> Condition {
    Constraint::tag("never".to_owned())
}

/// The experiments that `exp.go` switches on, `None` where it is not understood.
pub(super) fn baseline(source: &str) -> Option<Vec<Experiment>> {
    let body = source.split_once("func ParseGOEXPERIMENT(")?.1.split_once('{')?.1;
    let body = body.split_once("flags := ")?.0;
    let mut reader = Reader { words: words(body).into_iter().peekable(), variables: HashMap::new(), found: None };
    reader.statements(&Condition::default())?;
    reader.found
}

/// Names, strings with their quotes, and punctuation.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for line in text.lines() {
        let mut rest = line.split_once("//").map_or(line, |(code, _)| code).trim();
        while let Some(first) = rest.chars().next() {
            let length = match first {
                '"' => rest.get(1..).and_then(|inside| inside.find('"')).map_or(rest.len(), |end| end + 2),
                _ if first.is_alphanumeric() => {
                    rest.find(|character: char| !character.is_alphanumeric() && character != '.').unwrap_or(rest.len())
                }
                _ if ["==", "!=", "&&", "||", ":="].iter().any(|operator| rest.starts_with(operator)) => 2,
                _ => first.len_utf8(),
            };
            let (word, after) = rest.split_at(length);
            words.push(word);
            rest = after.trim_start();
        }
    }
    words
}

struct Reader<'a, I: Iterator<Item = &'a str>> {
    words: std::iter::Peekable<I>,
    variables: HashMap<&'a str, Condition>,
    found: Option<Vec<Experiment>>,
}

impl<'a, I: Iterator<Item = &'a str>> Reader<'a, I> {
    fn expect(&mut self, word: &str) -> Option<()> {
        self.words.next_if_eq(&word).map(|_| ())
    }

    /// Statements up to the end or to what ends a block; `guard` says where they are carried out.
    fn statements(&mut self, guard: &Condition) -> Option<()> {
        while let Some(word) = self.words.next_if(|word| !matches!(*word, "}" | "case" | "default")) {
            match word {
                "var" => self.declaration()?,
                "switch" => self.switch(guard)?,
                "baseline" => self.literal()?,
                name => {
                    self.expect(":=").or_else(|| self.expect("="))?;
                    let value = self.expression()?;
                    self.assign(name, value, guard);
                }
            }
        }
        Some(())
    }

    fn assign(&mut self, name: &'a str, value: Condition, guard: &Condition) {
        if guard.is_empty() {
            self.variables.insert(name, value);
            return;
        }
        let before = self.variables.remove(name).unwrap_or_else(never);
        let otherwise = guard.clone().negated().and(before);
        self.variables.insert(name, guard.clone().and(value).or(otherwise));
    }

    /// `var a, b bool`
    fn declaration(&mut self) -> Option<()> {
        loop {
            let name = self.words.next()?;
            self.variables.insert(name, never());
            if self.expect(",").is_none() {
                return self.expect("bool");
            }
        }
    }

    /// `switch goarch { case "a", "b": … }`
    fn switch(&mut self, guard: &Condition) -> Option<()> {
        let subject = self.words.next().filter(|word| matches!(*word, "goos" | "goarch"))?;
        self.expect("{")?;
        while self.expect("}").is_none() {
            self.expect("case")?;
            let mut any = self.comparison(subject)?;
            while self.expect(",").is_some() {
                any = any.or(self.comparison(subject)?);
            }
            self.expect(":")?;
            // One level is all there is.
            guard.is_empty().then_some(())?;
            self.statements(&any)?;
        }
        Some(())
    }

    /// A string that `subject` is compared with.
    fn comparison(&mut self, subject: &str) -> Option<Condition> {
        let value = self.words.next()?.strip_prefix('"')?.strip_suffix('"')?;
        go_build(&format!("{subject}_{value}")).ok()
    }

    /// `baseline := goexperiment.Flags{Name: value, …}`
    fn literal(&mut self) -> Option<()> {
        self.expect(":=")?;
        self.expect("goexperiment.Flags")?;
        self.expect("{")?;
        let mut found = Vec::new();
        while self.expect("}").is_none() {
            let name = self.words.next()?.to_lowercase();
            self.expect(":")?;
            found.push((name, self.expression()?));
            self.expect(",")?;
        }
        self.found = Some(found);
        Some(())
    }

    fn expression(&mut self) -> Option<Condition> {
        let mut whole = self.conjunction()?;
        while self.expect("||").is_some() {
            whole = whole.or(self.conjunction()?);
        }
        Some(whole)
    }

    fn conjunction(&mut self) -> Option<Condition> {
        let mut whole = self.operand()?;
        while self.expect("&&").is_some() {
            whole = whole.and(self.operand()?);
        }
        Some(whole)
    }

    fn operand(&mut self) -> Option<Condition> {
        match self.words.next()? {
            "true" => Some(Condition::default()),
            "false" => Some(never()),
            "(" => {
                let inside = self.expression()?;
                self.expect(")")?;
                Some(inside)
            }
            subject @ ("goos" | "goarch") => {
                let equal = self.words.next()?;
                let same = self.comparison(subject)?;
                match equal {
                    "==" => Some(same),
                    "!=" => Some(same.negated()),
                    _ => None,
                }
            }
            name => self.variables.get(name).cloned(),
        }
    }
}

/// What `GOEXPERIMENT` was set to when the toolchain was built, on top of its baseline; `None`, where that is not understood.
pub(super) fn chosen(mut experiments: Vec<Experiment>, setting: &str) -> Option<Vec<Experiment>> {
    for name in setting.split(',').filter(|name| !name.is_empty()) {
        if name == "none" {
            experiments.clear();
            continue;
        }
        let (name, value) = match name.strip_prefix("no") {
            Some(name) => (name, never()),
            None => (name, Condition::default()),
        };
        if !name.chars().all(char::is_alphanumeric) {
            return None;
        }
        experiments.retain(|(other, _)| other != name);
        experiments.push((name.to_owned(), value));
    }
    Some(experiments)
}
