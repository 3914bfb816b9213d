//! The rules of the cache by themselves, and what several requests at once come to.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{LocalSet, yield_now};

use super::store::{Found, Join, Store, Stored};
use super::*;
use crate::message::{Scheme, Target};

fn rule(fresh: u64, stale: u64) -> Rule {
    Rule {
        fresh: Duration::from_secs(fresh),
        stale: Duration::from_secs(stale),
        largest: 1 << 20,
        public: false,
        answers: Some(Answers::default()),
        sent: Vec::new(),
    }
}

fn response(headers: &[(&str, &str)]) -> Response {
    let mut response = Response::new(200);
    for (name, value) in headers {
        response.headers.append(name, value).unwrap();
    }
    response
}

fn key(path: &str) -> Key {
    let target = Target::new(Scheme::Http, b"x", path.as_bytes()).unwrap();
    Key::of(&Request::new(Method::Get, target), &[], &[])
}

fn stored(size: usize) -> Arc<Stored> {
    Arc::new(Stored::new(response(&[]), vec![b'x'; size].into(), Instant::now()))
}

#[test]
fn directives_are_found_with_arguments_in_any_case_and_on_any_line() {
    for headers in [
        &[("cache-control", "max-age=5, No-Store")][..],
        &[("cache-control", "public"), ("Cache-Control", "private=\"set-cookie\"")],
        &[("cache-control", "no-cache")],
        &[("vary", "accept, *")],
        &[("set-cookie", "a=1")],
    ] {
        assert!(!rules::may_keep(&response(headers), &rule(30, 0)), "{headers:?}");
    }
    for headers in [&[("cache-control", "max-age=0")][..], &[("vary", "accept")], &[]] {
        assert!(rules::may_keep(&response(headers), &rule(30, 0)), "{headers:?}");
    }
}

#[test]
fn no_part_of_a_key_runs_into_the_next() {
    let request = |path: &str| {
        let target = Target::new(Scheme::Http, b"x", path.as_bytes()).unwrap();
        Request::new(Method::Get, target)
    };
    let text = |text: &str| lang::Value::string(text);
    let of = |path: &str, parts: &[lang::Value]| Key::of(&request(path), parts, &[]);
    assert_ne!(of("/a", &[text("b"), text("c")]), of("/a", &[text("bc")]));
    assert_ne!(of("/a", &[text("1")]), of("/a", &[lang::Value::Int(1)]));
    assert_ne!(of("/a", &[text("")]), of("/a", &[lang::Value::Absent]));
    assert_ne!(of("/a?b", &[]), of("/a", &[text("?b")]));
    assert_eq!(of("/a", &[text("b")]), of("/a", &[text("b")]));
}

#[test]
fn the_memory_is_bounded_and_the_rest_goes() {
    let store = Store::new(1 << 20);
    for n in 0..1_000 {
        store.keep(&key(&format!("/{n}")), &Headers::new(), &stored(10_000));
        assert!(store.weight() <= 1 << 20);
    }
    assert!(store.weight() > 1 << 18, "{}", store.weight());
    assert_eq!(store.largest(1 << 20), 1 << 17);
    let (_, found) = store.find(&key("/999"), &Headers::new(), &rule(30, 0), Instant::now());
    assert!(matches!(found, Found::Fresh(_)), "the last one is there");
}

#[tokio::test(start_paused = true)]
async fn one_leads_and_the_others_hear_when_it_is_over() {
    LocalSet::new()
        .run_until(async {
            let store = Arc::new(Store::new(1 << 20));
            let Join::Lead(lead) = store.join(&key("/a")) else { panic!("nobody leads yet") };
            let heard = Rc::new(Cell::new(0));
            for _ in 0..3 {
                let Join::Follow(over) = store.join(&key("/a")) else { panic!("somebody leads") };
                let heard = Rc::clone(&heard);
                tokio::task::spawn_local(async move {
                    let _ = over.acquire().await;
                    heard.set(heard.get() + 1);
                });
            }
            assert!(matches!(store.join(&key("/b")), Join::Lead(_)), "another key");
            yield_now().await;
            assert_eq!(heard.get(), 0);
            // Given up or done: it is over either way.
            drop(lead);
            yield_now().await;
            yield_now().await;
            assert_eq!(heard.get(), 3);
            assert!(matches!(store.join(&key("/a")), Join::Lead(_)), "and the next one may");
        })
        .await;
}

#[test]
fn what_a_304_says_takes_the_place_of_what_is_kept_but_for_the_content() {
    let old = Stored::new(
        response(&[
            ("etag", "\"a\""),
            ("content-type", "text/plain"),
            ("x-old", "1"),
            ("age", "7"),
        ]),
        "text".into(),
        Instant::now(),
    );
    assert_eq!(old.age, 7);
    let by = response(&[
        ("etag", "\"a\""),
        ("content-type", "x/y"),
        ("content-length", "0"),
        ("x-new", "1"),
    ]);
    let new = old.confirmed(&by, Instant::now());
    let of = |name| new.response.headers.text(name);
    assert_eq!(of("content-type"), Some("text/plain"));
    assert_eq!(of("content-length"), Some("4"));
    assert_eq!((of("x-old"), of("x-new")), (Some("1"), Some("1")));
    assert_eq!((&new.content[..], new.age), (&b"text"[..], 0));
}
