//! Upstreams that fail while clients ask: what a client sees of it. `cargo test -p gw-tests --test suite -- --ignored
//! faults` asks 100,000 times.

use std::time::Duration;

use libtest_mimic::{Failed, Trial};

use crate::blocks::http::send;
use crate::gateway::Gateway;
use crate::load::{Clients, Mortal};
use crate::scripted::script;

/// Between one upstream that restarts and the next one.
const BETWEEN: Duration = Duration::from_millis(250);

/// The tests, by name.
pub fn trials() -> Vec<Trial> {
    let dies = "faults: no GET fails when one of two upstreams dies";
    let restarts = |n| format!("faults: of {n} GETs none fails while upstreams restart in turn");
    vec![
        Trial::test(dies, upstream_dies),
        Trial::test(restarts("2,000"), || upstreams_restart(2_000)),
        Trial::test(restarts("100,000"), || upstreams_restart(100_000)).with_ignored_flag(true),
    ]
}

fn start(servers: &[String]) -> Result<(tempfile::TempDir, Gateway), Failed> {
    let folder = tempfile::tempdir()?;
    let servers: String = servers.iter().map(|at| format!("  server \"{at}\"\n")).collect();
    let policy = format!(
        "edition 2026\nlistener web {{ bind \"127.0.0.1:0\" }}\nupstream app {{\n{servers}}}\nroute all on web {{ \
         forward app }}\n"
    );
    let (path, admin) = (folder.path().join("gateway.gw"), ["--admin", "127.0.0.1:0"]);
    let gateway = Gateway::start_with(folder.path(), &path, &policy, &admin)?;
    Ok((folder, gateway))
}

fn upstream_dies() -> Result<(), Failed> {
    let alive = script("HTTP/1.1 200 OK\n\nalive".to_owned())?;
    let mut dying = Mortal::start()?;
    let (_folder, gateway) = start(&[alive.to_string(), dying.address.to_string()])?;
    let clients = Clients::start(gateway.address(None)?, 4);
    clients.wait(100)?;
    dying.die();
    clients.wait(200)?;
    clients.finish()
}

/// One of three upstreams is killed with its connections open and started again, then the next one, until so many
/// requests are answered. Each has some time between: a request is sent three times, and would fail if all of them met
/// one that is gone.
fn upstreams_restart(requests: usize) -> Result<(), Failed> {
    let mut upstreams = [Mortal::start()?, Mortal::start()?, Mortal::start()?];
    let servers: Vec<String> = upstreams.iter().map(|one| one.address.to_string()).collect();
    let (_folder, gateway) = start(&servers)?;
    let clients = Clients::start(gateway.address(None)?, 8);
    let (mut n_restarts, n) = (0, upstreams.len());
    while (clients.answered() < requests || n_restarts < n) && !clients.failed() {
        clients.wait(200)?;
        if let Some(upstream) = upstreams.get_mut(n_restarts % n) {
            upstream.restart()?;
        }
        n_restarts += 1;
        std::thread::sleep(BETWEEN);
    }
    clients.finish().map_err(|failed| {
        let page = gateway.admin().and_then(|at| send(at, "GET /metrics HTTP/1.1\nhost: x"));
        let page = page.unwrap_or_default();
        let told = page.lines().filter(|line| line.starts_with("gw_upstream"));
        let told: Vec<&str> = told.collect();
        format!(
            "{} after {n_restarts} restarts\n{}",
            failed.message().unwrap_or_default(),
            told.join("\n")
        )
    })?;
    Ok(())
}
