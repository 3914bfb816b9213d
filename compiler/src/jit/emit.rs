//! A plan to Cranelift's form: one function. What is asked of text compares words where it stands; what is not plain text
//! or not short is asked of the interpreter. What cannot go on here ends in [`BAIL`], and the interpreter begins again:
//! checks change nothing but the note of a missed method, which only ever grows.

use std::collections::HashMap;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    AbiParam, Block, Endianness, Function, InstBuilder, MemFlagsData, SigRef, Signature, StackSlot,
    StackSlotData, StackSlotKind, Value, types,
};
use cranelift_codegen::isa::TargetFrontendConfig;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

use super::plan::{Ask, At, Plan, Step, Way};
use super::shims;
use crate::interp::run::View;
use crate::program::code::{Check, Methods, Networks, Place, Source};

/// A candidate answers by its number; these two say that none does, and that the interpreter has to say.
pub(super) const LEAVE: u64 = u64::MAX;
pub(super) const BAIL: u64 = u64::MAX - 1;

/// The longest text that is compared in place, in bytes.
const LONGEST: usize = 64;
/// The most texts or ranges that are tried one after the other in place.
const FEW: usize = 8;
/// The most steps of one function.
const LARGEST: usize = 1_024;
/// The most sources that a function keeps on its stack.
const SOURCES: usize = 64;

/// Whether machine code for it is quicker than interpreting it, and of a size to be made.
pub(super) fn is_worth(plan: &Plan<'_>) -> bool {
    (1..=LARGEST).contains(&plan.steps.len())
        && plan.checks().any(is_inline)
        && kept(plan).len() <= SOURCES
}

/// Whether a plan asks for the client's address where it is said to stand.
pub(super) fn asks_client(plan: &Plan<'_>) -> bool {
    plan.checks().any(|check| matches!(check, Check::Within(Source::Client(_), _)))
}

/// Whether a check is made in place.
fn is_inline(check: &Check) -> bool {
    match check {
        Check::Method(methods) => methods.others.is_none(),
        Check::Present(source) => is_kept(*source),
        Check::Equal(source, text) | Check::Begins(source, text) | Check::Ends(source, text) => {
            (is_kept(*source) || is_given(*source)) && is_short(text)
        }
        Check::OneOf(source, texts) => {
            let short = texts.0.iter().all(|text| is_short(text));
            (is_kept(*source) || is_given(*source)) && texts.0.len() <= FEW && short
        }
        Check::Within(source, networks) => {
            (is_kept(*source) || matches!(source, Source::Client(_))) && networks.v4().len() <= FEW
        }
        _ => false,
    }
}

/// Whether a text is compared in place. What is no text counts as an empty one, so that none is asked for.
fn is_short(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len())
}

/// Whether a source is a text that every decision is given.
fn is_given(source: Source) -> bool {
    matches!(source, Source::Host | Source::Path)
}

/// Whether a source says a text or an address that is read once and kept, or there is none.
fn is_kept(source: Source) -> bool {
    matches!(source, Source::Slot(_) | Source::Segment(_) | Source::Method)
}

/// The source, to be kept, of a check that is made in place.
fn source(check: &Check) -> Option<Source> {
    let source = check.source().filter(|source| is_kept(*source) && is_inline(check));
    source.filter(|_| stands(check).is_none())
}

/// Where the segment begins that a check compares with a text, if that is known.
fn stands(check: &Check) -> Option<u16> {
    match check {
        Check::Equal(Source::Segment(Place { from, behind: 0 }), _) => Some(*from),
        _ => None,
    }
}

/// The sources that a function keeps, each once.
fn kept(plan: &Plan<'_>) -> Vec<Source> {
    let mut kept: Vec<Source> = Vec::new();
    for source in plan.checks().filter_map(source) {
        if !kept.contains(&source) {
            kept.push(source);
        }
    }
    kept
}

