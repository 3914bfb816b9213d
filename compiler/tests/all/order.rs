//! What is said about the order of routes.

use lang::Value;
use lang::policy::{Compare, Policy, Route};

use crate::build::*;

fn order_of(policy: &Policy) -> String {
    said(&compiler::lower(policy).1)
}

fn codes(policy: &Policy) -> Vec<&'static str> {
    compiler::lower(policy).1.iter().map(|diag| diag.code).collect()
}

#[test]
fn paths_across_each_other_need_a_word() {
    let mut policy = policy(vec![route("a").path(&["/{x}/b"]), route("shop.b").path(&["/a/{y}"])]);
    assert_eq!(
        order_of(&policy),
        "E0801: `shop.b` and `a` overlap in their paths, and neither is narrower
  1: `GET http://any.example/a/b` belongs to this
  0: and to this
  help: say with `before` which of them is tried first
  fix: try `shop.b` before `a`: \" before a\"
  fix: try `a` before `shop.b`: \" before shop.b\"
"
    );
    before(&mut policy, 0, 1);
    assert_eq!(order_of(&policy), "");
    assert_eq!(decide(&matcher(&policy), &get("x/a/b")), "a");
    policy.before.clear();
    before(&mut policy, 1, 0);
    assert_eq!(decide(&matcher(&policy), &get("x/a/b")), "shop.b");
}

#[test]
fn paths_across_each_other_do_not_matter_where_no_request_is_in_both() {
    let policy = policy(vec![
        route("a").path(&["/{x}/b"]).method(&["GET"]),
        route("b").path(&["/a/{y}"]).method(&["PUT"]),
    ]);
    assert_eq!(order_of(&policy), "");
}

#[test]
fn conditions_across_each_other_need_a_word() {
    let mut policy = policy(vec![
        route("s.a").path(&["/a"]).when(is(header("a"), "1")),
        route("s.b")
            .path(&["/a"])
            .when(is(header("b"), "1"))
            .when(is(field(&QUERY, Some("q")), "x y")),
    ]);
    assert_eq!(
        order_of(&policy),
        "E0802: `s.b` and `s.a` take the same requests, and neither is narrower
  1: `GET http://any.example/a?q=x%20y with a: 1 and b: 1` fits this
  0: and this
  help: say with `before` which of them is tried first
  fix: try `s.b` before `s.a`: \" before a\"
  fix: try `s.a` before `s.b`: \" before b\"
"
    );
    before(&mut policy, 1, 0);
    assert_eq!(order_of(&policy), "");
}

#[test]
fn what_can_not_be_taken_apart_is_undecided() {
    let policy = policy(vec![
        route("a").when(is(call("base64", vec![coalesce(header("k"), "")]), "a")),
        route("b").when(is(call("lower", vec![coalesce(header("k"), "")]), "b")),
        route("c"),
    ]);
    assert_eq!(codes(&policy), ["E0803"]);
}

#[test]
fn what_is_open_with_many_is_told_with_a_few_and_the_number_of_the_rest() {
    let mut routes = vec![route("odd").path(&["/{x}/b"])];
    routes.extend((0..50).map(|at| route(&format!("r{at}")).path(&[&format!("/{at}/{{y}}")])));
    let diags = compiler::lower(&policy(routes)).1;
    assert_eq!(diags.len(), 8);
    let help = diags[0].help.clone().unwrap_or_default();
    assert!(help.ends_with("and 42 more of this kind with `odd`"), "{help}");
}

#[test]
fn very_many_that_are_open_are_cut_off() {
    let same = (0..3_000).map(|at| route(&format!("r{at}")).path(&["/a"])).collect();
    let diags = compiler::lower(&policy(same)).1;
    assert_eq!((diags[0].code, diags.len()), ("E0804", 8));
    assert!(diags[0].help.as_ref().is_some_and(|help| help.contains("2991 more of this kind")));
    let header = |at: usize| is(header(&format!("h{at}")), "1");
    let open = (0..300).map(|at| route(&format!("r{at}")).path(&["/a"]).when(header(at))).collect();
    let diags = compiler::lower(&policy(open)).1;
    assert!(diags.len() <= 100, "{}", diags.len());
    let help = diags.last().and_then(|diag| diag.help.clone()).unwrap_or_default();
    assert!(help.contains("there are more of this kind"), "{help}");
}

