//! Machine code against the interpreter: random policies on every request of the world of `reference.rs`, the texts of
//! which lie around every bound there is to compare with; and what it leaves behind when it goes.

use std::sync::Arc;

use compiler::{Backend, Compiled, load, lower};
use lang::Value;
use proptest::prelude::*;

use crate::build::*;
use crate::proof::{routed, settled, way};
use crate::reference::{recipe, world};

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn machine_code_says_what_the_interpreter_says(
        made in prop::collection::vec((recipe(), way()), 1..5),
    ) {
        let routes = made.iter().enumerate().map(|(at, (r, w))| routed(&format!("r{at}"), r, w));
        let Some(policy) = settled(routes.collect()) else { return Ok(()) };
        let [interp, jit] = matchers(&policy);
        for request in world() {
            prop_assert_eq!(decide(&interp, &request), decide(&jit, &request), "{:?}", request);
        }
    }
}

/// One route for each text: equal to it, beginning so, ending so; on a header, the path and the host.
#[test]
fn texts_of_every_length_are_compared_to_their_last_byte() {
    for length in 0..70 {
        let text: String = ('a'..='z').cycle().take(length).collect();
        let is_it = vec![
            route("equal").path(&["/equal"]).when(is(header("h"), &text)),
            route("begins").path(&["/begins"]).when(call(
                "starts_with",
                vec![coalesce(header("h"), ""), constant(Value::string(&*text))],
            )),
            route("one")
                .path(&["/one"])
                .when(is_in(header("h"), Value::list(["x", &*text, "yy"].map(Value::string)))),
            route("ends")
                .path(&["/ends/**"])
                .when(call("ends_with", vec![field(&PATH, None), constant(Value::string(&*text))])),
        ];
        let [interp, jit] = matchers(&policy(is_it));
        let mut texts = vec![text.clone(), format!("{text}a"), format!("-{text}"), String::new()];
        for at in 0..length {
            let mut other = text.clone().into_bytes();
            other[at] ^= 1;
            texts.push(String::from_utf8(other).unwrap());
        }
        texts.extend((length > 0).then(|| text[1..].to_owned()));
        texts.extend((length > 0).then(|| text[..length - 1].to_owned()));
        for text in &texts {
            for path in ["/equal", "/begins", "/one"] {
                let request = get(&format!("a.x{path}")).header("h", text);
                assert_eq!(decide(&interp, &request), decide(&jit, &request), "{request:?}");
            }
            let request = get(&format!("a.x/ends/{text}"));
            assert_eq!(decide(&interp, &request), decide(&jit, &request), "{request:?}");
        }
    }
}

#[test]
fn hot_code_alone_is_compiled() {
    let routes = vec![
        route("a").path(&["/a"]).when(is(header("h"), "1")),
        route("b").path(&["/b"]).when(is(header("h"), "2")),
    ];
    let program = Arc::new(lower(&policy(routes)).0.unwrap());
    let matcher = load(program.clone(), Vec::new(), Backend::Jit).unwrap();
    assert_eq!(matcher.compile_hot().unwrap().blocks, 0);
    let request = get("a.x/a").header("h", "1");
    for _ in 0..2_000 {
        assert_eq!(decide(&matcher, &request), "a");
    }
    assert_eq!(matcher.compile_hot().unwrap().blocks, 1);
    assert_eq!(matcher.compile_hot().unwrap().blocks, 0);
    assert_eq!(decide(&matcher, &request), "a");
    let interp = load(program, Vec::new(), Backend::Interp).unwrap();
    assert_eq!(interp.compile_all(), Ok(Compiled::default()));
}

/// Hosts that answer for many names, whether they are asked first or behind others.
#[test]
fn what_is_hot_under_a_wildcard_is_compiled_too() {
    let routes = vec![
        route("one").host(&["*.x"]).path(&["/a"]).method(&["GET"]).when(is(header("h"), "1")),
        route("all").path(&["/a"]).method(&["PUT"]).when(is(header("h"), "2")),
    ];
    let program = Arc::new(lower(&policy(routes)).0.unwrap());
    let matcher = load(program, Vec::new(), Backend::Jit).unwrap();
    let ask = |method: &str, h: &str| {
        let request = Request { method: method.to_owned(), ..get("b.x/a") };
        decide(&matcher, &request.header("h", h))
    };
    let all = || [ask("GET", "1"), ask("PUT", "2"), ask("POST", "1"), ask("GET", "3")];
    let said = all();
    assert_eq!(said, ["one", "all", "405 GET", "404"]);
    for _ in 0..1_000 {
        assert_eq!(all(), said);
    }
    assert_eq!(matcher.compile_hot().unwrap().blocks, 2);
    assert_eq!(all(), said);
}

#[test]
fn a_simple_condition_is_a_handful_of_instructions() {
    let routes = vec![route("a").path(&["/a"]).method(&["GET"]).when(is(header("h"), "12345678"))];
    let matcher = matcher(&policy(routes));
    let listing = matcher.listing().unwrap();
    let (title, code) = listing.split_once('\n').unwrap();
    assert_eq!(title, "; on web, host *: a");
    // Where a block ends in nothing but a jump the listing has one that the code has not.
    let is_told = |line: &&str| !line.trim_end().ends_with(':') && !line.trim().starts_with("jmp");
    let lines = code.lines().filter(is_told).count();
    assert!((10..80).contains(&lines), "{lines} lines:\n{listing}");
}

/// The memory of machine code goes with the last that holds it.
#[test]
fn ten_thousand_reloads_leave_nothing_behind() {
    let routes = vec![route("a").path(&["/a"]).method(&["GET"]).when(is(header("h"), "1"))];
    let program = Arc::new(lower(&policy(routes)).0.unwrap());
    let reload = || {
        let matcher = load(program.clone(), Vec::new(), Backend::Jit).unwrap();
        assert_eq!(matcher.compile_all().unwrap().blocks, 1);
        let old = decide(&matcher, &get("a.x/a").header("h", "1"));
        assert_eq!(old, "a");
    };
    for _ in 0..500 {
        reload();
    }
    let before = executable();
    for _ in 0..10_000 {
        reload();
    }
    let after = executable();
    // A page for each would be 40 MiB.
    assert!(after < before + (8 << 20), "{before} bytes before, {after} after");
}

/// The bytes of memory that can be run and are of no file. Other tests, which run beside, have little of that.
fn executable() -> usize {
    #[expect(clippy::disallowed_methods, reason = "a test looks at its own process")]
    let text = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let sizes = text.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [range, may, _, _, _] = fields[..] else { return None };
        let (from, to) = range.split_once('-')?;
        let place = |text| usize::from_str_radix(text, 16).ok();
        may.contains('x').then_some(place(to)? - place(from)?)
    });
    sizes.sum()
}
