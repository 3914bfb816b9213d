//! What a request shows of a policy: what statements leave behind, computed for just this request. Two policies for which
//! that is the same have done the same with it, however they are written.

use std::collections::BTreeMap;
use std::sync::Arc;

use lang::Value;
use lang::vocab::ExprId;

use crate::diff::fate::{Does, Effect, Fate};
use crate::frame::Slot;
use crate::interp::Interp;
use crate::program::Expr;
use crate::proof::course::Course;
use crate::proof::sent::{Reach, is_bare, reach};

/// A field of a message, by its key where it has one.
pub(super) type Place = (Arc<str>, Option<Arc<str>>);

/// What is left behind.
#[derive(PartialEq, Eq, Default, Debug)]
pub(super) struct Observed {
    /// What has become of fields that are not as they came.
    fields: BTreeMap<Place, Vec<Item>>,
    /// What was done besides, in order.
    done: Vec<(Arc<str>, Vec<Item>)>,
}

/// What stands in a field, or is told to an action.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Item {
    Value(Value),
    /// What it comes to is known with the answer of an upstream: by what it is computed of, and what that reads of fields
    /// that statements change.
    Open(ExprId, Vec<ExprId>, Vec<(Place, Vec<Item>)>),
    /// What stood there before.
    Before,
}

/// Whether it is a text that stands in a path as it is.
fn is_plain(item: &Item) -> bool {
    let stands = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/".contains(&byte);
    match item {
        Item::Value(Value::String(text)) => !text.contains("//") && text.bytes().all(stands),
        _ => false,
    }
}

/// A request on its way.
pub(super) struct Observer<'o> {
    pub(super) interp: &'o Interp<'o>,
    pub(super) course: &'o Course,
    /// Whether the listener may believe what a peer says about the client.
    pub(super) believes: bool,
    /// The header fields that its `connection` names.
    pub(super) stripped: &'o [Arc<str>],
}

impl Observer<'_> {
    /// What the statements leave behind.
    pub(super) fn observe(&self, fate: &Fate) -> Observed {
        let mut seen = Observed::default();
        for Effect { does, .. } in &fate.effects {
            let items: Vec<Item> =
                does.args.iter().map(|arg| self.item(*arg, does, &seen)).collect();
            // Words that nothing has to be done to are the path as they stand.
            let path = (Arc::from("up.path"), None);
            let is_path = &*does.action == "rewrite" && items.iter().all(is_plain);
            let Some(place) = does.place.as_ref().or(is_path.then_some(&path)) else {
                seen.done.push((does.action.clone(), items));
                continue;
            };
            let field = seen.fields.entry(place.clone()).or_insert_with(|| self.before(place));
            if &*does.action != "add" {
                field.clear();
            }
            field.extend(items.into_iter().filter(|item| *item != Item::Value(Value::Absent)));
        }
        seen.fields.retain(|place, items| *items != self.before(place));
        seen
    }

    /// What stands in a field before any statement.
    fn before(&self, (field, key): &Place) -> Vec<Item> {
        let program = self.interp.program;
        let says = |slot| self.interp.slot(slot).ok().filter(|value| !value.is_absent());
        match (&**field, key.as_deref()) {
            ("up.header", Some(name)) => match reach(name, self.believes) {
                Reach::Never => Vec::new(),
                Reach::AsSaid if self.stripped.iter().any(|one| **one == *name) => Vec::new(),
                Reach::AsSaid => match program.slot_of("req.header", Some(name)) {
                    Some(slot) => says(slot).map(Item::Value).into_iter().collect(),
                    None => vec![Item::Before],
                },
                Reach::Otherwise => vec![Item::Before],
            },
            ("resp.header", Some(name)) if self.course.own && is_bare(name) => Vec::new(),
            ("up.path", None) => vec![Item::Value(Value::string(self.interp.fill.path()))],
            ("up.query", None) => {
                let asked = program
                    .slots
                    .iter()
                    .enumerate()
                    .filter(|(_, slot)| matches!(&*slot.field, "req.query" | "req.query.all"));
                let mut asked = asked.map(|(at, _)| crate::frame::SlotId(at as u32));
                let is_said = |value: &Value| *value != Value::list([]);
                match asked.any(|slot| says(slot).is_some_and(|value| is_said(&value))) {
                    true => vec![Item::Before],
                    false => Vec::new(),
                }
            }
            _ => vec![Item::Before],
        }
    }

    fn item(&self, arg: ExprId, does: &Does, seen: &Observed) -> Item {
        let program = self.interp.program;
        let roots = std::iter::once(arg).chain(does.lets.iter().copied());
        let slots = program.walk(roots, &[]).filter_map(|(_, expr)| match expr {
            Expr::Slot(slot) => program.slots.get(slot.0 as usize),
            _ => None,
        });
        let changing: Vec<&Slot> = slots.filter(|slot| !slot.stable).collect();
        if changing.is_empty()
            && let Ok(value) = self.interp.value(arg)
        {
            return Item::Value(value);
        }
        let read = changing.into_iter().filter(|slot| !slot.is_answered()).map(|slot| {
            let place = (slot.field.clone(), slot.key.clone());
            let items = seen.fields.get(&place).cloned();
            let items = items.unwrap_or_else(|| self.before(&place));
            (place, items)
        });
        Item::Open(arg, does.lets.clone(), read.collect())
    }
}
