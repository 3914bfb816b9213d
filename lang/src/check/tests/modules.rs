//! Modules: who owns what, and who is told when a route stands on another's ground.

use super::*;

const ROOT: &str = "edition 2026\npub listener web { bind \":80\" }\npub listener side { bind \":81\" }\nmodule billing on web from \"./billing.gw\" {\n  owns host=\"shop.example\", path=\"/billing/**\"\n  owns host=\"billing.example\"\n}\nmodule shop on web from \"./shop.gw\" {\n  owns host=\"shop.example\", path=[\"/cart/**\", \"/items/**\"]\n}\n";
const SHOP: &str = "edition 2026\nuse \"./root.gw\" { web }\nsite all on web {\n  host \"shop.example\"\n  route cart { path \"/cart/**\"; respond 200 }\n  route items { path \"/{area: \\\"cart\\\" | \\\"items\\\"}/{id}\"; respond 200 }\n}\n";

/// The policy with this body of the module `billing` and these lines of the root's.
fn of(billing: &str, root: &str) -> (Checked, String) {
    let billing = format!("edition 2026\nuse \"./root.gw\" {{ web, side }}\npub upstream app {{ server \"a:1\" }}\nroute kept on side, web {{ host \"billing.example\"; path \"/kept\"; respond 200 }}\n{billing}").replace("on side, web", "on web");
    let root = format!("{ROOT}{root}");
    of_files(&[("root.gw", &root), ("billing.gw", &billing), ("shop.gw", SHOP)])
}

#[test]
fn names_begin_with_the_module() {
    let (checked, said) = of(
        "route a on web { host \"billing.example\"; forward app }\n",
        "route rest on web { respond 404 }\n",
    );
    assert_eq!(said, "");
    let names: Vec<&str> = checked.policy.routes.iter().map(|route| &*route.name).collect();
    assert_eq!(names, ["rest", "billing.kept", "billing.a", "shop.all.cart", "shop.all.items"]);
    let owners: Vec<_> = checked.policy.routes.iter().map(|route| route.module).collect();
    assert_eq!(owners, [None, Some(0), Some(0), Some(1), Some(1)]);
    let blocks: Vec<&str> = checked.policy.blocks.iter().map(|block| &*block.name).collect();
    assert_eq!(blocks, ["web", "side", "billing.app"]);
    assert_eq!(checked.policy.modules[0].grounds.len(), 2);
}

#[test]
fn a_module_stays_on_its_ground() {
    for (route, expected) in [
        (
            "on web { host \"shop.example\"; path \"/cart/x\"; respond 200 }",
            "E1001 billing.gw [\"/cart/x\"] `billing.r` answers for `shop.example/cart/x`, which the module `billing` does not own",
        ),
        (
            "on web { host \"shop.example\"; path \"/pay\"; respond 200 }",
            "E1001 billing.gw [\"/pay\"]",
        ),
        (
            "on web { host \"shop.example\"; respond 200 }",
            "E1001 billing.gw [r] `billing.r` answers for `shop.example/**`",
        ),
        (
            "on web { path \"/billing/x\"; respond 200 }",
            "E1001 billing.gw [r] `billing.r` answers for `/billing/x` on every host",
        ),
        (
            "on web { host \"**.example\"; path \"/billing/x\"; respond 200 }",
            "E1001 billing.gw [\"**.example\"]",
        ),
        (
            "on web { host \"shop.example\", \"billing.example\"; path \"/billing/x\", \"/bill\"; respond 200 }",
            "E1001 billing.gw [\"/bill\"]",
        ),
        (
            "on side { host \"billing.example\"; respond 200 }",
            "E1001 billing.gw [side] `billing.r` is on `side`",
        ),
        ("on web { host \"shop.example\"; path \"/billing/{id: Int}\"; respond 200 }", ""),
        ("on web { host \"shop.example\"; path \"/billing\"; respond 200 }", ""),
    ] {
        let (_, said) = of(&format!("route r {route}\n"), "");
        let said =
            said.lines().filter(|line| !line.starts_with('W')).collect::<Vec<_>>().join("\n");
        assert!(said.starts_with(expected) && said.lines().count() <= 1, "{route}\n{said}");
        assert_eq!(said.is_empty(), expected.is_empty(), "{route}\n{said}");
    }
}

