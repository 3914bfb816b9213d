//! A policy that is changed again and again while it is served: after each change the gateway answers as its file says,
//! whatever of it was looked at.

use std::path::Path;

use libtest_mimic::{Failed, Trial};

use crate::blocks::http::send;
use crate::gateway::Gateway;
use crate::word::answering;

/// The tests, by name.
pub fn trials() -> Vec<Trial> {
    let tests: [(&str, crate::Test); 2] = [
        ("what is served is what the file says, change after change", change_after_change),
        ("who wants it to stop waits for no check", stop_while_checking),
    ];
    tests.into_iter().map(|(name, run)| Trial::test(format!("reloads: {name}"), run)).collect()
}

const POLICY: &str = r#"edition 2026

listener web { bind "127.0.0.1:0" }

let word = "one"

site shop on web {
  host "shop.example"
  route all { path "/**"; respond 200, "shop" }
  route cart { path "/cart"; where req.header["x-debug"] is absent; respond 200, "cart" }
}

route word on web { host "word.example"; respond 200, word }

route lone on web { host "lone.example"; path "/{id: Int}"; respond 200, "lone {id}" }

assert answered on web {
  for req where responded
  expect status == 200
}
"#;

/// What is asked, and what is answered.
type Answers<'a> = &'a [(&'a str, &'a str)];

fn stop_while_checking() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("gateway.gw");
    let gateway = Gateway::start(folder.path(), &path, &answering("a"))?;
    let mut text = answering("b");
    for n in 0..20_000 {
        text.push_str(&format!("route r{n} on web {{ path \"/r{n}/{{id}}\"; respond 204 }}\n"));
    }
    std::fs::write(&path, text)?;
    gateway.signal("HUP")?;
    gateway.signal("TERM")?;
    let said = gateway.hear_all("stopped")?;
    match said.iter().find(|line| line.contains("reloaded")) {
        Some(line) => Err(format!("it went on until: {line}").into()),
        None => Ok(()),
    }
}

fn change_after_change() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("gateway.gw");
    std::fs::write(&path, POLICY)?;
    let gateway = Gateway::serve(folder.path(), &path, &["--admin", "127.0.0.1:0"])?;
    let unchanged: Answers<'_> = &[
        ("shop.example /", "shop"),
        ("shop.example /cart", "cart"),
        ("word.example /", "one"),
        ("lone.example /7", "lone 7"),
        ("new.example /", ""),
    ];
    answers(&gateway, unchanged)?;
    let mut text = POLICY.to_owned();
    let cart = "  route cart { path \"/cart\"; where req.header[\"x-debug\"] is absent; respond 200, \"cart\" }\n";
    let lone = "route lone on web { host \"lone.example\"; path \"/{id: Int}\"; respond 200, \"lone {id}\" }\n";
    let steps: [(&str, &str, Answers<'_>); 9] = [
        (
            "\"cart\" }",
            "\"basket\" }",
            &[("shop.example /cart", "basket"), ("lone.example /7", "lone 7")],
        ),
        (
            "\nroute lone",
            "\nroute new on web { host \"new.example\"; respond 200, \"new\" }\n\nroute lone",
            &[("new.example /", "new"), ("lone.example /7", "lone 7")],
        ),
        (
            "route word on",
            "// told anew\nroute told on",
            &[("word.example /", "one"), ("shop.example /cart", "basket")],
        ),
        (
            "\"word.example\"",
            "\"word.example\", \"*.word.example\"",
            &[("a.word.example /", "one"), ("word.example /", "one")],
        ),
        (
            &cart.replace("\"cart\" }", "\"basket\" }"),
            "",
            &[("shop.example /cart", "shop"), ("new.example /", "new")],
        ),
        (
            "let word = \"one\"",
            "let word = \"two\"",
            &[("word.example /", "two"), ("a.word.example /", "two")],
        ),
        (lone, "", &[("lone.example /7", ""), ("new.example /", "new"), ("word.example /", "two")]),
        (
            "\nroute new",
            "\nroute lone on web { host \"lone.example\"; respond 200, \"back\" }\n\nroute new",
            &[("lone.example /7", "back")],
        ),
        ("\"back\"", "\"again\"", &[("lone.example /7", "again"), ("shop.example /", "shop")]),
    ];
    for (from, to, expected) in steps {
        let changed = text.replacen(from, to, 1);
        if changed == text {
            return Err(format!("`{from}` is not there").into());
        }
        // What does not check, or does not hold, changes nothing; then comes what does.
        let wrong = changed.replacen("on web { host", "on nowhere { host", 1);
        let refuted = changed.replacen("expect status == 200", "expect status == 201", 1);
        for refused in [wrong, refuted] {
            write(&gateway, &path, &refused)?;
            gateway.hear("not reloaded (SIGHUP): the running policy stays")?;
        }
        text = changed;
        write(&gateway, &path, &text)?;
        gateway.hear("reloaded (SIGHUP): sha256:")?;
        answers(&gateway, expected)?;
    }
    Ok(())
}

fn write(gateway: &Gateway, path: &Path, text: &str) -> Result<(), Failed> {
    std::fs::write(path, text)?;
    gateway.signal("HUP")
}

/// An empty answer stands for one of the gateway's own.
fn answers(gateway: &Gateway, expected: Answers<'_>) -> Result<(), Failed> {
    for (asked, word) in expected {
        let (host, path) = asked.split_once(' ').ok_or("a host and a path")?;
        let got = send(gateway.address(None)?, &format!("GET {path} HTTP/1.1\nhost: {host}"))?;
        let (head, body) = got.split_once("\n\n").unwrap_or((&got, ""));
        let is_own = word.is_empty() && head.starts_with("HTTP/1.1 404");
        if !is_own && body.trim() != *word {
            return Err(format!("{asked}: `{got}` and not `{word}`").into());
        }
    }
    Ok(())
}
