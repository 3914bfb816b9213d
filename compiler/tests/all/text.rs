//! The order of routes as an author meets it: from the text of a policy to places in it, and mends that mend.

use lang::diag::CATALOGUE;

use crate::build::*;

const LISTENER: &str = "edition 2026\nlistener web { bind \":8080\" }\n";

fn said(routes: &str) -> String {
    said_of(&format!("{LISTENER}{routes}"))
}

#[test]
fn pages_on_the_order_are_true() {
    for entry in CATALOGUE.iter().filter(|entry| &entry.code[1..3] == "08") {
        let blocks = |kind: &str| -> Vec<String> {
            let fence = format!("```gw {kind}\n");
            let rest = entry.explain.split(&fence).skip(1);
            rest.filter_map(|rest| rest.split("```").next()).map(str::to_owned).collect()
        };
        for text in blocks("fails") {
            let diags = compiler::lower(&read(&text).0).1;
            let codes: Vec<&str> = diags.iter().map(|diag| diag.code).collect();
            assert_eq!(codes, [entry.code], "{}", entry.slug);
        }
        for text in blocks("mended") {
            assert_eq!(said_of(&text), "", "{}", entry.slug);
        }
    }
}

#[test]
fn places_lie_in_the_words_of_the_policy() {
    assert_eq!(
        said(
            "site shop on web {
  host \"shop.example\"
  route users { path \"/{tenant}/users\"; respond 200 }
  route admin { path \"/admin/{page}\"; respond 201 }
}"
        ),
        "E0801 `shop.admin` and `shop.users` overlap in their paths, and neither is narrower
  [\"/admin/{page}\"] `GET http://shop.example/admin/users` belongs to this
  [\"/{tenant}/users\"] and to this
  help: say with `before` which of them is tried first
  fix: try `shop.admin` before `shop.users`: route admin before users { path \"/admin/{page}\"; respond 201 }
  fix: try `shop.users` before `shop.admin`: route users before admin { path \"/{tenant}/users\"; respond 200 }
"
    );
}

#[test]
fn a_before_is_lengthened() {
    let said = said(
        "route a before b on web { where req.header[\"a\"] == \"1\"; respond 200 }
route b on web { where req.header[\"b\"] == \"1\"; respond 201 }
route c on web { where client.ip in 10.0.0.0/8; respond 202 }",
    );
    assert!(said.contains(": route a before b, c on web {"), "{said}");
}

#[test]
fn what_is_never_reached_is_named_with_its_cover() {
    assert_eq!(
        said(
            "route api on web { path \"/api/**\"; method GET, POST; respond 200, \"api\" }
route all_api on web { path \"/api/**\"; respond 200, \"rest\" }
route v1 on web { path \"/api/{x: \\\"v1\\\"}\"; method GET; respond 200, \"api\" }"
        )
        .lines()
        .count(),
        0
    );
    assert_eq!(
        said(
            "route small on web { path \"/a\"; where client.ip in 10.0.0.0/9; respond 200 }
route large on web { path \"/a\"; where client.ip in 10.128.0.0/9; respond 200 }
route whole on web { path \"/a\"; where client.ip in 10.0.0.0/8; respond 200 }"
        ),
        "E0805 `whole` never answers: `small` and `large` together answer every request it takes
  [whole] no request reaches this
  [small] takes some of its requests
  [large] takes some of its requests
  help: `GET http://any.example/a from 10.0.0.0` is answered by `small`, which does the same: remove `whole`
  fix: remove `whole`: 
"
    );
}
