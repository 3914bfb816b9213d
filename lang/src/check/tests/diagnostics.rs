//! Mistakes, and what is said of each: once, in its place, with the mend.

use super::*;

/// What is not said as it should be; shown all together.
#[derive(Default)]
struct Wrong(String);

impl Wrong {
    fn of(&mut self, policy: &str, found: &str, expected: &str) {
        if found != expected {
            self.0 += &format!("\n{policy}\n   found: {found}\n  wanted: {expected}\n");
        }
    }

    fn none(self) {
        assert!(self.0.is_empty(), "{}", self.0);
    }
}

#[test]
fn the_mistakes_of_everyday_have_a_place_and_a_mend() {
    let mut wrong = Wrong::default();
    for (body, expected) in [
        ("  forward ap", "E0203 [ap] there is no upstream `ap` -> app"),
        ("  fowrard app", "E0401 [fowrard] there is no `fowrard` in a route -> forward"),
        ("  forward app, timeout=5", "E0301 [5] expected Duration, found Int -> s"),
        ("  forward app, timuot=5s", "E0313 [timuot] `forward` takes no `timuot` -> timeout"),
        ("  forward app, timeout=5x", "E0304 [x] `5x` has an unknown unit -> s"),
        ("  respond 600", "E0318 [600] `600` is not a status"),
        ("  respond 200\n  forward app", "E0404 [forward] `forward` never runs -> "),
        ("  require req.path == \"/\"", "E0403 [all] the route `all` never answers"),
        (
            "  set resp.header[\"x\"] = \"1\"\n  respond 200",
            "E0402 [resp.header] `resp.header` does not exist before the request is answered ->  …   set resp.header[\"x\"] = \"1\"⏎",
        ),
        (
            "  forward app\n  set up.header[\"x\"] = \"1\"",
            "E0405 [set] `set up.header` has no effect here ->  …   set up.header[\"x\"] = \"1\"⏎",
        ),
        (
            "  set req.header[\"x\"] = \"1\"\n  respond 200",
            "E0411 [req.header[\"x\"]] `req.header` cannot be changed -> up.header",
        ),
        ("  respond 200, hello", "E0203 [hello] there is no value `hello` -> \"hello\""),
        (
            "  rewrite req.header[\"x\"]\n  respond 200",
            "E0302 [req.header[\"x\"]] this may be absent: expected String, found String? ->  ?? \"\"",
        ),
        (
            "  path \"/a/{id}\"\n  rewrite \"/b/{ident}\"\n  respond 200",
            "E0203 [ident] there is no value `ident`",
        ),
        (
            "  path \"/a/{id}\"\n  rewrite path.di\n  respond 200",
            "E0213 [di] the path captures no `di` -> id",
        ),
        (
            "  path \"/a/{id}\", \"/b/{ix}\"\n  respond 200, path.ix",
            "E0409 [ix] `ix` is captured by one path and not by another",
        ),
        (
            "  path \"/{c}/b\", \"/a/{c}\"\n  respond 200, path.c",
            "E0409 [\"/a/{c}\"] both paths hold `/a/b`, and capture `c` differently",
        ),
        (
            "  path \"/{a}/{b}\", \"/{b}/{a}\"\n  respond 200, \"{path.a}{path.b}\"",
            "E0409 [\"/{b}/{a}\"] both paths hold `/x/x`, and capture `a` differently",
        ),
        ("  path \"/{c}/**\", \"/a/{c}\"\n  respond 200, path.c", ""),
        ("  path \"/{c}/b\", \"/{c}/b/**\"\n  respond 200, path.c", ""),
        ("  require req.path == \"a\" or -9223372036854775808 == 1\n  respond 200", ""),
        ("  path \"/a//b\"\n  respond 200", "E0408 [//] `/a//b` could never match -> "),
        (
            "  host \"A.example\"\n  respond 200",
            "E0407 [A] `A.example` could never match -> a.example",
        ),
        ("  method get\n  respond 200", "E0203 [get] there is no method `get` -> GET"),
        (
            "  method [GET, PUT]\n  respond 200",
            "E0412 [[GET, PUT]] `method` takes methods, not a list of them -> GET, PUT",
        ),
        (
            "  require matches(req.path, \"^/a\")\n  respond 200",
            "E0301 [\"^/a\"] expected Regex, found String -> re",
        ),
        (
            "  path re\"^/a\"\n  respond 200",
            "E0301 [re\"^/a\"] expected a text in quotes, found Regex",
        ),
        (
            "  require req.path == \"/a\" else 403\n  respond 200",
            "E0106 [else] expected `,` before `else` -> , else=403",
        ),
        (
            "  set header \"x\" \"1\"\n  respond 200",
            "E0104 [\"x\"] expected a field, found `\"x\"`",
        ),
        ("  method \"GET\"\n  respond 200", "E0301 [\"GET\"] expected Method, found String -> GET"),
        ("  apply nothing\n  respond 200", "E0203 [nothing] there is no policy `nothing`"),
        ("  bind \":80\"\n  respond 200", "E0401 [bind] there is no `bind` in a route"),
        (
            "  redirect 308, \"https://\" + req.host",
            "E0306 [+] `+` adds numbers, and joins no texts -> \"https://{req.host}\"",
        ),
        ("  let x = 1\n  respond 200", "W0601 [x] the let `x` is not used"),
        (
            "  forward { 95% => app, 6% => next }",
            "E0317 [6%] the shares add up to 101%, not to 100% -> 5%",
        ),
        ("  forward { 95% => app, 5% => nxt }", "E0203 [nxt] there is no upstream `nxt` -> next"),
        ("  redirect 308", "E0312 [redirect] `redirect` needs its `to`"),
        ("  respond 200, \"a\", 3, 4", "E0315 [4] `respond` is given too much -> "),
        ("  respond 200, json=re\"a\"", "E0301 [re\"a\"] expected Json, found Regex"),
        (
            "  where resp.status == 200\n  respond 200",
            "E0402 [resp.status] `resp.status` does not exist while a route is chosen",
        ),
        (
            "  where up.header[\"a\"] == \"1\"\n  respond 200",
            "E0402 [up.header] `up.header` does not exist while a route is chosen",
        ),
    ] {
        wrong.of(body, &of_route(body), expected);
    }
    wrong.none();
}

