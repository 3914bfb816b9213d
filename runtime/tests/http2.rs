//! HTTP/2 frame by frame: what RFC 9113 says of each wrong one, and what a flood of them ends in.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it does not expect")]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use gw_runtime::body::Body;
use gw_runtime::message::{Response, Scheme};
use gw_runtime::serve::{
    Drain, Handler, Incoming, Limits, Outgoing, Protocol, Refusal, Sent, Service, Terms, serve,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::time::{Instant, sleep, timeout};

mod frames;

use frames::frame;

/// Answers by path; writes down what happens.
#[derive(Default)]
struct Site {
    log: Rc<RefCell<Vec<String>>>,
    // Handlers at work.
    live: Rc<()>,
}

impl Handler for Site {
    type Ticket = String;

    async fn handle(&self, incoming: Incoming) -> Outgoing<String> {
        let _live = self.live.clone();
        let Incoming { request, body, .. } = incoming;
        let mut ticket = request.target.path_and_query().to_owned();
        let mut response = Response::new(200);
        let body = match request.target.path() {
            "/length" => match body.collect(1 << 20).await {
                Ok(bytes) => Body::from(format!("{} bytes", bytes.len())),
                Err(error) => {
                    response.status = error.status();
                    ticket = error.to_string();
                    Body::empty()
                }
            },
            "/never" => {
                // The content is held, and never read.
                sleep(Duration::from_secs(3600)).await;
                body
            }
            "/elsewhere" => {
                // Read by another task, which outlives the connection.
                let log = self.log.clone();
                tokio::task::spawn_local(async move {
                    let read = body.collect(1 << 20).await;
                    log.borrow_mut().push(format!("read elsewhere: {read:?}"));
                });
                std::future::pending::<()>().await;
                Body::empty()
            }
            "/big" => Body::full(vec![b'x'; 300_000]),
            _ => Body::from("hello"),
        };
        Outgoing { response, body, tunnel: None, ticket }
    }

    fn refuse(&self, refusal: Refusal) -> Outgoing<String> {
        let (response, body) = refusal.answer();
        Outgoing { response, body, tunnel: None, ticket: refusal.fault.name().to_owned() }
    }

    fn finished(&self, ticket: String, sent: Sent) {
        self.log.borrow_mut().push(format!("{ticket}: {:?}", sent.end));
    }
}

/// Serves one connection while `client` talks on it.
async fn with<T>(site: &Site, client: impl AsyncFnOnce(Client) -> T) -> T {
    let (near, far) = duplex(64 << 10);
    let limits = Limits { head_bytes: 4096, fields: 20, ..Limits::default() };
    let terms = Terms { protocol: Protocol::Http2, scheme: Scheme::Http };
    let (read, write) = split(far);
    let client = client(Client { read, write });
    let drain = Drain::never();
    let serving = serve(near, Service { terms, limits: limits.into(), drain, handler: site });
    tokio::task::LocalSet::new().run_until(async { tokio::join!(serving, client).1 }).await
}

struct Client {
    read: ReadHalf<DuplexStream>,
    write: WriteHalf<DuplexStream>,
}

#[derive(Debug, PartialEq, Eq)]
struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

impl Client {
    async fn send(&mut self, bytes: &[u8]) -> bool {
        self.write.write_all(bytes).await.is_ok()
    }

    /// The next frame, if one comes.
    async fn frame(&mut self) -> Option<Frame> {
        let first = self.read.read_u32().await.ok()?.to_be_bytes();
        let len = u32::from_be_bytes([0, first[0], first[1], first[2]]);
        let flags = self.read.read_u8().await.ok()?;
        let stream = self.read.read_u32().await.ok()?;
        let mut payload = vec![0; usize::try_from(len).unwrap()];
        self.read.read_exact(&mut payload).await.ok()?;
        Some(Frame { kind: first[3], flags, stream, payload })
    }

    /// What comes of it all: the first reset or goodbye with a reason, else whether it is alive.
    async fn outcome(&mut self) -> String {
        self.send(&frame(PING, 0, 0, b"are you?")).await;
        while let Ok(Some(frame)) = timeout(Duration::from_secs(5), self.frame()).await {
            let code = |at: usize| frame.payload.get(at + 3).copied().unwrap_or(255);
            match frame.kind {
                RESET if code(0) != 0 => return format!("reset {}", code(0)),
                GOAWAY if code(4) != 0 => return format!("goaway {}", code(4)),
                PING if frame.flags == 1 && frame.payload == b"are you?" => {
                    return "alive".to_owned();
                }
                _ => {}
            }
        }
        "closed".to_owned()
    }

    /// Waits until `stream` is answered whole; its status.
    async fn answer(&mut self, stream: u32) -> u16 {
        let mut status = 0;
        while let Some(frame) = self.frame().await {
            if frame.stream != stream {
                continue;
            }
            if frame.kind == HEADERS && status == 0 {
                status = self::status(&frame.payload);
            }
            if frame.flags & 1 != 0 || frame.kind == RESET {
                break;
            }
        }
        status
    }
}

/// The status of a head that we wrote.
fn status(block: &[u8]) -> u16 {
    // The first head of a connection begins with the size of its table.
    let block = block.strip_prefix(b"\x20").unwrap_or(block);
    match block {
        [0x88, ..] => 200,
        [0x8c, ..] => 400,
        [0x08, 3, digits @ ..] => std::str::from_utf8(&digits[..3]).unwrap().parse().unwrap(),
        other => panic!("{:x?}", other.get(..8)),
    }
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW: u8 = 8;
const CONTINUATION: u8 = 9;
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A literal field that enters no table.
fn field(name: &str, value: &str) -> Vec<u8> {
    let mut block = vec![0];
    for text in [name, value] {
        assert!(text.len() < 127);
        block.push(u8::try_from(text.len()).unwrap());
        block.extend_from_slice(text.as_bytes());
    }
    block
}

/// The block of a request: `:method` is `GET` or `POST`.
fn request(method: u8, path: &str) -> Vec<u8> {
    [vec![method, 0x86], field(":path", path), field(":authority", "a")].concat()
}

const GET: u8 = 0x82;
const POST: u8 = 0x83;

/// One frame as a line says it.
fn line(text: &str) -> Vec<u8> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let number = |text: &str| u32::from_str_radix(text, 16).unwrap();
    match *words.as_slice() {
        ["get", stream] => frame(HEADERS, 5, number(stream), &request(GET, "/text")),
        ["get", stream, path] => frame(HEADERS, 5, number(stream), &request(GET, path)),
        ["post", stream] => frame(HEADERS, 4, number(stream), &request(POST, "/length")),
        ["post", stream, length] => {
            let block = [request(POST, "/length"), field("content-length", length)].concat();
            frame(HEADERS, 4, number(stream), &block)
        }
        ["data", stream, text] => frame(DATA, 0, number(stream), text.as_bytes()),
        ["data", stream, text, "end"] => frame(DATA, 1, number(stream), text.as_bytes()),
        // Kind, flags, stream, payload: `61*16385` is so many bytes.
        ["raw", kind, flags, stream, ref payload @ ..] => {
            let mut bytes = Vec::new();
            for word in payload {
                let (hex, times) = word.split_once('*').unwrap_or((word, "1"));
                let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
                let piece: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
                bytes.extend(piece.repeat(times.parse().unwrap()));
            }
            let [kind, flags] = [kind, flags].map(|hex| u8::try_from(number(hex)).unwrap());
            frame(kind, flags, number(stream), &bytes)
        }
        _ => panic!("{text}"),
    }
}

/// Section of RFC 9113 | frames | what comes of them.
const CASES: &str = "
4.1     | raw 77 ff 0 00*20                                         | alive
4.1     | raw 77 0 1                                                | alive
4.1     | raw 6 fe 80000000 00*8                                    | alive
4.2     | raw 0 0 1 61*16385                                        | goaway 6
4.2     | post 1; raw 0 0 1 61*16384; data 1 x end                  | alive
4.2     | raw 77 0 0 61*16385                                       | goaway 6
4.3     | raw 1 5 1 80                                              | goaway 9
4.3     | raw 1 5 1 8286 04                                         | goaway 9
4.3     | raw 1 5 1 8286 84 3fe21f                                  | goaway 9
5.1     | data 1 abc                                                | goaway 1
5.1     | raw 3 0 1 00000008                                        | goaway 1
5.1     | raw 8 0 1 00000001                                        | goaway 1
5.1     | raw 9 4 1 82                                              | goaway 1
5.1     | raw 2 0 1 00000000 10                                     | alive
5.1     | get 1 /never; data 1 abc                                  | reset 5
5.1     | get 1 /never; get 1                                       | reset 5
5.1     | get 1 /never; raw 9 4 1 82                                | goaway 1
5.1     | get 1; wait 1; data 1 abc                                 | goaway 5
5.1     | get 1; wait 1; get 1                                      | goaway 5
5.1     | get 1; wait 1; raw 8 0 1 00000001                         | alive
5.1     | get 1; wait 1; raw 3 0 1 00000008                         | alive
5.1     | get 1; wait 1; raw 2 0 1 00000000 10                      | alive
5.1     | post 1; raw 3 0 1 00000008; data 1 abc                    | reset 5
5.1     | post 1; raw 3 0 1 00000008; get 1                         | reset 5
5.1     | post 1; raw 3 0 1 00000008; raw 8 0 1 00000001            | alive
5.1     | post 1; raw 8 0 1 00000000; data 1 abc end                | reset 1
5.1.1   | get 2                                                     | goaway 1
5.1.1   | get 5; get 3                                              | goaway 1
5.1.1   | get 5; get 7                                              | alive
5.3     | raw 2 0 1 00000001 10                                     | goaway 1
5.3     | post 1; raw 2 0 1 00000001 10                             | reset 1
5.3     | raw 1 25 1 00000001 10 8286 84 010161                     | reset 1
6.1     | data 0 abc                                                | goaway 1
6.1     | post 1; raw 0 8 1 03 6162                                 | goaway 1
6.1     | post 1; raw 0 8 1                                         | goaway 6
6.1     | post 1; raw 0 9 1 02 61 0000                              | alive
6.2     | raw 1 5 0 8286 84                                         | goaway 1
6.2     | raw 1 d 1 09 8286 84                                      | goaway 1
6.2     | raw 1 1 1 8286 84; get 1                                  | goaway 1
6.2     | raw 1 1 1 8286 84; raw 6 0 0 00*8                         | goaway 1
6.2     | raw 1 1 1 8286 84; raw 77 0 0                             | goaway 1
6.2     | raw 1 1 1 8286 84; raw 9 4 3 010161                       | goaway 1
6.2     | raw 1 1 1 8286 84; raw 9 0 1 01; raw 9 4 1 0161           | alive
6.3     | raw 2 0 0 00000000 10                                     | goaway 1
6.3     | raw 2 0 1 00000000                                        | goaway 6
6.3     | post 1; raw 2 0 1 00000000                                | reset 6
6.4     | raw 3 0 0 00000008                                        | goaway 1
6.4     | post 1; raw 3 0 1 000008                                  | goaway 6
6.5     | raw 4 0 1                                                 | goaway 1
6.5     | raw 4 1 0 00                                              | goaway 6
6.5     | raw 4 0 0 0003000000                                      | goaway 6
6.5.2   | raw 4 0 0 0002 00000002                                   | goaway 1
6.5.2   | raw 4 0 0 0004 80000000                                   | goaway 3
6.5.2   | raw 4 0 0 0005 00003fff                                   | goaway 1
6.5.2   | raw 4 0 0 0005 01000000                                   | goaway 1
6.5.2   | raw 4 0 0 00ff 00000001                                   | alive
6.5.2   | raw 4 0 0 0001 00000000 0002 00000000 0004 00000000       | alive
6.6     | raw 5 4 1 00000002 82                                     | goaway 1
6.7     | raw 6 0 1 00*8                                            | goaway 1
6.7     | raw 6 0 0 00*7                                            | goaway 6
6.8     | raw 7 0 1 00*8                                            | goaway 1
6.8     | raw 7 0 0 00*7                                            | goaway 6
6.9     | raw 8 0 0 00000000                                        | goaway 1
6.9     | post 1; raw 8 0 1 00000000                                | reset 1
6.9     | raw 8 0 0 000001                                          | goaway 6
6.9.1   | raw 8 0 0 7fffffff                                        | goaway 3
6.9.1   | post 1; raw 8 0 1 7fffffff                                | reset 3
6.9.2   | post 1; raw 8 0 1 7fff0000; raw 4 0 0 0004 7fffffff       | goaway 3
6.10    | raw 9 4 1 82                                              | goaway 1
6.10    | raw 9 4 0 82                                              | goaway 1
8.1     | post 1; raw 1 4 1 000161 0162                             | reset 1
8.1     | post 1; raw 1 5 1 000161 0162                             | alive
8.1     | post 1; raw 1 5 1 8286                                    | reset 1
8.1.1   | post 1 3; data 1 ab end                                   | reset 1
8.1.1   | post 1 3; data 1 abcd                                     | reset 1
8.1.1   | post 1 3; data 1 ab; raw 1 5 1 000161 0162                | reset 1
8.1.1   | post 1 3; data 1 abc; raw 1 5 1 000161 0162               | alive
8.1.1   | post 1 03; data 1 abc end                                 | alive
8.1.1   | post 1 -3; data 1 abc end                                 | reset 1
8.1.1   | raw 1 5 1 8386 84 010161 0f0d0133                         | reset 1
8.1.1   | raw 1 4 1 8386 84 010161 0f0d0131; wait 1; data 1 test end | reset 1
8.4     | raw 5 4 1 00000003 82                                     | goaway 1
";

#[tokio::test(start_paused = true)]
async fn every_wrong_frame_has_its_outcome() {
    for case in CASES.lines().filter(|line| !line.is_empty()) {
        let parts: Vec<&str> = case.split('|').map(str::trim).collect();
        let [_, script, expected] = parts.as_slice() else { panic!("{case}") };
        let outcome = with(&Site::default(), async |mut client: Client| {
            client.send(PREFACE).await;
            client.send(&frame(SETTINGS, 0, 0, &[])).await;
            for step in script.split("; ") {
                match step.strip_prefix("wait ") {
                    Some(stream) => drop(client.answer(stream.parse().unwrap()).await),
                    None => drop(client.send(&line(step)).await),
                }
            }
            client.outcome().await
        })
        .await;
        assert_eq!(outcome, *expected, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_begins_with_its_preface_and_settings() {
    for (bytes, expected) in [
        (&b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"[..], "goaway 1"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "goaway 1"),
        (&[PREFACE, &frame(PING, 0, 0, &[0; 8])].concat(), "goaway 1"),
        (&[PREFACE, &frame(SETTINGS, 1, 0, &[])].concat(), "goaway 1"),
    ] {
        let outcome = with(&Site::default(), async |mut client: Client| {
            client.send(bytes).await;
            client.outcome().await
        })
        .await;
        assert_eq!(outcome, expected, "{}", bytes.escape_ascii());
    }
    // One that does not go on is not waited for.
    for bytes in [&b""[..], b"PRI * HT", PREFACE] {
        let begin = Instant::now();
        with(&Site::default(), async |mut client: Client| {
            client.send(bytes).await;
            while client.frame().await.is_some() {}
        })
        .await;
        assert!((10..14).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
    }
}

/// Sends `frames` and reads what comes; what the goodbye says, the last stream it names, what was
/// logged last, and how many handlers are left.
async fn flood(frames: impl Iterator<Item = Vec<u8>>) -> (String, u32, String, usize) {
    let site = Site::default();
    let (said, stream) = with(&site, async |client: Client| {
        let Client { read, mut write } = client;
        let mut reader = Client { read, write: split(duplex(1).0).1 };
        let hello = [PREFACE, &frame(SETTINGS, 0, 0, &[]), &frame(SETTINGS, 1, 0, &[])].concat();
        write.write_all(&hello).await.unwrap();
        let writing = async {
            for frame in frames {
                if write.write_all(&frame).await.is_err() {
                    break;
                }
                // Time for an answer to each.
                tokio::task::yield_now().await;
            }
        };
        let reading = async {
            let mut said = ("closed".to_owned(), 0);
            while let Some(frame) = reader.frame().await {
                if frame.kind == GOAWAY {
                    let last = u32::from_be_bytes(*frame.payload.first_chunk().unwrap());
                    said = (format!("goaway {}", frame.payload[7]), last);
                }
            }
            said
        };
        tokio::join!(writing, reading).1
    })
    .await;
    let last = site.log.borrow().last().cloned().unwrap_or_default();
    (said, stream, last, Rc::strong_count(&site.live) - 1)
}

fn ids() -> impl Iterator<Item = u32> {
    (0..5_000).map(|number| 2 * number + 1)
}

#[tokio::test(start_paused = true)]
async fn streams_that_are_reset_young_end_the_connection_whoever_resets_them() {
    let never = |stream| frame(HEADERS, 4, stream, &request(POST, "/never"));
    let end = |stream, bytes: Vec<u8>| [never(stream), bytes].concat();
    type Frames<'f> = Box<dyn Iterator<Item = Vec<u8>> + 'f>;
    let floods: [(&str, Frames<'_>); 7] = [
        ("reset by the client", Box::new(ids().map(|id| end(id, frame(RESET, 0, id, &[0; 4]))))),
        ("a window of 0", Box::new(ids().map(|id| end(id, frame(WINDOW, 0, id, &[0; 4]))))),
        (
            "a window beyond",
            Box::new(ids().map(|id| end(id, frame(WINDOW, 0, id, &0x7fff_ffff_u32.to_be_bytes())))),
        ),
        ("PRIORITY of 4", Box::new(ids().map(|id| end(id, frame(2, 0, id, &[0; 4]))))),
        (
            "on itself",
            Box::new(
                ids().map(|id| end(id, frame(2, 0, id, &[&id.to_be_bytes()[..], &[0]].concat()))),
            ),
        ),
        ("a second head", Box::new(ids().map(|id| end(id, never(id))))),
        (
            "content behind the end",
            Box::new(
                ids().map(|id| {
                    end(id, [frame(DATA, 1, id, b"a"), frame(DATA, 0, id, b"a")].concat())
                }),
            ),
        ),
    ];
    for (name, frames) in floods {
        let (said, stream, last, live) = flood(frames).await;
        assert!((255..300).contains(&stream), "{name}: {stream}");
        assert_eq!((&*said, &*last), ("goaway 11", "stream-resets: ClientClosed"), "{name}");
        assert_eq!(live, 0, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn frames_that_bring_nothing_end_the_connection() {
    let open = || frame(HEADERS, 4, 1, &request(POST, "/never"));
    let block = || frame(HEADERS, 0, 1, &request(POST, "/never"));
    for (name, first, again, fault) in [
        (
            "SETTINGS",
            vec![],
            frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 9].repeat(2000)),
            "frame-flood",
        ),
        ("acknowledgements", vec![], frame(SETTINGS, 1, 0, &[]), "frame-flood"),
        ("PING", vec![], frame(PING, 0, 0, &[0; 8]), "frame-flood"),
        ("answers to PING", vec![], frame(PING, 1, 0, &[0; 8]), "frame-flood"),
        ("PRIORITY", vec![], frame(2, 0, 9, &[0; 5]), "frame-flood"),
        ("WINDOW_UPDATE", vec![], frame(WINDOW, 0, 0, &[0, 0, 0, 1]), "frame-flood"),
        ("unknown frames", vec![], frame(0x77, 0, 0, &[0; 100]), "frame-flood"),
        ("empty DATA", open(), frame(DATA, 0, 1, b""), "frame-flood"),
        ("DATA of padding", open(), frame(DATA, 8, 1, &[5, 0, 0, 0, 0, 0]), "frame-flood"),
        ("empty CONTINUATION", block(), frame(CONTINUATION, 0, 1, b""), "frame-flood"),
        ("CONTINUATION", block(), frame(CONTINUATION, 0, 1, &field("x", "y")), "frame-flood"),
        (
            "long CONTINUATION",
            block(),
            frame(CONTINUATION, 0, 1, &field("x", "y").repeat(1000)),
            "head-too-large",
        ),
        ("GOAWAY", open(), frame(GOAWAY, 0, 0, &[0; 8]), "frame-flood"),
    ] {
        let frames = std::iter::once(first).chain(std::iter::repeat_n(again, 10_000));
        let (said, _, last, live) = flood(frames).await;
        assert_eq!((&*said, live), ("goaway 11", 0), "{name}");
        // Whatever was at work is told of behind it.
        let fault = format!("{fault}: ClientClosed");
        assert!(last == fault, "{name}: {last}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_nothing_is_not_waited_for() {
    let site = Site::default();
    let begin = Instant::now();
    with(&site, async |mut client: Client| {
        client.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await;
        // Each request gives back some of the patience that the pings take.
        for number in 0..20_000 {
            let piece = [
                frame(HEADERS, 5, 2 * number + 1, &request(GET, "/text")),
                frame(PING, 0, 0, &[0; 8]).repeat(10),
            ];
            if !client.send(&piece.concat()).await {
                break;
            }
        }
    })
    .await;
    assert!((30..36).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
    let log = site.log.borrow();
    assert!(log.len() < 20_000 && log.last().unwrap().ends_with("ClientTimeout"), "{log:?}");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_end_is_not_waited_for() {
    let site = Site::default();
    let begin = Instant::now();
    let said = with(&site, async |mut client: Client| {
        client.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await;
        client.send(&frame(HEADERS, 1, 1, &[GET])).await;
        loop {
            match client.frame().await {
                Some(frame) if frame.kind == GOAWAY => return frame.payload[7],
                Some(_) => {}
                None => return 0,
            }
        }
    })
    .await;
    assert_eq!((said, begin.elapsed().as_secs()), (11, 10));
    assert_eq!(*site.log.borrow(), ["head-timeout: ClientClosed"]);
}

#[tokio::test(start_paused = true)]
async fn a_small_block_that_means_much_is_refused_and_the_tables_stay_in_step() {
    let site = Site::default();
    with(&site, async |mut client: Client| {
        client.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await;
        // An entry of nearly the whole table, then a thousand bytes that each stand for it.
        let mut bomb = request(GET, "/text");
        bomb.extend_from_slice(&[0x40, 1, b'x', 0x7f, 0x81, 0x1e]);
        bomb.extend_from_slice(&[b'y'; 4000]);
        bomb.extend_from_slice(&[0xbe; 8000]);
        client.send(&frame(HEADERS, 5, 1, &bomb)).await;
        assert_eq!(client.answer(1).await, 431);
        // Too many fields, entered after the one they displace.
        let mut many = request(GET, "/text");
        for _ in 0..30 {
            many.extend_from_slice(&[0x40, 1, b'a', 1, b'b']);
        }
        client.send(&frame(HEADERS, 5, 3, &many)).await;
        assert_eq!(client.answer(3).await, 431);
        // What was entered meanwhile is there.
        let mut path = vec![GET, 0x86];
        path.extend_from_slice(&[0x44, 6, b'/', b't', b'e', b'x', b't', b'/']);
        path.extend_from_slice(&field(":authority", "a"));
        client.send(&frame(HEADERS, 5, 5, &path)).await;
        assert_eq!(client.answer(5).await, 200);
        let again = [vec![GET, 0x86, 0xbe], field(":authority", "a"), vec![0xbf, 0xdc]].concat();
        client.send(&frame(HEADERS, 5, 7, &again)).await;
        assert_eq!(client.answer(7).await, 200);
    })
    .await;
    let expected = ["head-too-large", "too-many-fields", "/text/", "/text/"];
    assert_eq!(*site.log.borrow(), expected.map(|what| format!("{what}: Complete")));
}

#[tokio::test(start_paused = true)]
async fn streams_beyond_the_limit_are_refused_and_those_within_it_live() {
    let site = Site::default();
    with(&site, async |mut client: Client| {
        client.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await;
        for id in ids().take(100) {
            client.send(&frame(HEADERS, 5, id, &request(GET, "/never"))).await;
        }
        client.send(&frame(HEADERS, 5, 201, &request(GET, "/text"))).await;
        assert_eq!(client.outcome().await, "reset 7");
        assert_eq!(Rc::strong_count(&site.live), 101);
        client.send(&frame(RESET, 0, 1, &[0, 0, 0, 8])).await;
        client.send(&frame(HEADERS, 5, 203, &request(GET, "/text"))).await;
        assert_eq!(client.answer(203).await, 200);
        assert_eq!(Rc::strong_count(&site.live), 100);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn content_beyond_a_window_is_not_taken() {
    // Of one stream: 256 KiB.
    let full = |stream| frame(DATA, 0, stream, &[b'x'; 16_384]);
    for (streams, expected) in [(1, "reset 3"), (5, "goaway 3")] {
        let outcome = with(&Site::default(), async |mut client: Client| {
            client.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await;
            for id in ids().take(streams) {
                client.send(&frame(HEADERS, 4, id, &request(POST, "/never"))).await;
                for _ in 0..16 {
                    client.send(&full(id)).await;
                }
            }
            if streams == 1 {
                client.send(&frame(DATA, 0, 1, b"x")).await;
            }
            client.outcome().await
        })
        .await;
        assert_eq!(outcome, expected);
    }
    // What is read opens both again, by what was read; what is too much is refused.
    let site = Site::default();
    with(&site, async |mut client: Client| {
        client.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await;
        for (id, pieces, status) in [(1, 60, 200), (3, 640, 413)] {
            client.send(&frame(HEADERS, 4, id, &request(POST, "/length"))).await;
            let (mut stream, mut all) = (256 << 10, 1 << 20);
            let Client { read, write } = client;
            let mut reader = Client { read, write };
            for _ in 0..pieces {
                while stream < 16_384 || all < 16_384 {
                    let frame = reader.frame().await.unwrap();
                    if frame.kind == WINDOW {
                        let more = u32::from_be_bytes(frame.payload.as_slice().try_into().unwrap());
                        if frame.stream == 0 { all += more } else { stream += more }
                    }
                    if frame.kind == HEADERS && frame.stream == id {
                        assert_eq!((self::status(&frame.payload), status), (413, 413));
                        return;
                    }
                }
                (stream, all) = (stream - 16_384, all - 16_384);
                reader.send(&full(id)).await;
            }
            reader.send(&frame(DATA, 1, id, b"")).await;
            assert_eq!(reader.answer(id).await, status);
            client = reader;
        }
    })
    .await;
    assert_eq!(site.log.borrow()[0], "/length: Complete");
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_behind_an_answer_is_thrown_away_within_bounds() {
    let site = Site::default();
    with(&site, async |mut client: Client| {
        client.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await;
        let begin = Instant::now();
        let mut resets = Vec::new();
        for (id, path, content, end) in
            [(1, "/text", 10_000, true), (3, "/text", 10, false), (5, "/text", 70_000, true)]
        {
            client.send(&frame(HEADERS, 4, id, &request(POST, path))).await;
            assert_eq!(client.answer(id).await, 200);
            for piece in vec![b'x'; content].chunks(10_000) {
                client.send(&frame(DATA, 0, id, piece)).await;
            }
            if end {
                client.send(&frame(DATA, 1, id, b"")).await;
            }
        }
        while let Ok(Some(frame)) = timeout(Duration::from_secs(3), client.frame()).await {
            if frame.kind == RESET {
                resets.push((frame.stream, frame.payload[3], begin.elapsed().as_secs()));
            }
        }
        // The one that ended in time saw none; the others are told to stop, not that they failed.
        assert_eq!(resets, [(5, 0, 0), (3, 0, 2)]);
    })
    .await;
    assert_eq!(*site.log.borrow(), ["/text: Complete"; 3]);
}

#[tokio::test(start_paused = true)]
async fn who_reads_what_a_lost_connection_sent_is_told_at_once() {
    for cut in [true, false] {
        let site = Site::default();
        let (near, far) = duplex(64 << 10);
        let terms = Terms { protocol: Protocol::Http2, scheme: Scheme::Http };
        let limits = Limits::default();
        let begin = Instant::now();
        let talk = async {
            let (read, write) = split(far);
            let mut client = Client { read, write };
            client.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await;
            client.send(&frame(HEADERS, 4, 1, &request(POST, "/elsewhere"))).await;
            client.send(&frame(DATA, 0, 1, b"abc")).await;
            sleep(Duration::from_secs(1)).await;
            drop(client);
        };
        let both = async {
            let drain = Drain::never();
            let service = Service { terms, limits: limits.into(), drain, handler: &site };
            let serving = serve(near, service);
            tokio::select! {
                ((), ()) = async { tokio::join!(serving, talk) } => {}
                () = sleep(Duration::from_millis(500)), if cut => {}
            }
            tokio::task::yield_now().await;
        };
        tokio::task::LocalSet::new().run_until(both).await;
        let log = site.log.borrow().join(" ");
        assert!(log.starts_with("read elsewhere: Err("), "{cut}: {log}");
        assert!(begin.elapsed().as_secs() <= 1, "{cut}: {:?}", begin.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn answers_share_the_window_of_their_connection() {
    let site = Site::default();
    with(&site, async |mut client: Client| {
        client.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await;
        for id in [1, 3, 5] {
            client.send(&frame(HEADERS, 5, id, &request(GET, "/big"))).await;
        }
        // 65,535 bytes to begin with, for all of them; then what each window update says.
        let (mut all, mut seen, mut ended) = (65_535, [0; 3], 0);
        while ended < 3 {
            let frame = client.frame().await.unwrap();
            if frame.kind != DATA {
                continue;
            }
            let at = usize::try_from(frame.stream / 2).unwrap();
            seen[at] += frame.payload.len();
            all -= i64::try_from(frame.payload.len()).unwrap();
            assert!(all >= 0 && frame.payload.len() <= 16_384);
            if frame.flags & 1 != 0 {
                ended += 1;
            }
            if all == 0 {
                // Each had its turn.
                assert!(ended > 0 || seen.iter().all(|&seen| seen > 0), "{seen:?}");
                all = 100_000;
                let more = self::frame(WINDOW, 0, 0, &100_000_u32.to_be_bytes());
                client.send(&more).await;
                for id in [1, 3, 5] {
                    client.send(&self::frame(WINDOW, 0, id, &100_000_u32.to_be_bytes())).await;
                }
            }
        }
        assert_eq!(seen, [300_000; 3]);
    })
    .await;
    assert_eq!(site.log.borrow().len(), 3);
}
