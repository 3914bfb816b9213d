//! A policy that answers with one word, and who asks which it is.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;

use crate::blocks::http::send;
use crate::gateway::PATIENCE;

/// A policy that answers with this word.
pub fn answering(word: &str) -> String {
    format!(
        "edition 2026\nlistener web {{ bind \"127.0.0.1:0\" }}\nroute all on web {{ respond 200, \"{word}\" }}\n"
    )
}

/// Fails if another word is answered there.
pub fn expect(address: SocketAddr, word: &str) -> Result<(), Failed> {
    let answer = send(address, "GET / HTTP/1.1\nhost: x.example")?;
    if answer.ends_with(&format!("\n\n{word}")) { Ok(()) } else { Err(answer.into()) }
}

/// The same, in time: until the old policy or process has stopped taking connections, either may answer.
pub fn becomes(address: SocketAddr, word: &str) -> Result<(), Failed> {
    let began = Instant::now();
    loop {
        match expect(address, word) {
            Err(_) if began.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(10)),
            outcome => return outcome,
        }
    }
}
