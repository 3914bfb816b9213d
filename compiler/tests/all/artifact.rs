//! Built programs: what was written is what is read, and bytes of any kind are a program or a reason.

use std::sync::Arc;

use compiler::artifact::{self, Artifact, MAGIC, SIGNATURE, Unfit, VERSION};
use compiler::{Backend, load};
use lang::{Sources, Value};
use proptest::prelude::*;

use crate::build::*;
use crate::proof::{routed, settled, way};
use crate::reference::{recipe, world};

fn built(routes: Vec<lang::policy::Route>) -> Artifact {
    let (program, diags) = compiler::lower(&policy(routes));
    let program = program.unwrap_or_else(|| panic!("{diags:#?}"));
    let mut sources = Sources::default();
    sources.add("gateway.gw", "edition 2026\n");
    Artifact { program, sources, hash: "sha256:00".to_owned() }
}

fn some() -> Artifact {
    built(vec![
        route("one").host(&["a.x", "*.y"]).path(&["/a/{id: Int}/**"]).method(&["GET"]).when(is_in(
            field(&IP, None),
            Value::list([Value::Cidr("10.0.0.0/8".parse().unwrap())]),
        )),
        route("two").path(&["/b/{x: p|q}"]).when(or(vec![
            matches(field(&PATH, None), "^/b/[a-z\"]+$"),
            not(is(header("h"), "é")),
        ])),
        route("rest"),
    ])
}

/// With the checksum that fits, so that what is behind it has to stand for itself.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len() - 4;
    let sum = bytes[..end].iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            if sum & 1 == 1 { 0xedb8_8320 ^ (sum >> 1) } else { sum >> 1 }
        })
    });
    bytes[end..].copy_from_slice(&(!sum).to_le_bytes());
    bytes
}

fn decoded(bytes: &[u8]) -> Result<Artifact, Unfit> {
    Artifact::decode(bytes, &vocabulary())
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn a_built_program_decides_as_the_one_it_was_built_of(
        made in prop::collection::vec((recipe(), way()), 1..5),
    ) {
        let routes = made.iter().enumerate().map(|(at, (r, w))| routed(&format!("r{at}"), r, w));
        let Some(policy) = settled(routes.collect()) else { return Ok(()) };
        let program = compiler::lower(&policy).0.unwrap();
        let artifact = Artifact { program, sources: Sources::default(), hash: String::new() };
        let bytes = artifact.encode().unwrap();
        let again = decoded(&bytes).unwrap();
        prop_assert_eq!(again.program.to_string(), artifact.program.to_string());
        prop_assert_eq!(again.encode().unwrap(), bytes);
        let [interp, _] = matchers(&policy);
        let read = load(Arc::new(again.program), Vec::new(), Backend::Jit).unwrap();
        read.compile_all().unwrap();
        for request in world().iter().step_by(7) {
            prop_assert_eq!(decide(&interp, request), decide(&read, request), "{:?}", request);
        }
    }
}

/// Each byte changed in several ways, with the checksum mended: no panic, neither on reading nor on what is done with what
/// was read.
#[test]
fn changed_bytes_are_a_program_or_a_reason() {
    let bytes = some().encode().unwrap();
    for at in 16..bytes.len() - 4 {
        for change in [1, 2, 0x10, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            let Ok(artifact) = decoded(&sealed(changed)) else { continue };
            let _ = artifact.program.to_string();
            let inputs = vec![Value::Absent; artifact.program.inputs.len()];
            let Ok(matcher) = load(Arc::new(artifact.program), inputs, Backend::Interp) else {
                continue;
            };
            if matcher.program().listener("web").is_none() {
                continue;
            }
            for request in [get("a.x/a/7/b"), get("f.y/a/1/"), get("x/b/p"), get("x/")] {
                decide(&matcher, &request);
            }
        }
    }
}

