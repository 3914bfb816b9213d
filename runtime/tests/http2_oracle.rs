//! Our HTTP/2 against that of others: a client that was written elsewhere and bytes in random
//! pieces; and mutated frames, of which we see no request that another server does not.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it does not expect")]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use gw_runtime::body::{Body, BodyError, Source};
use gw_runtime::message::{Headers, Response, Scheme, Target};
use gw_runtime::serve::{
    Drain, Handler, Incoming, Limits, Outgoing, Protocol, Refusal, Sent, Service, Terms, serve,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{sleep, timeout};

mod frames;

use frames::frame;

/// Method, path, content.
type Seen = Rc<RefCell<BTreeSet<(String, String, Vec<u8>)>>>;

/// Answers with the fields of the request, some more, and its content in random pieces; keeps what
/// it saw.
struct Mirror {
    random: RefCell<fastrand::Rng>,
    seen: Seen,
}

struct Pieces(Vec<Bytes>, Option<Headers>);

impl Source for Pieces {
    fn poll_chunk(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Bytes, BodyError>>> {
        std::task::Poll::Ready(self.0.pop().map(Ok))
    }

    fn take_trailers(&mut self) -> Option<Headers> {
        self.1.take()
    }
}

impl Handler for Mirror {
    type Ticket = ();

    async fn handle(&self, incoming: Incoming) -> Outgoing<()> {
        let Incoming { request, body, .. } = incoming;
        let pause = self.random.borrow_mut().u64(..3);
        if pause > 0 {
            sleep(Duration::from_millis(pause)).await;
        }
        let mut response = Response::new(200);
        let Ok(content) = body.collect(1 << 20).await else {
            response.status = 400;
            return Outgoing { response, body: Body::empty(), tunnel: None, ticket: () };
        };
        let path = request.target.path_and_query().to_owned();
        self.seen.borrow_mut().insert((request.method.to_string(), path, content.to_vec()));
        for (name, value) in request
            .headers
            .iter()
            .filter(|(name, _)| name.starts_with("X-") || name.starts_with("x-"))
        {
            // In a spelling that HTTP/2 does not have.
            response.headers.append(&name.to_ascii_uppercase(), value).unwrap();
        }
        let mut random = self.random.borrow_mut();
        response.status = [200, 201, 204, 404, 503][random.usize(..5)];
        let mut trailers = Headers::new();
        trailers.append("x-sum", content.len().to_string()).unwrap();
        let body = match random.u8(..3) {
            0 => Body::full(content),
            1 => {
                let mut pieces: Vec<Bytes> =
                    content.chunks(random.usize(1..40_000)).map(Bytes::copy_from_slice).collect();
                pieces.reverse();
                Body::source(Pieces(pieces, None), Some(content.len() as u64))
            }
            _ => {
                let pieces = if content.is_empty() { vec![] } else { vec![content] };
                Body::source(Pieces(pieces, Some(trailers)), None)
            }
        };
        Outgoing { response, body, tunnel: None, ticket: () }
    }

    fn refuse(&self, refusal: Refusal) -> Outgoing<()> {
        let (response, body) = refusal.answer();
        Outgoing { response, body, tunnel: None, ticket: () }
    }

    fn finished(&self, (): (), _: Sent) {}
}

/// Carries bytes from one pipe to another, in pieces as a network might cut them.
async fn carry(one: DuplexStream, other: DuplexStream, seed: u64) {
    let ((mut a, mut b), (mut c, mut d)) = (split(one), split(other));
    let pass = async |from: &mut (dyn tokio::io::AsyncRead + Unpin),
                      to: &mut (dyn tokio::io::AsyncWrite + Unpin),
                      seed| {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut buffer = vec![0; 40_000];
        loop {
            let most = if random.bool() { random.usize(1..30) } else { random.usize(1..40_000) };
            let Ok(count @ 1..) = from.read(&mut buffer[..most]).await else { break };
            if to.write_all(&buffer[..count]).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(pass(&mut a, &mut d, seed), pass(&mut c, &mut b, seed + 1));
}

/// A word of a field: some repeat, so that tables have something to hold.
fn word(random: &mut fastrand::Rng) -> String {
    let len = random.usize(..60);
    let text = |one: &mut dyn FnMut() -> char| std::iter::repeat_with(one).take(len).collect();
    match random.u8(..4) {
        0 => format!("w{}", random.u8(..8)),
        1 => text(&mut || random.alphanumeric()),
        2 => text(&mut || random.char('!'..='~')),
        _ => "x".repeat(len * 10),
    }
}

#[tokio::test(start_paused = true)]
async fn requests_and_answers_survive_however_they_are_cut() {
    let rounds = std::env::var("ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(25);
    for seed in 0..rounds {
        let mirror =
            Mirror { random: fastrand::Rng::with_seed(seed).into(), seen: Seen::default() };
        let (client, near) = duplex(1 << 16);
        let (far, server) = duplex(1 << 16);
        let terms = Terms { protocol: Protocol::Auto, scheme: Scheme::Http };
        let limits = Limits { fields: 64, ..Limits::default() };
        let drain = Drain::never();
        let serving =
            serve(server, Service { terms, limits: limits.into(), drain, handler: &mirror });
        LocalSet::new()
            .run_until(async {
                tokio::join!(serving, carry(near, far, seed), ask(client, seed));
            })
            .await;
    }
}

/// Some dozens of requests at once, each with its answer looked at.
async fn ask(io: DuplexStream, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed ^ 0xa5);
    let mut builder = h2::client::Builder::new();
    let window = if random.bool() { 65_535 } else { random.u32(1_000..200_000) };
    builder.initial_window_size(window).initial_connection_window_size(window.max(65_535));
    builder.header_table_size([0, 100, 4096, 65_536][random.usize(..4)]);
    let (client, connection) = builder.handshake::<_, Bytes>(io).await.unwrap();
    let driver = tokio::task::spawn_local(connection);
    let mut asking = JoinSet::new();
    for number in 0..40 {
        let mut client = client.clone();
        let mut random = fastrand::Rng::with_seed(random.u64(..));
        asking.spawn_local(async move {
            sleep(Duration::from_millis(random.u64(..20))).await;
            let len = if random.bool() { 0 } else { random.usize(..100_000) };
            let content: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(len).collect();
            let path = format!("/{number}/{}", random.u8(..4));
            let mut request = http::Request::post(format!("http://a.example{path}"));
            let mut sent = Vec::new();
            for _ in 0..random.usize(..20) {
                let (name, value) = (format!("x-{}", random.u8(..12)), word(&mut random));
                request = request.header(&name, &value);
                sent.push((name, value));
            }
            for crumb in ["a=b", "c=d"] {
                request = request.header("cookie", crumb);
            }
            let ready = client.clone().ready().await.unwrap();
            client = ready;
            let request = request.body(()).unwrap();
            let (answer, mut send) = client.send_request(request, content.is_empty()).unwrap();
            let sending = async {
                let mut left = Bytes::from(content.clone());
                while !left.is_empty() {
                    send.reserve_capacity(left.len());
                    let Some(Ok(_)) = std::future::poll_fn(|cx| send.poll_capacity(cx)).await
                    else {
                        return;
                    };
                    let piece = left.split_to(send.capacity().min(left.len()));
                    let end = left.is_empty();
                    send.send_data(piece, end).unwrap();
                }
            };
            let receiving = async {
                let answer = answer.await.unwrap();
                let (head, mut body) = answer.into_parts();
                let mut seen: Vec<(String, String)> = Vec::new();
                for (name, value) in
                    head.headers.iter().filter(|(name, _)| name.as_str().starts_with("x-"))
                {
                    seen.push((name.to_string(), value.to_str().unwrap().to_owned()));
                }
                let mut all = Vec::new();
                while let Some(chunk) = body.data().await {
                    let chunk = chunk.unwrap();
                    body.flow_control().release_capacity(chunk.len()).unwrap();
                    all.extend_from_slice(&chunk);
                }
                let trailers = body.trailers().await.unwrap();
                (head.status.as_u16(), seen, all, trailers)
            };
            let ((), (status, mut seen, all, trailers)) = tokio::join!(sending, receiving);
            seen.sort();
            sent.sort();
            assert_eq!(seen, sent);
            if status == 204 {
                assert!(all.is_empty() && trailers.is_none());
            } else {
                assert!(all == content, "{} of {}", all.len(), content.len());
                let sum = trailers.map(|trailers| trailers["x-sum"].to_str().unwrap().to_owned());
                assert!(sum.is_none_or(|sum| sum == content.len().to_string()));
            }
        });
    }
    drop(client);
    while let Some(asked) = asking.join_next().await {
        asked.unwrap();
    }
    driver.await.unwrap().unwrap();
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn literal(form: u8, name: &str, value: &str) -> Vec<u8> {
    let mut block = vec![form];
    for text in [name, value] {
        block.push(u8::try_from(text.len()).unwrap());
        block.extend_from_slice(text.as_bytes());
    }
    block
}

const FIELDS: &[(&str, &str)] = &[
    ("accept", "*/*"),
    ("content-length", "3"),
    ("content-length", "0"),
    ("transfer-encoding", "chunked"),
    ("connection", "close"),
    ("te", "trailers"),
    ("te", "gzip"),
    ("host", "a"),
    ("host", "b"),
    ("X-Upper", "a"),
    ("x-feed", "a\nb"),
    ("x-nul", "a\0b"),
    ("x-space", " a "),
    (":status", "200"),
    (":path", "/other"),
    ("cookie", "a=b"),
    ("", "a"),
];

/// One request of a client: a head, content, a trailer section.
fn frames(random: &mut fastrand::Rng, stream: u32) -> Vec<Vec<u8>> {
    let mut block = vec![[0x82, 0x83][random.usize(..2)], 0x86];
    block.extend(literal([0, 0x40][random.usize(..2)], ":path", &format!("/{stream}")));
    block.extend(literal([0, 0x40][random.usize(..2)], ":authority", "a"));
    for _ in 0..random.usize(..7) / 5 {
        let (name, value) = FIELDS[random.usize(..FIELDS.len())];
        block.extend(literal([0, 0x40, 0x10][random.usize(..3)], name, value));
    }
    if random.u8(..12) == 0 {
        // What an earlier block entered.
        block.push(random.u8(0xbe..0xc4));
    }
    let mut frames = Vec::new();
    let pieces = random.usize(..3);
    let end = u8::from(pieces == 0);
    if random.u8(..6) == 0 {
        let at = random.usize(..block.len());
        frames.push(frame(1, end, stream, &block[..at]));
        frames.push(frame(9, 4, stream, &block[at..]));
    } else {
        frames.push(frame(1, 4 | end, stream, &block));
    }
    for piece in 1..=pieces {
        let trailers = piece == pieces && random.u8(..5) == 0;
        if trailers {
            let block = literal(0, ["x-sum", "host", ":path"][random.usize(..3)], "1");
            frames.push(frame(1, 5, stream, &block));
        } else if random.u8(..4) == 0 {
            frames.push(frame(0, 8 | u8::from(piece == pieces), stream, b"\x02abc\0\0"));
        } else {
            frames.push(frame(0, u8::from(piece == pieces), stream, b"abc"));
        }
    }
    frames
}

/// Some requests, interleaved, then changed a little.
fn mutated(random: &mut fastrand::Rng) -> Vec<u8> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    // Streams open in their order; what follows comes in between.
    let mut left: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut closed = 0..random.u32(1..5);
    while !closed.is_empty() || !left.is_empty() {
        if left.is_empty() || random.bool() {
            if let Some(number) = closed.next() {
                let mut frames = frames(random, 2 * number + 1);
                frames.reverse();
                all.extend(frames.pop());
                // A block in two frames stands together.
                if all.last().is_some_and(|frame| frame[3] == 1 && frame[4] & 4 == 0) {
                    all.extend(frames.pop());
                }
                left.push(frames);
            }
        } else {
            let at = random.usize(..left.len());
            match left[at].pop() {
                Some(frame) => all.push(frame),
                None => drop(left.remove(at)),
            }
        }
    }
    if random.u8(..3) == 0 {
        let at = random.usize(..=all.len());
        let odd = [
            frame(8, 0, 1, &[0, 0, 0, 1]),
            frame(3, 0, 1, &[0, 0, 0, 8]),
            frame(2, 0, 3, &[0; 5]),
            frame(6, 0, 0, &[0; 8]),
            frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]),
            frame(0x77, 0xff, 5, b"abc"),
        ];
        all.insert(at, odd[random.usize(..odd.len())].clone());
    }
    if random.u8(..6) == 0 {
        let (one, other) = (random.usize(..all.len()), random.usize(..all.len()));
        all.swap(one, other);
    }
    let mut bytes = all.concat();
    if random.u8(..3) == 0 {
        for _ in 0..random.usize(1..3) {
            let at = random.usize(..bytes.len());
            match random.u8(..3) {
                0 => bytes[at] = random.u8(..),
                1 => bytes[at] ^= 1 << random.u8(..8),
                _ => drop(bytes.remove(at)),
            }
        }
    }
    [PREFACE, &frame(4, 0, 0, &[]), &bytes].concat()
}

async fn send(mut io: DuplexStream, bytes: &[u8], piece: usize) {
    for piece in bytes.chunks(piece) {
        if io.write_all(piece).await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
    let _ = timeout(Duration::from_secs(3), io.read_to_end(&mut Vec::new())).await;
}

async fn ours(bytes: &[u8], piece: usize) -> BTreeSet<(String, String, Vec<u8>)> {
    let mirror = Mirror { random: fastrand::Rng::with_seed(1).into(), seen: Seen::default() };
    let (near, far) = duplex(1 << 20);
    let terms = Terms { protocol: Protocol::Http2, scheme: Scheme::Http };
    let limits = Limits::default();
    let drain = Drain::never();
    let serving = serve(near, Service { terms, limits: limits.into(), drain, handler: &mirror });
    tokio::join!(serving, send(far, bytes, piece));
    mirror.seen.take()
}

/// What the `h2` crate sees, and whether it took no offence at the connection.
async fn theirs(bytes: &[u8]) -> (BTreeSet<(String, String, Vec<u8>)>, bool) {
    let seen = Seen::default();
    let mut content = true;
    let (near, far) = duplex(1 << 20);
    let serving = async {
        let Ok(mut connection) = h2::server::handshake(near).await else {
            content = false;
            return;
        };
        while let Some(accepted) = connection.accept().await {
            let Ok((request, mut respond)) = accepted else {
                content = false;
                return;
            };
            let seen = seen.clone();
            tokio::task::spawn_local(async move {
                let (head, mut body) = request.into_parts();
                let mut all = Vec::new();
                while let Some(chunk) = body.data().await {
                    let Ok(chunk) = chunk else { return };
                    all.extend_from_slice(&chunk);
                }
                if body.trailers().await.is_ok() {
                    let path = head.uri.path_and_query().map(|path| path.to_string());
                    let path = path.unwrap_or_default();
                    // Ours is in the normal form.
                    let path = Target::new(Scheme::Http, b"a", path.as_bytes())
                        .map_or(path, |target| target.path_and_query().to_owned());
                    seen.borrow_mut().insert((head.method.to_string(), path, all));
                }
                let _ = respond.send_response(http::Response::new(()), true);
            });
        }
    };
    LocalSet::new()
        .run_until(async {
            let _ = tokio::join!(
                timeout(Duration::from_secs(20), serving),
                send(far, bytes, usize::MAX)
            );
        })
        .await;
    (seen.take(), content)
}

#[tokio::test(start_paused = true)]
async fn we_see_no_request_that_another_server_does_not() {
    let mut random = fastrand::Rng::with_seed(2026);
    let rounds = std::env::var("ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000);
    let (mut accepted, mut total) = (0, 0);
    for _ in 0..rounds {
        let bytes = mutated(&mut random);
        let text = bytes.escape_ascii();
        let (other, content) = theirs(&bytes).await;
        let whole = ours(&bytes, usize::MAX).await;
        let pieces = ours(&bytes, random.usize(1..=30)).await;
        for seen in whole.iter().chain(&pieces) {
            // One that ends the connection for what concerns one stream sees less of the others;
            // it must not see them differently.
            let same = other.contains(seen);
            let differs = other.iter().any(|one| (&one.0, &one.1) == (&seen.0, &seen.1));
            assert!(
                same || !(content || differs),
                "ours: {seen:?}\ntheirs: {other:?}, content: {content}\nbytes: {text}"
            );
        }
        accepted += whole.intersection(&other).count();
        total += other.len();
    }
    // The comparison means something only while many requests pass.
    assert!(accepted > rounds / 4 && accepted > total / 2, "{accepted} of {total} accepted");
}
