//! Checks.
mod host;
mod path;
