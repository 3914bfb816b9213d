//! Modules that fail while a gateway runs, and before: what is served of them, and what is not.

use std::path::Path;

use libtest_mimic::{Failed, Trial};

use crate::blocks::http::send;
use crate::gateway::Gateway;

const ROOT: &str = r#"edition 2026
pub listener web { bind "127.0.0.1:0" }
module a on web from "./a.gw" { owns host="a.example" }
module b on web from "./b.gw" {
  owns host="b.example", path="/own/**"
  owns host="x.example", path="/b/**"
}
route rest on web { respond 200, "rest" }
"#;

/// The tests, by name.
pub fn trials() -> Vec<Trial> {
    let tests: [(&str, crate::Test); 8] = [
        ("a module that fails on a reload keeps its last good version", keeps_last_good),
        ("a module that fails at the start is closed, and nobody else answers for it", closes),
        ("a last good version survives a restart", survives),
        ("an input without a value is the fault of its module alone", unbound),
        ("claims about a module that is closed are told to be open, and judge nobody", unjudged),
        ("what claims miss in a module is the module's fault", missed),
        ("a name that a module never had is the mistake of the first file", never_had),
        ("what is not a module's fault leaves everything as it was", leaves),
    ];
    tests.into_iter().map(|(name, run)| Trial::test(format!("modules: {name}"), run)).collect()
}

fn module(name: &str, says: &str) -> String {
    let place = match name {
        "a" => "host \"a.example\"",
        _ => "host \"x.example\"; path \"/b/**\"",
    };
    format!(
        "edition 2026\nuse \"./gateway.gw\" {{ web }}\nroute all on web {{ {place}; respond 200, \"{says}\" }}\n"
    )
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), Failed> {
    Ok(std::fs::write(folder.join(format!("{name}.gw")), text)?)
}

fn start(folder: &Path, more: &[&str]) -> Result<Gateway, Failed> {
    let more = [&["--admin", "127.0.0.1:0"], more].concat();
    Gateway::start_with(folder, &folder.join("gateway.gw"), ROOT, &more)
}

/// Reloads, and waits until that is done.
fn reload(gateway: &Gateway) -> Result<(), Failed> {
    gateway.signal("HUP")?;
    gateway.hear("reloaded (SIGHUP)").map(drop)
}

fn expect(gateway: &Gateway, host: &str, path: &str, answer: &str) -> Result<(), Failed> {
    let request = format!("GET {path} HTTP/1.1\nhost: {host}");
    let got = send(gateway.address(Some("web"))?, &request)?;
    let status = got.split(' ').nth(1).unwrap_or("");
    let body = got.split("\n\n").nth(1).unwrap_or("").trim();
    match status == answer || (status == "200" && body == answer) {
        true => Ok(()),
        false => Err(format!("{host}{path}: expected {answer}, got:\n{got}").into()),
    }
}

fn tells(gateway: &Gateway, path: &str, words: &str) -> Result<(), Failed> {
    let page = send(gateway.admin()?, &format!("GET {path} HTTP/1.1\nhost: x"))?;
    if page.contains(words) {
        Ok(())
    } else {
        Err(format!("{path} lacks `{words}`:\n{page}").into())
    }
}

fn keeps_last_good() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    write(folder, "a", &module("a", "a1"))?;
    write(folder, "b", &module("b", "b1"))?;
    let gateway = start(folder, &[])?;
    expect(&gateway, "a.example", "/", "a1")?;
    expect(&gateway, "x.example", "/b/1", "b1")?;
    tells(&gateway, "/metrics", "gw_module_state{module=\"b\",state=\"current\"} 1")?;

    // `b` no longer parses; `a` has news.
    write(folder, "a", &module("a", "a2"))?;
    write(folder, "b", &module("b", "b2").replace("respond", "respnd"))?;
    reload(&gateway)?;
    let said = gateway.hear("module b keeps its last good version")?;
    if !said.contains("b.gw:3: E0401[unknown-verb]") {
        return Err(format!("no reason: {said}").into());
    }
    expect(&gateway, "a.example", "/", "a2")?;
    expect(&gateway, "x.example", "/b/1", "b1")?;
    tells(&gateway, "/metrics", "gw_module_state{module=\"b\",state=\"last_good\"} 1")?;
    tells(&gateway, "/metrics", "gw_module_state{module=\"a\",state=\"current\"} 1")?;
    tells(&gateway, "/policy", "\"serves\":\"last_good\"")?;
    tells(&gateway, "/policy", "unknown-verb")?;

    // It claims another's ground; then its file is gone: the version is the same one.
    write(folder, "b", &module("b", "b3").replace("x.example", "a.example"))?;
    reload(&gateway)?;
    if !gateway.hear("module b keeps its last good version")?.contains("not-owned") {
        return Err("claiming another's ground is not the reason".into());
    }
    expect(&gateway, "x.example", "/b/1", "b1")?;
    std::fs::remove_file(folder.join("b.gw"))?;
    reload(&gateway)?;
    if !gateway.hear("module b keeps its last good version")?.contains("import-failed") {
        return Err("the missing file is not the reason".into());
    }
    expect(&gateway, "x.example", "/b/1", "b1")?;

    // It is mended.
    write(folder, "b", &module("b", "b4"))?;
    reload(&gateway)?;
    gateway.hear("module b is served as its file says again")?;
    expect(&gateway, "x.example", "/b/1", "b4")?;
    tells(&gateway, "/metrics", "gw_module_state{module=\"b\",state=\"last_good\"} 0")
}

