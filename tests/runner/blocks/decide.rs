//! `decide`: requests, and the routes that answer them.
//!
//! `GET http://x.example/a | name: value | from 10.0.0.1 -> route`, or `-> 404`, `-> 405 GET, HEAD`, `-> 400` for
//! what is refused before any route.

use std::net::{IpAddr, Ipv4Addr};

use compiler::Decision;
use gwc::ask::{self, Ask};
use libtest_mimic::Failed;

use super::{at, policy};
use crate::page::{Block, Case};

/// Asks every row, and compares what is decided.
pub fn run(case: &Case, block: &Block) -> Result<(), Failed> {
    let folder = policy::unpack(case)?;
    let check = policy::checked(folder.path())?;
    let program = check.program.ok_or_else(|| at(case, block, "the policy does not compile"))?;
    let params = folder.path().join("params.toml");
    let with = params.exists().then_some(params.as_path());
    let engine =
        ask::engine(program, with, &check.sources).map_err(|report| format!("{report:?}"))?;
    let mut wrong = String::new();
    for line in block.text.lines().filter(|line| !line.trim().is_empty()) {
        let (request, expected) = line
            .rsplit_once(" -> ")
            .ok_or_else(|| at(case, block, &format!("no `->` in `{line}`")))?;
        let mut parts = request.split(" | ").map(str::trim);
        let url = parts.next().unwrap_or("");
        let (mut from, mut headers, mut on) = (IpAddr::V4(Ipv4Addr::LOCALHOST), Vec::new(), None);
        for part in parts {
            match (part.strip_prefix("from "), part.strip_prefix("on ")) {
                (Some(address), _) => from = address.parse()?,
                (_, Some(listener)) => on = Some(listener),
                _ => headers.push(part.to_owned()),
            }
        }
        let ask = Ask::parse(url, &headers, from, on).map_err(|report| format!("{report:?}"))?;
        let listener =
            ask.listener(engine.program(), &engine).map_err(|report| format!("{report:?}"))?;
        let found = match ask.put(&engine, listener) {
            Err(refusal) => refusal.fault.status().to_string(),
            Ok(rehearsal) => match rehearsal.explanation.decision {
                Decision::Route(id) => {
                    let routes = &engine.program().routes;
                    routes
                        .get(id.0 as usize)
                        .map_or_else(String::new, |route| route.name.to_string())
                }
                Decision::NotFound => "404".to_owned(),
                Decision::MethodNotAllowed(methods) => format!("405 {}", methods.join(", ")),
                Decision::Pending(_) => "pending".to_owned(),
            },
        };
        if found != expected.trim() {
            wrong.push_str(&format!("{request} -> {found}, expected {expected}\n"));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(at(case, block, &wrong)) }
}
