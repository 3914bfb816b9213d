//! Real traffic with peers written by others: nginx behind the gateway, curl in front of it, and a WebSocket on both
//! sides. A peer that is not installed makes its tests *ignored*, by name; in CI it is a failure.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

use crate::gateway::{Gateway, PATIENCE};
use crate::load::Clients;
use crate::scripted::script;
use crate::word::answering;

type Test = fn() -> Result<(), Failed>;

/// The tests, each with the programs it needs.
pub fn trials() -> Vec<Trial> {
    let tests: [(&str, &[&str], Test); 8] = [
        ("nginx answers through the gateway byte for byte", &["nginx", "curl"], nginx_answers),
        ("uploads reach nginx byte for byte", &["nginx", "curl"], uploads_arrive),
        ("a content that turns out empty meets the cache", &["curl"], empty_content),
        ("curl speaks HTTP/2 over TLS, and SNI chooses the certificate", &["curl"], http2_over_tls),
        ("floods over HTTP/2 are counted, and others are served beside them", &[], http2_floods),
        ("a WebSocket passes through", &[], websocket),
        ("a forwarded request takes six system calls", &["strace"], six_system_calls),
        ("no request fails while the policy is reloaded", &[], reload_under_load),
    ];
    tests
        .into_iter()
        .map(|(name, needs, run)| {
            let missing: Vec<&str> =
                needs.iter().copied().filter(|program| which(program).is_none()).collect();
            let name = format!("peers: {name}");
            if missing.is_empty() {
                return Trial::test(name, run);
            }
            let why = format!(
                "{} not installed (apt-get install {})",
                missing.join(", "),
                missing.join(" ")
            );
            let in_ci = std::env::var_os("CI").is_some();
            Trial::test(format!("{name} [{why}]"), move || Err(why.into()))
                .with_ignored_flag(!in_ci)
        })
        .collect()
}

fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    // Debian keeps servers where users' paths do not look.
    let folders = std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")]);
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// An nginx that serves `root` and takes uploads into it; ended when dropped.
struct Nginx {
    child: Child,
    address: SocketAddr,
}

