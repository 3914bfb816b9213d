//! `decide`: requests, and the routes that answer them; by the interpreter, and by machine code of the program as it was
//! built and read again.
//!
//! `GET http://x.example/a | name: value | from 10.0.0.1 -> route`, or `-> 404`, `-> 405 GET, HEAD`, `-> 400` for
//! what is refused before any route.

use std::net::{IpAddr, Ipv4Addr};

use compiler::artifact::Artifact;
use compiler::program::Program;
use compiler::{Backend, Decision};
use gwc::ask::Ask;
use libtest_mimic::Failed;
use runtime::engine::Engine;

use super::{at, policy};
use crate::page::{Block, Case};

/// Asks every row, and compares what is decided.
pub fn run(case: &Case, block: &Block) -> Result<(), Failed> {
    let folder = policy::unpack(case)?;
    let check = policy::checked(folder.path())?;
    let program = check.program.ok_or_else(|| at(case, block, "the policy does not compile"))?;
    let params = folder.path().join("params.toml");
    let with = params.exists().then_some(params.as_path());
    let engine = |program, backend| {
        gwc::engine::rehearsing(program, with, &check.sources, backend)
            .map_err(|report| format!("{report:?}"))
    };
    let again = read_again(program.clone())?;
    let (interp, jit) = (engine(program, Backend::Interp)?, engine(again, Backend::Jit)?);
    jit.decider.matcher.compile_all()?;
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
        for (engine, by) in [(&interp, "the interpreter"), (&jit, "machine code")] {
            let found = asked(&ask, engine)?;
            if found != expected.trim() {
                wrong.push_str(&format!("{request} -> {found} by {by}, expected {expected}\n"));
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(at(case, block, &wrong)) }
}

/// The program as `gwc run` reads what `gwc build` wrote of it.
fn read_again(program: Program) -> Result<Program, Failed> {
    let text = program.to_string();
    let bytes = Artifact { program, ..Artifact::default() }.encode()?;
    let again = Artifact::decode(&bytes, &runtime::vocabulary())?.program;
    if again.to_string() == text { Ok(again) } else { Err("it reads as another program".into()) }
}

fn asked(ask: &Ask, engine: &Engine) -> Result<String, Failed> {
    let listener =
        ask.listener(engine.program(), engine).map_err(|report| format!("{report:?}"))?;
    let rehearsal = match ask.put(engine, listener) {
        Ok(rehearsal) => rehearsal,
        Err(refusal) => return Ok(refusal.fault.status().to_string()),
    };
    if rehearsal.decision != rehearsal.explanation.decision {
        let (decided, told) = (rehearsal.decision, rehearsal.explanation.decision);
        return Err(format!("{decided:?} is decided, {told:?} explained").into());
    }
    Ok(match rehearsal.decision {
        Decision::Route(id) => {
            engine.program().route(id).map_or_else(String::new, |route| route.name.to_string())
        }
        Decision::NotFound => "404".to_owned(),
        Decision::MethodNotAllowed(methods) => format!("405 {}", methods.names().join(", ")),
        Decision::Pending(_) => "pending".to_owned(),
    })
}
