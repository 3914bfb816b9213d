//! Tables against the code they were made of: random checks, jumps, methods and requests, with slots that are pending.

use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::Arc;

use lang::policy::Compare;
use lang::{Ty, Value};
use proptest::prelude::*;

use super::{Tables, build};
use crate::fit::Fits;
use crate::frame::{Ask, Fill, Frame, Head, Method, Read, Slot, SlotId};
use crate::index::Cell;
use crate::interp::run::Run;
use crate::interp::{Bound, constants};
use crate::program::code::{Check, Code, Goal, Methods, Networks, Op, Place, Source, Texts};
use crate::program::{ListenerId, Program};

/// Numbers by chance (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % n as u64) as usize
    }

    fn of<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[self.below(all.len())]
    }
}

const TEXTS: [&str; 9] = [
    "",
    "a",
    "alpha",
    "Alpha-beta",
    "gamma-delta-epsilon",
    "gamma-delta-epsilom",
    "/api/v1/orders/7",
    "/API/v1/users/export",
    "/straße/x",
];

const PATTERNS: [&str; 7] = [
    "^/api/v[0-9]+/orders/[0-9]+$",
    "(?i)/api/v1/",
    "export$|alpha",
    r"\bgamma\b",
    "ß",
    "a*",
    "(?:delta|orders){1}-?",
];

const METHODS: [&str; 4] = ["GET", "POST", "BREW", "DELETE"];

/// Text, number, list, address, text that says something else each time, size.
fn program() -> Program {
    let slot =
        |field: &str, ty: Ty, stable| Slot { field: Arc::from(field), key: None, ty, stable };
    let slots = vec![
        slot("req.header", Ty::String.optional(), true),
        slot("token.level", Ty::Int.optional(), true),
        slot("token.roles", Ty::list(Ty::String), true),
        slot("client.ip", Ty::Ip, true),
        slot("req.id", Ty::String, false),
        slot("req.body.size", Ty::Size.optional(), true),
    ];
    Program { slots, ..Program::default() }
}

fn check(chance: &mut Chance, fits: &RefCell<Fits>) -> Check {
    let slot = |at| Source::Slot(SlotId(at));
    let anew = Source::Anew(SlotId(4));
    let texts =
        [slot(0), Source::Path, Source::Host, anew, Source::Segment(Place { from: 1, behind: 1 })];
    let source = *chance.of(&texts);
    let text: Box<str> = Box::from(*chance.of(&TEXTS));
    let how =
        *chance.of(&[Compare::Eq, Compare::Ne, Compare::Lt, Compare::Le, Compare::Gt, Compare::Ge]);
    match chance.below(13) {
        0 => Check::Equal(source, text),
        1 => {
            let mut texts: Vec<Box<str>> = (0..3).map(|_| Box::from(*chance.of(&TEXTS))).collect();
            texts.sort_unstable();
            texts.dedup();
            Check::OneOf(source, Texts(texts.into()))
        }
        2 => Check::Begins(source, text),
        3 => Check::Ends(source, text),
        4 => Check::Contains(source, text),
        5 => {
            let pattern = lang::literal::compiled(PATTERNS[chance.below(PATTERNS.len())]).unwrap();
            Check::Matches(source, fits.borrow_mut().of(&pattern))
        }
        6 => Check::Compare(source, how, Box::new(Value::string(&*text))),
        7 => Check::Compare(slot(1), how, Box::new(Value::Int(chance.below(6) as i64))),
        8 => Check::Compare(slot(5), how, Box::new(Value::Size(chance.below(6) as u64))),
        9 => Check::Lists(slot(2), text),
        10 => {
            let nets = ["10.0.0.0/8", "10.1.0.0/16", "192.168.0.1/32", "fd00::/8"];
            let nets = (0..2).map(|_| Value::Cidr(chance.of(&nets).parse().unwrap()));
            let networks = Networks::of(&nets.collect::<Vec<_>>()).unwrap();
            Check::Within(*chance.of(&[slot(3), Source::Client(SlotId(3))]), networks)
        }
        11 => Check::Present(slot(0)),
        _ => Check::Compare(slot(1), how, Box::new(Value::Float(2.5))),
    }
}

/// Candidates of a few checks each, which jump forward anywhere.
fn code(chance: &mut Chance, fits: &RefCell<Fits>, n_candidates: usize) -> Code {
    let shape: Vec<(bool, usize)> = (0..n_candidates)
        .map(|at| (chance.below(4) == 0, chance.below(4).max(usize::from(at + 1 < n_candidates))))
        .collect();
    let mut starts = vec![0];
    for (has_method, n_ops) in &shape {
        starts.push(starts[starts.len() - 1] + usize::from(*has_method) + n_ops);
    }
    let mut ops = Vec::new();
    for (at, (has_method, _)) in shape.iter().enumerate() {
        let end = starts[at + 1];
        let after = starts.get(at + 2).map(|_| end);
        let next = match after {
            None => Goal::Leave,
            Some(next) if starts[at + 2] == next => Goal::Take(at as u32 + 1),
            Some(next) => Goal::Op(next as u32),
        };
        let take = Goal::Take(at as u32);
        for op in starts[at]..end {
            if *has_method && op == starts[at] {
                let names = [Arc::from(*chance.of(&METHODS[..2])), Arc::from("DELETE")];
                let yes = if op + 1 < end { Goal::Op(op as u32 + 1) } else { take };
                ops.push(Op::new(Check::Method(Methods::of(&names)), yes, next));
                continue;
            }
            let goal = |chance: &mut Chance| match chance.below(3) {
                0 if op + 1 < end => Goal::Op((op + 1 + chance.below(end - op - 1)) as u32),
                1 => next,
                _ => take,
            };
            let (yes, no) = (goal(chance), goal(chance));
            ops.push(Op::new(check(chance, fits), yes, no));
        }
    }
    let entry = if ops.is_empty() { Goal::Take(0) } else { Goal::Op(0) };
    let starts: Vec<u32> = starts.into_iter().map(|start| start as u32).collect();
    Code::new(entry, ops.into(), starts.into())
}