/// Which sources were read when a step is reached: on every way, and on some way.
#[derive(Clone, Copy)]
struct Known {
    surely: u64,
    maybe: u64,
}

/// Writes the function for a plan. Its one parameter is the context, its result the answer.
pub(super) fn emit(
    plan: &Plan<'_>,
    function: &mut Function,
    builder: &mut FunctionBuilderContext,
    target: TargetFrontendConfig,
) {
    let kept = kept(plan);
    let known = known(plan, &kept);
    let pointer = target.pointer_type();
    let mut b = FunctionBuilder::new(function, builder);
    let start = b.create_block();
    b.append_block_params_for_function_params(start);
    b.switch_to_block(start);
    let context = b.block_params(start).first().copied();
    let Some(context) = context else { return };
    let steps: Vec<Block> = plan.steps.iter().map(|_| b.create_block()).collect();
    let bail = b.create_block();
    let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, shims::SLOT_SIZE, 3);
    let slots: Vec<StackSlot> =
        kept.iter().map(|_| b.create_sized_stack_slot(slot.clone())).collect();
    let pointer_slot = StackSlotData::new(StackSlotKind::ExplicitSlot, pointer.bytes(), 3);
    let kept_context = b.create_sized_stack_slot(pointer_slot);
    let call_conv = b.func.signature.call_conv;
    let mut signature = |params: &[cranelift_codegen::ir::Type]| {
        let mut signature = Signature::new(call_conv);
        signature.params.extend(params.iter().map(|ty| AbiParam::new(*ty)));
        signature.returns.push(AbiParam::new(types::I64));
        b.import_signature(signature)
    };
    let read = signature(&[pointer, types::I64, pointer]);
    let check = signature(&[pointer, types::I64, types::I64]);
    let segment = check;
    let (ends, marks) = (HashMap::new(), vec![None; plan.n_marks]);
    let lasts = kept.iter().map(|source| last(*source, plan)).collect();
    let mut emit = Emit {
        b,
        context,
        pointer,
        steps,
        bail,
        kept,
        slots,
        lasts,
        read,
        check,
        segment,
        ends,
        path: None,
        marks,
        kept_context,
    };
    emit.clear(plan, &known);
    if plan.is_whole {
        emit.b.ins().stack_store(pointer, context, kept_context, 0);
        emit.path = Some(emit.given(Source::Path));
    }
    let entry = emit.way(plan.entry);
    emit.b.ins().jump(entry, &[]);
    for (at, step) in plan.steps.iter().enumerate() {
        let Some((block, known)) = emit.steps.get(at).copied().zip(known.get(at)) else { continue };
        emit.b.switch_to_block(block);
        emit.step(step, *known);
    }
    emit.finish(target);
}

/// What was read where, told from the front because jumps lead forward.
fn known(plan: &Plan<'_>, kept: &[Source]) -> Vec<Known> {
    let mut known = vec![Known { surely: u64::MAX, maybe: 0 }; plan.steps.len()];
    if let Way::Step(entry) = plan.entry
        && let Some(entry) = known.get_mut(entry)
    {
        entry.surely = 0;
    }
    for (at, step) in plan.steps.iter().enumerate() {
        let Some(mut after) = known.get(at).copied() else { continue };
        let bit = place(step, kept).map_or(0, |place| 1 << place);
        after.surely |= bit;
        after.maybe |= bit;
        for way in step.ways() {
            if let Way::Step(next) = way
                && let Some(next) = known.get_mut(next)
            {
                next.surely &= after.surely;
                next.maybe |= after.maybe;
            }
        }
    }
    known
}

/// The last of the states of a source in which all can be told that is asked of it here: of what may be a text somewhere
/// else only that it is there.
fn last(source: Source, plan: &Plan<'_>) -> i64 {
    let all = plan.checks().filter(|check| self::source(check) == Some(source));
    let is_present = |check: &Check| matches!(check, Check::Present(_));
    if all.into_iter().all(is_present) { View::OTHER } else { View::V4 }
}

