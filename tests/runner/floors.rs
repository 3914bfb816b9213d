//! Who may depend on whom: the manifests against the floors of ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};

/// Each crate of ours, and which of ours it may use. `tests` stands beside the house and may use anything.
const FLOORS: &[(&str, &[&str])] = &[
    ("lang", &[]),
    ("compiler", &["lang"]),
    ("kubernetes", &["lang"]),
    ("runtime", &["lang", "compiler"]),
    ("lsp", &["lang", "compiler"]),
    ("gwc", &["lang", "compiler", "kubernetes", "runtime", "lsp"]),
];

/// What a floor must never know, by the names of crates.
const NEVER: &[(&str, &[&str])] = &[
    ("lang", &["tokio", "http", "hyper", "serde", "serde_json"]),
    ("compiler", &["tokio", "http", "hyper", "lsp-server", "pest"]),
    ("runtime", &["clap", "pest", "lsp-server", "kube"]),
    ("lsp", &["tokio", "hyper", "clap"]),
    ("kubernetes", &["tokio", "hyper", "clap", "pest"]),
];

#[test]
fn crates_use_only_floors_below() {
    let manifests = manifests();
    let ours: BTreeSet<&str> = FLOORS.iter().map(|(name, _)| *name).collect();
    for (name, allowed) in FLOORS {
        let uses = manifests[*name].iter().map(String::as_str).filter(|used| ours.contains(used));
        let wrong: Vec<&str> = uses.filter(|used| !allowed.contains(used)).collect();
        assert!(wrong.is_empty(), "{name} must not use {wrong:?}");
    }
}

#[test]
fn floors_do_not_know_the_world_above() {
    let manifests = manifests();
    for (name, never) in NEVER {
        let wrong: Vec<&str> =
            never.iter().copied().filter(|other| manifests[*name].contains(*other)).collect();
        assert!(wrong.is_empty(), "{name} must never know {wrong:?}");
    }
}

#[test]
fn every_member_has_a_floor() {
    let text = std::fs::read_to_string(gw_tests::root().join("Cargo.toml"))
        .expect("the root manifest is there");
    let root: toml::Table = text.parse().expect("the root manifest is TOML");
    let members = root["workspace"]["members"].as_array().expect("members are a list");
    let members: BTreeSet<&str> = members.iter().filter_map(|member| member.as_str()).collect();
    let floors: BTreeSet<&str> = FLOORS.iter().map(|(name, _)| *name).chain(["tests"]).collect();
    assert_eq!(members, floors);
}

/// The crates that each of ours names under `[dependencies]`, by its folder.
fn manifests() -> BTreeMap<&'static str, BTreeSet<String>> {
    let read = |name: &'static str| {
        let path = gw_tests::root().join(name).join("Cargo.toml");
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let manifest: toml::Table =
            text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let dependencies = manifest.get("dependencies").and_then(|table| table.as_table());
        (name, dependencies.into_iter().flatten().map(|(name, _)| name.clone()).collect())
    };
    FLOORS.iter().map(|(name, _)| read(name)).collect()
}