#[test]
fn conditions_are_typed() {
    let mut wrong = Wrong::default();
    for (condition, expected) in [
        ("client.ip in 10.0.0.0/33", "E0304 [33] `10.0.0.0/33` is not a network"),
        ("client.ip in 10.1.2.3/8", "E0304 [10.1.2.3] `10.1.2.3/8` has host bits set -> 10.0.0.0"),
        ("client.ip == 10.0.0.0/8", "E0306 [==] `==` does not compare Ip with Cidr -> in"),
        ("client.ip in [10.0.0.0/8, 192.0.2.1]", ""),
        ("client.ip in 10.0.0.1", "E0306 [10.0.0.1] nothing is `in` a value of type Ip -> =="),
        (
            "req.header[\"x\"] != \"a\"",
            "E0303 [req.header[\"x\"]] `!=` with a value that may be absent -> (req.header[\"x\"] is present and req.header[\"x\"] != \"a\")",
        ),
        (
            "req.header[\"x\"] == req.header[\"y\"]",
            "E0303 [req.header[\"x\"]] both sides of `==` may be absent",
        ),
        ("req.header[\"x\"] is present and req.header[\"x\"] != \"a\"", ""),
        ("req.header[\"X\"] is present and req.header[\"x\"] != \"a\"", ""),
        ("req.header[\"x\"] is absent or req.header[\"x\"] != \"a\"", ""),
        (
            "req.header[\"x\"] is present or req.header[\"x\"] != \"a\"",
            "E0303 [req.header[\"x\"]] `!=` with a value that may be absent -> (req.header[\"x\"] is present and req.header[\"x\"] != \"a\")",
        ),
        (
            "req.header[\"x\"] not in [\"a\"]",
            "E0303 [req.header[\"x\"]] `not in` with a value that may be absent -> (req.header[\"x\"] is present and req.header[\"x\"] not in [\"a\"])",
        ),
        (
            "starts_with(req.header[\"x\"], \"a\")",
            "E0302 [req.header[\"x\"]] this may be absent: expected String, found String? ->  ?? \"\"",
        ),
        ("req.hots == \"a\"", "E0211 [req.hots] there is no field `req.hots` -> req.host"),
        ("req.status == 200", "E0211 [req.status] there is no field `req.status`"),
        (
            "req.header.x == \"a\"",
            "E0211 [req.header.x] there is no field `req.header.x` -> req.header[\"x\"]",
        ),
        ("req.method == \"GET\"", "E0301 [\"GET\"] expected Method, found String -> GET"),
        ("req.method in [GET, POST]", ""),
        ("req.method == GTE", "E0203 [GTE] there is no method `GTE` -> GET"),
        (
            "req.scheme == \"htps\"",
            "E0301 [\"htps\"] expected \"http\" | \"https\", found String -> https",
        ),
        ("req.path == 5", "E0301 [5] expected String, found Int -> \"5\""),
        ("req.body.size > 5", "E0301 [5] expected Size, found Int -> B"),
        ("req.body.size > 10MiB", ""),
        ("matches(req.path, re\"/(a\")", "E0305 [(] `re\"…\"` does not compile"),
        (
            "req.path == re\"a\"",
            "E0306 [==] a pattern is not compared -> matches(req.path, re\"a\")",
        ),
        (
            "contians(req.path, \"a\")",
            "E0212 [contians] there is no function `contians` -> contains",
        ),
        (
            "\"a\" in req.path",
            "E0306 [req.path] nothing is `in` a value of type String -> contains(req.path, \"a\")",
        ),
        ("any(t in req.query.all(\"tag\"), t == \"a\")", ""),
        ("count(t in req.query.all(\"tag\")) > 2", ""),
        (
            "any(req.query.all(\"tag\"))",
            "E0306 [any(req.query.all(\"tag\"))] `any` names an item of a list and asks it",
        ),
        (
            "length(req.path) / length(req.host) == 1",
            "E0311 [length(req.host)] a divisor is a literal other than zero",
        ),
        ("length(req.path) / 0 == 1", "E0311 [0] a divisor is a literal other than zero"),
        ("req.json?.user == \"a\"", ""),
        (
            "req.json.user == \"a\"",
            "E0302 [req.json] this may be absent: expected Json, found Json? -> ?.",
        ),
        ("(req.path ?? \"a\") == \"a\"", "W0602 [ ?? \"a\"] this default is never used -> "),
        ("req.path is present", "W0603 [req.path is present] this is always true -> "),
        ("1 == 1", "W0605 [1 == 1] this condition is always true -> "),
        ("req.path", "E0301 [req.path] expected Bool, found String"),
        ("req.path and req.host == \"a\"", "E0301 [req.path] expected Bool, found String"),
        ("req.header[req.path] == \"a\"", "E0310 [req.path] this must be constant"),
        (
            "match req.scheme { \"http\" => true }",
            "E0307 [req.scheme] this `match` leaves something out -> , _ => true",
        ),
        ("match req.scheme { \"http\" => req.path == \"/\", \"https\" => false }", ""),
        (
            "match req.scheme { \"http\" => true, \"https\" => false, _ => false }",
            "E0308 [_] nothing reaches this arm -> ",
        ),
        (
            "match req.scheme { \"http\" | \"http\" => true, _ => false }",
            "E0308 [\"http\"] nothing reaches this arm -> ",
        ),
        (
            "match client.ip { 10.0.0.0/8 => true, 10.1.0.0/16 => false, _ => false }",
            "E0308 [10.1.0.0/16] nothing reaches this arm -> ",
        ),
        (
            "match req.header[\"x\"] { absent => false, \"a\" => true, _ => req.header[\"x\"] != \"b\" }",
            "",
        ),
        (
            "unknown == unknwon",
            "E0203 [unknown] there is no value `unknown`\nE0203 [unknwon] there is no value `unknwon`",
        ),
        (
            "(req.hots == \"a\") == (1 < 2)",
            "E0211 [req.hots] there is no field `req.hots` -> req.host",
        ),
        ("5s < 3", "E0301 [3] expected Duration, found Int -> s"),
        ("conn.sni ?? req.host == req.host", ""),
    ] {
        wrong.of(condition, &of_where(condition), expected);
    }
    wrong.none();
}

