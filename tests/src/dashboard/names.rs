//! Names of packages and of what they depend on: invented, the same each time.

/// An ecosystem, and the package URLs of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ecosystem {
    /// Rust.
    Cargo,
    /// npm.
    Npm,
    /// Go.
    Go,
}

impl Ecosystem {
    /// The type in a package URL.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Cargo => "cargo",
            Self::Npm => "npm",
            Self::Go => "golang",
        }
    }

    /// Where a package comes from.
    pub fn purl(self, name: &str) -> String {
        match self {
            Self::Cargo => format!("pkg:cargo/{name}"),
            Self::Npm => format!("pkg:npm/%40corner/{name}"),
            Self::Go => format!("pkg:golang/forge.example/corner/{name}"),
        }
    }
}

const FIRST: [&str; 25] = [
    "quiet", "brisk", "copper", "silver", "hollow", "narrow", "early", "late", "plain", "odd", "steady", "bitter",
    "salt", "young", "old", "distant", "near", "warm", "cold", "lone", "twin", "high", "low", "even", "rare",
];
const SECOND: [&str; 25] = [
    "anvil", "barrel", "candle", "drum", "easel", "ferry", "gate", "harbour", "inkwell", "jar", "kettle", "ladder",
    "mortar", "needle", "oar", "pulley", "quill", "rudder", "spindle", "trowel", "urn", "vise", "wheel", "yoke",
    "zither",
];

/// The name of the package with this number: no two are the same.
pub fn package(number: usize) -> String {
    let (first, second) = (FIRST[number % 25], SECOND[number / 25 % 25]);
    match number / 625 {
        0 => format!("{first}-{second}"),
        round => format!("{first}-{second}-{round}"),
    }
}

/// The ecosystem of the package with this number.
pub fn ecosystem(number: usize) -> Ecosystem {
    [Ecosystem::Cargo, Ecosystem::Cargo, Ecosystem::Npm, Ecosystem::Go][number % 4]
}

/// A dependency, by its number: the low ones are what everybody uses.
pub fn dependency(number: usize) -> String {
    format!("{}{}", SECOND[number % 25], ["", "-core", "-sys", "-macros", "-util"][number / 25 % 5])
}