#[test]
fn nobody_else_stands_on_it() {
    for (route, expected) in [
        (
            "route f on web { host \"shop.example\"; path \"/billing/x\"; respond 200 }",
            "E1003 root.gw [\"/billing/x\"] `f` answers for `shop.example/billing/x`, which belongs to the module `billing`",
        ),
        (
            "route f on web within billing { host \"shop.example\"; path \"/billing/x\"; respond 200 }",
            "",
        ),
        (
            "route f on web within shop { host \"shop.example\"; path \"/billing/x\"; respond 200 }",
            "E1003",
        ),
        (
            "route f on web within bilding { host \"shop.example\"; path \"/billing/x\"; respond 200 }",
            "E0203 root.gw [bilding]",
        ),
        (
            "route f on web within web { respond 200 }",
            "E0210 root.gw [web] `web` is a listener, not a module",
        ),
        (
            "route f on web within billing { host \"shop.example\"; path \"/billing/**\"; respond 200 }",
            "E1003",
        ),
        (
            "route f on web within billing { host \"shop.example\"; path \"/billing/**\"; where req.header[\"x\"] is present; respond 200 }",
            "",
        ),
        ("route f on web { host \"shop.example\"; path \"/{a}/x\"; respond 200 }", "E1003"),
        ("route f on web { host \"shop.example\"; respond 200 }", ""),
        ("route f on web { path \"/healthz\"; respond 200 }", ""),
        ("route f on side { host \"billing.example\"; respond 200 }", ""),
        ("route f on web { host \"billing.example\"; respond 200 }", "E1003"),
    ] {
        let (_, said) = of("", &format!("{route}\n"));
        let said =
            said.lines().filter(|line| !line.starts_with('W')).collect::<Vec<_>>().join("\n");
        assert!(said.starts_with(expected), "{route}\n{said}");
        assert_eq!(said.is_empty(), expected.is_empty(), "{route}\n{said}");
    }
}

#[test]
fn no_back_door_leads_out_of_a_module() {
    let lib = "edition 2026\nuse \"./root.gw\" { web }\npub route stray on web { host \"shop.example\"; path \"/cart/x\"; respond 200 }\n";
    let root = "edition 2026\npub listener web { bind \":80\" }\nmodule billing on web from \"./billing.gw\" {\n  owns host=\"billing.example\"\n}\n";
    let billing = "edition 2026\nuse \"./lib.gw\" { stray }\n";
    let (_, said) = of_files(&[("root.gw", root), ("billing.gw", billing), ("lib.gw", lib)]);
    assert!(said.starts_with("E1001 lib.gw [\"shop.example\"] `billing.stray` answers"), "{said}");
    // The first file uses it too: the file is nobody's, but the route is the module's all the same.
    let net = "edition 2026\npub listener web { bind \":80\" }\n";
    let root = root.replace(
        "pub listener web { bind \":80\" }",
        "use \"./net.gw\" { web }\nuse \"./lib.gw\" as lib",
    );
    let lib = lib.replace("./root.gw", "./net.gw");
    let (_, said) =
        of_files(&[("root.gw", &root), ("billing.gw", billing), ("lib.gw", &lib), ("net.gw", net)]);
    assert!(said.starts_with("E1001 lib.gw [\"shop.example\"] `stray` answers"), "{said}");
    let (_, said) = of("pub listener mine { bind \":99\" }\n", "");
    assert!(
        said.contains("E1001 billing.gw [mine] the module `billing` defines a listener, `mine`"),
        "{said}"
    );
    let (_, said) = of("module x from \"./shop.gw\" { owns path=\"/x\" }\n", "");
    assert!(
        said.contains("E0406 billing.gw [from \"./shop.gw\"] `from` does not belong in"),
        "{said}"
    );
}

