//! Tests of the pages, from a real store to real files.

mod exporting;
mod fixture;
mod html;
mod steps;
