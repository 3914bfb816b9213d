//! Configured items that are not the same: which line of which item, or what of an input, and whether that guards. Of
//! whether it guards more or less than before nothing is said.

use std::cell::LazyCell;
use std::collections::HashSet;
use std::sync::Arc;

use lang::Ty;
use lang::policy::{self, Input, LocalId};
use lang::vocab::{ExprId, Form};

use crate::diff::{ItemChange, Said, SettingChange};
use crate::program::{Block, Expr, Setting, Step, StepKind};
use crate::proof::basis::{Basis, Side};
use crate::proof::course::locals;

/// The configured items that are not the same.
pub(super) fn items(basis: &Basis<'_>) -> Vec<ItemChange> {
    let [old, new] = basis.sides.as_slice() else { return Vec::new() };
    let n_old = old.policy.blocks.len();
    let (olds, news) = basis.program.blocks.split_at(n_old.min(basis.program.blocks.len()));
    debug_assert_eq!(news.len(), new.policy.blocks.len());
    let mut changes = inputs(basis, old, new);
    let same = |a: &Block, b: &Block| (&a.kind, &a.name) == (&b.kind, &b.name);
    for (at, block) in olds.iter().enumerate() {
        let other = news.iter().position(|other| same(block, other));
        let settings = match (old.policy.blocks.get(at), other) {
            (Some(rows), Some(other)) => {
                let other = (news.get(other), new.policy.blocks.get(other));
                settings((Some(block), Some(rows)), other)
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
        if !olds.iter().any(|other| same(block, other)) {
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

/// A block as it is lowered, and as it is written.
type Written<'b> = (Option<&'b Block>, Option<&'b policy::Block>);

/// A line, as it is lowered and as it is written.
type Line<'b> = (&'b Setting, &'b policy::Setting);

fn lines<'b>(block: Option<&'b Block>, rows: Option<&'b policy::Block>) -> Vec<Line<'b>> {
    let rows = rows.into_iter().flat_map(|rows| &rows.settings);
    block.into_iter().flat_map(|block| &block.settings).zip(rows).collect()
}

/// The lines that are not the same: what only one side has, the first of it with the first, and so on.
fn settings((old, old_rows): Written<'_>, (new, new_rows): Written<'_>) -> Vec<SettingChange> {
    let (olds, news) = (lines(old, old_rows), lines(new, new_rows));
    let alike = |a: &Setting, b: &Setting| (&a.name, &a.args) == (&b.name, &b.args);
    let sequence = |all: &[Line<'_>]| {
        all.iter().map(|(line, _)| (line.name.clone(), line.args.clone())).collect::<Vec<_>>()
    };
    if sequence(&olds) == sequence(&news) {
        return Vec::new();
    }
    let mut left: Vec<_> = news.iter().collect();
    let mut gone = Vec::new();
    for one in &olds {
        match left.iter().position(|other| alike(one.0, other.0)) {
            Some(at) => drop(left.remove(at)),
            None => gone.push(one),
        }
    }
    let change = |old: Option<&Line<'_>>, new: Option<&Line<'_>>| {
        let (line, row) = old.or(new)?;
        Some(SettingChange {
            name: line.name.clone(),
            guards: guards(row, old.map(|(line, _)| *line), new.map(|(line, _)| *line)),
            old: old.map(|(line, _)| Said::Line(line.span)),
            new: new.map(|(line, _)| Said::Line(line.span)),
        })
    };
    if gone.is_empty() && left.is_empty() {
        // The same lines in another order.
        let pairs = olds.iter().zip(&news).filter(|(a, b)| !alike(a.0, b.0));
        return pairs.filter_map(|(old, new)| change(Some(old), Some(new))).collect();
    }
    let mut changes = Vec::new();
    for one in gone {
        let other = left.iter().position(|other| other.0.name == one.0.name);
        changes.extend(change(Some(one), other.map(|at| left.remove(at))));
    }
    changes.extend(left.into_iter().filter_map(|line| change(None, Some(line))));
    changes
}

/// Whether what differs between two lines guards.
fn guards(row: &policy::Setting, old: Option<&Setting>, new: Option<&Setting>) -> bool {
    // One that takes what is left has more than one place.
    let argument = |line: &Setting, name: &str| {
        let at = row.row.params.iter().position(|param| param.name == name)?;
        let end = if row.row.params.get(at)?.rest { line.args.len() } else { at + 1 };
        line.args.get(at..end).map(<[ExprId]>::to_vec)
    };
    row.row.guards.iter().any(|name| match (old, new) {
        (Some(old), Some(new)) => argument(old, name) != argument(new, name),
        _ => true,
    })
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
                guards: decisive.contains(&*input.name),
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
        read(basis, roots, &locals(&route.steps), &mut found);
    }
    for written in &side.policy.blocks {
        let same = |block: &&Block| block.span == written.span && block.name == written.name;
        let Some(block) = basis.program.blocks.iter().find(same) else { continue };
        let lines = block.settings.iter().zip(&written.settings);
        let guarding = lines.filter(|(_, row)| !row.row.guards.is_empty());
        let roots = guarding.flat_map(|(line, _)| line.args.iter().copied()).collect();
        read(basis, roots, &[], &mut found);
    }
    found
}

/// What decides in a statement: a requirement's condition, a limit's arguments.
fn decides(step: &Step, written: &policy::Step) -> Vec<ExprId> {
    match (&step.kind, &written.kind) {
        (StepKind::Act(call), policy::StepKind::Act(row))
            if row.row.asserts.is_some() || matches!(row.row.form, Form::Applied) =>
        {
            call.args.clone()
        }
        _ => Vec::new(),
    }
}

/// Adds the names of the inputs that the expressions read.
fn read<'b>(
    basis: &'b Basis<'_>,
    mut open: Vec<ExprId>,
    lets: &[(LocalId, ExprId)],
    found: &mut HashSet<&'b str>,
) {
    let mut seen = HashSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let expr = basis.program.expr(id);
        match expr {
            Expr::Input(input) => {
                let input = basis.program.inputs.get(input.0 as usize);
                found.extend(input.map(|input| &*input.name));
            }
            Expr::Local(local) => {
                let named = lets.iter().filter(|(known, _)| known == local);
                open.extend(named.map(|(_, value)| *value));
            }
            _ => {}
        }
        expr.each_operand(&mut |operand| open.push(operand));
    }
}
