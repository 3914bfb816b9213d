//! What one client may take of a listener: each cap is counted when it bites.

use std::io::Write;
use std::net::TcpStream;

use libtest_mimic::{Failed, Trial};

use crate::gateway::Gateway;
use crate::overload::until;

/// The tests, by name.
pub fn trials() -> Vec<Trial> {
    let tests: [(&str, crate::Test); 1] = [("each is counted when it bites", counted)];
    tests.into_iter().map(|(name, run)| Trial::test(format!("caps: {name}"), run)).collect()
}

const POLICY: &str = "edition 2026
listener web {
  bind    \"127.0.0.1:0\"
  cap     header=4KiB, headers=10, target=1KiB, body=1KiB, idle=1s, streams=1, connections=14, overhead=64B, unread=100B
  timeout header=1s, body=1s, linger=1s
}
route read on web { path \"/read\"; require req.json is present; respond 200 }
route all on web { respond 200 }
";

/// The beginning of a connection of HTTP/2, and two requests at once; the first one's content is yet to come.
const STREAMS: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\
    \0\0\x06\x01\x04\0\0\0\x01\x83\x86\x84\x41\x01x\
    \0\0\x06\x01\x05\0\0\0\x03\x82\x86\x84\x41\x01x";

fn counted() -> Result<(), Failed> {
    let get = |head: &str| format!("GET {head}host: x\r\n\r\n").into_bytes();
    let post = "POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: ";
    let chunked = "POST /read HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked";
    let unread = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n".to_vec();
    let bites = [
        ("header", get(&format!("/ HTTP/1.1\r\na: {}\r\n", "a".repeat(5000)))),
        ("headers", get(&format!("/ HTTP/1.1\r\n{}", "a: a\r\n".repeat(10)))),
        ("target", get(&format!("/{} HTTP/1.1\r\n", "a".repeat(2000)))),
        ("body", format!("{post}2000\r\n\r\n").into_bytes()),
        ("idle", get("/ HTTP/1.1\r\n")),
        ("streams", STREAMS.to_vec()),
        ("header_time", b"GET / HTTP/1.1\r\n".to_vec()),
        ("body_time", format!("{post}10\r\n\r\n{{").into_bytes()),
        ("overhead", format!("{chunked}\r\n\r\n1;{}\r\n", "a".repeat(100)).into_bytes()),
        ("unread", unread.clone()),
        // Nor does its client close behind the answer.
        ("linger_time", unread),
    ];
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("gateway.gw");
    let gateway = Gateway::start_with(folder.path(), &path, POLICY, &["--admin", "127.0.0.1:0"])?;
    let address = gateway.address(None)?;
    let mut open = Vec::new();
    for (_, bytes) in &bites {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(bytes)?;
        open.push(stream);
    }
    let of = |limit: &str| format!("gw_refusals_total{{listener=\"web\",limit=\"{limit}\"}}");
    for (limit, _) in &bites {
        until(&gateway, &of(limit), |refused| refused > 0)?;
    }
    drop(open);
    let open: Vec<_> = (0..20).map(|_| TcpStream::connect(address)).collect();
    until(&gateway, &of("connections"), |refused| refused > 0)?;
    drop(open);
    Ok(())
}
