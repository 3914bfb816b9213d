//! What a request shows of a policy: what statements leave behind, computed for just this request and just this answer of
//! an upstream. Two policies for which that is the same have done the same with it, however they are written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lang::Value;
use lang::vocab::ExprId;

use crate::diff::effect::{Does, Effect, Place};
use crate::diff::fate::Fate;
use crate::frame::{Fill, OWN_STATUS, Read, Slot, SlotId};
use crate::interp::Interp;
use crate::order::witness::Witness;
use crate::proof::course::{Course, Status};
use crate::proof::sent::{Reach, is_bare, is_passed_on, reach};

/// What is left behind.
#[derive(Default, Debug)]
pub(super) struct Observed {
    /// What has become of fields that are not as they came.
    fields: BTreeMap<Place, Vec<Item>>,
    /// What stood in these before.
    before: BTreeMap<Place, Vec<Item>>,
    /// What was done besides, in order.
    done: Vec<(Arc<str>, Vec<Item>)>,
}

/// How what two policies leave behind compares.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Compared {
    Same,
    /// Nobody knows what is computed there.
    Unknown,
    Differs,
}

/// What stands in a field, or is told to an action.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Item {
    Value(Value),
    /// What it comes to is not known here: by what it is computed of, and what that reads of fields that statements change.
    Open(ExprId, Vec<ExprId>, Vec<(Place, Vec<Item>)>),
    /// What stood there before.
    Before,
    /// What the gateway says where no upstream answers.
    Gateway,
    /// Nobody knows.
    Unknown,
}

impl Item {
    /// What of it counts where an action is told it by this name: a document has addresses as texts, and so has what a limit
    /// counts by, but for those of version 6.
    fn told(self, name: &str) -> Item {
        match self {
            Item::Value(value) if matches!(name, "json" | "value" | "key") => {
                Item::Value(written(value, name == "value"))
            }
            item => item,
        }
    }
}

/// A value as a document has it: in texts, numbers, lists and the like. What is `counted` by its bits is left as it is.
fn written(value: Value, counted: bool) -> Value {
    match value {
        Value::Ip(address) if !counted || address.is_ipv4() => Value::string(address.to_string()),
        Value::Method(text) => Value::String(text),
        Value::List(items) => Value::list(items.iter().cloned().map(|item| written(item, counted))),
        Value::Map(members) => {
            let members = members.iter();
            let members =
                members.map(|(name, value)| (name.clone(), written(value.clone(), counted)));
            Value::Map(Arc::new(members.collect()))
        }
        value => value,
    }
}

impl Observed {
    /// How it compares with what the other policy leaves behind.
    pub(super) fn beside(&self, other: &Observed) -> Compared {
        let places: BTreeSet<&Place> = self.fields.keys().chain(other.fields.keys()).collect();
        let fields = places.into_iter().map(|place| {
            let before = self.before.get(place).or(other.before.get(place));
            let [one, other] = [self, other].map(|of| {
                let items = of.fields.get(place).or(before);
                sent(&place.0, items.map_or(&[], Vec::as_slice))
            });
            compared(&one, &other, Form::of(&place.0))
        });
        let pairs = self.done.iter().zip(&other.done);
        let done = pairs.map(|((action, one), (acted, other))| match action == acted {
            true => compared(one, other, Form::of(action)),
            false => Compared::Differs,
        });
        match self.done.len() == other.done.len() {
            true => fields.chain(done).max().unwrap_or(Compared::Same),
            false => Compared::Differs,
        }
    }
}

/// What becomes of a text that is put somewhere.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// It stands there as it is.
    Text,
    /// It is brought into the normal form of a path.
    Path,
    /// What cannot stand there is percent-encoded.
    Uri,
}

impl Form {
    /// What becomes of texts in this field, or that this action is told.
    fn of(field: &str) -> Form {
        match field {
            "up.path" => Form::Path,
            "up.query" | "redirect" => Form::Uri,
            _ => Form::Text,
        }
    }

    /// Whether two texts that are not the same are sent as two.
    fn tells_apart(self, one: &str, other: &str) -> bool {
        match self {
            Form::Text => true,
            Form::Path => is_plain(one) && is_plain(other),
            Form::Uri => {
                // What asks for the server as a whole has no path, and leaves no `*` behind.
                let is_whole = |text: &str| !text.is_empty() && !text.contains('*');
                is_whole(one) && is_whole(other) && decoded(one) != decoded(other)
            }
        }
    }
}

