//! Patterns over the path: as many routes of one host, tried in order.
//!
//! Which of a thousand patterns lies inside which is not for the check to say here: they are put into the program behind
//! it, in the place of conditions that are plainly apart.

use std::collections::HashSet;
use std::sync::Arc;

use gw_compiler::program::{Expr, Program, Target, Test, TestKind};
use gw_compiler::{Slot, SlotId};
use lang::vocab::ExprId;
use lang::{Ty, Value};

use crate::tables::{Random, WORDS};
use crate::workload::{Cond, Request, Rule, Workload};

/// So many patterns; nine in ten requests were made after one of them.
pub(crate) fn regexes(seed: u64, n: usize) -> Workload {
    let random = &mut Random(seed ^ 0x3333 ^ n as u64);
    let mut seen = HashSet::new();
    let mut made: Vec<(usize, String)> = Vec::new();
    let mut rules = Vec::new();
    while rules.len() < n {
        let noun = format!("{}-{}", random.of(WORDS), random.below(40));
        let other = random.of(WORDS);
        let kind = random.below(10);
        let pattern = match kind {
            0 | 1 => format!("^/api/v[0-9]+/{noun}/[0-9]+$"),
            2 | 3 => format!("^/api/v[12]/{noun}/[^/]+/{other}$"),
            4 => format!("^/shop/{noun}/[a-z-]+/item-[0-9]+[.]html$"),
            5 => format!("^/{noun}/(?:{other}|all)/"),
            6 => format!("/{noun}/{other}[.](?:php|asp|cgi)$"),
            7 => format!("/{noun}/[0-9a-f]{{8}}-[0-9a-f]{{4}}"),
            8 => format!("^/files/.*{noun}.*[.](?:zip|tar)$"),
            _ => format!("^/t/[^/]+/{noun}(?:/|$)"),
        };
        if seen.insert(pattern.clone()) {
            made.push((kind, noun));
            let pattern = lang::literal::compiled(&pattern).unwrap();
            let when = vec![Cond::PathFits(Value::Regex(pattern))];
            let host = Some("api.example.com".to_owned());
            rules.push(Rule { host, path: "/**".to_owned(), when, ..Rule::default() });
        }
    }
    let requests = (0..1024).map(|_| {
        let (kind, noun) = random.of(&made).clone();
        let other = random.of(WORDS);
        let number = random.below(100_000);
        let fitting = match kind {
            0 | 1 => format!("/api/v{}/{noun}/{number}", 1 + random.below(3)),
            2 | 3 => format!("/api/v1/{noun}/{number}/{other}"),
            4 => format!("/shop/{noun}/nice-thing/item-{number}.html"),
            5 => format!("/{noun}/{other}/{number}"),
            6 => format!("/x/y/{noun}/{other}.php"),
            7 => format!("/some/{noun}/{:08x}-{:04x}", random.next() as u32, random.next() as u16),
            8 => format!("/files/2024/{noun}-{number}.zip"),
            _ => format!("/t/{number}/{noun}/x"),
        };
        let path = if random.percent(10) { format!("/none/{number}/of/these") } else { fitting };
        Request::new("api.example.com", &path, "GET")
    });
    Workload { requests: requests.collect(), rules, is_ordered: true, tokens: Vec::new() }
}

/// What stands for the condition of this rule until [`put`].
pub(crate) fn stand_in(rule: &Rule, at: usize) -> Option<Vec<Cond>> {
    match rule.when[..] {
        [Cond::PathFits(_)] => Some(vec![Cond::Header("x-rule", at.to_string())]),
        _ => None,
    }
}

/// Puts the patterns where something stands for them.
pub(crate) fn put(program: &mut Program, rules: &[Rule]) {
    let matches = lang::functions::FUNCTIONS.iter().find(|row| row.name == "matches").unwrap();
    let mut path = None;
    for (at, rule) in rules.iter().enumerate() {
        let [Cond::PathFits(pattern)] = &rule.when[..] else { continue };
        let mut add = |expr: Expr| {
            program.exprs.push(expr);
            ExprId(program.exprs.len() as u32 - 1)
        };
        let path = *path.get_or_insert_with(|| {
            let (field, key) = (Arc::from("req.path"), None);
            program.slots.push(Slot { field, key, ty: Ty::String, stable: true });
            add(Expr::Slot(SlotId(program.slots.len() as u32 - 1)))
        });
        let pattern = add(Expr::Const(pattern.clone()));
        let fits = add(Expr::Call(matches, vec![path, pattern]));
        Arc::make_mut(program.routes.get_mut(at).unwrap())
            .conditions
            .iter_mut()
            .for_each(|(condition, _)| *condition = fits);
        let hosts =
            program.listeners.iter_mut().flat_map(|listener| listener.hosts.list.iter_mut());
        for candidate in hosts.flat_map(|host| Arc::make_mut(host).candidates.iter_mut()) {
            if candidate.route.0 as usize == at {
                let kind = TestKind::True(fits);
                candidate.code = vec![Test { kind, yes: Target::Pass, no: Target::Fail }];
            }
        }
    }
}
