//! Policies that are sound, and what is made of them.

use super::*;
use crate::policy::{ExprKind, Host, StepKind};

pub(super) const WHOLE: &str = r#"edition 2026

param  region: String from env("GW_REGION") default "eu"
secret signing_key from file("/run/secrets/key")
let office = [10.0.0.0/8, 192.168.0.0/16]

listener web {
  bind  ":443", proto=[h1, h2, h3]
  tls   cert="/etc/gw/shop.pem", key="/etc/gw/shop.key", min=1.2
  trust proxy_protocol, from=office
  cap   header=32KiB, headers=100, idle=60s
}
listener plain { bind ":80" }

upstream users {
  discover dns("users.{region}.svc:8080"), refresh=10s
  balance  least_request, choices=3
  health   GET, "/healthz", every=5s
  retry    2, on=[connect, 502, 503], backoff=25ms..250ms
}
upstream users_next { server "10.0.4.12:8080" }
upstream orders {
  server "10.0.4.10:8080", weight=3; server "10.0.4.11:8080"
  balance hash(req.header["x-tenant"])
}

fn internal(address: Ip) -> Bool = address in office

policy api(scope: String, plan: "free" | "pro" = "free") {
  require req.header["x-scope"] == scope
  set     up.header["x-user"] = req.header["x-user"]
  set     up.header["x-limit"] = "{match plan { "pro" => 200, "free" => 20 }}"
  unset   up.header["authorization"]
}

policy security_headers {
  require req.scheme == "https", else=400
  sign signing_key
}

site shop on web {
  host  "api.shop.example"
  apply security_headers

  /// Read one user.
  route user {
    path    "/v1/users/{id: Uuid}"
    method  GET
    apply   api(scope="users:read", plan="pro")
    rewrite "/internal/users/{id}"
    forward users
    set     resp.header["x-served-by"] = up.address
  }

  route user_debug {
    path    "/v1/users/{id: Uuid}"
    method  GET
    where   req.header["x-debug"] == "1" and internal(client.ip)
    apply   api("users:read")
    forward users, timeout=30s
  }

  route user_canary before user_debug {
    path    "/v1/users/{id: Uuid}"
    method  GET
    where   req.header["x-canary"] is present
    let     canary = req.header["x-canary"]
    apply   api(scope="users:{canary}")
    forward { 95% => users, 5% => users_next }
  }

  route orders_all {
    path "/v1/orders/**"
    forward orders
  }
}

route to_https on plain { redirect 308, "https://{req.host}{req.target}" }
"#;

#[test]
fn a_whole_policy_is_clean() {
    let (checked, _) = checked(WHOLE);
    assert_eq!(said(WHOLE), "");
    let names: Vec<&str> = checked.policy.routes.iter().map(|route| &*route.name).collect();
    let all = ["shop.user", "shop.user_debug", "shop.user_canary", "shop.orders_all", "to_https"];
    assert_eq!(names, all);
    assert_eq!(checked.policy.before.len(), 1);
    assert_eq!(checked.policy.inputs.len(), 2);
    assert_eq!(checked.policy.blocks.len(), 5);
    let user = &checked.policy.routes[0];
    assert_eq!(user.hosts[0].0, Host::Exact("api.shop.example".into()));
    let methods = user.methods.as_ref().map(|(methods, _)| methods.join(" "));
    assert_eq!(methods.as_deref(), Some("GET HEAD"));
    assert_eq!(user.steps.len(), 9);
    assert_eq!(user.doc.trim(), "Read one user.");
    assert_eq!(user.steps[2].via, ["api".into()]);
    let canary = &checked.policy.routes[2];
    let lets = canary.steps.iter().filter(|step| matches!(step.kind, StepKind::Let(..)));
    assert_eq!(lets.count(), 2, "{:#?}", canary.steps);
    assert!(checked.policy.blocks.iter().any(|block| {
        block.settings.iter().any(|setting| {
            setting.row.name == "balance"
                && matches!(setting.args.get(1).map(|arg| &arg.kind), Some(ExprKind::Const(_)))
        })
    }));
    assert!(checked.index.occurrences.len() > 50);
}

