//! What the parser promises for any text: no panic, no byte lost, one diagnostic for one mistake.

use super::ast::{self, Expr, Item, Part, Type};
use super::*;
use crate::format::format;
use crate::source::SourceId;

const SAMPLE: &str = include_str!("sample.gw");

/// Parses, and checks what holds for every text.
fn parsed(text: &str) -> (Source, Tree, Vec<Diag>) {
    let source = Source::new(SourceId(0), "test.gw", text);
    let (tree, diags) = parse(&source);
    let leaves: String = tree.leaves().map(Node::text).collect();
    assert_eq!(leaves, text, "a byte was lost");
    for diag in &diags {
        for span in diag.labels.iter().map(|label| label.span) {
            assert!(text.get(span.range()).is_some(), "{diag:?} is outside of {text:?}");
        }
    }
    (source, tree, diags)
}

/// Line and message of each diagnostic.
fn said(text: &str) -> Vec<String> {
    let (source, _, diags) = parsed(text);
    let line = |diag: &Diag| source.line_column(diag.span().start).line;
    diags.iter().map(|diag| format!("{} {}", line(diag), diag.message)).collect()
}

/// Formats, and checks that a second time changes nothing and no word is lost.
fn formatted(text: &str) -> String {
    let (source, tree, diags) = parsed(text);
    let once = format(&source, &tree);
    let (again, tree_again, diags_again) = parsed(&once);
    assert_eq!(format(&again, &tree_again), once, "formatting is not stable");
    assert_eq!(words(&tree), words(&tree_again), "formatting lost something");
    assert_eq!(diags.len(), diags_again.len(), "{diags:#?} {diags_again:#?}\n{once}");
    once
}

/// The text that formatting must keep.
fn words(tree: &Tree) -> String {
    let is_space = |kind| matches!(kind, Kind::Space | Kind::Newline | Kind::Blank);
    let words =
        tree.leaves().filter(|leaf| !is_space(leaf.kind()) && !matches!(leaf.text(), "," | ";"));
    words.flat_map(|leaf| leaf.text().chars()).filter(|c| !c.is_whitespace() && *c != ',').collect()
}

/// Statements and items whose own line parsed.
fn n_whole(tree: &Tree) -> usize {
    let nodes = tree.nodes().flat_map(Node::descendants);
    let lines = nodes.filter(|node| matches!(node.kind(), Kind::Stmt | Kind::Item(_)));
    let whole = lines.filter(|node| {
        !node.children().any(|child| child.kind() != Kind::Block && child.is_broken())
    });
    whole.count()
}

#[test]
fn the_sample_parses() {
    let (_, tree, _) = parsed(SAMPLE);
    assert_eq!(said(SAMPLE), Vec::<String>::new());
    assert_eq!(ast::items(&tree).count(), 22);
    let shop =
        ast::items(&tree).find(|item| item.head().name().is_some_and(|name| name.text == "shop"));
    let Some(Item::Site(shop)) = shop else { panic!("no site") };
    assert_eq!(shop.on().map(|word| word.text).collect::<Vec<_>>(), ["web"]);
    let block = shop.block().unwrap();
    assert_eq!((block.items().count(), block.stmts().count()), (4, 2));
    let routes: Vec<_> = block.items().collect();
    assert!(routes[0].head().docs().unwrap().starts_with("Read one user."));
    assert_eq!(routes[2].head().before().next().unwrap().text, "user_debug");
    let set = routes[0].head().block().unwrap().stmts().last().unwrap();
    assert!(matches!(set.assignment().unwrap().target, Expr::Index(_)));
}