#[test]
fn what_was_required_is_known() {
    let mut wrong = Wrong::default();
    for (body, expected) in [
        ("  require req.header[\"x\"] is present\n  rewrite req.header[\"x\"]\n  respond 200", ""),
        ("  require req.header[\"x\"] == \"a\"\n  rewrite req.header[\"x\"]\n  respond 200", ""),
        ("  where req.header[\"x\"] is present\n  rewrite req.header[\"x\"]\n  respond 200", ""),
        ("  let x = req.header[\"x\"]\n  require x is present\n  rewrite x\n  respond 200", ""),
        (
            "  require req.json?.user?.name is present\n  respond 200, json={ name: req.json.user.name }",
            "",
        ),
        ("  set up.header[\"x\"] = \"a\"\n  rewrite up.header[\"x\"]\n  respond 200", ""),
        (
            "  set up.header[\"x\"] = \"a\"\n  unset up.header[\"x\"]\n  rewrite up.header[\"x\"]\n  respond 200",
            "E0302 [up.header[\"x\"]] this may be absent: expected String, found String? ->  ?? \"\"",
        ),
        (
            "  respond 200, \"{req.header[\"x\"]}\"",
            "E0302 [req.header[\"x\"]] this may be absent: expected String, found String? ->  ?? \"\"",
        ),
    ] {
        wrong.of(body, &of_route(body), expected);
    }
    wrong.none();
}

