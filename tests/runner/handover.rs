//! One process takes the place of another while clients ask: no request may fail, and what the old one has begun it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc;

use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;
use tungstenite::Message;

use crate::blocks::http::send;
use crate::gateway::{Gateway, PATIENCE};
use crate::load::Clients;
use crate::word::{answering, becomes, expect};

/// The tests, by name.
pub fn trials() -> Vec<Trial> {
    let tests: [(&str, crate::Test); 3] = [
        ("no request fails, and what was begun goes on", taken_over),
        ("a process that does not get so far changes nothing", not_taken_over),
        ("SIGUSR2 starts the process that takes over", started_anew),
    ];
    tests.into_iter().map(|(name, run)| Trial::test(format!("handover: {name}"), run)).collect()
}

/// Where processes follow one another.
struct Place {
    folder: TempDir,
    policy: PathBuf,
    socket: String,
}

impl Place {
    fn new() -> Result<Place, Failed> {
        let folder = tempfile::tempdir()?;
        let policy = folder.path().join("gateway.gw");
        let socket = folder.path().join("handover").to_string_lossy().into_owned();
        Ok(Place { folder, policy, socket })
    }

    fn start(&self, policy: &str) -> Result<Gateway, Failed> {
        let more = ["--admin", "127.0.0.1:0", "--handover", &self.socket];
        Gateway::start_with(self.folder.path(), &self.policy, policy, &more)
    }
}

/// An upstream that gives half of a long answer, and the rest when it is told; and echoes on WebSockets.
fn upstream(rest: mpsc::Receiver<()>) -> Result<SocketAddr, Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || -> Option<()> {
        let (mut long, _) = listener.accept().ok()?;
        let mut reader = BufReader::new(long.try_clone().ok()?);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line).ok()?;
        }
        long.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf").ok()?;
        std::thread::spawn(move || {
            let told = rest.recv_timeout(PATIENCE).is_ok();
            told.then(|| long.write_all(b"rest"))
        });
        let (stream, _) = listener.accept().ok()?;
        let mut socket = tungstenite::accept(stream).ok()?;
        while let Ok(message) = socket.read() {
            if message.is_text() {
                socket.send(message).ok()?;
            }
        }
        Some(())
    });
    Ok(address)
}

fn taken_over() -> Result<(), Failed> {
    let (told, rest) = mpsc::channel();
    let upstream = upstream(rest)?;
    let policy = |word: &str| {
        format!(
            "edition 2026\nlistener web {{ bind \"127.0.0.1:0\" }}\nupstream app {{ server \"{upstream}\" }}\nroute long \
             on web {{\n  path \"/long/**\"\n  forward app\n}}\nroute all on web {{ respond 200, \"{word}\" }}\n"
        )
    };
    let place = Place::new()?;
    let old = place.start(&policy("old"))?;
    let address = old.address(None)?;
    let mut long = TcpStream::connect(address)?;
    long.set_read_timeout(Some(PATIENCE))?;
    long.write_all(b"GET /long/a HTTP/1.1\r\nhost: x.example\r\n\r\n")?;
    let mut got = Vec::new();
    while !got.ends_with(b"half") {
        let mut byte = [0];
        long.read_exact(&mut byte)?;
        got.extend(byte);
    }
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let (mut socket, _) = tungstenite::client(format!("ws://{address}/long/chat"), stream)?;
    let clients = Clients::start(address, 4);
    clients.wait(100)?;

    let new = place.start(&policy("new"))?;
    old.hear("has taken over")?;
    clients.wait(400)?;
    if (new.address(None)?, new.admin()?) != (address, old.admin()?) {
        return Err("the new process listens elsewhere".into());
    }
    becomes(address, "new")?;
    let ready = send(new.admin()?, "GET /readyz HTTP/1.1\nhost: x")?;
    if !ready.starts_with("HTTP/1.1 200") {
        return Err(ready.into());
    }
    clients.finish()?;

    socket.send(Message::text("still there"))?;
    if socket.read()? != Message::text("still there") {
        return Err("the echo differs".into());
    }
    socket.close(None)?;
    while socket.read().is_ok() {}
    drop(socket);
    told.send(())?;
    let mut rest = [0; 4];
    long.read_exact(&mut rest)?;
    drop(long);
    match (&rest, &*old.hear("stopped")?) {
        (b"rest", "stopped") => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

fn not_taken_over() -> Result<(), Failed> {
    let place = Place::new()?;
    let old = place.start(&answering("old"))?;
    let address = old.address(None)?;
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let elsewhere = format!(
        "{}listener b {{ bind \"{}\" }}\nroute b on b {{ respond 200 }}\n",
        answering("x"),
        taken.local_addr()?
    );
    if place.start(&elsewhere).is_ok() {
        return Err("it listens where somebody else does".into());
    }
    old.hear("no process has taken over")?;
    expect(address, "old")?;
    let _new = place.start(&answering("new"))?;
    old.hear("has taken over")?;
    becomes(address, "new")
}

/// A process that this one has not started; ended when dropped.
struct Stranger(u32);

impl Drop for Stranger {
    fn drop(&mut self) {
        drop(Command::new("sh").args(["-c", &format!("kill -KILL {}", self.0)]).status());
    }
}

fn started_anew() -> Result<(), Failed> {
    let place = Place::new()?;
    let old = place.start(&answering("old"))?;
    let address = old.address(None)?;
    let clients = Clients::start(address, 4);
    clients.wait(100)?;
    std::fs::write(&place.policy, answering("new"))?;
    old.signal("USR2")?;
    let line = old.hear("has taken over")?;
    let number = line.split_whitespace().nth(1).and_then(|number| number.parse().ok());
    let _new = Stranger(number.ok_or(line)?);
    clients.wait(400)?;
    clients.finish()?;
    becomes(address, "new")
}