#[test]
fn views_read_what_is_written() {
    let text = "param n: List<Int?> = 1\npub fn f(x: Int = 2, y: \"a\" | \"b\") -> Bool = not x == 2 and y?.z in w\n\
        route r {\n  let a: String = \"x{b.c}\\n{id: Uuid}\"\n  stub users = 1\n  timeout connect=5s, total = 9s\n  \
        for req where req.a is absent\n}\n";
    let (_, tree, diags) = parsed(text);
    assert!(diags.is_empty(), "{diags:?}");
    let items: Vec<Item<'_>> = ast::items(&tree).collect();
    let Item::Param(param) = items[0] else { panic!() };
    assert!(
        matches!(param.ty(), Some(Type::Named(ty)) if matches!(ty.args().next(), Some(Type::Optional(_))))
    );
    assert!(matches!(param.default(), Some(Expr::Literal(_))));
    let Item::Fn(function) = items[1] else { panic!() };
    assert!(function.is_pub() && function.returns().is_some());
    assert!(matches!(function.params().nth(1).unwrap().ty(), Some(Type::Union(_))));
    let Some(Expr::Binary(and)) = function.value() else { panic!() };
    assert_eq!(and.op().unwrap().op, ast::BinaryOp::And);
    assert!(
        matches!(and.left(), Some(Expr::Unary(not)) if matches!(not.operand(), Some(Expr::Binary(_))))
    );
    let stmts: Vec<_> = items[2].head().block().unwrap().stmts().collect();
    let binding = stmts[0].binding().unwrap();
    assert_eq!(binding.name.unwrap().text, "a");
    let Some(Expr::Str(string)) = binding.value else { panic!() };
    let holes: Vec<_> = string.parts().filter(|part| matches!(part, Part::Hole(_))).collect();
    assert!(matches!(holes[0], Part::Hole(hole) if matches!(hole.expr(), Some(Expr::Member(_)))));
    assert!(
        matches!(holes[1], Part::Hole(hole) if hole.capture().is_some_and(|found| found.0.text == "id"))
    );
    assert!(stmts[1].assignment().is_some() && stmts[1].named().count() == 0);
    assert_eq!(stmts[2].named().map(|arg| arg.name.text).collect::<Vec<_>>(), ["connect", "total"]);
    assert!(stmts[2].assignment().is_none());
    assert_eq!(stmts[3].positional().count(), 2);
}

#[test]
fn one_mistake_gives_one_message() {
    let cases: &[(&str, &[&str])] = &[
        (
            "listener web { bind \":80\"\n\nroute a on web { respond 200 }\n",
            &["1 this block is never closed"],
        ),
        (
            "site s {\n  route a {\n    host \"x\"\n  route b {\n    host \"y\"\n  }\n}\n",
            &["3 this block is never closed"],
        ),
        ("route a {\n  x 1\n  }\n  y 2\n}\n", &["3 this `}` closes nothing"]),
        ("route a\n  x 1\n  y 2\n}\n", &["1 expected `{` to open this block"]),
        ("route a {\n  host \"x\n  y 2\n}\n", &["2 this string is never closed"]),
        (
            "route a {\n  tls cert=\"x, key=\"y\", min=1\n  y 2\n}\n",
            &["2 this string is never closed"],
        ),
        ("route a {\n  host x.y\"\n  y 2\n}\n", &["2 this string is never opened"]),
        ("rotue a { x 1 }\n", &["1 `rotue` begins no item"]),
        ("let x 1\n", &["1 expected `=` before `1`"]),
        ("route a { set up.header[\"x\"] 1 }\n", &["1 expected `=` before `1`"]),
        ("route a { f x y=2 }\n", &["1 expected `,` before `y`"]),
        ("route a { x [1 2] }\n", &["1 expected `,` before `2`"]),
        ("route a { x json={ a 1 } }\n", &["1 expected `:` before `1`"]),
        ("route a { where a and\n}\n", &["1 expected a value after `and`"]),
        ("route a { where a adn b }\n", &["1 expected `,` or an operator, found `adn`"]),
        ("route a { where a && b }\n", &["1 `&&` is written `and`"]),
        ("route a { where a ] }\n", &["1 this `]` closes nothing"]),
        ("route a { apply f(x, [1, 2) }\n", &["1 this `[` is never closed"]),
        ("route a {\n  apply f(x, 1\n  y 2\n}\n", &["2 this `(` is never closed"]),
        ("policy p(a: Int {\n  x 1\n}\n", &["1 this `(` is never closed"]),
        ("route a { host # }\n", &["1 unexpected character `#`"]),
        ("route on web { x 1 }\n", &["1 expected a name after `route`"]),
        ("route a { \"x\" }\n", &["1 a statement begins with a verb"]),
        ("route a { x 'y' }\n", &["1 strings are written in double quotes"]),
        ("auth t jwt { x 1 }\n", &["1 expected `=` before `jwt`"]),
        ("site s web { x 1 }\n", &["1 expected `on` before `web`"]),
        ("param p String\n", &["1 expected `:` before `String`"]),
        (
            "site s {\n  route y\n    a 1\n    b f(2\n  }\n}\n",
            &["2 expected `{` to open this block", "4 this `(` is never closed"],
        ),
        ("fn f(x) =\n", &["1 expected a value after `=`"]),
        ("upstream a {\n  server =\"x\"\n  b 1\n}\n", &["2 expected a value, found `=`"]),
        ("route a { where == 3 }\n", &["1 expected a value before `==`"]),
        ("route a { where a =~ \"b\" }\n", &["1 `=~` does not stand between two values"]),
        (
            "route a { where a matches re\"b\" }\n",
            &["1 `matches` does not stand between two values"],
        ),
        ("route a { if a == b { x 1 } y 2 }\n", &["1 there is no `if`"]),
        ("use \"./a.gw\" { b as c, d }\n", &["1 a name is imported as it is called"]),
        ("route a {\n  cap x=1,\n    y=2\n  z 3\n}\n", &["2 expected a value after `,`"]),
        ("route a {\n  cap x=1, // one\n    y=2 // two\n}\n", &["2 expected a value after `,`"]),
        ("route a {\n  where a and\n    b(c)\n  z 3\n}\n", &["2 expected a value after `and`"]),
        ("route a {\n  x 1,\n  set y[\"z\"] = 3\n}\n", &["2 expected a value after `,`"]),
    ];
    for (text, expected) in cases {
        assert_eq!(said(text), *expected, "{text}");
        formatted(text);
    }
}

