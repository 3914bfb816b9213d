//! The rules of the cache, by themselves.