impl Nginx {
    fn start(folder: &Path) -> Result<Nginx, Failed> {
        let root = folder.join("root");
        std::fs::create_dir_all(root.join("up"))?;
        // nginx cannot be asked for a free port, so one is found and given back just before.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let text = format!(
            "daemon off; worker_processes 1; pid {0}/nginx.pid; error_log {0}/error.log;\n\
             events {{ worker_connections 256; }}\n\
             http {{\n  access_log off; client_max_body_size 64m; root {1};\n\
             client_body_temp_path {0}/body; proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/fastcgi;\n\
             uwsgi_temp_path {0}/uwsgi; scgi_temp_path {0}/scgi;\n\
             server {{ listen {address}; location /up/ {{ dav_methods PUT; }} }}\n}}\n",
            folder.display(),
            root.display()
        );
        let conf = folder.join("nginx.conf");
        std::fs::write(&conf, text)?;
        let program = which("nginx").ok_or("nginx is not installed")?;
        let running_as_root = std::fs::metadata("/proc/self").is_ok_and(|own| {
            use std::os::unix::fs::MetadataExt;
            own.uid() == 0
        });
        let user = if running_as_root { "user root;" } else { "" };
        let child = Command::new(program)
            .args(["-p", &folder.to_string_lossy(), "-c", &conf.to_string_lossy(), "-g", user])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let nginx = Nginx { child, address };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            if began.elapsed() > PATIENCE {
                let log = std::fs::read_to_string(folder.join("error.log")).unwrap_or_default();
                return Err(format!("nginx did not start: {log}").into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(nginx)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // A master that is killed leaves its workers; one that is asked ends them.
        drop(Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status());
        drop(self.child.wait());
    }
}

fn curl(args: &[&str]) -> Result<Vec<u8>, Failed> {
    let output = Command::new("curl").args(["-sS", "--max-time", "20"]).args(args).output()?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(format!("curl {args:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}

/// Bytes that compress badly and repeat late, so that a lost or doubled piece shows.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(len);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

fn start(folder: &TempDir, policy: &str) -> Result<Gateway, Failed> {
    Gateway::start(folder.path(), &folder.path().join("gateway.gw"), policy)
}

fn forwarding(upstream: SocketAddr) -> String {
    format!(
        "edition 2026\nlistener web {{\n  bind \"127.0.0.1:0\"\n  cap body=64MiB\n}}\nupstream app {{ server \
         \"{upstream}\" }}\nroute all on web {{ forward app }}\n"
    )
}

fn nginx_answers() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let nginx = Nginx::start(folder.path())?;
    let big = noise(5_000_000);
    std::fs::write(folder.path().join("root/big"), &big)?;
    std::fs::write(folder.path().join("root/empty"), b"")?;
    let gateway = start(&folder, &forwarding(nginx.address))?;
    let url = format!("http://{}", gateway.address(None)?);
    if curl(&[&format!("{url}/big")])? != big {
        return Err("a large file differs".into());
    }
    if curl(&["-r", "1000-1999", &format!("{url}/big")])? != big[1000..2000] {
        return Err("a range differs".into());
    }
    if !curl(&[&format!("{url}/empty")])?.is_empty() {
        return Err("an empty file is not empty".into());
    }
    let twice = curl(&[&format!("{url}/big"), &format!("{url}/big")])?;
    if twice != [big.clone(), big.clone()].concat() {
        return Err("two files over one connection differ".into());
    }
    if curl(&["--http2-prior-knowledge", &format!("{url}/big")])? != big {
        return Err("a large file over HTTP/2 differs".into());
    }
    let head = String::from_utf8_lossy(&curl(&["-I", &format!("{url}/big")])?).to_lowercase();
    if !head.contains("content-length: 5000000") {
        return Err(format!("HEAD lost the length: {head}").into());
    }
    let status = curl(&["-o", "/dev/null", "-w", "%{http_code}", &format!("{url}/missing")])?;
    if status != b"404" {
        return Err("nginx's 404 did not come through".into());
    }
    Ok(())
}

fn uploads_arrive() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let nginx = Nginx::start(folder.path())?;
    let gateway = start(&folder, &forwarding(nginx.address))?;
    let address = gateway.address(None)?;
    let body = noise(3_000_001);
    let file = folder.path().join("upload");
    std::fs::write(&file, &body)?;
    let file = file.to_string_lossy().into_owned();
    for (name, extra) in [
        ("sized", &[][..]),
        ("chunked", &["-H", "transfer-encoding: chunked"][..]),
        ("h2", &["--http2-prior-knowledge"][..]),
    ] {
        let url = format!("http://{address}/up/{name}");
        curl(&[&["-f", "-T", &file][..], extra, &[&url]].concat())?;
        if std::fs::read(folder.path().join("root/up").join(name))? != body {
            return Err(format!("the {name} upload differs").into());
        }
    }
    Ok(())
}

/// curl announces content without a length, and sends none: in chunks, or on a stream that it leaves open.
fn empty_content() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let app = script("HTTP/1.1 200 OK\ncontent-length: 3\n\none".to_owned())?;
    let policy = forwarding(app).replace("forward app", "cache 30s; forward app");
    let gateway = start(&folder, &policy)?;
    for protocol in ["--http1.1", "--http2-prior-knowledge"] {
        let url = format!("http://{}/{}", gateway.address(None)?, &protocol[2..]);
        let asked = |upload: &[&str]| {
            let shown = ["-o", "/dev/null", "-D", "-", "-X", "GET", protocol, &url];
            curl(&[upload, &shown].concat())
        };
        for expected in ["fwd=miss; stored", "hit; ttl="] {
            let head = String::from_utf8_lossy(&asked(&["-T", "-"])?).into_owned();
            if !head.contains(expected) {
                return Err(format!("{protocol}: expected `{expected}`, found {head}").into());
            }
        }
        let head = String::from_utf8_lossy(&asked(&["-d", "x"])?).into_owned();
        if !head.contains("fwd=bypass") {
            return Err(format!("{protocol}: content is not for the cache: {head}").into());
        }
    }
    Ok(())
}

fn http2_over_tls() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    for name in ["shop.example", "admin.example"] {
        let made = rcgen::generate_simple_self_signed([name.to_owned()])?;
        std::fs::write(folder.path().join(format!("{name}.pem")), made.cert.pem())?;
        std::fs::write(
            folder.path().join(format!("{name}.key")),
            made.signing_key.serialize_pem(),
        )?;
    }
    let policy = "edition 2026\nlistener web {\n  bind \"127.0.0.1:0\", proto=[h1, h2]\n  tls cert=\"shop.example.pem\", \
                  key=\"shop.example.key\"\n  tls cert=\"admin.example.pem\", key=\"admin.example.key\"\n}\nroute all on \
                  web { respond 200, \"{req.host} {conn.alpn ?? \"-\"}\" }\n";
    let gateway = start(&folder, policy)?;
    let address = gateway.address(None)?;
    for name in ["shop.example", "admin.example"] {
        let authority = folder.path().join(format!("{name}.pem"));
        let url = format!("https://{name}:{}/", address.port());
        let resolve = format!("{name}:{}:127.0.0.1", address.port());
        let authority = authority.to_string_lossy();
        for (flag, protocol) in [("--http2", "h2"), ("--http1.1", "http/1.1")] {
            let answer = curl(&[flag, "--cacert", &authority, "--resolve", &resolve, &url])?;
            let wanted = format!("{name} {protocol}");
            if answer != wanted.as_bytes() {
                return Err(format!(
                    "expected {wanted}, found {}",
                    String::from_utf8_lossy(&answer)
                )
                .into());
            }
        }
    }
    Ok(())
}

