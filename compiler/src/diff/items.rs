//! Configured items that are not the same: which line of which item, or what of an input, and what that means for
//! protection.

use std::cell::LazyCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lang::Ty;
use lang::policy::{self, Input, LocalId};
use lang::vocab::identity::CLAIMS;
use lang::vocab::{ExprId, Form, Stricter, Without};

use crate::diff::guards::{self, Own};
use crate::diff::{ItemChange, Kind, Said, SettingChange};
use crate::frame::Slot;
use crate::interp::Constants;
use crate::program::{Block, Expr, Setting, Step, StepKind, locals};
use crate::proof::basis::{Basis, Side};

/// The configured items that are not the same.
pub(super) fn items(basis: &Basis<'_>) -> Vec<ItemChange> {
    let [old, new] = basis.sides.as_slice() else { return Vec::new() };
    let n_old = old.policy.blocks.len();
    let (olds, news) = basis.program.blocks.split_at(n_old.min(basis.program.blocks.len()));
    debug_assert_eq!(news.len(), new.policy.blocks.len());
    let mut changes = inputs(basis, old, new);
    let called = |block: &Block| (block.kind.clone(), block.name.clone());
    let places = |blocks: &[Block]| -> HashMap<(Arc<str>, Arc<str>), usize> {
        // Of two with one name, which is a mistake, the first counts.
        blocks.iter().enumerate().rev().map(|(at, block)| (called(block), at)).collect()
    };
    let (in_old, in_new) = (places(olds), places(news));
    for (at, block) in olds.iter().enumerate() {
        let other = in_new.get(&called(block)).copied();
        let settings = match (old.policy.blocks.get(at), other) {
            (Some(rows), Some(at)) => {
                let claims = |side| claims(side, &block.name);
                let before = Written { claims: claims(old), lines: lines(Some(block), Some(rows)) };
                let after = lines(news.get(at), new.policy.blocks.get(at));
                let after = Written { claims: claims(new), lines: after };
                settings(&basis.constants, &before, &after)
            }
            _ => Vec::new(),
        };
        if other.is_none() || !settings.is_empty() {
            changes.push(ItemChange {
                kind: block.kind.clone(),
                name: block.name.clone(),
                old: Some(block.span),
                new: other.and_then(|at| news.get(at)).map(|other| other.span),
                settings,
            });
        }
    }
    for block in news {
        if !in_old.contains_key(&called(block)) {
            changes.push(ItemChange {
                kind: block.kind.clone(),
                name: block.name.clone(),
                old: None,
                new: Some(block.span),
                settings: Vec::new(),
            });
        }
    }
    changes
}

/// A block: its lines, and the type of the claims that are read of it.
struct Written<'b> {
    lines: Vec<Line<'b>>,
    claims: Option<&'b Ty>,
}

/// A line, as it is lowered and as it is written.
pub(super) type Line<'b> = (&'b Setting, &'b policy::Setting);

fn lines<'b>(block: Option<&'b Block>, rows: Option<&'b policy::Block>) -> Vec<Line<'b>> {
    let rows = rows.into_iter().flat_map(|rows| &rows.settings);
    block.into_iter().flat_map(|block| &block.settings).zip(rows).collect()
}

/// The type of the claims that a side reads of an auth, if it reads any.
fn claims<'b>(side: &Side<'b>, auth: &str) -> Option<&'b Ty> {
    let is_its = |slot: &&Slot| *slot.field == *CLAIMS.path && slot.key.as_deref() == Some(auth);
    side.lowered.slots.iter().find(is_its).map(|slot| slot.ty.present())
}

impl<'b> Written<'b> {
    /// The lines of settings of which the first counts, side by side.
    fn ordered(&self) -> Vec<Line<'b>> {
        let mut lines: Vec<Line<'b>> =
            self.lines.iter().filter(|(_, row)| first_counts(row)).copied().collect();
        lines.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        lines
    }

    fn own(&self, line: Option<&Line<'b>>, name: &str) -> Own<'b> {
        let first = self.lines.iter().find(|(line, _)| *line.name == *name);
        Own {
            line: line.map(|(line, _)| *line),
            first: first.map(|(line, _)| *line),
            claims: self.claims,
        }
    }
}

/// The lines that are not the same: what only one side has, the first of it with the first, and so on.
fn settings(constants: &Constants, old: &Written<'_>, new: &Written<'_>) -> Vec<SettingChange> {
    let other_types = old.claims.zip(new.claims).is_some_and(|(old, new)| old != new);
    let alike = |(a, row): &Line<'_>, (b, _): &Line<'_>| {
        let by_types = row.row.guards.iter().any(|guard| matches!(guard.stricter, Stricter::Types));
        (&a.name, &a.args) == (&b.name, &b.args) && !(by_types && other_types)
    };
    let change = |before: Option<&Line<'_>>, after: Option<&Line<'_>>| {
        let (line, row) = before.or(after)?;
        let (before, after) = (old.own(before, &line.name), new.own(after, &line.name));
        Some(SettingChange {
            name: line.name.clone(),
            kind: guards::verdict(constants, row.row, before, after),
            old: before.line.map(|line| Said::Line(line.span)),
            new: after.line.map(|line| Said::Line(line.span)),
        })
    };
    let mut left: Vec<&Line<'_>> = new.lines.iter().collect();
    let mut gone = Vec::new();
    for one in &old.lines {
        match left.iter().position(|other| alike(one, other)) {
            Some(at) => drop(left.remove(at)),
            None => gone.push(one),
        }
    }
    let is_same = |line: &&Line<'_>| guards::say_together(constants, line, &old.lines, &new.lines);
    gone.retain(|line| !is_same(line));
    left.retain(|line| !is_same(line));
    let mut changes = Vec::new();
    if gone.is_empty() && left.is_empty() {
        // The same lines, perhaps in another order: that matters among those of which the first counts.
        let (before, after) = (old.ordered(), new.ordered());
        let pairs = before.iter().zip(&after).filter(|(a, b)| !alike(a, b));
        changes.extend(pairs.filter_map(|(old, new)| change(Some(old), Some(new))));
    }
    for one in gone {
        let other = left.iter().position(|other| other.0.name == one.0.name);
        changes.extend(change(Some(one), other.map(|at| left.remove(at))));
    }
    changes.extend(left.into_iter().filter_map(|line| change(None, Some(line))));
    changes
}

