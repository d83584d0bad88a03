//! A crate that a proc macro and the program depend on, with different features.

/// Whether this is the variant that the proc macro asked for.
pub const HOST: bool = cfg!(feature = "host");
