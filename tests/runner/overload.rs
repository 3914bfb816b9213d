//! An upstream that cannot keep up: what waits, what is refused, and who is not held up by it.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};

use crate::blocks::http::send;
use crate::gateway::{Gateway, PATIENCE};
use crate::load::Clients;

/// The tests, by name.
pub fn trials() -> Vec<Trial> {
    let tests: [(&str, crate::Test); 1] =
        [("an upstream that slows down tenfold is asked less until it recovers", slows_down)];
    tests.into_iter().map(|(name, run)| Trial::test(format!("overload: {name}"), run)).collect()
}

/// An upstream whose answers take as many milliseconds as the number says.
fn slow(takes: Arc<AtomicU64>) -> Result<SocketAddr, Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let takes = takes.clone();
            std::thread::spawn(move || -> Option<()> {
                let mut stream = stream;
                let mut reader = BufReader::new(stream.try_clone().ok()?);
                loop {
                    let mut line = String::new();
                    while line != "\r\n" {
                        line.clear();
                        if reader.read_line(&mut line).ok()? == 0 {
                            return None;
                        }
                    }
                    std::thread::sleep(Duration::from_millis(takes.load(Relaxed)));
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()?;
                }
            });
        }
    });
    Ok(address)
}

/// Answers, or is refused and told when to come back.
fn answered_or_told(head: &str) -> Result<(), String> {
    let head = head.to_ascii_lowercase();
    match head.starts_with("http/1.1 503") {
        true if head.contains("retry-after: 1\r\n") => {
            std::thread::sleep(Duration::from_millis(20));
            Ok(())
        }
        false if head.starts_with("http/1.1 200") => Ok(()),
        _ => Err(head),
    }
}

/// A number of `/metrics`.
fn metric(gateway: &Gateway, name: &str) -> Result<u64, Failed> {
    let page = send(gateway.admin()?, "GET /metrics HTTP/1.1\nhost: x")?;
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    Ok(line.map_or(Ok(0), |value| value.trim().parse())?)
}

/// Waits until it is as it should be.
pub fn until(gateway: &Gateway, name: &str, holds: impl Fn(u64) -> bool) -> Result<(), Failed> {
    let began = Instant::now();
    loop {
        let value = metric(gateway, name)?;
        if holds(value) {
            return Ok(());
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("{name} stays at {value}").into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn slows_down() -> Result<(), Failed> {
    const LIMIT: &str = "gw_upstream_adaptive_limit{upstream=\"app\"}";
    const FULL: &str = "gw_upstream_failures_total{upstream=\"app\",reason=\"breaker_pending\"}";
    let takes = Arc::new(AtomicU64::new(20));
    let policy = format!(
        "edition 2026\nlistener web {{ bind \"127.0.0.1:0\" }}\nupstream app {{\n  server \"{}\"\n  breaker \
         pending=8\n  adaptive_concurrency buffer=100%\n}}\nroute health on web {{\n  path \"/health\"\n  respond \
         200\n}}\nroute all on web {{ forward app }}\n",
        slow(takes.clone())?
    );
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("gateway.gw");
    let gateway = Gateway::start_with(folder.path(), &path, &policy, &["--admin", "127.0.0.1:0"])?;
    let clients = Clients::judging(gateway.address(None)?, 24, answered_or_told);
    until(&gateway, LIMIT, |limit| limit > 24)?;
    takes.store(200, Relaxed);
    until(&gateway, LIMIT, |limit| limit <= 10)?;
    until(&gateway, FULL, |refused| refused > 10)?;
    for (address, path) in [
        (gateway.address(None)?, "/health"),
        (gateway.admin()?, "/healthz"),
        (gateway.admin()?, "/readyz"),
    ] {
        let began = Instant::now();
        let answer = send(address, &format!("GET {path} HTTP/1.1\nhost: x"))?;
        if !answer.starts_with("HTTP/1.1 200") || began.elapsed() > Duration::from_secs(1) {
            return Err(format!("{path}: {answer} after {:?}", began.elapsed()).into());
        }
    }
    takes.store(20, Relaxed);
    until(&gateway, LIMIT, |limit| limit >= 24)?;
    clients.finish()
}