/// The bit of a cell.
pub(super) fn bit(cell: u32) -> u64 {
    1 << (cell % u64::BITS)
}

/// The place among those that are kept of the source that a step reads.
fn place(step: &Step<'_>, kept: &[Source]) -> Option<usize> {
    let source = step.check().and_then(source)?;
    kept.iter().position(|kept| *kept == source)
}

struct Emit<'f> {
    b: FunctionBuilder<'f>,
    context: Value,
    pointer: cranelift_codegen::ir::Type,
    /// The first block of each step.
    steps: Vec<Block>,
    bail: Block,
    kept: Vec<Source>,
    slots: Vec<StackSlot>,
    /// The last state of each that can be told here.
    lasts: Vec<i64>,
    read: SigRef,
    check: SigRef,
    segment: SigRef,
    /// Blocks that answer.
    ends: HashMap<u64, Block>,
    /// The path, where it is looked through.
    path: Option<Text>,
    /// What of it is behind each mark, and where that is.
    marks: Vec<Option<(Text, Value)>>,
    /// Where the context stands for who comes late.
    kept_context: StackSlot,
}

/// A text: where it begins and how long it is.
#[derive(Clone, Copy)]
struct Text {
    at: Value,
    len: Value,
}

impl Emit<'_> {
    /// Marks as not read what may be asked for with and without having been read before.
    fn clear(&mut self, plan: &Plan<'_>, known: &[Known]) {
        let mut unsure = 0;
        for (step, known) in plan.steps.iter().zip(known) {
            if let Some(place) = place(step, &self.kept) {
                unsure |= (known.maybe & !known.surely) & (1 << place);
            }
        }
        for (place, slot) in self.slots.clone().into_iter().enumerate() {
            if unsure & (1 << place) != 0 {
                let zero = self.b.ins().iconst(types::I64, 0);
                self.b.ins().stack_store(self.pointer, zero, slot, shims::SLOT_STATE);
            }
        }
    }

    /// Where a way leads.
    fn way(&mut self, way: Way) -> Block {
        let answer = match way {
            Way::Step(at) => return self.steps.get(at).copied().unwrap_or(self.bail),
            Way::Take(number) => u64::from(number),
            Way::Leave => LEAVE,
            Way::Fail => return self.bail,
        };
        *self.ends.entry(answer).or_insert_with(|| self.b.create_block())
    }

    fn finish(mut self, target: TargetFrontendConfig) {
        let ends: Vec<(u64, Block)> = self
            .ends
            .iter()
            .map(|(answer, block)| (*answer, *block))
            .chain([(BAIL, self.bail)])
            .collect();
        for (answer, block) in ends {
            self.b.switch_to_block(block);
            let answer = self.b.ins().iconst(types::I64, answer as i64);
            self.b.ins().return_(&[answer]);
        }
        self.b.seal_all_blocks();
        self.b.finalize(target);
    }

    /// One step, at the end of the current block.
    fn step(&mut self, step: &Step<'_>, known: Known) {
        let (yes, no) = (self.way(step.yes), self.way(step.no));
        match &step.ask {
            Ask::Check { cell, op, check } => self.op((*cell, *op), check, (yes, no), known),
            Ask::Begins => {
                let Some(path) = self.path else { return };
                self.long_enough(path, 1, no);
                let first = self.byte(path.at, 0);
                self.is(first, i64::from(b'/'), yes, no);
            }
            Ask::Ends(at) => {
                let Some(path) = self.behind(*at) else { return };
                let on = self.int(at.bytes as u64);
                let ends = self.b.ins().icmp(IntCC::UnsignedLessThan, path.len, on);
                self.b.ins().brif(ends, yes, &[], no, &[]);
            }
            Ask::Literal { at, text, ended } => {
                let Some(path) = self.behind(*at) else { return };
                let ended = self.way(*ended);
                self.literal((path, at.bytes), text.as_bytes(), (yes, ended, no));
            }
            Ask::Segment { at, kind, mark } => self.segment(*at, *kind, *mark, (yes, no)),
            Ask::Missed { cells, is_first } => {
                if *is_first {
                    // All ways lead here. In a register of its own it needs none of theirs.
                    self.context =
                        self.b.ins().stack_load(self.pointer, self.pointer, self.kept_context, 0);
                }
                let missed = self.load(self.context, shims::MISSED);
                let here = self.int(*cells);
                let here = self.b.ins().band(missed, here);
                self.b.ins().brif(here, yes, &[], no, &[]);
            }
            Ask::Has(methods) => self.has(methods, yes, no),
            Ask::Allow(methods) => {
                self.note(shims::ALLOWED, u64::from(methods.common));
                self.b.ins().jump(yes, &[]);
            }
        }
    }

    /// Whether the method is one of these, which are common ones.
    fn has(&mut self, methods: &Methods, yes: Block, no: Block) {
        let (bit, common) = (self.load(self.context, shims::BIT), u64::from(methods.common));
        let common = self.int(common);
        let held = self.b.ins().band(bit, common);
        self.b.ins().brif(held, yes, &[], no, &[]);
    }

    /// A way to a block that notes that a method was missed in a cell.
    fn missed(&mut self, cell: u32, on: Block) -> Block {
        let here = self.b.current_block();
        let missed = self.b.create_block();
        self.b.switch_to_block(missed);
        self.note(shims::MISSED, bit(cell));
        self.b.ins().jump(on, &[]);
        if let Some(here) = here {
            self.b.switch_to_block(here);
        }
        missed
    }

    /// Adds bits to those that stand in the context.
    fn note(&mut self, place: i32, bits: u64) {
        let (before, bits) = (self.load(self.context, place), self.int(bits));
        let now = self.b.ins().bor(before, bits);
        self.b.ins().store(MemFlagsData::trusted(), now, self.context, place);
    }

    /// Whether these segments stand at a place in the path, and whether it ends behind them.
    fn literal(
        &mut self,
        (path, from): (Text, usize),
        text: &[u8],
        (yes, ended, no): (Block, Block, Block),
    ) {
        let (place, behind) = ((path.at, from as i32), from + text.len());
        if yes == no {
            let length = self.int(behind as u64);
            let same = self.b.ins().icmp(IntCC::Equal, path.len, length);
            let inside = self.b.create_block();
            self.b.ins().brif(same, inside, &[], no, &[]);
            self.b.switch_to_block(inside);
            return self.same(place, text, ended, no);
        }
        if ended == no {
            self.long_enough(path, behind as u64 + 1, no);
            return self.same(place, &[text, b"/"].concat(), yes, no);
        }
        self.long_enough(path, behind as u64, no);
        let alike = self.b.create_block();
        self.same(place, text, alike, no);
        self.b.switch_to_block(alike);
        let more = self.b.create_block();
        self.is(path.len, behind as i64, ended, more);
        self.b.switch_to_block(more);
        let next = self.byte(path.at, behind as i32);
        self.is(next, i64::from(b'/'), yes, no);
    }

    /// Whether a capture takes the segment at a place, of which the end gets a mark.
    fn segment(&mut self, at: At, kind: u64, mark: usize, (yes, no): (Block, Block)) {
        let bytes = self.int(at.bytes as u64);
        let from = match at.mark.and_then(|mark| self.marks.get(mark).copied().flatten()) {
            Some((_, end)) => self.b.ins().iadd(end, bytes),
            None => bytes,
        };
        let kind = self.int(kind);
        let Some(end) = self.call(self.segment, shims::SEGMENT_AT, &[self.context, from, kind])
        else {
            return;
        };
        let taken = self.b.create_block();
        self.is(end, shims::NOT_TAKEN, no, taken);
        self.b.switch_to_block(taken);
        let Some(path) = self.path else { return };
        let text =
            Text { at: self.b.ins().iadd(path.at, end), len: self.b.ins().isub(path.len, end) };
        if let Some(known) = self.marks.get_mut(mark) {
            *known = Some((text, end));
        }
        self.b.ins().jump(yes, &[]);
    }

    /// What of the path is behind the mark of a place.
    fn behind(&mut self, at: At) -> Option<Text> {
        match at.mark {
            None => self.path,
            Some(mark) => self.marks.get(mark).copied().flatten().map(|(text, _)| text),
        }
    }

    /// The check of an instruction.
    fn op(
        &mut self,
        (cell, op): (u32, usize),
        check: &Check,
        (yes, no): (Block, Block),
        known: Known,
    ) {
        let no = match check {
            Check::Method(_) => self.missed(cell, no),
            _ => no,
        };
        if !is_inline(check) {
            return self.ask((cell, op), yes, no);
        }
        match check {
            Check::Method(methods) => self.has(methods, yes, no),
            Check::Present(source) => {
                let Some((state, _)) = self.state(*source, known) else { return };
                self.is(state, View::ABSENT, no, yes);
            }
            Check::Equal(_, text) if let Some(from) = stands(check) => {
                let path = self.given(Source::Path);
                self.literal((path, usize::from(from)), text.as_bytes(), (yes, yes, no));
            }
            Check::Equal(source, text) => {
                let Some(seen) = self.text(*source, known) else { return };
                self.equal(seen, text.as_bytes(), yes, no);
            }
            Check::OneOf(source, texts) => {
                let Some(seen) = self.text(*source, known) else { return };
                for text in &*texts.0 {
                    let next = self.b.create_block();
                    self.equal(seen, text.as_bytes(), yes, next);
                    self.b.switch_to_block(next);
                }
                self.b.ins().jump(no, &[]);
            }
            Check::Begins(source, text) => {
                let Some(seen) = self.text(*source, known) else { return };
                self.long_enough(seen, text.len() as u64, no);
                self.same((seen.at, 0), text.as_bytes(), yes, no);
            }
            Check::Ends(source, text) => {
                let Some(seen) = self.text(*source, known) else { return };
                self.long_enough(seen, text.len() as u64, no);
                let end = self.b.ins().iadd(seen.at, seen.len);
                let length = self.int(text.len() as u64);
                let from = self.b.ins().isub(end, length);
                self.same((from, 0), text.as_bytes(), yes, no);
            }
            Check::Within(Source::Client(_), networks) => {
                let bits = self.load(self.context, shims::CLIENT);
                if !networks.v6().is_empty() {
                    let (v4, asked) = (self.b.create_block(), self.b.create_block());
                    self.is(bits, shims::NO_V4 as i64, asked, v4);
                    self.b.switch_to_block(asked);
                    self.ask((cell, op), yes, no);
                    self.b.switch_to_block(v4);
                }
                self.within(bits, networks, yes, no);
            }
            Check::Within(source, networks) => {
                let Some((state, slot)) = self.state(*source, known) else { return };
                let v4 = self.b.create_block();
                self.is(state, View::V4, v4, no);
                self.b.switch_to_block(v4);
                let bits = self.b.ins().stack_load(self.pointer, types::I64, slot, shims::SLOT_AT);
                self.within(bits, networks, yes, no);
            }
            _ => self.ask((cell, op), yes, no),
        }
    }

    /// Whether the bits of an IPv4 address lie in one of these ranges.
    fn within(&mut self, bits: Value, networks: &Networks, yes: Block, no: Block) {
        for (first, last) in networks.v4() {
            let next = self.b.create_block();
            let first_bits = self.int(u64::from(*first));
            let behind = self.b.ins().isub(bits, first_bits);
            let width = self.int(u64::from(last - first));
            let inside = self.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, behind, width);
            self.b.ins().brif(inside, yes, &[], next, &[]);
            self.b.switch_to_block(next);
        }
        self.b.ins().jump(no, &[]);
    }

    /// Leaves a check to the interpreter.
    fn ask(&mut self, (cell, op): (u32, usize), yes: Block, no: Block) {
        let (cell, op) = (self.int(u64::from(cell)), self.int(op as u64));
        let Some(answer) = self.call(self.check, shims::CHECK_AT, &[self.context, cell, op]) else {
            return;
        };
        let going = self.b.create_block();
        self.is(answer, View::STOP, self.bail, going);
        self.b.switch_to_block(going);
        self.b.ins().brif(answer, yes, &[], no, &[]);
    }

    /// The state of a source that is kept, read if it was not; and where it is kept.
    fn state(&mut self, source: Source, known: Known) -> Option<(Value, StackSlot)> {
        let place = self.kept.iter().position(|kept| *kept == source)?;
        let slot = *self.slots.get(place)?;
        let bit = 1 << place;
        if known.surely & bit != 0 {
            return Some((
                self.b.ins().stack_load(self.pointer, types::I64, slot, shims::SLOT_STATE),
                slot,
            ));
        }
        if known.maybe & bit == 0 {
            return Some((self.read(source, place)?, slot));
        }
        let (ready, unread) = (self.b.create_block(), self.b.create_block());
        let state = self.b.append_block_param(ready, types::I64);
        let before = self.b.ins().stack_load(self.pointer, types::I64, slot, shims::SLOT_STATE);
        self.b.ins().brif(before, ready, &[before.into()], unread, &[]);
        self.b.switch_to_block(unread);
        let read = self.read(source, place)?;
        self.b.ins().jump(ready, &[read.into()]);
        self.b.switch_to_block(ready);
        Some((state, slot))
    }

    /// Reads a source; goes on only with what can be told here.
    fn read(&mut self, source: Source, place: usize) -> Option<Value> {
        let (slot, last) = (*self.slots.get(place)?, *self.lasts.get(place)?);
        let into = self.b.ins().stack_addr(self.pointer, slot, 0);
        let (function, number) = (shims::function(source), self.int(shims::number(source)?));
        let state = self.call(self.read, function, &[self.context, number, into])?;
        let (last, told) = (self.int(last as u64), self.b.create_block());
        let is_other = self.b.ins().icmp(IntCC::UnsignedGreaterThan, state, last);
        self.b.ins().brif(is_other, self.bail, &[], told, &[]);
        self.b.switch_to_block(told);
        Some(state)
    }

    /// What one of the functions says that stand at this place among them.
    fn call(&mut self, signature: SigRef, place: i32, arguments: &[Value]) -> Option<Value> {
        let trusted = MemFlagsData::trusted();
        let all = self.b.ins().load(self.pointer, trusted, self.context, shims::FUNCTIONS_AT);
        let function = self.b.ins().load(self.pointer, trusted, all, place);
        let call = self.b.ins().call_indirect(signature, function, arguments);
        self.b.inst_results(call).first().copied()
    }

    /// A text that every decision is given.
    fn given(&mut self, source: Source) -> Text {
        let (at, len) = match source {
            Source::Host => (shims::HOST_AT, shims::HOST_LEN),
            _ => (shims::PATH_AT, shims::PATH_LEN),
        };
        let at = self.b.ins().load(self.pointer, MemFlagsData::trusted(), self.context, at);
        Text { at, len: self.load(self.context, len) }
    }

    /// The text that a source is; an empty one where it is none.
    fn text(&mut self, source: Source, known: Known) -> Option<Text> {
        if is_given(source) {
            return Some(self.given(source));
        }
        let (_, slot) = self.state(source, known)?;
        let at = self.b.ins().stack_load(self.pointer, self.pointer, slot, shims::SLOT_AT);
        let len = self.b.ins().stack_load(self.pointer, types::I64, slot, shims::SLOT_LEN);
        Some(Text { at, len })
    }

    /// Goes to one block or the other.
    fn is(&mut self, state: Value, wanted: i64, yes: Block, no: Block) {
        let wanted = self.int(wanted as u64);
        let same = self.b.ins().icmp(IntCC::Equal, state, wanted);
        self.b.ins().brif(same, yes, &[], no, &[]);
    }

    fn equal(&mut self, seen: Text, text: &[u8], yes: Block, no: Block) {
        let length = self.int(text.len() as u64);
        let same = self.b.ins().icmp(IntCC::Equal, seen.len, length);
        let inside = self.b.create_block();
        self.b.ins().brif(same, inside, &[], no, &[]);
        self.b.switch_to_block(inside);
        self.same((seen.at, 0), text, yes, no);
    }

    /// Goes on only with a text that has so many bytes, or more.
    fn long_enough(&mut self, seen: Text, length: u64, no: Block) {
        let length = self.int(length);
        let enough = self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, seen.len, length);
        let inside = self.b.create_block();
        self.b.ins().brif(enough, inside, &[], no, &[]);
        self.b.switch_to_block(inside);
    }

    /// Compares the bytes that begin at a place, which are there, word by word; the last word overlaps the one before.
    fn same(&mut self, (at, from): (Value, i32), text: &[u8], yes: Block, no: Block) {
        for (offset, bytes) in words(text) {
            // Texts begin anywhere.
            let flags = MemFlagsData::new().with_notrap().with_endianness(Endianness::Little);
            let offset = from + offset as i32;
            let ty = match bytes.len() {
                8 => types::I64,
                4 => types::I32,
                2 => types::I16,
                _ => types::I8,
            };
            let word = self.b.ins().load(ty, flags, at, offset);
            let wanted = bytes.iter().rev().fold(0, |word, byte| word << 8 | i64::from(*byte));
            let wanted = self.b.ins().iconst(ty, wanted);
            let same = self.b.ins().icmp(IntCC::Equal, word, wanted);
            let next = self.b.create_block();
            self.b.ins().brif(same, next, &[], no, &[]);
            self.b.switch_to_block(next);
        }
        self.b.ins().jump(yes, &[]);
    }

    /// A byte that is there.
    fn byte(&mut self, at: Value, offset: i32) -> Value {
        let flags = MemFlagsData::new().with_notrap();
        self.b.ins().uload8(types::I64, flags, at, offset)
    }

    fn load(&mut self, from: Value, offset: i32) -> Value {
        self.b.ins().load(types::I64, MemFlagsData::trusted(), from, offset)
    }

    fn int(&mut self, value: u64) -> Value {
        self.b.ins().iconst(types::I64, value as i64)
    }
}

/// The words that cover a text, with their places.
fn words(text: &[u8]) -> Vec<(usize, &[u8])> {
    let width = match text.len() {
        0 => return Vec::new(),
        1 => 1,
        2 | 3 => 2,
        4..=7 => 4,
        _ => 8,
    };
    let mut words: Vec<(usize, &[u8])> = Vec::new();
    for (at, word) in text.chunks_exact(width).enumerate() {
        words.push((at * width, word));
    }
    if !text.len().is_multiple_of(width) {
        // The last word overlaps the one before it.
        let from = text.len() - width;
        words.extend(text.get(from..).map(|word| (from, word)));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn words_cover_a_text_and_nothing_else() {
        for length in 0..40 {
            let text: Vec<u8> = (0..length).collect();
            let mut covered = vec![false; text.len()];
            for (at, word) in words(&text) {
                assert_eq!(&text[at..at + word.len()], word);
                covered[at..at + word.len()].fill(true);
            }
            assert!(covered.into_iter().all(|covered| covered));
        }
    }
}