fn closes() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    write(folder, "a", &module("a", "a1"))?;
    write(folder, "b", "edition 2026\nroute {\n")?;
    let gateway = start(folder, &[])?;
    expect(&gateway, "a.example", "/", "a1")?;
    // Without it the first file's own route would answer.
    expect(&gateway, "x.example", "/", "rest")?;
    expect(&gateway, "x.example", "/b/1", "503")?;
    expect(&gateway, "b.example", "/own", "503")?;
    expect(&gateway, "b.example", "/other", "rest")?;
    tells(&gateway, "/metrics", "gw_module_state{module=\"b\",state=\"closed\"} 1")?;
    write(folder, "b", &module("b", "b1"))?;
    reload(&gateway)?;
    expect(&gateway, "x.example", "/b/1", "b1")
}

fn survives() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let state = folder.join("state").display().to_string();
    write(folder, "a", &module("a", "a1"))?;
    write(folder, "b", &module("b", "b1"))?;
    drop(start(folder, &["--state", &state])?);
    write(folder, "b", "edition 2026\nroute {\n")?;
    let gateway = start(folder, &["--state", &state])?;
    expect(&gateway, "x.example", "/b/1", "b1")?;
    tells(&gateway, "/policy", "\"serves\":\"last_good\"")?;
    drop(gateway);
    // What the state says is held to the same rules: this one is no longer given any of its ground.
    let text = ROOT.replace("path=\"/b/**\"", "path=\"/c/**\"");
    let path = folder.join("gateway.gw");
    let more = ["--admin", "127.0.0.1:0", "--state", &state];
    let gateway = Gateway::start_with(folder, &path, &text, &more)?;
    expect(&gateway, "x.example", "/c/1", "503")?;
    expect(&gateway, "x.example", "/b/1", "rest")
}

fn unbound() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let asks = |default: &str| {
        module("b", "{motto}").replace("route", &format!("param motto: String{default}\nroute"))
    };
    write(folder, "a", &module("a", "a1"))?;
    write(folder, "b", &asks(""))?;
    let gateway = start(folder, &[])?;
    expect(&gateway, "a.example", "/", "a1")?;
    expect(&gateway, "x.example", "/b/1", "503")?;
    write(folder, "b", &asks(" default \"b2\""))?;
    reload(&gateway)?;
    expect(&gateway, "x.example", "/b/1", "b2")?;
    write(folder, "b", &asks(""))?;
    reload(&gateway)?;
    gateway.hear("module b keeps its last good version")?;
    expect(&gateway, "x.example", "/b/1", "b2")?;
    drop(gateway);
    // A value for an input of a module that is not there is nobody's mistake.
    std::fs::write(folder.join("params.toml"), "\"b.motto\" = \"b3\"\n")?;
    write(folder, "b", &asks("").replace("respond", "respnd"))?;
    let gateway = start(folder, &[])?;
    expect(&gateway, "x.example", "/b/1", "503")?;
    write(folder, "b", &asks(""))?;
    reload(&gateway)?;
    expect(&gateway, "x.example", "/b/1", "b3")
}