#[test]
fn computed_values_compare_with_themselves() {
    let kind = || call("lower", vec![coalesce(header("k"), "")]);
    let policy = policy(vec![route("a").when(is(kind(), "a")), route("b").when(is(kind(), "b"))]);
    assert_eq!(order_of(&policy), "");
}

#[test]
fn texts_are_told_apart_by_what_they_are_asked() {
    let text = |text: &str| constant(Value::string(text));
    let begins = |t: &str| call("starts_with", vec![coalesce(header("k"), ""), text(t)]);
    let ends = |t: &str| call("ends_with", vec![coalesce(header("k"), ""), text(t)]);
    let with = |a, b| policy(vec![route("a").when(a), route("b").when(b)]);
    assert_eq!(order_of(&with(begins("ab"), begins("abc"))), "");
    assert_eq!(order_of(&with(begins("ab"), begins("b"))), "");
    let across = order_of(&with(begins("ab"), ends("bc")));
    assert!(across.contains("`GET http://any.example/ with k: abc`"), "{across}");
    assert_eq!(order_of(&with(begins("ab"), is(header("k"), "abx"))), "");
    let pattern = Value::Regex(lang::value::Pattern(regex::Regex::new("^ab.*c$").unwrap().into()));
    let matches = call("matches", vec![coalesce(header("k"), ""), constant(pattern)]);
    let narrower = with(begins("ab"), matches);
    assert_eq!(order_of(&narrower), "");
    assert_eq!(decide(&matcher(&narrower), &get("x/").header("k", "abc")), "b");
    assert_eq!(decide(&matcher(&narrower), &get("x/").header("k", "abd")), "a");
}

#[test]
fn numbers_and_addresses_are_told_apart_by_their_bounds() {
    let size = |how, n| compare(how, field(&SIZE, None), Value::Size(n));
    let with = |a, b| policy(vec![route("a").when(a), route("b").when(b)]);
    assert_eq!(order_of(&with(size(Compare::Lt, 10), size(Compare::Ge, 10))), "");
    assert_eq!(order_of(&with(size(Compare::Lt, 10), size(Compare::Le, 10))), "");
    assert_eq!(codes(&with(size(Compare::Lt, 10), size(Compare::Le, 9))), ["E0804"]);
    assert_eq!(codes(&with(size(Compare::Lt, 10), size(Compare::Gt, 8))), ["E0802"]);
    let from = |nets: &[&str]| {
        let nets = nets.iter().map(|net| Value::Cidr(net.parse().unwrap()));
        is_in(field(&IP, None), Value::list(nets))
    };
    assert_eq!(order_of(&with(from(&["10.0.0.0/8"]), from(&["10.1.0.0/16"]))), "");
    assert_eq!(order_of(&with(from(&["10.0.0.0/8"]), from(&["fd00::/8"]))), "");
    assert_eq!(
        codes(&with(from(&["10.0.0.0/9", "10.128.0.0/9"]), from(&["10.0.0.0/8"]))),
        ["E0804"]
    );
    let across = order_of(&with(
        from(&["10.0.0.0/8", "fd00::/8"]),
        from(&["10.1.0.0/16", "192.168.0.0/16"]),
    ));
    assert!(across.contains("from 10.1.0.0"), "{across}");
}

#[test]
fn duplicates_say_whether_it_matters() {
    let policy = policy(vec![
        route("a").path(&["/a/{x}"]).when(is(capture("x"), "1")),
        route("b").path(&["/a/{y}"]).when(is(capture("y"), "1")),
    ]);
    assert_eq!(
        order_of(&policy),
        "E0804: `b` takes exactly the requests of `a`
  1: `GET http://any.example/a/1` fits this
  0: and this
  help: they do different things: remove one of them, or narrow it
  fix: remove `b`: \"\"
"
    );
}