/// How two fields compare.
fn compared(one: &[Item], other: &[Item], form: Form) -> Compared {
    let is_open = |item: &Item| matches!(item, Item::Open(..) | Item::Gateway | Item::Unknown);
    // What is put where there was nothing is something there, unless it is nothing itself.
    let is_nothing = |item: &Item| match item {
        Item::Value(Value::String(text)) => form != Form::Text && text.is_empty(),
        _ => false,
    };
    let is_unknown = |(one, other): (&Item, &Item)| match (one, other) {
        (one, other) if one == other => false,
        (Item::Value(Value::String(one)), Item::Value(Value::String(other))) => {
            !form.tells_apart(one, other)
        }
        (one, other) => is_open(one) || is_open(other),
    };
    let mut all = one.iter().chain(other);
    let pairs = || one.iter().zip(other);
    match one.len() == other.len() {
        _ if one == other => Compared::Same,
        false if all.any(|item| is_open(item) || is_nothing(item)) => Compared::Unknown,
        true if pairs().any(is_unknown) => Compared::Unknown,
        _ => Compared::Differs,
    }
}

/// A text without its percent-encodings, those of encodings included: whatever is encoded or left as it is on the way, this
/// stays.
fn decoded(text: &str) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    for byte in text.bytes() {
        out.push(byte);
        while let [.., b'%', high, low] = out.as_slice()
            && let Some((high, low)) = digit(*high).zip(digit(*low))
        {
            out.truncate(out.len() - 3);
            out.push((high << 4) | low);
        }
    }
    out
}

/// What stands in a field as it is sent: a path begins with `/`, and no empty segments stand in it between others.
fn sent(field: &str, items: &[Item]) -> Vec<Item> {
    let items = items.iter().map(|item| match item {
        Item::Value(Value::String(path)) if field == "up.path" => {
            let mut path = path.to_string();
            if !path.starts_with('/') {
                path.insert(0, '/');
            }
            while path.contains("//") {
                path = path.replace("//", "/");
            }
            Item::Value(Value::string(path))
        }
        other => other.clone(),
    });
    items.collect()
}

/// Whether it stands in a path as it is.
fn is_plain(text: &str) -> bool {
    let stands = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/:.?=&".contains(&byte);
    let behind = text.split_once("://").map_or(text, |(_, behind)| behind);
    !text.is_empty() && !behind.contains("//") && !behind.contains("/.") && text.bytes().all(stands)
}

/// A request on its way.
pub(super) struct Observer<'o> {
    pub(super) interp: &'o Interp<'o>,
    pub(super) witness: &'o Witness,
    pub(super) course: &'o Course,
    /// Whether the listener may believe what a peer says about the client.
    pub(super) believes: bool,
}

/// The request and what statements have made of it so far.
struct Now<'n> {
    observer: &'n Observer<'n>,
    seen: &'n Observed,
}

