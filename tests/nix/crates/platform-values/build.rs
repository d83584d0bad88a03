//! Rule: what a build script is told of the platform, of features and of the profile. The script runs on the platform it
//! is told of, so it can compare.

use std::env::{consts, var};

fn main() {
    let is = |name: &str, value: &str| assert_eq!(var(name).as_deref(), Ok(value), "{name}");
    is("CARGO_CFG_TARGET_OS", consts::OS);
    is("CARGO_CFG_TARGET_ARCH", consts::ARCH);
    is("CARGO_CFG_TARGET_FAMILY", consts::FAMILY);
    is("CARGO_CFG_TARGET_POINTER_WIDTH", &usize::BITS.to_string());
    is("CARGO_CFG_TARGET_ENDIAN", if cfg!(target_endian = "little") { "little" } else { "big" });
    assert!(["unwind", "abort"].contains(&var("CARGO_CFG_PANIC").unwrap().as_str()));
    is("CARGO_CFG_FEATURE", "default,with-dash");
    is("CARGO_FEATURE_WITH_DASH", "1");
    is("CARGO_FEATURE_DEFAULT", "1");
    is("CARGO_MANIFEST_LINKS", "platform-values");
    is("PROFILE", "release");
    is("OPT_LEVEL", "3");
    is("DEBUG", "false");
    // The strategy `vendored` gives cargo flags, of names of paths only.
    for flag in var("CARGO_ENCODED_RUSTFLAGS").unwrap().split('\x1f') {
        assert!(flag.is_empty() || flag.starts_with("--remap-path-prefix="), "{flag}");
    }
    for name in ["TARGET", "HOST"] {
        let triple = var(name).unwrap();
        assert!(triple.starts_with(consts::ARCH) && triple.split('-').count() >= 3, "{name}: {triple}");
    }
    assert_eq!(var("CARGO_CFG_UNIX").is_ok(), cfg!(unix));
    assert!(var("NUM_JOBS").unwrap().parse::<u32>().unwrap() > 0);
    for tool in ["RUSTC", "CARGO"] {
        let version = std::process::Command::new(var(tool).unwrap()).arg("--version").output().unwrap();
        assert!(version.status.success(), "{tool}");
    }
    // Several values of one name are one list.
    if cfg!(all(target_arch = "x86_64", target_feature = "sse2")) {
        let features = var("CARGO_CFG_TARGET_FEATURE").unwrap();
        assert!(features.split(',').any(|feature| feature == "sse2"), "{features}");
        assert!(features.split(',').count() > 1, "{features}");
    }
    for name in ["CARGO_FEATURE_OTHER", "CARGO_CFG_DEBUG_ASSERTIONS"] {
        assert!(var(name).is_err(), "{name} is set");
    }
}