#[test]
fn a_route_that_others_cover_together_is_told() {
    let policy = policy(vec![
        route("p").path(&["/a/p"]),
        route("q").path(&["/a/q"]),
        route("both").path(&["/a/{x: p|q}"]),
    ]);
    assert_eq!(
        order_of(&policy),
        "E0805: `both` never answers: `p` and `q` together answer every request it takes
  2: no request reaches this
  0: takes some of its requests
  1: takes some of its requests
  help: `GET http://any.example/a/p` is answered by `p`, which does something else: narrow it, or remove `both`
  fix: remove `both`: \"\"
"
    );
}

#[test]
fn a_route_is_covered_across_hosts_by_what_its_condition_says() {
    let policy = policy(vec![
        route("exact").host(&["a.x"]),
        route("wild").host(&["*.x"]).when(is(field(&HOST, None), "a.x")),
    ]);
    let said = order_of(&policy);
    assert!(said.starts_with("E0805: `wild` never answers: `exact` answers every"), "{said}");
}

#[test]
fn a_condition_that_never_holds_is_told() {
    let policy = policy(vec![
        route("a").when(and(vec![is(header("a"), "1"), is(header("a"), "2")])),
        route("b"),
    ]);
    assert_eq!(codes(&policy), ["E0806"]);
}

#[test]
fn a_before_that_hides_a_route_is_told() {
    let mut policy = policy(vec![
        route("a").when(is(header("a"), "1")),
        route("b").when(is(header("b"), "1")),
        route("not_a").when(not(is(header("a"), "1"))),
    ]);
    before(&mut policy, 0, 1);
    before(&mut policy, 2, 1);
    let said = order_of(&policy);
    assert!(said.starts_with("E0805: `b` never answers: `a` and `not_a` together"), "{said}");
    assert!(said.contains("100: because this puts it in front"), "{said}");
}

#[test]
fn lines_of_before_are_held_to_what_they_do() {
    let conditions = || {
        policy(vec![
            route("a").when(is(header("a"), "1")),
            route("b").when(is(header("b"), "1")),
            route("c").when(is(header("c"), "1")),
            route("rest"),
        ])
    };
    let mut circle = conditions();
    for (first, second) in [(0, 1), (1, 2), (2, 0)] {
        before(&mut circle, first, second);
    }
    let said = order_of(&circle);
    assert_eq!(said.matches("E0807").count(), 1, "{said}");
    assert_eq!(said.matches("` before `").count(), 3, "{said}");

    let mut chain = conditions();
    before(&mut chain, 0, 1);
    before(&mut chain, 1, 2);
    assert_eq!(order_of(&chain), "", "what follows from others need not be said");

    let mut contrary = conditions();
    for (first, second) in [(0, 1), (1, 2), (3, 0)] {
        before(&mut contrary, first, second);
    }
    assert_eq!(codes(&contrary), ["E0808"]);

    let mut idle = conditions();
    for (first, second) in [(0, 1), (1, 2), (0, 3)] {
        before(&mut idle, first, second);
    }
    assert_eq!(codes(&idle), ["W0809"]);
    assert!(compiler::lower(&idle).0.is_some());
}

#[test]
fn ten_thousand_routes_are_ordered_in_no_time() {
    let tenant = |n: usize| is(header("tenant"), &format!("t{n}"));
    let mut routes = Vec::new();
    for n in 0..2_000 {
        routes.push(route(&format!("host{n}")).host(&[&format!("h{n}.example")]));
        routes.push(
            route(&format!("read{n}"))
                .host(&[&format!("h{n}.example")])
                .path(&["/a/{id}"])
                .method(&["GET"]),
        );
        routes.push(
            route(&format!("write{n}"))
                .host(&[&format!("h{n}.example")])
                .path(&["/a/{id}"])
                .method(&["PUT"]),
        );
        routes.push(route(&format!("path{n}")).path(&[&format!("/p{n}/{{x}}")]));
        routes.push(
            route(&format!("tenant{n}")).path(&["/t"]).method(&["GET", "HEAD"]).when(tenant(n)),
        );
    }
    routes.push(route("rest").path(&["/t"]));
    let policy = policy(routes);
    // Quadratic work would take minutes here.
    assert_eq!(order_of(&policy), "");
}