impl Observer<'_> {
    /// What the statements leave behind.
    pub(super) fn observe(&self, fate: &Fate) -> Observed {
        let mut seen = Observed::default();
        for Effect { does, names, .. } in &fate.effects {
            let items = does.args.iter().map(|arg| self.item(*arg, does, &seen));
            let items = items.zip(names.iter().copied().chain(std::iter::repeat("")));
            let items: Vec<Item> = items.map(|(item, name)| item.told(name)).collect();
            let Some(place) = does.place.as_ref() else {
                seen.done.push((does.action.clone(), items));
                continue;
            };
            let field = seen.fields.entry(place.clone()).or_insert_with(|| self.before(place));
            if &*does.action != "add" {
                field.clear();
            }
            field.extend(items.into_iter().filter(|item| *item != Item::Value(Value::Absent)));
        }
        let changed = seen.fields.keys().map(|place| (place.clone(), self.before(place)));
        seen.before = changed.collect();
        let is_sent = |(field, _): &Place| !field.starts_with("up.") || self.course.to().is_some();
        seen.fields.retain(|place, items| is_sent(place) && seen.before.get(place) != Some(items));
        seen
    }

    /// What stands in a field before any statement.
    fn before(&self, (field, key): &Place) -> Vec<Item> {
        let said =
            |of: &str, name| self.interp.program.slot_of(of, name).map(|slot| self.says(slot));
        let or_before = |said: Option<Vec<Item>>| said.unwrap_or_else(|| vec![Item::Before]);
        match (&**field, key.as_deref()) {
            ("up.header", Some(name)) => match reach(name, self.believes) {
                Reach::Never => Vec::new(),
                Reach::AsSaid if self.witness.strips(self.interp.program, name) => Vec::new(),
                Reach::AsSaid => or_before(said("req.header", Some(name))),
                Reach::Otherwise => vec![Item::Before],
            },
            ("resp.header", Some(name)) if self.course.own => match is_bare(name) {
                true => Vec::new(),
                false => vec![Item::Before],
            },
            ("resp.header", Some(name)) => match is_passed_on(name) {
                true => or_before(said("origin.header", Some(name))),
                false => vec![Item::Before],
            },
            ("resp.status", None) => match self.course.status {
                Status::Known(status) if self.course.own => {
                    vec![Item::Value(Value::Status(status))]
                }
                _ => match or_before(said("origin.status", None)) {
                    none if none.is_empty() => vec![Item::Gateway],
                    status => status,
                },
            },
            ("up.path", None) => vec![Item::Value(Value::string(self.witness.path.as_str()))],
            ("up.query", None) => {
                let query = self.witness.query(self.interp.program);
                let query = query.strip_prefix('?').map(Value::string);
                query.map(Item::Value).into_iter().collect()
            }
            _ => vec![Item::Before],
        }
    }

    /// What a slot says that no statement changes.
    fn says(&self, slot: SlotId) -> Vec<Item> {
        let is_said = || {
            let mut said = self.witness.slots.iter().filter(|(known, _)| *known == slot);
            said.any(|(_, value)| !value.is_absent())
        };
        match self.interp.slot(slot) {
            Ok(value) if value.is_absent() => Vec::new(),
            Ok(value) => vec![Item::Value(value)],
            // What a token looks like nobody knows; it is there.
            Err(_) if is_said() => vec![Item::Before],
            Err(_) => vec![Item::Unknown],
        }
    }

    fn item(&self, arg: ExprId, does: &Does, seen: &Observed) -> Item {
        let program = self.interp.program;
        let changing = |roots: &[ExprId]| -> Vec<&Slot> {
            let slots = program.walk(roots.iter().copied(), &[]).slots().map(|(_, slot)| slot);
            slots.filter(|slot| !slot.stable && !slot.is_answered()).collect()
        };
        // What a name stands for was computed where it is written.
        let named = changing(&does.lets);
        let now = Now { observer: self, seen };
        let interp = Interp { fill: &now, ..*self.interp };
        if named.is_empty()
            && let Ok(value) = interp.value(arg)
        {
            return Item::Value(value);
        }
        let read = changing(&[arg]).into_iter().chain(named).map(|slot| {
            let place = (slot.field.clone(), slot.key.clone());
            let items = seen.fields.get(&place).cloned();
            let items = items.unwrap_or_else(|| self.before(&place));
            (place, items)
        });
        Item::Open(arg, does.lets.clone(), read.collect())
    }
}

impl Now<'_> {
    /// What a field says that statements change, as far as that is known.
    fn changed(&self, slot: &Slot) -> Option<Value> {
        // Whoever has answered has an address.
        if &*slot.field == "up.address" {
            return Some(Value::string("upstream.example:80"));
        }
        let field = slot.field.strip_suffix(".all").map_or(slot.field.clone(), Arc::from);
        let place = (field, slot.key.clone());
        let before = || self.observer.before(&place);
        let items = self.seen.fields.get(&place).cloned().unwrap_or_else(before);
        let values = items.into_iter().map(|item| match item {
            Item::Value(value) => Some(value),
            Item::Open(..) | Item::Before | Item::Gateway | Item::Unknown => None,
        });
        let mut values = values.collect::<Option<Vec<Value>>>()?;
        if slot.field.ends_with(".all") {
            return Some(Value::list(values));
        }
        match values.len() {
            0 => Some(Value::Absent),
            1 => values.pop(),
            _ => {
                let texts: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
                Some(Value::string(texts?.join(", ")))
            }
        }
    }
}

impl Fill for Now<'_> {
    fn fill(&self, id: SlotId) -> Read<'_> {
        let Interp { program, fill, .. } = *self.observer.interp;
        if program.slot(id).is_some_and(|slot| *slot.field == *OWN_STATUS) {
            return Read::Pending;
        }
        match program.slot(id).filter(|slot| !slot.stable && !slot.is_answered()) {
            Some(slot) => self.changed(slot).map_or(Read::Pending, Read::Value),
            None => fill.fill(id),
        }
    }

    fn path(&self) -> &str {
        self.observer.interp.fill.path()
    }
}
