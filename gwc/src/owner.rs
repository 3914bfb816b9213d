//! Whose ground a request is on, for those who tell about requests. It parses what this crate has printed itself, and
//! routes nothing.

use lang::policy::{Module, Policy};

/// The module that owns a request on this listener, told as `METHOD SCHEME://HOST/PATH`; the method may be missing.
pub(crate) fn of<'p>(policy: &'p Policy, listener: &str, target: &str) -> Option<&'p Module> {
    let (_, rest) = target.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let path = path.split(['?', ' ']).next().filter(|path| !path.is_empty()).unwrap_or("/");
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let is_on = |module: &&Module| {
        let mut blocks = module.listeners.iter().filter_map(|at| policy.blocks.get(*at));
        blocks.any(|block| *block.name == *listener)
    };
    policy.modules.iter().filter(is_on).find(|module| module.owns(host, path))
}

/// Its grounds in a sentence.
pub(crate) fn grounds(module: &Module) -> String {
    module.grounds.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