#[test]
fn a_file_may_say_what_it_owns() {
    let states = |owns: &str| {
        let text = format!(
            "edition 2026\nuse \"./root.gw\" {{ web }}\nmodule billing on web {{ owns {owns} }}\nroute a on web {{ host \"billing.example\"; path \"/a\"; respond 200 }}\n"
        );
        (
            of_files(&[("root.gw", ROOT), ("billing.gw", &text), ("shop.gw", SHOP)]).1,
            of_files(&[("billing.gw", &text), ("root.gw", ROOT)]),
        )
    };
    let (said, alone) = states("host=\"billing.example\"");
    assert_eq!(said, "");
    assert_eq!(alone.1, "");
    assert_eq!(&*alone.0.policy.routes[0].name, "billing.a");
    let (said, _) = states("host=\"**.example\"");
    assert!(
        said.starts_with(
            "E1001 billing.gw [owns host=\"**.example\"] the module `billing` says that it owns"
        ),
        "{said}"
    );
    let (said, alone) = states("host=\"billing.example\", path=\"/b\"");
    assert!(said.starts_with("E1001 billing.gw [\"/a\"]"), "{said}");
    assert!(alone.1.starts_with("E1001 billing.gw [\"/a\"]"), "{}", alone.1);
}

#[test]
fn grants_are_checked() {
    let root =
        |module: &str| format!("edition 2026\npub listener web {{ bind \":80\" }}\n{module}\n");
    for (module, expected) in [
        (
            "module m on web from \"./shop.gw\" { owns host=\"a.example\" }\nmodule n on web from \"./billing.gw\" { owns host=\"**.example\", path=\"/x\" }",
            "E1002 root.gw [owns host=\"**.example\", path=\"/x\"] the modules `m` and `n` own the same ground",
        ),
        (
            "module m on web from \"./shop.gw\" { owns host=\"a.example\" }\nmodule n on web from \"./shop.gw\" { owns host=\"b.example\" }",
            "E0412 root.gw [\"./shop.gw\"] `./shop.gw` is already the file of the module `m`",
        ),
        (
            "module m on web from \"./none.gw\" { owns host=\"a.example\" }",
            "E0206 root.gw [\"./none.gw\"] `./none.gw` cannot be imported",
        ),
        (
            "module m on web from \"./root.gw\" { owns host=\"a.example\" }",
            "E0412 root.gw [\"./root.gw\"] the module `m` is the file that grants it",
        ),
        (
            "module m on web from \"./shop.gw\" {}",
            "E0502 root.gw [m] the module `m` lacks its `owns`",
        ),
        (
            "module m on web from \"./shop.gw\" { owns \"a.example\" }",
            "E0412 root.gw [\"a.example\"] `owns` takes values with names",
        ),
        (
            "module m on web from \"./shop.gw\" { owns host = \"a.example\", path=\"/x\" }",
            "E0412 root.gw [=] `owns` assigns nothing",
        ),
        (
            "module m on web from \"./shop.gw\" { host \"a.example\" }",
            "E0401 root.gw [host] there is no `host` in a module",
        ),
        ("module m on web from \"./shop.gw\" { owns hots=\"a.example\" }", "E0313 root.gw [hots]"),
        ("module m on web from \"./shop.gw\" { owns path=\"billing\" }", "E0408 root.gw"),
        (
            "module m from \"./shop.gw\" { owns host=\"a.example\" }",
            "E0410 root.gw [m] `m` is on no listener",
        ),
        ("module m at web from \"./shop.gw\" { owns host=\"a.example\" }", "E0401 root.gw [at]"),
        (
            "module m on web from \"./shop.gw\" { owns host=\"a.example\" }\nsite m on web { route a { respond 200 } }",
            "E0204 root.gw [m]",
        ),
        (
            "module m on web from \"./shop.gw\" { owns host=\"a.example\" }\nmodule n on web { owns host=\"b.example\" }",
            "E0105 root.gw [] expected `from \"FILE\"` after `n`",
        ),
        (
            "pub module m on web from \"./shop.gw\" { owns host=\"a.example\" }",
            "E0412 root.gw [module]",
        ),
    ] {
        let (_, said) = of_files(&[
            ("root.gw", &root(module)),
            ("shop.gw", "edition 2026\n"),
            ("billing.gw", "edition 2026\n"),
        ]);
        assert!(said.starts_with(expected) && said.lines().count() == 1, "{module}\n{said}");
    }
}