#[test]
fn policies_are_checked_by_themselves_and_where_they_are_applied() {
    let with = |policy: &str, body: &str| said(&(route(body) + policy + "\n"));
    let mut wrong = Wrong::default();
    for (policy, body, expected) in [
        ("policy p(n: Int) { respond n }", "  apply p(1)", "E0301 [n] expected Status, found Int"),
        ("policy p(n: Status) { respond n }", "  apply p(204)", ""),
        (
            "policy p(n: Status) { respond n }",
            "  apply p(700)",
            "E0318 [700] `700` is not a status",
        ),
        ("policy p(n: Status) { respond n }", "  apply p", "E0312 [p] `p` needs its `n`"),
        ("policy p(n: Status) { respond n }", "  apply p(m=204)", "E0313 [m] `p` takes no `m`"),
        ("policy p(n: Status = 204) { respond n }", "  apply p", ""),
        ("policy p { set resp.header[\"x\"] = \"a\" }", "  respond 200\n  apply p", ""),
        (
            "policy p { set resp.header[\"x\"] = \"a\" }",
            "  apply p\n  respond 200",
            "E0402 [resp.header] `resp.header` does not exist before the request is answered",
        ),
        (
            "policy p { apply q }\npolicy q { apply p }",
            "  apply p\n  respond 200",
            "E0209 [p] `p` is defined by itself",
        ),
        (
            "policy p { require req.header[\"x\"] is present }",
            "  apply p\n  rewrite req.header[\"x\"]\n  respond 200",
            "",
        ),
        ("policy p(t: Duration) { forward app, timeout=t }", "  apply p(5s)", ""),
        ("policy p(h: String) { set up.header[h] = \"a\" }", "  apply p(\"x\")\n  respond 200", ""),
        (
            "policy p(h: String) { set up.header[h] = \"a\" }",
            "  apply p(req.path)\n  respond 200",
            "E0310 [h] this must be constant",
        ),
        (
            "pub policy p(unread: String) { require req.path == \"/\" }",
            "  respond 200",
            "W0601 [unread] the parameter `unread` is not used",
        ),
        (
            "fn f(a: String?) -> Bool = a == \"x\"",
            "  require f(req.header[\"x\"])\n  respond 200",
            "",
        ),
        (
            "fn f(a: String) -> Bool = g(a)\nfn g(a: String) -> Bool = f(a)",
            "  require f(\"x\")\n  respond 200",
            "E0209 [f] `f` is defined by itself",
        ),
        (
            "fn f(a: Int) -> Bool = a",
            "  require f(1)\n  respond 200",
            "E0301 [a] expected Bool, found Int",
        ),
        (
            "fn late() -> Bool = resp.status == 200",
            "  require late()\n  respond 200",
            "E0402 [resp.status] `resp.status` does not exist before the request is answered",
        ),
        ("let a = b\nlet b = a", "  respond 200, a", "E0209 [a] `a` is defined by itself"),
    ] {
        wrong.of(&format!("{policy} / {body}"), &with(policy, body), expected);
    }
    wrong.none();
}