/// Whether the first of several lines of its kind stands where the others do not.
fn first_counts(line: &policy::Setting) -> bool {
    line.row.guards.iter().any(|guard| matches!(guard.without, Without::First | Without::Unknown))
}

/// The inputs that are not the same.
fn inputs(basis: &Basis<'_>, old: &Side<'_>, new: &Side<'_>) -> Vec<ItemChange> {
    let decisive = LazyCell::new(|| {
        let mut names = deciding(basis, old);
        names.extend(deciding(basis, new));
        names
    });
    let find = |all: &'_ [Input], name: &str| all.iter().position(|input| &*input.name == name);
    let item = |input: &Input, old, new, settings| ItemChange {
        kind: Arc::from(match input.ty.present() {
            Ty::Secret => "secret",
            _ => "param",
        }),
        name: input.name.clone(),
        old,
        new,
        settings,
    };
    let mut changes = Vec::new();
    for input in &old.policy.inputs {
        let other = find(&new.policy.inputs, &input.name).and_then(|at| new.policy.inputs.get(at));
        let Some(other) = other else {
            changes.push(item(input, Some(input.span), None, Vec::new()));
            continue;
        };
        let said = [
            ("type", Some(input.ty.to_string()), Some(other.ty.to_string())),
            ("source", source(&input.from), source(&other.from)),
            ("default", default(input), default(other)),
        ];
        let differs = said.into_iter().filter(|(_, old, new)| old != new);
        let settings: Vec<SettingChange> = differs
            .map(|(name, old, new)| SettingChange {
                name: Arc::from(name),
                kind: match decisive.contains(&*input.name) {
                    true => Kind::Unclear,
                    false => Kind::Changed,
                },
                old: old.map(Said::Text),
                new: new.map(Said::Text),
            })
            .collect();
        if !settings.is_empty() {
            changes.push(item(input, Some(input.span), Some(other.span), settings));
        }
    }
    for input in &new.policy.inputs {
        if find(&old.policy.inputs, &input.name).is_none() {
            changes.push(item(input, None, Some(input.span), Vec::new()));
        }
    }
    changes
}

fn source(from: &policy::From) -> Option<String> {
    match from {
        policy::From::Given => None,
        policy::From::Env(name) => Some(format!("env({name:?})")),
        policy::From::File(path) => Some(format!("file({path:?})")),
    }
}

/// The default as text. A secret's is nobody's to read.
fn default(input: &Input) -> Option<String> {
    input.default.as_ref().filter(|_| input.ty.present() != &Ty::Secret).map(ToString::to_string)
}

/// The names of the inputs that decide whom a side lets in: those of its conditions, requirements, limits and guarding
/// lines.
fn deciding<'b>(basis: &'b Basis<'_>, side: &Side<'_>) -> HashSet<&'b str> {
    let mut found = HashSet::new();
    for (at, written) in side.policy.routes.iter().enumerate() {
        let Some(route) = basis.route(side, policy::RouteId(at as u32)) else { continue };
        let mut roots: Vec<ExprId> = route.conditions.iter().map(|(id, _)| *id).collect();
        for (step, written) in route.steps.iter().zip(&written.steps) {
            roots.extend(decides(step, written));
        }
        found.extend(read(basis, roots, &locals(&route.steps)));
    }
    for written in &side.policy.blocks {
        let same = |block: &&Block| block.span == written.span && block.name == written.name;
        let Some(block) = basis.program.blocks.iter().find(same) else { continue };
        let lines = block.settings.iter().zip(&written.settings);
        let guarding = lines.filter(|(_, row)| !row.row.guards.is_empty());
        let roots = guarding.flat_map(|(line, _)| line.args.iter().copied()).collect();
        found.extend(read(basis, roots, &[]));
    }
    found
}

/// What decides in a statement: a requirement's condition, a limit's arguments.
fn decides(step: &Step, written: &policy::Step) -> Vec<ExprId> {
    match (&step.kind, &written.kind) {
        (StepKind::Act(call), policy::StepKind::Act(row))
            if row.row.asserts.is_some() || matches!(row.row.form, Form::Applied) =>
        {
            call.args.to_vec()
        }
        _ => Vec::new(),
    }
}

/// The names of the inputs that the expressions read.
pub(super) fn read<'b>(
    basis: &'b Basis<'_>,
    roots: Vec<ExprId>,
    lets: &[(LocalId, ExprId)],
) -> HashSet<&'b str> {
    let names = basis.program.walk(roots, lets).filter_map(|(_, expr)| match expr {
        Expr::Input(input) => basis.program.inputs.get(input.0 as usize),
        _ => None,
    });
    names.map(|input| &*input.name).collect()
}