fn http2_floods() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let policy =
        "edition 2026\nlistener web { bind \"127.0.0.1:0\" }\nroute all on web { respond 200 }\n";
    let path = folder.path().join("gateway.gw");
    let gateway = Gateway::start_with(folder.path(), &path, policy, &["--admin", "127.0.0.1:0"])?;
    let frame = |kind: u8, flags: u8, stream: u32, payload: &[u8]| {
        let mut frame = vec![0, 0, u8::try_from(payload.len()).unwrap_or(u8::MAX), kind, flags];
        frame.extend_from_slice(&stream.to_be_bytes());
        frame.extend_from_slice(payload);
        frame
    };
    let (mut resets, mut pings) = (Vec::new(), Vec::new());
    for number in 0..400 {
        let stream = 2 * number + 1;
        // A `GET` whose content does not come, and is not waited for.
        resets.extend(frame(1, 4, stream, b"\x82\x86\x84\x41\x01a\x0f\x0d\x0299"));
        resets.extend(frame(8, 0, stream, &[0; 4]));
    }
    for _ in 0..1100 {
        pings.extend(frame(6, 0, 0, &[0; 8]));
    }
    for (flood, limit) in [(resets, "resets"), (pings, "frames")] {
        let mut client = TcpStream::connect(gateway.address(None)?)?;
        client.set_read_timeout(Some(PATIENCE))?;
        client.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")?;
        client.write_all(&[frame(4, 0, 0, &[]), flood].concat())?;
        let mut said = Vec::new();
        client.read_to_end(&mut said)?;
        // The goodbye ends with its code, `ENHANCE_YOUR_CALM`.
        if !said.ends_with(&[0, 0, 0, 11]) {
            return Err(format!("{limit}: the last words are {:?}", said.last_chunk::<17>()).into());
        }
        let counted = format!("gw_refusals_total{{listener=\"web\",limit=\"{limit}\"}} 1");
        for (address, path, wanted) in [
            (gateway.address(None)?, "/", "HTTP/1.1 200"),
            (gateway.admin()?, "/metrics", &counted),
        ] {
            let mut client = TcpStream::connect(address)?;
            let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            client.write_all(request.as_bytes())?;
            let mut answer = String::new();
            client.read_to_string(&mut answer)?;
            if !answer.contains(wanted) {
                return Err(format!("no `{wanted}` in:\n{answer}").into());
            }
        }
    }
    Ok(())
}

