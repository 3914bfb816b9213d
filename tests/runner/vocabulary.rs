//! Tests over the table: every row is documented, its example is true, and the pages written from rows are fresh.

use lang::types::Ty;
use lang::vocab::{Action, Balancer, Block, Field, Function, Phase};

/// A whole policy around a line of a route: before `forward`, or behind it.
fn route(line: &str, behind: bool) -> String {
    let answers =
        line.contains("forward ") || line.contains("respond ") || line.contains("redirect ");
    let (first, last) = match (answers, behind) {
        (true, _) => (line, ""),
        (false, true) => ("forward app", line),
        (false, false) => (line, "forward app"),
    };
    // What a handshake says is there on such a listener only.
    let tls = "tls cert=\"web.pem\", key=\"web.key\", client_ca=\"ca.pem\", client=optional";
    let upstreams: String = ["app", "users", "users_next"]
        .iter()
        .map(|name| format!("pub upstream {name} {{ server \"127.0.0.1:3000\" }}\n"))
        .collect();
    format!(
        "edition 2026\nlistener web {{ bind \":8443\"; {tls} }}\n{upstreams}route r on web {{\n  path \"/{{id}}\"\n  \
         {first}\n  {last}\n}}\n"
    )
}

fn errors(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder for the example");
    let path = folder.path().join("gateway.gw");
    std::fs::write(&path, text).expect("the example is written");
    let check = gwc::load::check(&path).expect("the example is read");
    let errors = check.diags.iter().filter(|diag| diag.is_error());
    errors.map(|diag| gwc::report::human::render(diag, &check.sources, false)).collect()
}

#[test]
fn the_examples_of_actions_check() {
    for Action { name, example, .. } in runtime::vocabulary().actions {
        let found = errors(&route(example, false));
        assert!(found.is_empty(), "{name}: {example}\n{}", found.join("\n"));
    }
}

#[test]
fn the_examples_of_fields_check() {
    for Field { path, example, from, .. } in runtime::vocabulary().fields {
        let behind = matches!(from, Phase::Response | Phase::Origin);
        let found = errors(&route(example, behind));
        assert!(found.is_empty(), "{path}: {example}\n{}", found.join("\n"));
    }
}

#[test]
fn the_examples_of_blocks_and_settings_check() {
    for Block { name, example, settings, .. } in runtime::vocabulary().blocks {
        let found = errors(&format!("edition 2026\n{example}\n"));
        assert!(found.is_empty(), "{name}: {example}\n{}", found.join("\n"));
        for setting in *settings {
            assert!(
                setting.example.contains(setting.name),
                "{name}.{}: {}",
                setting.name,
                setting.example
            );
        }
    }
}

#[test]
fn the_examples_of_balancers_check() {
    for Balancer { name, example, .. } in runtime::vocabulary().balancers {
        let text = format!(
            "edition 2026\nlistener web {{ bind \":8080\" }}\nupstream app {{\n  server \"127.0.0.1:3000\"\n  {example}\n}}\n\
             route r on web {{ forward app }}\n"
        );
        let found = errors(&text);
        assert!(found.is_empty(), "{name}: {example}\n{}", found.join("\n"));
    }
}

#[test]
fn functions_give_the_values_of_their_examples() {
    for Function { name, examples, returns, .. } in runtime::vocabulary().functions {
        // Where endpoints come from is no value that could be compared.
        if matches!(returns(), Ty::Item(_)) {
            continue;
        }
        assert!(!examples.is_empty(), "{name} has no example");
        for (call, value) in *examples {
            // Equality is the language's own: the check folds both sides, so a wrong value is an unreachable route.
            let text = format!(
                "edition 2026\nlistener web {{ bind \":8080\" }}\nroute r on web {{\n  where {call} == {value}\n  respond 200\n}}\n"
            );
            let found = errors(&text);
            assert!(found.is_empty(), "{name}: {call} is not {value}\n{}", found.join("\n"));
        }
    }
}

#[test]
fn every_row_is_documented() {
    let vocabulary = runtime::vocabulary();
    let docs = vocabulary
        .fields
        .iter()
        .map(|row| (row.path, row.doc))
        .chain(vocabulary.functions.iter().map(|row| (row.name, row.doc)))
        .chain(vocabulary.actions.iter().map(|row| (row.name, row.doc)))
        .chain(vocabulary.balancers.iter().map(|row| (row.name, row.doc)))
        .chain(vocabulary.blocks.iter().map(|row| (row.name, row.doc)));
    for (name, doc) in docs {
        assert!(doc.trim().len() > 10, "{name} has no documentation");
    }
}

#[test]
fn pages_written_from_rows_are_fresh() {
    let book = gw_tests::root().join("docs/src");
    let stale: Vec<String> = gwc::reference_pages()
        .into_iter()
        .filter(|(name, text)| {
            std::fs::read_to_string(book.join(name)).ok().as_deref() != Some(text)
        })
        .map(|(name, _)| name)
        .collect();
    assert!(stale.is_empty(), "run `cargo run -- reference docs/src`: {stale:?}");
}

#[test]
fn the_summary_names_every_page_of_the_book() {
    let book = gw_tests::root().join("docs/src");
    let summary = std::fs::read_to_string(book.join("SUMMARY.md")).expect("the summary is there");
    let pages = gw_tests::pages().into_iter().filter_map(|page| {
        page.strip_prefix(&book).ok().map(|inside| inside.to_string_lossy().into_owned())
    });
    let written = gwc::reference_pages().into_iter().map(|(name, _)| name);
    let missing: Vec<String> = pages
        .chain(written)
        .filter(|name| name != "SUMMARY.md" && !summary.contains(&format!("]({name})")))
        .collect();
    assert!(missing.is_empty(), "SUMMARY.md does not name {missing:?}");
}

#[test]
fn codes_and_slugs_are_unique() {
    let mut seen = std::collections::BTreeSet::new();
    for entry in lang::diag::CATALOGUE {
        assert!(seen.insert(entry.code), "{} stands twice", entry.code);
        assert!(seen.insert(entry.slug), "{} stands twice", entry.slug);
    }
}