#[test]
fn many_ranges_of_one_capture_are_told_apart() {
    let within = |name: &str, from: i64, to: i64| {
        let bound = |how, at| compare(how, capture("id"), Value::Int(at));
        route(name)
            .path(&["/n/{id: Int}"])
            .when(bound(Compare::Ge, from))
            .when(bound(Compare::Lt, to))
    };
    let apart = |n: i64| within(&format!("r{n}"), n * 10, n * 10 + 10);
    let mut routes: Vec<_> = (0..500).map(apart).collect();
    // Cubic work would take minutes here.
    assert_eq!(order_of(&policy(routes.clone())), "");
    // Two of them take all that this one could.
    routes.push(within("both", 40, 60));
    let said = order_of(&policy(routes.clone()));
    assert!(said.contains("both") && said.contains("r4") && said.contains("r5"), "{said}");
    routes.pop();
    routes.push(within("across", 45, 55));
    let said = order_of(&policy(routes));
    assert!(said.contains("across") && said.contains("r4") && said.contains("r5"), "{said}");
}

#[test]
fn hundreds_of_patterns_are_told_apart() {
    let asking = |of: fn(usize) -> lang::policy::Expr| {
        let route = |n| route(&format!("r{n}")).path(&["/**"]).when(of(n));
        order_of(&policy((0..300).map(route).collect()))
    };
    let path = |n| matches(field(&PATH, None), &format!("^/v{n}/(users|items)/[0-9]+$"));
    assert_eq!(asking(path), "");
    let end =
        |n| call("ends_with", vec![field(&PATH, None), constant(Value::string(format!(".e{n}")))]);
    assert_eq!(asking(end), "");
    let text = |n| matches(coalesce(header("h"), ""), &format!("^tenant-{n}-[a-z]+$"));
    assert_eq!(asking(text), "");
    let overlap = |n| matches(field(&PATH, None), &format!("^/v{}/", n % 299));
    let said = asking(overlap);
    assert!(said.contains("`r299`") && said.contains("`r0`"), "{said}");
}

/// Routes `r1`, `r2`, … at this path, each with its condition.
fn each(n: i64, path: &str, of: impl Fn(i64) -> lang::policy::Expr) -> Policy {
    policy((1..=n).map(|at| route(&format!("r{at}")).path(&[path]).when(of(at))).collect())
}

#[test]
fn hundreds_of_routes_inside_each_other_are_ordered() {
    let text = || coalesce(header("h"), "");
    let path = || field(&PATH, None);
    let letters = |n: i64| "a".repeat(usize::try_from(n).unwrap_or_default());
    let below = |of, n| compare(Compare::Lt, of, Value::Int(n));
    let begins = |of, prefix: &str| call("starts_with", vec![of, constant(Value::string(prefix))]);
    let length = |of| call("length", vec![of]);
    assert_eq!(order_of(&each(300, "/**", |n| begins(text(), &letters(n)))), "");
    assert_eq!(order_of(&each(300, "/**", |n| begins(path(), &format!("/{}", letters(n))))), "");
    assert_eq!(order_of(&each(300, "/**", |n| below(length(text()), n))), "");
    assert_eq!(order_of(&each(300, "/**", |n| below(length(path()), n + 1))), "");
    let number = |n| below(call("int", vec![coalesce(header("h"), "0")]), n);
    assert_eq!(order_of(&each(500, "/**", number)), "");
    let size = |n| compare(Compare::Lt, field(&SIZE, None), Value::Size(n as u64));
    assert_eq!(order_of(&each(300, "/**", size)), "");
    let listed = |n| is_in(header("h"), Value::list((0..n).map(|n| Value::string(n.to_string()))));
    assert_eq!(order_of(&each(300, "/**", listed)), "");
    let from = |n: i64| {
        let nets = (0..n)
            .map(|n| Value::Cidr(format!("10.{}.{}.0/24", n / 256, n % 256).parse().unwrap()));
        is_in(field(&IP, None), Value::list(nets))
    };
    let networks = each(300, "/**", from);
    assert_eq!(order_of(&networks), "");
    let ip = |text: &str| Value::Ip(text.parse().unwrap());
    let asked = |client: &str| get("x/").with("client.ip", ip(client));
    assert_eq!(decide(&matcher(&networks), &asked("10.0.0.1")), "r1");
    assert_eq!(decide(&matcher(&networks), &asked("10.1.2.1")), "r259");
}