/// A first file with claims and a test about `a`.
fn claiming() -> String {
    let claims = r#"
route own on web within a { host "a.example"; path "/own"; respond 200, "own" }
assert named { for req where route == a.all; expect status == 200 }
assert sent { for req where forwarded(to=a.app); expect client.ip in 10.0.0.0/8 }
assert all_of_it { for req where req.host == "a.example" and req.path != "/own"; expect route == a.all }
assert served { for req where req.host == "a.example"; expect status == 200 }
test "t" { stub a.app = respond(200); send GET, "http://a.example/"; expect route == a.all }
"#;
    format!("{ROOT}{claims}")
}

fn start_of(folder: &Path, text: &str) -> Result<Gateway, Failed> {
    Gateway::start_with(folder, &folder.join("gateway.gw"), text, &["--admin", "127.0.0.1:0"])
}

fn unjudged() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    write(folder, "b", &module("b", "b1"))?;
    for text in [None, Some(module("a", "a1").replace("respond", "apply"))] {
        // At first there is no file.
        if let Some(text) = text {
            write(folder, "a", &text)?;
        }
        let gateway = start_of(folder, &claiming())?;
        // What is said of the ground without the module's names is true of what is served there.
        expect(&gateway, "a.example", "/", "503")?;
        expect(&gateway, "a.example", "/own", "own")?;
        expect(&gateway, "x.example", "/b/1", "b1")?;
        expect(&gateway, "x.example", "/", "rest")?;
        tells(&gateway, "/policy", "\"unjudged\":[\"named\",\"sent\",\"all_of_it\"]")?;
    }
    Ok(())
}

fn missed() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let first = r#"
assert named { for req where route == a.all; expect forwarded(to=a.app) or status == 200 }
"#;
    let good = format!("{}upstream app {{ server \"127.0.0.1:9\" }}\n", module("a", "a1"));
    write(folder, "a", &good)?;
    write(folder, "b", &module("b", "b1"))?;
    let gateway = start_of(folder, &format!("{ROOT}{first}"))?;
    expect(&gateway, "a.example", "/", "a1")?;
    // The upstream is gone; then the route; then the file. The others have news each time.
    let renamed = good.replace("route all", "route some").replace("a1", "a2");
    for (nth, text) in [Some(module("a", "a2")), Some(renamed), None].into_iter().enumerate() {
        match text {
            Some(text) => write(folder, "a", &text)?,
            None => std::fs::remove_file(folder.join("a.gw"))?,
        }
        let news = format!("b{}", nth + 2);
        write(folder, "b", &module("b", &news))?;
        reload(&gateway)?;
        gateway.hear("module a keeps its last good version")?;
        expect(&gateway, "a.example", "/", "a1")?;
        expect(&gateway, "x.example", "/b/1", &news)?;
    }
    Ok(())
}

fn never_had() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let state = folder.join("state").display().to_string();
    write(folder, "a", &module("a", "a1"))?;
    write(folder, "b", &module("b", "b1"))?;
    let wrong =
        format!("{ROOT}assert typo {{ for req where req.path == \"/\"; expect route != a.al }}\n");
    let path = folder.join("gateway.gw");
    for more in [&[][..], &["--state", &state]] {
        if Gateway::start_with(folder, &path, &wrong, more).is_ok() {
            return Err("a policy was served of which an assert names nothing".into());
        }
        // What the module says is loadable as before, and what was good of it is kept.
        drop(start(folder, more)?);
    }
    let more = ["--state", &*state];
    match Gateway::start_with(folder, &path, &wrong, &more) {
        Ok(_) => Err("a module was closed for what the first file says".into()),
        Err(_) => Ok(()),
    }
}

fn leaves() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    write(folder, "a", &module("a", "a1"))?;
    write(folder, "b", &module("b", "b1"))?;
    let gateway = start(folder, &[])?;
    write(folder, "a", &module("a", "a2"))?;
    // The first file is wrong; and then it takes away what a failing module's last good version needs.
    for text in [ROOT.replace("respond 200", "respnd 200"), ROOT.replace("a.example", "c.example")]
    {
        std::fs::write(folder.join("gateway.gw"), text)?;
        write(folder, "a", &module("a", "a2").replace("respond", "respnd"))?;
        gateway.signal("HUP")?;
        gateway.hear("not reloaded (SIGHUP): the running policy stays")?;
        expect(&gateway, "a.example", "/", "a1")?;
        expect(&gateway, "x.example", "/", "rest")?;
    }
    tells(&gateway, "/metrics", "gw_reloads_total{result=\"failed\"} 2")
}