#[test]
fn a_closed_module_answers_503_and_nothing_else() {
    let source =
        Source::new(SourceId(0), "root.gw", format!("{ROOT}route rest on web {{ respond 200 }}\n"));
    let (tree, _) = crate::syntax::parse(&source);
    let unit = Unit { source: &source, tree: &tree, uses: Vec::new() };
    let checked = check_without(&[unit], &words::vocabulary(), &["billing", "shop"]);
    assert!(checked.diags.is_empty(), "{:?}", checked.diags);
    let names: Vec<&str> = checked.policy.routes.iter().map(|route| &*route.name).collect();
    assert_eq!(
        names,
        ["rest", "billing.closed", "billing.closed@2", "shop.closed", "shop.closed@2"]
    );
    let closed = &checked.policy.routes[1];
    assert_eq!(
        closed.hosts[0].0.to_string() + &closed.paths[0].0.to_string(),
        "shop.example/billing/**"
    );
    assert_eq!(closed.listeners, [0]);
    assert_eq!(closed.steps.len(), 1);
}

#[test]
fn the_first_file_names_what_a_module_has() {
    let billing = "policy staff { require client.ip in 10.0.0.0/8 }\nroute a on web { host \"billing.example\"; apply staff; forward app }\n";
    let claims = |claim: &str| {
        format!(
            "route rest on web {{ respond 404 }}\nassert a {{ for req where route == billing.a; expect {claim} }}\n"
        )
    };
    for claim in ["forwarded(to=billing.app) or denied", "applied(policy=billing.staff)"] {
        assert_eq!(of(billing, &claims(claim)).1, "", "{claim}");
    }
    let said = |claim: &str| of(billing, &claims(claim)).1;
    assert!(
        said("forwarded(to=billing.ap)")
            .contains("there is no upstream in the module `billing` called `ap`"),
        "{}",
        said("forwarded(to=billing.ap)")
    );
    assert!(
        said("applied(policy=billing.app)").contains("E0210"),
        "{}",
        said("applied(policy=billing.app)")
    );
    assert!(
        said("applied(policy=biling.staff)").contains("E0412"),
        "{}",
        said("applied(policy=biling.staff)")
    );
}

#[test]
fn a_module_of_another_first_file_is_one_message() {
    let other = ROOT.to_owned();
    let root = ROOT.replace("listener side", "listener other");
    let billing = "edition 2026\nuse \"./other.gw\" { web }\nroute a on web { host \"billing.example\"; respond 200 }\n";
    let (_, said) = of_files(&[
        ("root.gw", &root),
        ("billing.gw", billing),
        ("shop.gw", SHOP),
        ("other.gw", &other),
    ]);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.starts_with("E0206 billing.gw [\"./other.gw\"]"), "{said}");
}

#[test]
fn what_the_first_file_says_of_requests_is_not_asked_of_a_module_alone() {
    let root = format!(
        "{ROOT}use \"./claims.gw\" {{ office }}\nroute rest on web {{ respond 404 }}\nroute f on web within billing {{ host \"shop.example\"; path \"/billing/x\"; require client.ip in office; respond 200 }}\nassert a {{ for req where route == billing.a; expect forwarded(to=billing.app) }}\ntest \"t\" {{ send GET, \"http://shop.example/\"; expect route == rest }}\n"
    );
    let claims = "edition 2026\npub let office = 10.0.0.0/8\nassert b { for req where req.host == \"rest.example\"; expect status == 404 }\n";
    let billing = "edition 2026\nuse \"./root.gw\" { web }\nupstream app { server \"a:1\" }\nroute a on web { host \"billing.example\"; forward app }\nassert c { for req where req.host == \"billing.example\"; expect forwarded(to=app) }\ntest \"own\" { send GET, \"http://billing.example/\"; expect route == a }\n";
    let files = [("billing.gw", billing), ("root.gw", &*root), ("claims.gw", claims)];
    let (checked, said) = of_files(&files);
    assert_eq!(said, "");
    let asserts: Vec<&str> = checked.policy.asserts.iter().map(|assert| &*assert.name).collect();
    let tests: Vec<&str> = checked.policy.tests.iter().map(|test| &*test.name).collect();
    assert_eq!((asserts, tests), (vec!["c"], vec!["own"]));
    let (checked, said) = of_files(&[
        ("root.gw", &root),
        ("claims.gw", claims),
        ("billing.gw", billing),
        ("shop.gw", SHOP),
    ]);
    assert_eq!(said, "");
    assert_eq!((checked.policy.asserts.len(), checked.policy.tests.len()), (3, 2));
}
