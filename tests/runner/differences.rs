//! One edit at a time, as they are made to gateways: each that changes what some request gets is told, each that changes
//! nothing is not, and protection goes the way it goes, there and back.

use std::path::Path;

use compiler::diff::{Comparison, Kind, Undecided, compare};

/// A policy with something of everything that protects.
const POLICY: &str = r#"edition 2026
let office = [10.0.0.0/8, 192.168.0.0/16]
listener web {
  bind ":8443"
  tls cert="c.pem", key="k.pem", min=1.2
  trust forwarded, from=[10.0.0.0/8]
  cap body=1MiB, headers=50
}
upstream app { server "127.0.0.1:3000"; tls ca="ca.pem"; timeout total=20s }
upstream other { server "127.0.0.1:3001" }
auth token = jwt {
  issuer "https://id.example"
  audience "api"
  keys jwks("https://id.example/jwks.json")
  accept ES256, EdDSA
  leeway 10s
  claims { sub: String, scope: Set<String> = [], tenant: String, level: Int = 0 }
}
limit caller(rate: Rate) { key [client.ip, req.header["x-key"] ?? "-"]; allow rate, burst=5 }
policy guarded(scope: String) {
  require token
  require scope in token.scope, else=403
}
site shop on web {
  host "shop.example"
  always { set resp.header["strict-transport-security"] = "max-age=31536000" }
  route read {
    path "/read/{id: Int}"
    method GET
    apply guarded(scope="read")
    apply caller(match token.tenant { "big" => 100/s, _ => 10/s })
    cache 30s, key=[path.id, token.tenant]
    unset up.header["authorization"]
    set up.header["x-user"] = token.sub
    set up.header["x-tier"] = match token.tenant { "big" => "gold", "mid" => "silver", _ => "none" }
    forward app
  }
  route admin {
    path "/admin/**"
    require client.ip in office, else=403
    forward app, timeout=10s
    set resp.header["x-frame-options"] = "DENY"
    unset resp.header["x-internal"]
  }
  route pages {
    path "/pages/**"
    where req.header["x-old"] is absent
    rewrite "/p/{req.header["x-page"] ?? "start"}"
    forward other
  }
  route doc {
    path "/doc"
    respond 200, json={ host: req.host, path: req.path, n: 1 }
  }
  route away { path "/away"; redirect 308, "https://shop.example/doc" }
}
"#;

/// What an edit means, and what it means to take it back; nothing where it changes nothing that a request can tell.
type Meaning = (Option<Kind>, Option<Kind>);

const SAME: Meaning = (None, None);
const OTHER: Meaning = (Some(Kind::Changed), Some(Kind::Changed));
const UNCLEAR: Meaning = (Some(Kind::Unclear), Some(Kind::Unclear));
const LOOSER: Meaning = (Some(Kind::Loosened), Some(Kind::Tightened));
const STRICTER: Meaning = (Some(Kind::Tightened), Some(Kind::Loosened));
/// Who is believed no longer is taken for its peer, which may let more in.
const FEWER_BELIEVED: Meaning = (Some(Kind::Unclear), Some(Kind::Loosened));
const MORE_BELIEVED: Meaning = (Some(Kind::Loosened), Some(Kind::Unclear));
/// Some requests are let through and others are not.
const BOTH: Meaning = (Some(Kind::Loosened), Some(Kind::Loosened));