fn websocket() -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let upstream = listener.local_addr()?;
    std::thread::spawn(move || -> Option<()> {
        let (stream, _) = listener.accept().ok()?;
        let mut socket = tungstenite::accept(stream).ok()?;
        while let Ok(message) = socket.read() {
            if message.is_text() || message.is_binary() {
                socket.send(message).ok()?;
            }
        }
        Some(())
    });
    let folder = tempfile::tempdir()?;
    let gateway = start(&folder, &forwarding(upstream))?;
    let address = gateway.address(None)?;
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let (mut socket, _) = tungstenite::client(format!("ws://{address}/chat"), stream)?;
    let large = tungstenite::Message::binary(noise(300_000));
    for message in [tungstenite::Message::text("hello"), large, tungstenite::Message::text("bye")] {
        socket.send(message.clone())?;
        if socket.read()? != message {
            return Err("the echo differs".into());
        }
    }
    socket.close(None)?;
    Ok(())
}

/// Two reads, two writes, and two waits between them: less is not possible over HTTP/1.1.
fn six_system_calls() -> Result<(), Failed> {
    const REQUESTS: usize = 200;
    let folder = tempfile::tempdir()?;
    let gateway = start(&folder, &forwarding(script("HTTP/1.1 200 OK\n\nhello".to_owned())?))?;
    let mut client = TcpStream::connect(gateway.address(None)?)?;
    client.set_read_timeout(Some(PATIENCE))?;
    let mut ask = |n: usize| -> Result<(), Failed> {
        for _ in 0..n {
            client.write_all(b"GET / HTTP/1.1\r\nhost: x.example\r\n\r\n")?;
            let (mut answer, mut piece) = (Vec::new(), [0; 1024]);
            while !answer.ends_with(b"hello") {
                match client.read(&mut piece)? {
                    0 => return Err("the connection was closed".into()),
                    n => answer.extend(&piece[..n]),
                }
            }
        }
        Ok(())
    };
    ask(5)?;
    let table = folder.path().join("calls");
    let mut strace = Command::new("strace")
        .args(["-f", "-c", "-o", &table.to_string_lossy(), "-p", &gateway.id().to_string()])
        .stderr(Stdio::piped())
        .spawn()?;
    let mut said = BufReader::new(strace.stderr.take().ok_or("no output")?);
    let mut line = String::new();
    said.read_line(&mut line)?;
    if !line.contains("attached") {
        return Err(line.into());
    }
    ask(REQUESTS)?;
    drop(Command::new("sh").args(["-c", &format!("kill -INT {}", strace.id())]).status());
    said.read_to_string(&mut line)?;
    strace.wait()?;
    let table = std::fs::read_to_string(table)?;
    // Columns: share, seconds, each, calls, errors where there were some, name.
    let calls = table.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let calls = words.nth(3)?.parse::<usize>().ok()?;
        Some((words.last()?, calls))
    });
    let of = |name: &str| calls.clone().find(|(known, _)| *known == name).map_or(0, |(_, n)| n);
    let (reads, writes, all) = (of("recvfrom"), of("sendto"), of("total"));
    // A wait that began before anybody counted is none; what goes on beside requests is seldom.
    let is_near = (6 * REQUESTS - 5..6 * REQUESTS + REQUESTS / 2).contains(&all);
    match (reads, writes, is_near) {
        // A wake-up for nothing costs a read.
        (reads, writes, true) if reads <= 2 * REQUESTS + 5 && writes == 2 * REQUESTS => Ok(()),
        _ => Err(table.into()),
    }
}

fn reload_under_load() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("gateway.gw");
    let gateway = start(&folder, &answering("0"))?;
    let clients = Clients::start(gateway.address(None)?, 4);
    for version in 1..=10 {
        // Every third policy does not check: the running one has to stay.
        let text = if version % 3 == 0 {
            "edition 2026\nroute {".to_owned()
        } else {
            answering(&version.to_string())
        };
        std::fs::write(&path, text)?;
        gateway.signal("HUP")?;
        clients.wait(50)?;
    }
    let began = Instant::now();
    loop {
        let answer = crate::blocks::http::send(gateway.address(None)?, "GET / HTTP/1.1\nhost: x")?;
        if answer.ends_with("10") {
            break;
        }
        if began.elapsed() > PATIENCE {
            return Err(format!("the last policy does not run: {answer}").into());
        }
        clients.wait(10)?;
    }
    clients.finish()
}
