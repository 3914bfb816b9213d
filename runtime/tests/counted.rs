//! What a request costs, counted and not timed: allocations of the core that serves it, and reads and writes on its
//! client's connection; and what a route keeps in memory. A number that grows is a decision, not an accident: it is written here.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it does not expect")]

use std::cell::Cell;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use compiler::{Backend, Program};
use gw_runtime::engine::{Aim, Engine, Ground};
use gw_runtime::gateway::Snapshot;
use gw_runtime::listen::Connection;
use gw_runtime::message::Scheme;
use gw_runtime::serve::{self, Drain, Protocol, Terms};
use gw_runtime::telemetry::Telemetry;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A connection on which every system call is counted.
struct Counting {
    io: tokio::net::TcpStream,
    calls: Rc<Calls>,
}

#[derive(Default)]
struct Calls {
    reads: Cell<usize>,
    writes: Cell<usize>,
}

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let polled = Pin::new(&mut self.io).poll_read(cx, buffer);
        self.calls.reads.set(self.calls.reads.get() + usize::from(polled.is_ready()));
        polled
    }
}

impl AsyncWrite for Counting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.calls.writes.set(self.calls.writes.get() + 1);
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        self.calls.writes.set(self.calls.writes.get() + 1);
        Pin::new(&mut self.io).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

fn lowered(policy: &str) -> Program {
    let mut sources = lang::Sources::default();
    let source = sources.add("test.gw", policy).clone();
    let (tree, wrong) = lang::parse(&source);
    assert!(wrong.is_empty(), "{wrong:?}");
    let unit = lang::Unit { source: &source, tree: &tree, uses: Vec::new() };
    compiler::check(&[unit], &gw_runtime::vocabulary(), Vec::new()).program.unwrap()
}

fn built(program: Program) -> Engine {
    let matcher = compiler::load(Arc::new(program), Vec::new(), Backend::Interp).unwrap();
    let ground =
        Ground { folder: &|_| PathBuf::new(), inputs: &[], previous: None, aim: Aim::Serve };
    Engine::build(matcher, ground).unwrap()
}

/// Reads a head and a content of the length that it tells; false at the end.
fn message(reader: &mut impl BufRead) -> bool {
    let (mut line, mut length) = (String::new(), 0);
    while line != "\r\n" {
        line.clear();
        if reader.read_line(&mut line).unwrap() == 0 {
            return false;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    reader.read_exact(&mut vec![0; length]).unwrap();
    true
}

/// An upstream in a thread of its own: its allocations are not counted.
fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while message(&mut reader) {
                let content = "x".repeat(1024);
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", content.len());
                stream.write_all([head, content].concat().as_bytes()).unwrap();
            }
        }
    });
    address
}

/// What so many requests on one connection come to: allocations, reads, writes.
fn counted(policy: &str, requests: usize) -> [usize; 3] {
    let telemetry = Telemetry::silent(1);
    let engine = Arc::new(built(lowered(policy)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let local = tokio::task::LocalSet::new();
    let calls = Rc::<Calls>::default();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let client = std::thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let head =
            "GET /api/a?b=c HTTP/1.1\r\nHost: x.example\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n";
        for _ in 0..requests {
            stream.write_all(head.as_bytes()).unwrap();
            assert!(message(&mut reader));
        }
    });
    let (stream, peer) = listener.accept().unwrap();
    stream.set_nonblocking(true).unwrap();
    let counted = calls.clone();
    let info = allocation_counter::measure(|| {
        local.block_on(&runtime, async {
            let core = Rc::new(Engine::core(&telemetry));
            engine.enter(&core);
            let io = tokio::net::TcpStream::from_std(stream).unwrap();
            let session = Engine::session(
                &core,
                Connection {
                    listener: "web".into(),
                    peer: peer.ip(),
                    source: peer.ip(),
                    tls: None,
                    forwarded: Arc::default(),
                    series: telemetry.metrics.listener("web"),
                    identities: Box::default(),
                },
            );
            let terms = Terms { protocol: Protocol::Http1, scheme: Scheme::Http };
            let io = Counting { io, calls: counted };
            let (limits, drain) = (Arc::default(), Drain::never());
            serve::serve(io, serve::Service { terms, limits, drain, handler: session }).await;
        });
    });
    client.join().unwrap();
    [info.count_total as usize, calls.reads.get(), calls.writes.get()]
}

/// What one request more costs on a connection that is in use.
fn each(lines: &str) -> [usize; 3] {
    const MORE: usize = 200;
    let policy = format!(
        "edition 2026\nlistener web {{ bind \"127.0.0.1:0\" }}\nupstream app {{ server \"{}\" }}\nroute api on web {{\n  \
         path \"/api/**\"\n  {lines}\n}}\n",
        upstream()
    );
    let (few, many) = (counted(&policy, 50), counted(&policy, 50 + MORE));
    std::array::from_fn(|at| {
        let (more, each) = (many[at] - few[at], (many[at] - few[at] + MORE / 2) / MORE);
        // Tables that grow now and then are no request's.
        assert!(more.abs_diff(each * MORE) < 10, "not the same for each: {few:?}, {many:?}");
        each
    })
}

#[test]
fn an_answer_of_the_policy_has_one_read_and_one_write() {
    assert_eq!(each("respond 200, \"hello\""), [7, 1, 1]);
}

#[test]
fn a_forwarded_request_has_one_read_and_one_write_to_its_client() {
    assert_eq!(each("forward app"), [8, 1, 1]);
}

/// What a policy of so many routes keeps in memory while it serves: its program, then its engine with it.
fn kept(routes: usize) -> [i64; 2] {
    let route = |at| {
        format!(
            "route r{at} on web {{\n  host \"h{}.example\"\n  path \"/api/v1/resource{at}/**\"\n  forward app\n}}\n",
            at / 10
        )
    };
    let routes: String = (0..routes).map(route).collect();
    let policy = format!(
        "edition 2026\nlistener web {{ bind \"127.0.0.1:0\" }}\nupstream app {{ server \"127.0.0.1:1\" }}\n{routes}"
    );
    let mut program = None;
    let of_program = allocation_counter::measure(|| program = Some(lowered(&policy)));
    let mut engine = None;
    let more = allocation_counter::measure(|| engine = program.take().map(built));
    [of_program.bytes_current, of_program.bytes_current + more.bytes_current]
}

#[test]
fn a_route_takes_so_many_bytes() {
    let (few, many) = (kept(500), kept(1500));
    let [program, engine] = std::array::from_fn(|at| (many[at] - few[at]) / 1000);
    assert!((600..1300).contains(&program), "{program}");
    assert!((800..1700).contains(&engine), "{engine}");
}
