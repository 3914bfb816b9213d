//! `http`: a request, `---`, and the answer; sent to the case's policy as `gwc run` serves it, on loopback.
//!
//! Every `bind` is moved to a free port. `upstream 127.0.0.1:3000` says what listens there as far as the policy
//! knows: `echo` (answers with what it received), `refuse`, `hang`, `reset`, or an answer. In the expected answer
//! a header that is not named may be there or not, `!name` must not be, and a body that is not shown may be any.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use libtest_mimic::Failed;

use super::{at, policy};
use crate::gateway::{Gateway, PATIENCE, rebind};
use crate::page::{Block, Case};
use crate::scripted::script;

/// Starts the gateway and its upstreams, sends every request of the block in turn, and compares the answers.
pub fn run(case: &Case, block: &Block) -> Result<(), Failed> {
    let folder = policy::unpack(case)?;
    let path = folder.path().join(policy::ROOT);
    let mut text = std::fs::read_to_string(&path)?;
    for upstream in case.of("upstream") {
        let address = upstream
            .name()
            .ok_or_else(|| at(case, upstream, "an `upstream` block needs an address"))?;
        let real = script(upstream.text.trim_end().to_owned())?;
        text = text.replace(address, &real.to_string());
    }
    let gateway = Gateway::start(folder.path(), &path, &rebind(&text))?;
    let listener = block.name();
    for exchange in block.text.split("\n===\n") {
        let (request, expected) = exchange
            .split_once("\n---\n")
            .ok_or_else(|| at(case, block, "there is no `---` before the answer"))?;
        let answer = send(gateway.address(listener)?, request)?;
        hold(&answer, expected)
            .map_err(|what| at(case, block, &format!("{what}\nthe whole answer:\n{answer}")))?;
    }
    Ok(())
}

/// Sends a request as it stands, with CRLF for line ends and `Connection: close` where it says nothing of it.
pub fn send(address: SocketAddr, request: &str) -> Result<String, Failed> {
    let (head, body) = request.split_once("\n\n").unwrap_or((request.trim_end_matches('\n'), ""));
    let mut text = head.replace('\n', "\r\n");
    let body = body.strip_suffix('\n').unwrap_or(body);
    let lower = head.to_ascii_lowercase();
    if !body.is_empty()
        && !lower.contains("content-length:")
        && !lower.contains("transfer-encoding:")
    {
        text.push_str(&format!("\r\ncontent-length: {}", body.len()));
    }
    if !lower.contains("connection:") {
        text.push_str("\r\nconnection: close");
    }
    text.push_str("\r\n\r\n");
    text.push_str(body);
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(text.as_bytes())?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(_) if !answer.is_empty() => {}
        Err(error) => return Err(format!("no answer: {error}").into()),
    }
    Ok(String::from_utf8_lossy(&answer).replace("\r\n", "\n"))
}

/// Holds an answer against what is expected of it.
fn hold(answer: &str, expected: &str) -> Result<(), String> {
    let (head, body) = answer.split_once("\n\n").unwrap_or((answer, ""));
    let (wanted, wanted_body) = match expected.split_once("\n\n") {
        Some((head, body)) => (head, Some(body)),
        None => (expected.trim_end_matches('\n'), None),
    };
    let mut wanted = wanted.lines();
    let line = wanted.next().unwrap_or("");
    if !head.starts_with(line) {
        return Err(format!(
            "expected `{line}`, found `{}`",
            head.lines().next().unwrap_or("nothing")
        ));
    }
    let headers: Vec<(String, &str)> = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
        .collect();
    for line in wanted {
        if let Some(name) = line.strip_prefix('!') {
            if headers.iter().any(|(found, _)| found == name.trim()) {
                return Err(format!("`{name}` must not be there"));
            }
        } else if let Some((name, value)) = line.split_once(':') {
            let wanted = (name.to_ascii_lowercase(), value.trim());
            if !headers.contains(&wanted) {
                return Err(format!("expected the header `{line}`"));
            }
        }
    }
    match wanted_body {
        Some(wanted)
            if decoded(&headers, body).trim_end_matches('\n') != wanted.trim_end_matches('\n') =>
        {
            Err(format!("expected the body\n{wanted}\nfound\n{}", decoded(&headers, body)))
        }
        _ => Ok(()),
    }
}

/// The body without its chunks' frames.
fn decoded(headers: &[(String, &str)], body: &str) -> String {
    if !headers.iter().any(|(name, value)| name == "transfer-encoding" && value.contains("chunked"))
    {
        return body.to_owned();
    }
    let mut whole = String::new();
    let mut rest = body;
    while let Some((size, behind)) = rest.split_once('\n') {
        let size =
            usize::from_str_radix(size.split(';').next().unwrap_or("").trim(), 16).unwrap_or(0);
        let Some(chunk) = behind.get(..size).filter(|chunk| !chunk.is_empty()) else { break };
        whole.push_str(chunk);
        rest = behind[size..].trim_start_matches('\n');
    }
    whole
}