#[test]
fn a_byte_order_mark_means_nothing() {
    let text = "\u{feff}edition 2026\n\nlet a = 1\n";
    assert_eq!(said(text), Vec::<String>::new());
    assert_eq!(formatted(text), text.trim_start_matches('\u{feff}'));
}

#[test]
fn any_missing_token_is_one_mistake() {
    let (_, tree, _) = parsed(SAMPLE);
    let n_lines = n_whole(&tree);
    let is_space = |kind| matches!(kind, Kind::Space | Kind::Newline | Kind::Blank);
    let tokens: Vec<_> =
        tree.leaves().filter(|leaf| !is_space(leaf.kind())).map(Node::span).collect();
    let trees = Trees::default();
    let parse = |text: &str| {
        let source = Source::new(SourceId(0), "test.gw", text);
        let (tree, diags) = trees.parse(&source);
        (source, tree, diags)
    };
    for span in tokens {
        let text = format!("{}{}", &SAMPLE[..span.range().start], &SAMPLE[span.range().end..]);
        let (source, broken, diags) = parse(&text);
        assert_eq!(broken.leaves().map(Node::text).collect::<String>(), text);
        let what = &SAMPLE[span.range()];
        assert!(diags.len() <= 1, "without {what:?} at {span:?}: {diags:#?}");
        assert!(n_whole(&broken) + 5 >= n_lines, "without {what:?} at {span:?} too much is lost");
        let once = format(&source, &broken);
        let (again, tree_again, _) = parse(&once);
        assert_eq!(format(&again, &tree_again), once, "without {what:?} at {span:?}");
    }
}

#[test]
fn pages_show_what_they_say() {
    for entry in crate::diag::CATALOGUE.iter().filter(|entry| entry.code.starts_with("E01")) {
        let block = |fence: &str| {
            let (_, rest) = entry.explain.split_once(fence)?;
            rest.split_once("```").map(|(block, _)| block)
        };
        let fails = parsed(block("```gw fails\n").unwrap()).2;
        assert!(
            !fails.is_empty() && fails.iter().all(|diag| diag.code == entry.code),
            "{}: {fails:?}",
            entry.code
        );
        assert_eq!(said(block("```gw mended\n").unwrap()), Vec::<String>::new(), "{}", entry.code);
    }
}