#[test]
fn files_give_what_is_public() {
    let net =
        "edition 2026\npub let office = [10.0.0.0/8]\nlet hidden = 1\npub let far = hidden + 1\n";
    let root = |names: &str| {
        format!(
            "edition 2026\nuse \"./net.gw\" {{ {names} }}\nlistener web {{ bind \":80\" }}\nroute r on web {{\n  where client.ip in office\n  respond 200\n}}\n"
        )
    };
    let (checked, said) = of_files(&[("root.gw", &root("office")), ("net.gw", net)]);
    assert_eq!(
        said,
        "W0601 net.gw [hidden] the let `hidden` is not used"
            .replace("W0601 net.gw [hidden] the let `hidden` is not used", "")
    );
    assert_eq!(checked.policy.routes.len(), 1);
    let (_, said) = of_files(&[("root.gw", &root("office, hidden")), ("net.gw", net)]);
    assert_eq!(said, "E0207 root.gw [hidden] `hidden` is private to its file");
    let (_, said) = of_files(&[("root.gw", &root("offcie")), ("net.gw", net)]);
    assert!(said.starts_with("E0203 root.gw [offcie]"), "{said}");
    let (_, said) = of_files(&[("root.gw", &root("office"))]);
    assert_eq!(said, "E0206 root.gw [\"./net.gw\"] `./net.gw` cannot be imported");
    let a = "edition 2026\nuse \"./b.gw\" { b }\npub let a = 1\nlet c = b\n";
    let b = "edition 2026\nuse \"./a.gw\" { a }\npub let b = a\n";
    let (_, said) = of_files(&[("a.gw", a), ("b.gw", b)]);
    assert!(said.starts_with("E0208 b.gw"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn an_alias_and_imported_routes_work() {
    let lib = "edition 2026\nlistener web { bind \":80\" }\npub upstream app { server \"a:1\" }\npub policy p(n: Int) { set up.header[\"x\"] = \"{n}\" }\npub route r on web {\n  apply p(1)\n  forward app\n}\nroute s on web { respond 200 }\n";
    let root = "edition 2026\nuse \"./lib.gw\" as lib\nuse \"./lib.gw\" { r }\nlistener mine { bind \":81\" }\nroute q on mine {\n  apply lib.p(2)\n  forward lib.app\n}\n";
    let (checked, said) = of_files(&[("root.gw", root), ("lib.gw", lib)]);
    assert_eq!(said, "");
    let names: Vec<&str> = checked.policy.routes.iter().map(|route| &*route.name).collect();
    assert_eq!(names, ["q", "r"]);
    let blocks: Vec<&str> = checked.policy.blocks.iter().map(|block| &*block.name).collect();
    assert_eq!(blocks, ["mine", "web", "app"]);
    assert_eq!(checked.policy.routes[1].listeners, [1]);
}

#[test]
fn functions_do_what_their_examples_say() {
    for function in crate::functions::FUNCTIONS {
        for (call, value) in function.examples {
            let read = |text: &str| {
                let (checked, _) =
                    checked(&route(&format!("  let v = {text}\n  respond 200, json={{ v: v }}")));
                assert!(checked.diags.is_empty(), "{text}: {:?}", checked.diags);
                let step = checked.policy.routes[0].steps.last().map(|step| step.kind.clone());
                match step {
                    Some(StepKind::Act(call)) => format!("{:?}", call.args[2].kind),
                    other => panic!("{other:?}"),
                }
            };
            assert_eq!(read(call), read(value), "{call}");
        }
    }
}

#[test]
fn routes_stand_at_a_bounded_number_of_places() {
    let listed =
        |n: usize, of: &dyn Fn(usize) -> String| (0..n).map(of).collect::<Vec<_>>().join(", ");
    let hosts = listed(800, &|at| format!("\"h{at}.example\""));
    let paths = listed(700, &|at| format!("\"/p{at}\""));
    let wide = format!("host {hosts}\npath {paths}\nrespond 200\n}}\nroute next on web {{");
    let found = of_route(&format!("{wide}\npath \"/q\"\nrespond 200"));
    assert_eq!(found.lines().count(), 1, "{found}");
    assert!(found.starts_with("E0108 [all] all routes stand at more than 500000"), "{found}");
}
