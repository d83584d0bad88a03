//! Which tags hold on which system.

use foldhash::HashMap;

use super::Mask;

/// Operating systems on which the tag `unix` holds (`internal/syslist`).
const UNIX: &[&str] = &[
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "linux",
    "netbsd",
    "openbsd",
    "solaris",
];

/// More systems than a [`Mask`] has room for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} systems are asked for at once; at most 64 can be")]
pub struct TooManySystems(usize);

/// The tags that hold on each of some systems.
#[derive(Debug, Clone, Default)]
pub struct Systems {
    masks: HashMap<String, Mask>,
    count: usize,
}

impl Systems {
    /// For `systems`, each with its GOOS, its GOARCH, and what the toolchain adds there (`goexperiment.x`, `amd64.v1`); `cgo` says whether C is
    /// compiled, `tags` are those that were chosen, and `minor` is the toolchain's minor version, up to which the release tags hold.
    ///
    /// # Errors
    /// [`TooManySystems`], for more than 64.
    pub fn new(
        systems: &[(&str, &str, Vec<String>)],
        cgo: bool,
        tags: &[String],
        minor: u32,
    ) -> Result<Self, TooManySystems> {
        if systems.len() > 64 {
            return Err(TooManySystems(systems.len()));
        }
        let mut whole = Self { masks: HashMap::default(), count: systems.len() };
        for (index, (os, arch, tools)) in systems.iter().enumerate() {
            let mut holds: Vec<&str> = vec![os, arch];
            holds.extend(implied(os));
            holds.extend(tools.iter().map(String::as_str));
            for tag in holds {
                *whole.masks.entry(tag.to_owned()).or_default() |= 1 << index;
            }
        }
        let everywhere = whole.all();
        let releases = (1..=minor).map(|minor| format!("go1.{minor}"));
        let compiler = ["gc".to_owned()].into_iter().chain(cgo.then(|| "cgo".to_owned()));
        whole.masks.extend(compiler.chain(releases).chain(tags.iter().cloned()).map(|tag| (tag, everywhere)));
        // The old name of an experiment.
        let boring = whole.masks.get("goexperiment.boringcrypto").copied().unwrap_or_default();
        *whole.masks.entry("boringcrypto".to_owned()).or_default() = boring;
        Ok(whole)
    }

    /// All systems.
    pub fn all(&self) -> Mask {
        u32::try_from(self.count).ok().and_then(|count| Mask::MAX.checked_shr(64 - count)).unwrap_or_default()
    }

    /// The systems on which a tag holds.
    pub fn tag(&self, name: &str) -> Mask {
        self.masks.get(name).copied().unwrap_or_default()
    }
}

/// What holds with an operating system beyond its own name.
fn implied(os: &str) -> impl Iterator<Item = &str> {
    let parent = match os {
        "android" => Some("linux"),
        "illumos" => Some("solaris"),
        "ios" => Some("darwin"),
        _ => None,
    };
    let unix = UNIX.contains(&os).then_some("unix");
    parent.into_iter().chain(unix)
}