struct World {
    path: String,
    client: Option<IpAddr>,
    slots: Vec<Option<Value>>,
    /// Whether its values are lent, as those of a verified token are.
    is_kept: bool,
}

impl Fill for World {
    fn fill(&self, slot: SlotId) -> Read<'_> {
        match &self.slots[slot.0 as usize] {
            None => Read::Pending,
            Some(value) if self.is_kept => Read::Kept(value),
            Some(Value::String(text)) => Read::Text(text),
            Some(value) => Read::Value(value.clone()),
        }
    }

    fn path(&self) -> &str {
        &self.path
    }
}

fn world(chance: &mut Chance) -> World {
    let text = |chance: &mut Chance| Value::string(*chance.of(&TEXTS));
    let number = |chance: &mut Chance| match chance.below(8) {
        0 => None,
        1 => Some(Value::Absent),
        n => Some(Value::Int(n as i64 - 3)),
    };
    let ips = ["10.2.3.4", "10.1.2.3", "192.168.0.1", "8.8.8.8", "fd00::1"];
    let ip: IpAddr = chance.of(&ips).parse().unwrap();
    let roles = match chance.below(8) {
        0 => None,
        1 => Some(Value::Absent),
        n => Some(Value::list((2..n).map(|_| text(chance)))),
    };
    let size = match number(chance) {
        Some(Value::Int(n)) => Some(Value::Size(n.unsigned_abs())),
        other => other,
    };
    let header = if chance.below(4) == 0 { Value::Absent } else { text(chance) };
    let slots =
        vec![Some(header), number(chance), roles, Some(Value::Ip(ip)), Some(text(chance)), size];
    let path = format!("/{}", chance.of(&TEXTS).trim_start_matches('/'));
    let is_kept = chance.below(2) == 0;
    World { path, client: Some(ip), slots, is_kept }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_table_says_what_its_code_says(seed in any::<u64>(), n_candidates in 1_usize..40) {
        let chance = &mut Chance(seed);
        let fits = RefCell::new(Fits::default());
        let program = program();
        let code = code(chance, &fits, n_candidates);
        let tables = [Tables::Everywhere, Tables::Worth];
        let tables: Vec<_> = tables.into_iter().filter_map(|when| build(&code, &program, when)).collect();
        let constants = constants(&program, &[]);
        let bound = Bound { program: Arc::new(program), constants };
        let candidates = (0..n_candidates as u32).collect();
        let cell = Cell { code: Arc::new(code), candidates };
        let code = &cell.code;
        for _ in 0..20 {
            let world = world(chance);
            let (host, method) = (*chance.of(&TEXTS), *chance.of(&METHODS));
            let client = world.client.filter(|_| chance.below(2) == 0);
            let head = Head { host, path: &world.path, method: Method::of(method), client };
            for table in &tables {
                let frame = Frame::new();
                let ask = Ask { listener: ListenerId(0), head, frame: &frame, fill: &world };
                let run = Run::new(&bound, &ask);
                let Some(said) = table.run(&run, &cell, 0) else { continue };
                let missed = run.missed.take();
                let expected = run.interpret(&cell, 0);
                prop_assert_eq!(Ok(said), expected, "{:#?} {:?} {:?}", code, head, world.slots);
                if said == Goal::Leave {
                    let misses = |at| run.missed_methods(&cell, at, 0);
                    let misses = (0..n_candidates).map(|at| Ok(misses(at)?.is_some()));
                    let misses: Result<Vec<bool>, crate::interp::Pending> = misses.collect();
                    let would = misses.map(|missed| missed.contains(&true));
                    prop_assert_eq!(Ok(missed), would, "{:#?} {:?} {:?}", code, head, world.slots);
                }
            }
        }
    }
}

#[test]
fn tables_are_made_of_long_lists_alone() {
    let fits = RefCell::new(Fits::default());
    let program = program();
    let of = |n_candidates: u32| {
        let ops = (0..n_candidates).map(|at| {
            let check = Check::Equal(Source::Slot(SlotId(0)), Box::from(format!("tenant-{at}")));
            let no = if at + 1 < n_candidates { Goal::Op(at + 1) } else { Goal::Leave };
            Op::new(check, Goal::Take(at), no)
        });
        let code = Code::new(Goal::Op(0), ops.collect(), (0..=n_candidates).collect());
        build(&code, &program, Tables::Worth).is_some()
    };
    assert_eq!([3, 7, 20, 2_000, 5_000].map(of), [false, false, true, true, false]);
    assert!(build(&code(&mut Chance(7), &fits, 40), &program, Tables::Never).is_none());
}