#[test]
fn items_are_held_to_their_rows() {
    let with = |items: &str| said(&format!("edition 2026\n{items}\n"));
    let mut wrong = Wrong::default();
    for (items, expected) in [
        ("listener web { bnid \":80\" }", "E0501 [bnid] `listener` has no setting `bnid` -> bind"),
        ("listener web { }", "E0502 [web] the listener `web` lacks its `bind`"),
        (
            "listener web { bind \":80\", proto=[h1, h4] }",
            "E0203 [h4] there is no option `h4` -> h1",
        ),
        (
            "pub upstream a { balance random }",
            "E0502 [a] the upstream `a` lacks its `server` or `discover`",
        ),
        (
            "pub upstream a { server \"a:1\"; balance rnadom }",
            "E0203 [rnadom] there is no balancer `rnadom` -> random",
        ),
        (
            "pub upstream a { server \"a:1\"; balance random, choices=2 }",
            "E0313 [choices] `random` takes no `choices`",
        ),
        (
            "pub upstream a { server \"a:1\"; balance random; balance random }",
            "E0503 [balance] `balance` stands twice -> ",
        ),
        (
            "pub upstream a { server \"a:1\"; discover dns(\"a\") }",
            "E0504 [discover] `discover` and `server` exclude each other -> ",
        ),
        (
            "pub upstream a { server \"a:1\", weight=req.path }",
            "E0310 [req.path] this must be constant",
        ),
        (
            "pub upstream a { server \"a:1\"; health GET, \"/\", every=5 }",
            "E0301 [5] expected Duration, found Int -> s",
        ),
        (
            "pub upstream a { server \"a:1\"; retry 2, on=[connect, 504] }",
            "E0301 [504] expected \"connect\" | \"502\" | \"503\", found Int",
        ),
        ("pub param a: Strign", "E0205 [Strign] there is no type `Strign` -> String"),
        ("pub param a: Int default \"x\"", "E0301 [\"x\"] expected Int, found String"),
        (
            "pub param a: Duration from env(\"A\") default 5",
            "E0301 [5] expected Duration, found Int -> s",
        ),
        ("pub secret a from env(\"A\")", ""),
        ("pub secret a from evn(\"A\")", "E0212 [evn] there is no function `evn` -> env"),
        ("auth token = oidc { issuer \"x\" }", "E0215 [oidc] `oidc` is not available yet"),
        ("let a = 1", "W0601 [a] the let `a` is not used"),
        ("let a = 1\nlet a = 2", "E0204 [a] `a` is defined twice"),
        ("route r { respond 200 }", "E0410 [r] `r` is on no listener"),
        (
            "listener web { bind \":80\" }\nroute r on wbe { respond 200 }",
            "E0203 [wbe] there is no listener `wbe` -> web",
        ),
        (
            "listener web { bind \":80\" }\nroute r on web before x { respond 200 }",
            "E0203 [x] there is no route `x`",
        ),
        (
            "listener web { bind \":80\" }\nroute r on web before r { respond 200 }",
            "E0414 [r] `r` cannot come before itself -> ",
        ),
        (
            "listener web { bind \":80\" }\nsite s on web {\n  host \"a.example\"\n  require x\n  route a { path \"/a\"; respond 200 }\n  route b { path \"/b\"; respond 200 }\n}",
            "E0203 [x] there is no value `x`",
        ),
        (
            "listener web { bind \":80\" }\nsite s on web {\n  host \"a.example\"\n  route a { host \"b.example\"; respond 200 }\n}",
            "E0413 [host] `host` stands twice -> ",
        ),
        (
            "listener web { bind \":80\" }\nsite s on web {\n  path \"/x\"\n  route a { respond 200 }\n}",
            "E0406 [path] `path` does not belong in a site",
        ),
    ] {
        wrong.of(items, &with(items), expected);
    }
    wrong.none();
}

#[test]
fn a_missing_edition_is_inserted() {
    let found = said("listener web { bind \":80\" }\nroute r on web { respond 200 }\n");
    assert_eq!(found, "E0201 [listener] the file does not say its edition -> edition 2026⏎⏎");
    assert_eq!(said(""), "E0201 [] the file does not say its edition -> edition 2026⏎⏎");
}

