//! Upstreams by script: what listens where a policy forwards to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use libtest_mimic::Failed;
use socket2::{Domain, Socket, Type};

use crate::gateway::PATIENCE;

/// Starts a scripted upstream and gives its address. It lives as long as the test binary.
pub fn script(script: String) -> Result<SocketAddr, Failed> {
    if script == "refuse" {
        return refusing();
    }
    script_at(SocketAddr::from(([127, 0, 0, 1], 0)), script)
}

/// The same at this address.
pub fn script_at(address: SocketAddr, script: String) -> Result<SocketAddr, Failed> {
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let script = script.clone();
            std::thread::spawn(move || answer(stream, &script));
        }
    });
    Ok(address)
}

/// An address that refuses every connection: taken, so that no other test is given it, and never listened to.
fn refusing() -> Result<SocketAddr, Failed> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    let address = socket.local_addr()?.as_socket().ok_or("no address")?;
    std::mem::forget(socket);
    Ok(address)
}

/// Answers every request of one connection by the script.
fn answer(mut stream: TcpStream, script: &str) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut received = String::new();
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok()?;
            }
            received.push_str(line);
            received.push('\n');
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        match script {
            "hang" => std::thread::sleep(PATIENCE),
            "reset" => return None,
            "echo" => {
                let text = format!("{received}\n{}", String::from_utf8_lossy(&body));
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", text.len());
                stream.write_all(format!("{head}{text}").as_bytes()).ok()?;
            }
            answer => {
                let (head, body) = answer.split_once("\n\n").unwrap_or((answer, ""));
                let head = head.replace('\n', "\r\n");
                let framed = head.to_ascii_lowercase().contains("content-length");
                let length = if framed {
                    String::new()
                } else {
                    format!("content-length: {}\r\n", body.len())
                };
                stream.write_all(format!("{head}\r\n{length}\r\n{body}").as_bytes()).ok()?;
            }
        }
    }
}
