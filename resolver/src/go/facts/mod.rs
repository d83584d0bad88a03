//! What one pass over a module's files teaches: all that resolving ever asks of them.
//!
//! The facts are a pure function of the files and are kept for ever, so a warm resolve neither downloads nor unzips. They are kept as bytes
//! ([`ModuleFacts::to_bytes`]) in which a folder is found and read without reading the others.

mod build;
mod embed;
mod experiments;
mod folder;
mod licence;
mod standard;
mod stored;

pub use self::build::{Builder, Content};
pub use self::folder::{Embed, Folder, GoFile, Kind, SourceFile};
pub use self::standard::{StandardBuilder, StandardError, StandardLibrary};
pub use self::stored::{FactsError, ModuleFacts};

#[cfg(test)]
mod tests;