#[test]
fn secrets_stay_secret() {
    let with = |body: &str| said(&(route(body) + "secret key from env(\"K\")\n"));
    let mut wrong = Wrong::default();
    for (body, expected) in [
        ("  sign key\n  respond 200", ""),
        ("  respond 200, key", "E0309 [key] a secret may not be used here"),
        ("  respond 200, \"{key}\"", "E0309 [key] a secret may not be used here"),
        ("  require key == \"a\"\n  respond 200", "E0309 [key] a secret may not be used here"),
        ("  respond 200, json={ a: key }", "E0309 [key] a secret may not be used here"),
        ("  let k = key\n  sign k\n  respond 200", ""),
        ("  sign \"a\"\n  respond 200", "E0301 [\"a\"] expected Secret, found String"),
    ] {
        wrong.of(body, &with(body), expected);
    }
    wrong.none();
}

#[test]
fn what_grows_without_bound_is_refused() {
    let mut text =
        "edition 2026\nlistener web { bind \":80\" }\npolicy p0 { require req.path == \"/\" }\n"
            .to_owned();
    for n in 1..40 {
        text += &format!("policy p{n} {{ apply p{0}; apply p{0} }}\n", n - 1);
    }
    text += "route r on web { apply p39; respond 200 }\n";
    assert!(said(&text).starts_with("E0316"), "{}", said(&text));
    let mut text = "edition 2026\nlistener web { bind \":80\" }\nfn f0(a: Bool) -> Bool = a and req.path == \"/\"\n".to_owned();
    for n in 1..40 {
        text += &format!("fn f{n}(a: Bool) -> Bool = f{0}(a) or f{0}(a)\n", n - 1);
    }
    text += "route r on web { require f39(req.host == \"a\"); respond 200 }\n";
    assert!(said(&text).starts_with("E0316"), "{}", said(&text));
    let mut text = "edition 2026\nlet a0 = \"0123456789\"\n".to_owned();
    for n in 1..40 {
        text += &format!("let a{n} = \"{{a{0}}}{{a{0}}}\"\n", n - 1);
    }
    assert!(said(&text).starts_with("E0316"), "{}", said(&text));
    for doubled in [
        "\"{AA}{AA}\"",
        "{ a: AA, b: AA }",
        "[AA, AA]",
        "match req.method { GET => \"{AA}{AA}\"; _ => \"\" }",
    ] {
        let mut body = "  let a0 = req.header[\"h\"] ?? \"\"\n".to_owned();
        for n in 1..40 {
            let doubled = doubled.replace("AA", &format!("a{}", n - 1));
            body += &format!("  let a{n} = {doubled}\n");
        }
        let found = of_route(&(body + "  respond 200, a39"));
        assert!(found.starts_with("E0316"), "{doubled}: {found}");
    }
    let mut text =
        "edition 2026\nlistener web { bind \":80\" }\npolicy p(a: String) {\n".to_owned();
    text += "  let b = \"{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}\"\n  set up.header[\"a\"] = b\n}\n";
    text += "route r on web {\n  let a = \"{req.path}{req.path}\"\n  apply p(a)\n  apply p(\"{a}{a}\")\n  respond 200, a\n}\n";
    assert_eq!(said(&text), "");
    let mut body = "  let a0 = req.header[\"h\"] ?? \"\"\n".to_owned();
    for n in 1..10 {
        body += &format!("  let a{n} = \"{{a{0}}}{{a{0}}}\"\n", n - 1);
    }
    for n in 0..40 {
        body += &format!("  set up.header[\"x-{n}\"] = a9\n");
    }
    assert!(of_route(&(body + "  respond 200")).starts_with("E0316"));
    let long = vec!["req.path == \"/\""; 40].join(" or ");
    assert_eq!(of_where(&long), "");
    let deep = format!("{}1{} == 1", "(".repeat(120), ")".repeat(120));
    assert!(!of_where(&deep).contains("panic"));
    let sum = vec!["length(req.path)"; 60].join(" + ");
    assert_eq!(of_where(&format!("{sum} > 5")), "");
}