#[test]
fn bombs_are_refused() {
    for (open, close) in [
        ("[", "]"),
        ("(", ")"),
        ("{ a: ", "}"),
        ("f(", ")"),
        ("f(x={ a: [", "] })"),
        ("match x { _ => ", "}"),
        ("f(match x { _ => ", "})"),
        ("not ", ""),
        ("- ", ""),
        ("a.", "a"),
        ("a ?? ", "a"),
        ("a and ", "a"),
        ("match ", ""),
        ("\"{", "}\""),
        ("\"{[", "]}\""),
    ] {
        for n in [60, 127, 2_000] {
            for text in [
                format!("let x = {}1{}\n", open.repeat(n), close.repeat(n)),
                format!("let x = {}\n", open.repeat(n)),
                format!("route a {{\n  x {}\n}}\n", open.repeat(n)),
            ] {
                let (source, tree, diags) = parsed(&text);
                assert!(n < 200 || !diags.is_empty(), "{open} {n}");
                format(&source, &tree);
            }
        }
    }
    for text in [
        "route a {\n".repeat(5000),
        "x { ".repeat(5000),
        "a ".repeat(5000),
        "}\n".repeat(5000),
        // A hole that is not closed holds no other strings.
        format!("let l = [{}]\n", "\"/{a/\", ".repeat(60)),
        format!("let l = [{}]\n", "\"/{re\", ".repeat(60)),
        format!("route a {{ respond 200, json={} }}\n", "\"{{".repeat(60)),
        format!("route a {{ {} }}\n", "path \"/a/{re\"".repeat(60)),
        format!("let v = [{}\n", ".apath \"/a/{\"\\]".repeat(600)),
        format!("route a {{ {} }}\n", "path \"/a/{{;match ".repeat(60)),
        format!("let v = 1{}\n", "path \"/a/{\"\\ ".repeat(60)),
        format!("let v = {}\n", "[ path \"/a/{{assert a {".repeat(60)),
        // Each is looked at with what stands before it on its line.
        ")".repeat(20_000),
        "a]".repeat(10_000),
    ] {
        let (source, tree, _) = parsed(&text);
        format(&source, &tree);
    }
    let types = format!("param x: {}Int{}\n", "List<".repeat(5000), ">".repeat(5000));
    assert_eq!(said(&types).len(), 1);
    let (source, tree, _) = parsed(&format!("let s = \"{}\"\n", "{".repeat(5000)));
    format(&source, &tree);
}

#[test]
fn any_text_has_a_tree() {
    let pieces: &[&str] = &[
        "route",
        "let",
        "x",
        "\"",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "=",
        "=>",
        ":",
        ",",
        ";",
        "\n",
        "\n  ",
        " ",
        "//",
        "///",
        "1",
        "10.0.0.0/8",
        "and",
        "not",
        "match",
        "is",
        ".",
        "?.",
        "??",
        "\\",
        "'",
        "é",
        "\u{1}",
        "\r\n",
        "\t",
        "<",
        ">",
        "|",
        "fn f(x: Int) = ",
        "site s on web {\n",
        "re\"",
        "@",
        "pub ",
        "for x where ",
        "%",
        "::",
    ];
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 33) as usize % below
    };
    for _ in 0..1500 {
        let n = next(40);
        let text: String = (0..n).map(|_| pieces[next(pieces.len())]).collect();
        let (source, tree, _) = parsed(&text);
        let once = format(&source, &tree);
        let (again, tree_again, _) = parsed(&once);
        assert_eq!(words(&tree), words(&tree_again), "{text:?} became {once:?}");
        assert_eq!(format(&again, &tree_again), once, "{text:?}");
    }
}

#[test]
fn formatting_is_canonical_and_stable() {
    formatted(SAMPLE);
    let text = "\n\nedition   2026 // year\n\n\n\n// about\n  /// doc\nroute  a   on web\n{\n\n   x   1 ,y = 2;z // end\n\n\n\n   \
        // last\n}\nlet l=[1,// one\n 2,\n // three\n 3]\nfn f( a:Int=1 )->Bool=a>1\n";
    assert_eq!(
        formatted(text),
        "edition 2026 // year\n\n// about\n/// doc\nroute a on web {\n  x 1, y=2\n  z // end\n\n  // last\n}\nlet l = [\n  \
        1, // one\n  2,\n  // three\n  3,\n]\nfn f(a: Int = 1) -> Bool = a > 1\n"
    );
    let long = format!("let l = [{}]\n", ["\"0123456789\""; 12].join(", "));
    assert!(formatted(&long).lines().count() == 14);
    formatted(
        "route a {\n  apply caller(match token.plan {\n    \"pro\" => 200/s\n    _ => { a: 1 }\n  })\n}\n",
    );
    formatted("route a { forward { 95% => users, 5% => users_next } }\n");
}
