//! Inputs, slots, blocks and routes as bytes. The names of blocks, settings and actions are looked up, so that a program
//! of a vocabulary that this one is not is told at once; whether arguments fit them is seen when an engine is built.

use std::sync::Arc;

use lang::policy::{From, Host, Input, Path, RouteId, Segment};

use super::Unfit;
use super::bytes::{Reader, Writer, damaged};
use super::coded::{Coded, coded};
use crate::frame::Slot;
use crate::program::{Block, Call, Program, Route, Setting, Step, StepKind};

coded! { struct Program { inputs, slots, exprs, blocks, routes, before, listeners } }
coded! { struct Input { name, ty, from, default, doc, span } }
coded! { enum From { 0 => Given, 1 => Env(a), 2 => File(a) } }
coded! { struct Slot { field, key, ty, stable } }
coded! { struct Setting { name, args, span } }
coded! { number RouteId }
coded! { struct Route {
    name, hosts, paths, methods, conditions, captures, steps, reads, span,
} }
coded! { enum Host { 0 => Any, 1 => Exact(a), 2 => OneLabel(a), 3 => Labels(a) } }
coded! { struct Path { segments, rest } }
coded! { enum Segment { 0 => Literal(a), 1 => Capture(name, ty) } }
coded! { struct Step { kind, span, via } }
coded! { enum StepKind { 0 => Let(local, value), 1 => Act(call), 2 => Always(steps) } }

impl Coded for Block {
    fn put(&self, out: &mut Writer) {
        self.kind.put(out);
        self.name.put(out);
        self.settings.put(out);
        self.span.put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        let kind = Arc::<str>::take(from)?;
        let Some(row) = from.vocabulary.block(&kind) else {
            return Err(Unfit::Unknown { kind: "item", name: kind.to_string() });
        };
        let (name, settings) = <(Arc<str>, Vec<Setting>)>::take(from)?;
        if let Some(unknown) = settings.iter().find(|setting| row.setting(&setting.name).is_none())
        {
            let name = format!("{kind}.{}", unknown.name);
            return Err(Unfit::Unknown { kind: "setting", name });
        }
        Ok(Block { kind, name, settings, span: Coded::take(from)? })
    }
}

impl Coded for Call {
    fn put(&self, out: &mut Writer) {
        self.action.put(out);
        self.args.put(out);
        self.place.put(out);
        self.arms.put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        let action = Arc::<str>::take(from)?;
        let vocabulary = from.vocabulary;
        let mut applied = vocabulary.blocks.iter().filter_map(|block| block.applied);
        if vocabulary.action(&action).is_none() && !applied.any(|row| *row.name == *action) {
            return Err(Unfit::Unknown { kind: "action", name: action.to_string() });
        }
        let (args, place, arms) = Coded::take(from)?;
        Ok(Call { action, args, place, arms })
    }
}