#[test]
fn clauses_stand_once_and_in_front() {
    assert_eq!(
        of_route(
            "  path \"/a\"\n  require req.method == GET\n  where req.host == \"a\"\n  respond 200"
        ),
        "E0406 [where] `where` does not belong in a route behind its statements -> where req.host == \"a\"⏎   … "
    );
    assert_eq!(
        of_route("  require req.method == GET; path \"/a\"; respond 200"),
        "E0406 [path] `path` does not belong in a route behind its statements -> path \"/a\";  … "
    );
    assert_eq!(
        of_route(
            "  where req.host == \"a\" or req.host == \"b\"\n  where req.method == GET\n  respond 200"
        ),
        "E0413 [where] `where` stands twice -> where (req.host == \"a\" or req.host == \"b\") and req.method == GET … "
    );
    let text = route("  respond 200").replace("on web {", "on web on side {");
    assert_eq!(
        said(&text.replace("pub upstream app", "listener side { bind \":81\" }\npub upstream app")),
        "E0413 [on] `on` stands twice -> , side … "
    );
}

#[test]
fn parameters_have_types() {
    for item in ["policy p(n) { require req.method == n }", "fn f(n) = n"] {
        let said = said(&format!(
            "edition 2026\nlistener web {{ bind \":80\" }}\npub {item}\nroute all on web {{ respond 200 }}\n"
        ));
        assert_eq!(said.lines().next(), Some("E0312 [n] `n` needs its `type`"), "{item}: {said}");
        assert_eq!(said.lines().filter(|line| line.starts_with('E')).count(), 1, "{item}: {said}");
    }
}

#[test]
fn an_auth_is_made_by_one_provider() {
    let of = |head: &str| {
        said(&format!(
            "edition 2026\nlistener web {{ bind \":80\" }}\nauth t = {head} {{ }}\nroute all on web {{ respond 200 }}\n"
        ))
    };
    for head in ["jwt = jwt", "jwt jwt"] {
        assert!(of(head).contains("E0104 "), "{}", of(head));
    }
}

#[test]
fn what_is_no_value_hides_no_field() {
    let text = "edition 2026\nlistener client { bind \":80\" }\nupstream req { server \"a:1\" }\nroute all on client { where client.ip in 10.0.0.0/8 and req.header[\"x\"] == \"1\"; forward req }\n";
    assert_eq!(said(text), "");
}

#[test]
fn a_text_in_brackets_is_that_text() {
    let text = "edition 2026\nsecret hook from env((\"GW_HOOK\"))\nlistener web { bind \":80\" }\nroute all on web { host (\"a.example\"); respond 200 }\n";
    assert_eq!(said(text), "W0601 [hook] the secret `hook` is not used");
    assert_eq!(
        of_route("  host a(\"x\")\n  respond 200"),
        "E0301 [a(\"x\")] expected a text in quotes, found something without quotes -> \"a(x)\""
    );
    let (checked, _) = checked(&route("  host a(\"x\")\n  respond 200"));
    assert!(checked.diags.iter().all(|diag| diag.certain_fix().is_none()));
}

#[test]
fn what_stands_too_deep_on_each_other_is_refused_once() {
    const N: usize = 600;
    let first = |text: String| {
        let work = move || said(&text).lines().next().unwrap_or_default().to_owned();
        // As much as whoever checks a policy has.
        let apart = std::thread::Builder::new().stack_size(8 << 20).spawn(work);
        apart.unwrap().join().unwrap()
    };
    // Each stands on one that is written behind it.
    for (used, item, last, place) in [
        ("where f0", "let $A = not $B", "let $A = req.path == \"/\"", "f171"),
        ("where f0()", "fn $A(): Bool = not $B()", "fn $A(): Bool = req.path == \"/\"", "f171"),
        ("apply f0", "policy $A { apply $B }", "policy $A { require req.path == \"/\" }", "f256"),
    ] {
        let name = |item: &str, n: usize| {
            item.replace("$A", &format!("f{n}")).replace("$B", &format!("f{}", n + 1))
        };
        let mut text = route(&format!("  {used}\n  respond 200"));
        for n in 0..N {
            text += &format!("{}\n", name(item, n));
        }
        let found = first(text + &name(last, N));
        assert_eq!(found, format!("E0316 [{place}] these items stand too deep on each other"));
    }
    let lets: String = (1..N).map(|n| format!("  let f{n} = not f{}\n", n - 1)).collect();
    let lets = format!("  let f0 = req.path == \"/\"\n{lets}  require f{}\n  respond 200", N - 1);
    assert_eq!(of_route(&lets), "E0316 [not f254] these names stand too deep on each other");
}
