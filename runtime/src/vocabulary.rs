//! The one table of everything a policy can name: gathered here, declared beside the behaviour. It adds nothing of
//! its own.

use std::sync::LazyLock;

use lang::functions;
use lang::vocab::{Field, Function, Vocabulary};

use crate::{actions, auth, balance, blocks, fields, upstream};

/// Every row there is: what the checker, the editor and the reference read.
pub fn vocabulary() -> Vocabulary {
    static FIELDS: LazyLock<Vec<&'static Field>> =
        LazyLock::new(|| fields::entries().map(|entry| &entry.row).collect());
    // Beside the language's own functions stand those that mean something in a block only.
    static FUNCTIONS: LazyLock<Vec<&'static Function>> = LazyLock::new(|| {
        functions::FUNCTIONS
            .iter()
            .copied()
            .chain([&upstream::DNS])
            .chain(auth::FUNCTIONS.iter().copied())
            .collect()
    });
    Vocabulary {
        fields: &FIELDS,
        functions: &FUNCTIONS,
        actions: actions::ROWS,
        balancers: balance::ROWS,
        blocks: blocks::ROWS,
        budgets: upstream::BUDGETS,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use lang::vocab::Phase;

    use super::*;

    #[test]
    fn every_row_has_a_name_of_its_own_a_doc_and_an_example() {
        let vocabulary = vocabulary();
        let rows = (vocabulary.fields.iter().map(|row| ("field", row.path, row.doc, row.example)))
            .chain(vocabulary.actions.iter().map(|row| ("action", row.name, row.doc, row.example)))
            .chain(
                vocabulary.balancers.iter().map(|row| ("balance", row.name, row.doc, row.example)),
            )
            .chain(vocabulary.blocks.iter().map(|row| ("block", row.name, row.doc, row.example)))
            .chain(
                vocabulary.functions.iter().map(|row| ("function", row.name, row.doc, row.name)),
            );
        let mut names = BTreeSet::new();
        for (kind, name, doc, example) in rows {
            assert!(names.insert((kind, name)), "{kind} {name} stands twice");
            assert!(doc.ends_with('.'), "{kind} {name}: a doc is sentences");
            assert!(example.contains(name.split(['.', ' ']).next_back().unwrap()), "{kind} {name}");
        }
    }

    /// What the checker says about a policy.
    fn wrong(policy: &str) -> Vec<String> {
        let mut sources = lang::Sources::default();
        let source = sources.add("example.gw", policy).clone();
        let (tree, mut diags) = lang::parse(&source);
        let unit = lang::Unit { source: &source, tree: &tree, uses: Vec::new() };
        diags.extend(lang::check(&[unit], &vocabulary()).diags);
        diags.iter().filter(|diag| diag.is_error()).map(ToString::to_string).collect()
    }

    /// A policy around one line of a route, which stands where its phase is.
    fn in_a_route(line: &str, phase: Phase) -> String {
        let ends = ["forward", "respond", "redirect"].iter().any(|verb| line.starts_with(verb));
        let body = match phase {
            _ if ends => line.to_owned(),
            Phase::Response | Phase::Origin => format!("forward users\n{line}"),
            _ => format!("{line}\nforward users"),
        };
        format!(
            "edition 2026\nlistener web {{ bind \":8080\" }}\n\
             upstream users {{ server \"127.0.0.1:3000\" }}\n\
             upstream users_next {{ server \"127.0.0.1:3001\" }}\n\
             route all on web {{\npath \"/users/{{id}}\"\n{body}\n}}\n"
        )
    }

    #[test]
    fn every_example_checks() {
        let vocabulary = vocabulary();
        let route = "listener web { bind \":8080\" }\nroute all on web { respond 200 }\n";
        let field = |row: &&Field| {
            let phase =
                if row.example.starts_with("set resp") { Phase::Response } else { row.from };
            (row.path, in_a_route(row.example, phase))
        };
        let mut policies: Vec<(&str, String)> = vocabulary.fields.iter().map(field).collect();
        for row in vocabulary.actions {
            policies.push((row.name, in_a_route(row.example, row.phase)));
        }
        for row in vocabulary.balancers {
            let upstream = format!("upstream a {{ server \"127.0.0.1:1\"\n{} }}\n", row.example);
            policies.push((row.name, format!("edition 2026\n{route}{upstream}")));
        }
        for block in vocabulary.blocks {
            policies
                .push((block.name, format!("edition 2026\n{route}{}\n", rename(block.example))));
            for row in block.settings {
                let needed = match (block.name, row.name) {
                    ("listener", "bind") | ("upstream", "server" | "discover") => "",
                    ("listener", _) => "bind \":81\"\n",
                    ("limit", "key") => "allow 1/s\n",
                    ("limit", "allow") => "key client.ip\n",
                    ("limit", _) => "key client.ip\nallow 1/s\n",
                    ("auth jwt", "keys") => "issuer \"https://a.example\"\naudience \"a\"\n",
                    ("auth jwt", "issuer") => "audience \"a\"\nkeys pem(\"a.pem\")\n",
                    ("auth jwt", "audience") => {
                        "issuer \"https://a.example\"\nkeys pem(\"a.pem\")\n"
                    }
                    ("auth jwt", _) => {
                        "issuer \"https://a.example\"\naudience \"a\"\nkeys pem(\"a.pem\")\n"
                    }
                    _ => "server \"127.0.0.1:1\"\n",
                };
                // What provides an auth stands behind its name.
                let opened = match block.name.split_once(' ') {
                    Some((item, provider)) => format!("{item} x = {provider}"),
                    None => format!("{} x", block.name),
                };
                let item = format!("{opened} {{\n{needed}{}\n}}\n", row.example);
                policies.push((row.name, format!("edition 2026\n{route}{item}")));
            }
        }
        let told: Vec<_> = policies
            .iter()
            .filter_map(|(name, policy)| match wrong(policy) {
                errors if errors.is_empty() => None,
                errors => Some(format!("{name}: {errors:?}\n{policy}")),
            })
            .collect();
        assert!(told.is_empty(), "{}", told.join("\n"));
        assert!(!wrong(&in_a_route("forwrad users", Phase::Route)).is_empty());
    }

    /// The example's listener under another name than the one that the route is on.
    fn rename(example: &str) -> String {
        example.replacen("listener web", "listener other", 1).replace(":8080", ":81")
    }

    #[test]
    fn every_parameter_has_a_doc() {
        let vocabulary = vocabulary();
        let settings = vocabulary.blocks.iter().flat_map(|block| block.settings);
        let params = (vocabulary.actions.iter().map(|row| (row.name, row.params)))
            .chain(vocabulary.balancers.iter().map(|row| (row.name, row.params)))
            .chain(settings.map(|row| (row.name, row.params)))
            .flat_map(|(of, params)| params.iter().map(move |param| (of, param)));
        for (of, param) in params {
            assert!(param.doc.trim().ends_with('.'), "{of}: {}", param.name);
            assert!(!param.name.starts_with("r#"), "{of}: {}", param.name);
        }
    }
}