#[test]
fn the_same_program_is_the_same_bytes() {
    let artifact = some();
    let bytes = artifact.encode().unwrap();
    let again = decoded(&bytes).unwrap();
    assert_eq!(again.encode().unwrap(), bytes);
    assert_eq!(again.hash, "sha256:00");
    assert_eq!(again.sources.iter().next().map(|source| &*source.name), Some("gateway.gw"));
    assert_eq!(again.program.to_string(), artifact.program.to_string());
}

#[test]
fn every_beginning_is_cut_short() {
    let bytes = some().encode().unwrap();
    assert_eq!(decoded(&[]).unwrap_err(), Unfit::Foreign);
    for end in 1..bytes.len() {
        assert!(matches!(decoded(&bytes[..end]), Err(Unfit::Truncated { .. })), "{end}");
    }
    // Behind the body stands its checksum, of four bytes.
    for end in 17..bytes.len() - 4 {
        // A body that says it is shorter than it is.
        let mut short = bytes[..end].to_vec();
        short[12..16].copy_from_slice(&((end - 16) as u32).to_le_bytes());
        short.extend([0; 4]);
        assert!(matches!(decoded(&sealed(short)), Err(Unfit::Damaged(_))), "{end}");
    }
}

#[test]
fn what_is_wrong_is_told_by_its_name() {
    let bytes = some().encode().unwrap();
    assert_eq!(decoded(b"edition 2026\n").unwrap_err(), Unfit::Foreign);
    let mut newer = bytes.clone();
    newer[8] = 9;
    assert_eq!(decoded(&newer).unwrap_err(), Unfit::Version(9));
    assert_eq!(
        Unfit::Version(9).to_string(),
        format!("it is of version 9 of the format, and this `gwc` reads version {VERSION}")
    );
    for at in 16..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(matches!(decoded(&changed), Err(Unfit::Damaged(_))), "{at}");
    }
    let mut action = some();
    std::sync::Arc::make_mut(action.program.routes.get_mut(0).unwrap()).steps =
        Box::new([compiler::program::Step {
            kind: compiler::program::StepKind::Act(compiler::program::Call {
                action: Arc::from("juggle"),
                args: Box::default(),
                place: None,
                arms: Box::default(),
            }),
            span: lang::Span::default(),
            via: Box::default(),
        }]);
    let unknown = decoded(&action.encode().unwrap()).unwrap_err();
    assert_eq!(unknown, Unfit::Unknown { kind: "action", name: "juggle".to_owned() });
}

#[test]
fn a_signature_stands_behind_what_it_is_of() {
    let mut bytes = some().encode().unwrap();
    let plain = bytes.clone();
    assert_eq!(artifact::split(&bytes), Ok((&plain[..], None)));
    bytes.extend([7; SIGNATURE]);
    assert_eq!(artifact::split(&bytes), Ok((&plain[..], Some(&[7; SIGNATURE]))));
    assert!(decoded(&bytes).is_ok());
    bytes.push(0);
    assert!(matches!(artifact::split(&bytes), Err(Unfit::Damaged(_))));
    bytes.truncate(plain.len() + 10);
    assert!(matches!(artifact::split(&bytes), Err(Unfit::Truncated { .. })));
    assert!(plain.starts_with(&MAGIC));
}

/// An expression that is nothing but shared parts: a walk over it would never end.
#[test]
fn what_no_walk_would_end_in_is_refused() {
    let mut shared = some();
    for _ in 0..64 {
        let last = lang::vocab::ExprId(shared.program.exprs.len() as u32 - 1);
        shared.program.exprs.push(compiler::program::Expr::List(vec![last, last]));
    }
    assert!(matches!(decoded(&shared.encode().unwrap()), Err(Unfit::Damaged(_))));
    let mut deep = some();
    for _ in 0..5_000 {
        let last = lang::vocab::ExprId(deep.program.exprs.len() as u32 - 1);
        deep.program.exprs.push(compiler::program::Expr::Present(last));
    }
    assert!(matches!(decoded(&deep.encode().unwrap()), Err(Unfit::Damaged(_))));
}