/// What stands there, what is written instead, and what that means.
const EDITS: &[(&str, &str, Meaning)] = &[
    ("min=1.2", "min=1.3", STRICTER),
    (", min=1.2", "", SAME),
    (r#"key="k.pem", min"#, r#"key="k.pem", client_ca="ca.pem", min"#, STRICTER),
    (r#"key="k.pem", min"#, r#"key="k.pem", client_ca="ca.pem", client=optional, min"#, STRICTER),
    (r#"cert="c.pem""#, r#"cert="d.pem""#, SAME),
    ("from=[10.0.0.0/8]", "from=[10.0.0.0/8, 172.16.0.0/12]", MORE_BELIEVED),
    ("from=[10.0.0.0/8]", "from=[10.9.0.0/16]", FEWER_BELIEVED),
    ("  trust forwarded, from=[10.0.0.0/8]\n", "", FEWER_BELIEVED),
    ("trust forwarded", "trust proxy_protocol", UNCLEAR),
    ("body=1MiB", "body=10MiB", LOOSER),
    ("body=1MiB, ", "", LOOSER),
    ("headers=50", "headers=20", STRICTER),
    ("headers=50", "headers=50, streams=200", LOOSER),
    ("headers=50", "headers=50, idle=30s", STRICTER),
    ("headers=50", "headers=50, handshakes=2000", LOOSER),
    ("headers=50", "headers=50, connections_per_client=5000", SAME),
    ("headers=50", "headers=50, connections_per_client=100", STRICTER),
    ("headers=50", "headers=50, connections_per_client=9000", LOOSER),
    ("headers=50", "headers=50, connections=30000", LOOSER),
    ("headers=50", "headers=50\n  timeout header=1min", LOOSER),
    (r#"bind ":8443""#, r#"bind ":9443""#, UNCLEAR),
    (r#"bind ":8443""#, r#"bind ":8443"; bind ":9443""#, LOOSER),
    (r#"tls ca="ca.pem""#, "tls", LOOSER),
    (r#"tls ca="ca.pem""#, r#"tls ca="ca.pem", verify=false"#, LOOSER),
    (r#"tls ca="ca.pem"; "#, "", LOOSER),
    ("timeout total=20s", "timeout total=30s", SAME),
    ("  issuer \"https://id.example\"\n", "", LOOSER),
    (
        r#"issuer "https://id.example""#,
        r#"issuer "https://id.example", "https://b.example""#,
        LOOSER,
    ),
    (r#"audience "api""#, r#"audience "web""#, UNCLEAR),
    ("accept ES256, EdDSA", "accept EdDSA", STRICTER),
    ("accept ES256, EdDSA", "accept EdDSA, ES256", SAME),
    ("  accept ES256, EdDSA\n", "", LOOSER),
    ("leeway 10s", "leeway 1min", LOOSER),
    ("  leeway 10s\n", "", SAME),
    ("level: Int = 0", r#"level: String = "0""#, UNCLEAR),
    ("level: Int = 0", "level: Int", STRICTER),
    (r#"key [client.ip, req.header["x-key"] ?? "-"]"#, "key client.ip", STRICTER),
    ("burst=5", "burst=50", LOOSER),
    (r#""big" => 100/s"#, r#""big" => 50/s"#, STRICTER),
    ("_ => 10/s", "_ => 20/s", LOOSER),
    ("    apply caller(match token.tenant { \"big\" => 100/s, _ => 10/s })\n", "", LOOSER),
    ("key=[path.id, token.tenant]", "key=[path.id]", STRICTER),
    ("key=[path.id, token.tenant]", "key=[path.id, token.tenant, token.sub]", STRICTER),
    ("key=[path.id, token.tenant]", "key=[token.tenant]", LOOSER),
    ("    cache 30s, key=[path.id, token.tenant]\n", "", STRICTER),
    ("cache 30s", "cache 60s", OTHER),
    ("    unset up.header[\"authorization\"]\n", "", LOOSER),
    ("    set up.header[\"x-user\"] = token.sub\n", "", LOOSER),
    (
        r#"set up.header["x-user"] = token.sub"#,
        r#"set up.header["x-user"] = token.tenant"#,
        UNCLEAR,
    ),
    (r#""mid" => "silver""#, r#""mid" => "bronze""#, OTHER),
    (r#""mid" => "silver", _ => "none""#, r#"_ => "none""#, OTHER),
    (
        "unset up.header[\"authorization\"]\n    set up.header[\"x-user\"] = token.sub",
        "set up.header[\"x-user\"] = token.sub\n    unset up.header[\"authorization\"]",
        SAME,
    ),
    ("    require client.ip in office, else=403\n", "", LOOSER),
    ("[10.0.0.0/8, 192.168.0.0/16]", "[192.168.0.0/16, 10.0.0.0/8]", SAME),
    ("192.168.0.0/16]", "192.168.0.0/15]", LOOSER),
    ("else=403\n    forward app, timeout", "else=404\n    forward app, timeout", OTHER),
    // The other one is asked in cleartext.
    ("forward app, timeout=10s", "forward other, timeout=10s", LOOSER),
    (
        r#"set resp.header["x-frame-options"] = "DENY""#,
        r#"set resp.header["x-frame-options"] = "SAMEORIGIN""#,
        UNCLEAR,
    ),
    ("    set resp.header[\"x-frame-options\"] = \"DENY\"\n", "", LOOSER),
    ("    unset resp.header[\"x-internal\"]\n", "", LOOSER),
    (
        "  always { set resp.header[\"strict-transport-security\"] = \"max-age=31536000\" }\n",
        "",
        LOOSER,
    ),
    ("method GET", "method GET, POST", LOOSER),
    (r#"guarded(scope="read")"#, r#"guarded(scope="write")"#, BOTH),
    ("    where req.header[\"x-old\"] is absent\n", "", LOOSER),
    ("host: req.host, path: req.path", "path: req.path, host: req.host", SAME),
    ("n: 1", "n: 2", OTHER),
    ("redirect 308", "redirect 307", OTHER),
    (r#""https://shop.example/doc""#, r#""https://shop.example/read""#, OTHER),
    (r#"host "shop.example""#, r#"host "shop.example", "www.shop.example""#, LOOSER),
    (r#"x-page"] ?? "start""#, r#"x-page"] ?? "home""#, OTHER),
    (r#""/read/{id: Int}""#, r#""/read/{id}""#, LOOSER),
    (r#"path "/doc""#, r#"path "/docs""#, BOTH),
];

fn check(folder: &Path, text: &str) -> gwc::load::Check {
    let path = folder.join("gateway.gw");
    std::fs::write(&path, text).expect("the policy is written");
    let check = gwc::load::check(&path).expect("the policy is read");
    let errors = check.diags.iter().filter(|diag| diag.is_error());
    let errors: Vec<&str> = errors.map(|diag| diag.message.as_str()).collect();
    assert!(errors.is_empty(), "{text}\n{errors:?}");
    check
}

fn compared(folder: &Path, old: &str, new: &str) -> Comparison {
    let (old, new) = (check(folder, old), check(folder, new));
    let (Some(a), Some(b)) = (&old.program, &new.program) else { panic!("there is no program") };
    let said = compare((&old.policy, a), (&new.policy, b));
    assert!(said.disagreements.is_empty(), "{said:?}");
    said
}

fn between(folder: &Path, old: &str, new: &str) -> Comparison {
    let said = compared(folder, old, new);
    assert!(said.undecided.is_empty(), "{said:?}");
    said
}

/// The worst that is told; what is configured otherwise and protects nothing is left out.
fn worst(said: &Comparison) -> Option<Kind> {
    let settings = said
        .items
        .iter()
        .flat_map(|item| item.settings.iter().map(|setting| setting.kind).chain([item.verdict()]));
    let settings = settings.filter(|kind| *kind != Kind::Changed);
    said.changes.iter().map(|change| change.kind).chain(settings).min()
}

#[test]
fn each_edit_is_told_as_what_it_means() {
    let folder = tempfile::tempdir().expect("a folder for the policies");
    let mut wrong = Vec::new();
    for (there, instead, (forth, back)) in EDITS {
        assert_eq!(POLICY.matches(there).count(), 1, "{there}");
        let edited = POLICY.replace(there, instead);
        for (old, new, expected) in [(POLICY, &*edited, forth), (&edited, POLICY, back)] {
            let said = between(folder.path(), old, new);
            let told = worst(&said);
            let shown = said.changes.iter().all(|change| change.example.is_ok());
            if told != *expected || !shown {
                wrong.push(format!("{there} → {instead}: {told:?}, not {expected:?}; {said:#?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn of_two_edits_the_worse_one_counts() {
    let folder = tempfile::tempdir().expect("a folder for the policies");
    // Steps that have nothing in common with the number of edits meet every edit.
    for (at, one) in EDITS.iter().enumerate() {
        let other = &EDITS[(at * 7 + 11) % EDITS.len()];
        let edited = POLICY.replace(one.0, one.1);
        if edited.matches(other.0).count() != 1 || edited.replace(other.0, other.1) == POLICY {
            continue;
        }
        let edited = edited.replace(other.0, other.1);
        let expected = [one.2.0, other.2.0].into_iter().flatten().min();
        let told = worst(&between(folder.path(), POLICY, &edited));
        assert_eq!(told, expected, "{} → {}, {} → {}", one.0, one.1, other.0, other.1);
    }
}

/// Routes at one path that are told apart by a field, each with this statement.
fn beside(n_routes: usize, statement: &str) -> String {
    let route = |at: usize| {
        format!(
            "route a{at} on web {{ path \"/a\"; where req.header[\"x\"] == \"{at}\"; {statement} forward app }}\n"
        )
    };
    let routes: String = (0..n_routes).map(route).collect();
    format!(
        "edition 2026\nlistener web {{ bind \":8080\" }}\nupstream app {{ server \"127.0.0.1:3000\" }}\n{routes}"
    )
}

/// So many statements that nobody looks at all of them: it is told that there are more, and they count as loosened.
#[test]
fn what_is_left_out_is_told() {
    let folder = tempfile::tempdir().expect("a folder for the policies");
    for (n_routes, is_cut) in [(64, false), (65, true)] {
        let (old, new) =
            (beside(n_routes, "require client.ip in 10.0.0.0/8;"), beside(n_routes, ""));
        let said = compared(folder.path(), &old, &new);
        let cut = said.undecided.iter().filter(|one| matches!(one, Undecided::TooMany(..))).count();
        assert_eq!((cut, said.undecided.len()), (usize::from(is_cut), usize::from(is_cut)));
        assert_eq!(said.changes.iter().map(|change| 1 + change.also.len()).sum::<usize>(), 64);
    }
}
