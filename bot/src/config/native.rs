//! What crates need beyond Rust, as far as a configuration says.

use std::collections::BTreeMap;

use toml_span::Value;

use super::Upstream;
use super::reader::{Section, text};

/// What a crate needs to be built, in place of what is known of it otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NativeInputs {
    /// What it links to: attributes of the package set (`openssl`, `gst_all_1.gstreamer`), sorted.
    pub build_inputs: Vec<String>,
    /// What its build script runs, in the same form.
    pub native_build_inputs: Vec<String>,
    /// Environment variables while it is built.
    pub env: BTreeMap<String, String>,
}

/// Variables that the builders set themselves.
const TAKEN: [&str; 8] = ["CARGO", "HOST", "OUT_DIR", "PATH", "PROFILE", "RUSTC", "RUSTDOC", "TARGET"];

/// Reads the tables below `native`, each headed by the name of a crate.
pub(super) fn inputs(section: Section<'_, '_, '_, '_>) -> BTreeMap<String, NativeInputs> {
    let mut crates = BTreeMap::new();
    for (name, mut section) in section.entries() {
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if !is_name {
            section.problem_here("a crate's name has letters, digits, `-` and `_`".to_owned());
        }
        let expected = "a list of packages such as [\"openssl\"]";
        let inputs = NativeInputs {
            build_inputs: section.list("build_inputs", expected, attribute).unwrap_or_default(),
            native_build_inputs: section.list("native_build_inputs", expected, attribute).unwrap_or_default(),
            env: section.table("env", variable).unwrap_or_default().into_iter().collect(),
        };
        section.finish();
        crates.insert(name, inputs);
    }
    crates
}

/// What counts for one package: its own words, crate by crate in place of those for all.
pub(super) fn of_package(
    section: &mut Section<'_, '_, '_, '_>,
    upstream: Option<&Upstream>,
    for_all: &BTreeMap<String, NativeInputs>,
) -> BTreeMap<String, NativeInputs> {
    if matches!(upstream, Some(Upstream::Npm { .. } | Upstream::Go { .. })) {
        section.forbid("native", "only Rust programs have crates; this belongs in the package's overrides.nix");
        return BTreeMap::new();
    }
    let mut crates = for_all.clone();
    crates.extend(inputs(section.section("native")));
    crates
}

/// An attribute of the package set, or one within another.
fn attribute(value: &Value<'_>) -> Result<String, String> {
    text(value, "the name of a package in the package set, such as \"openssl\" or \"gst_all_1.gstreamer\"", |text| {
        let is_attribute = text.split('.').all(|part| {
            part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "_-'".contains(c))
        });
        is_attribute.then(|| text.to_owned())
    })
}

fn variable(name: &str, value: &Value<'_>) -> Result<String, String> {
    let is_variable = name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    if !is_variable {
        return Err("a variable of the environment has upper-case letters, digits and `_`".to_owned());
    }
    if TAKEN.contains(&name) {
        return Err("this variable is set by the builders; `native_build_inputs` are on the PATH".to_owned());
    }
    text(value, "a text without control characters", |text| (!text.contains(char::is_control)).then(|| text.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::super::{Config, ConfigError, Machine};

    fn parse(text: &str) -> Result<Config, ConfigError> {
        let machine = Machine { system: "x86_64-linux".parse().unwrap(), cores: 4 };
        Config::parse(text, Path::new("nixwright.toml"), &BTreeMap::new(), &machine)
    }

    #[test]
    fn a_packages_own_words_take_the_place_of_those_for_all() {
        let config = parse(
            r#"
            [native.alsa-sys]
            build_inputs = ["alsa-lib"]
            [native.gstreamer-sys]
            build_inputs = ["gst_all_1.gstreamer"]
            [packages.a]
            purl = "pkg:cargo/a"
            native.alsa-sys = { native_build_inputs = ["b", "a"], env = { ALSA_STATIC = "1" } }
            native.own-sys = {}
            [packages.b]
            purl = "pkg:npm/b"
            "#,
        )
        .unwrap();
        let [a, b] = config.packages.values().collect::<Vec<_>>()[..] else { panic!("two packages") };
        insta::assert_debug_snapshot!(a.native, @r#"
        {
            "alsa-sys": NativeInputs {
                build_inputs: [],
                native_build_inputs: [
                    "a",
                    "b",
                ],
                env: {
                    "ALSA_STATIC": "1",
                },
            },
            "gstreamer-sys": NativeInputs {
                build_inputs: [
                    "gst_all_1.gstreamer",
                ],
                native_build_inputs: [],
                env: {},
            },
            "own-sys": NativeInputs {
                build_inputs: [],
                native_build_inputs: [],
                env: {},
            },
        }
        "#);
        assert!(b.native.is_empty());
    }

    #[test]
    fn every_mistake_is_told_with_its_place() {
        let text = "[native.\"a b\"]\n[native.alsa-sys]\nbuild_inputs = [\"alsa lib\", \"a..b\", 1]\nbuildinputs = []\n\
                    env = { path = \"x\", PATH = \"x\", A = 1, B = \"x\\u0000\" }\n[native]\nother = \"x\"\n\
                    [packages.fzf]\npurl = \"pkg:golang/example.com/fzf\"\nnative.x = {}\n";
        insta::assert_snapshot!(parse(text).unwrap_err().to_string(), @r#"
        nixwright.toml:1:10: native."a b": a crate's name has letters, digits, `-` and `_`
        nixwright.toml:3:18: native.alsa-sys.build_inputs: expected the name of a package in the package set, such as "openssl" or "gst_all_1.gstreamer", found "alsa lib"
        nixwright.toml:3:30: native.alsa-sys.build_inputs: expected the name of a package in the package set, such as "openssl" or "gst_all_1.gstreamer", found "a..b"
        nixwright.toml:3:37: native.alsa-sys.build_inputs: expected the name of a package in the package set, such as "openssl" or "gst_all_1.gstreamer", found 1
        nixwright.toml:4:1: native.alsa-sys.buildinputs: unknown key; did you mean `build_inputs`? (known here: build_inputs, native_build_inputs, env)
        nixwright.toml:5:17: native.alsa-sys.env.path: a variable of the environment has upper-case letters, digits and `_`
        nixwright.toml:5:29: native.alsa-sys.env.PATH: this variable is set by the builders; `native_build_inputs` are on the PATH
        nixwright.toml:5:37: native.alsa-sys.env.A: expected a text without control characters, found 1
        nixwright.toml:5:45: native.alsa-sys.env.B: expected a text without control characters, found "x\0"
        nixwright.toml:7:1: native.other: expected a table, found "x"
        nixwright.toml:10:12: packages.fzf.native: only Rust programs have crates; this belongs in the package's overrides.nix
        "#);
    }
}