#[test]
fn what_is_too_large_to_be_told_apart_is_not_called_ambiguous() {
    let path = || field(&PATH, None);
    let counted = |n| compare(Compare::Lt, call("length", vec![path()]), Value::Int(n + 20));
    let found = codes(&each(60, "/api/**", counted));
    assert!(!found.is_empty() && found.iter().all(|code| *code == "E0803"), "{found:?}");
    let said = order_of(&each(60, "/api/**", counted));
    assert!(said.contains("it cannot be decided which one is narrower"), "{said}");
}

#[test]
fn more_routes_than_are_compared_are_not_ordered_by_lines() {
    let n = 2_100;
    let mut many = policy(overlapping(n));
    // Each before the next, and the last one narrower than the first: a circle, if anybody looked.
    for first in 1..n {
        before(&mut many, first - 1, first);
    }
    let said = order_of(&many);
    assert!(said.starts_with("E0803: more routes of one host may overlap"), "{said}");
    assert_eq!(codes(&many), ["E0803"]);
}

#[test]
fn very_many_hard_patterns_are_given_up_sooner_and_sooner() {
    let hard = |n: usize| format!("(a|b)*a(a|b){{20}}x{n}");
    let mut routes = Vec::new();
    for n in 0..200 {
        let path = format!("/p{n}");
        routes.push(
            route(&format!("a{n}"))
                .path(&[&path])
                .when(matches(coalesce(header("h"), ""), &hard(n))),
        );
        routes.push(route(&format!("b{n}")).path(&[&path]).when(is(header("i"), "1")));
    }
    // Each for itself would take minutes.
    let codes = codes(&policy(routes));
    assert!(codes.len() > 20 && codes.iter().all(|code| *code == "E0803"), "{codes:?}");
}

/// Routes that all overlap, at one place: `r0`, `r1`, … ask for a header each.
fn overlapping(n: usize) -> Vec<Route> {
    (0..n).map(|n| route(&format!("r{n}")).when(is(header(&format!("x{n}")), "1"))).collect()
}

#[test]
fn lines_order_very_many_pairs_and_hide_none() {
    let n = 106;
    let all = |routes: Vec<Route>, skip: &dyn Fn(usize, usize) -> bool| {
        let n = routes.len();
        let mut policy = policy(routes);
        for first in 0..n {
            for second in (first + 1..n).filter(|second| !skip(first, *second)) {
                before(&mut policy, first, second);
            }
        }
        policy
    };
    assert_eq!(codes(&all(overlapping(n), &|_, _| false)), [""; 0]);
    // The last two have no line.
    let said = order_of(&all(overlapping(n), &|a, b| (a, b) == (n - 2, n - 1)));
    assert!(said.starts_with("E0802: `r105` and `r104`"), "{said}");
    // The last is narrower than the one before it, and comes first by itself.
    let mut routes = overlapping(n - 1);
    routes.push(route("narrow").when(is(header("x104"), "1")).when(is(header("z"), "1")));
    let narrow = all(routes, &|a, _| a == n - 2);
    assert_eq!(order_of(&narrow), "");
    let asked = get("x/")
        .with("req.header x104", Value::string("1"))
        .with("req.header z", Value::string("1"));
    assert_eq!(decide(&matcher(&narrow), &asked), "narrow");
    // The last two are the same.
    let mut routes = overlapping(n - 1);
    routes.push(route("again").when(is(header("x104"), "1")));
    assert_eq!(codes(&all(routes, &|a, _| a == n - 2)), ["E0804"]);
}

#[test]
fn a_chain_of_lines_orders_all_of_it() {
    let mut policy = policy(overlapping(130));
    for first in 0..129 {
        before(&mut policy, first, first + 1);
    }
    assert_eq!(order_of(&policy), "");
    before(&mut policy, 129, 0);
    assert_eq!(codes(&policy), ["E0807"]);
}

#[test]
fn hosts_in_between_are_what_decides() {
    let at = |name: &str, path: &str| route(name).host(&["**.x.t", "a.x.t"]).path(&[path]);
    let mut policy = policy(vec![at("one", "/a/b"), at("all", "/a/**")]);
    before(&mut policy, 0, 1);
    assert_eq!(codes(&policy), ["W0809"]);
}
