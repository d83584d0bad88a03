//! See the build script.
