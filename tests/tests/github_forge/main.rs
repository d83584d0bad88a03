//! The forge on GitHub, in this process, against a fake GitHub with real git: the whole life of pull requests.

mod bench;
mod client;
mod life;
mod merging;
mod people;
mod trouble;
