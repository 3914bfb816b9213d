//! Residual code to Cranelift's form: one function for a cell. A check on text compares words where it stands; what is not
//! plain text or not short is asked of the interpreter. What cannot go on here ends in [`BAIL`], and the interpreter begins
//! again: checks change nothing but the note of a missed method, which only ever grows.

use std::collections::HashMap;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    AbiParam, Block, Endianness, Function, InstBuilder, MemFlagsData, SigRef, Signature, StackSlot,
    StackSlotData, StackSlotKind, Value, types,
};
use cranelift_codegen::isa::TargetFrontendConfig;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

use super::shims;
use crate::program::code::{Check, Code, Goal, Networks, Place, Source};

/// A candidate answers by its place; these two say that none does, and that the interpreter has to say.
const LEAVE: u64 = 1 << 32;
const BAIL: u64 = 2 << 32;

/// The longest text that is compared in place, in bytes.
const LONGEST: usize = 64;
/// The most texts or ranges that are tried one after the other in place.
const FEW: usize = 8;
/// The most instructions of one function.
const LARGEST: usize = 1_024;
/// The most sources that a function keeps on its stack.
const SOURCES: usize = 64;

/// What a block's answer means; `None` for [`BAIL`].
pub(super) fn goal(answer: u64) -> Option<Goal> {
    match answer {
        LEAVE => Some(Goal::Leave),
        place => u32::try_from(place).ok().map(Goal::Take),
    }
}

/// Whether machine code for it is quicker than interpreting it, and of a size to be made.
pub(super) fn is_worth(code: &Code) -> bool {
    (1..=LARGEST).contains(&code.ops.len())
        && code.ops.iter().any(|op| is_inline(&op.check))
        && kept(code).len() <= SOURCES
}

/// Whether a check is made in place.
fn is_inline(check: &Check) -> bool {
    match check {
        Check::Method(methods) => methods.others.is_none(),
        Check::Present(source) => is_kept(*source),
        Check::Equal(source, text) | Check::Begins(source, text) | Check::Ends(source, text) => {
            (is_kept(*source) || is_given(*source)) && text.len() <= LONGEST
        }
        Check::OneOf(source, texts) => {
            let short = texts.0.iter().all(|text| text.len() <= LONGEST);
            (is_kept(*source) || is_given(*source)) && texts.0.len() <= FEW && short
        }
        Check::Within(source, networks) => {
            (is_kept(*source) || matches!(source, Source::Client(_))) && networks.v4().len() <= FEW
        }
        _ => false,
    }
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

/// The sources that the code keeps, each once.
fn kept(code: &Code) -> Vec<Source> {
    let mut kept: Vec<Source> = Vec::new();
    for source in code.ops.iter().filter_map(|op| source(&op.check)) {
        if !kept.contains(&source) {
            kept.push(source);
        }
    }
    kept
}

/// Which sources were read when an instruction is reached: on every way, and on some way.
#[derive(Clone, Copy)]
struct Known {
    surely: u64,
    maybe: u64,
}

/// Writes the function for some code. Its one parameter is the context, its result the answer.
pub(super) fn emit(
    code: &Code,
    function: &mut Function,
    builder: &mut FunctionBuilderContext,
    target: TargetFrontendConfig,
) {
    let kept = kept(code);
    let known = known(code, &kept);
    let pointer = target.pointer_type();
    let mut b = FunctionBuilder::new(function, builder);
    let start = b.create_block();
    b.append_block_params_for_function_params(start);
    b.switch_to_block(start);
    let context = b.block_params(start).first().copied();
    let Some(context) = context else { return };
    let ops: Vec<Block> = code.ops.iter().map(|_| b.create_block()).collect();
    let bail = b.create_block();
    let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, shims::SLOT_SIZE, 3);
    let slots: Vec<StackSlot> =
        kept.iter().map(|_| b.create_sized_stack_slot(slot.clone())).collect();
    let call_conv = b.func.signature.call_conv;
    let mut signature = |params: &[cranelift_codegen::ir::Type]| {
        let mut signature = Signature::new(call_conv);
        signature.params.extend(params.iter().map(|ty| AbiParam::new(*ty)));
        signature.returns.push(AbiParam::new(types::I64));
        b.import_signature(signature)
    };
    let read = signature(&[pointer, types::I64, pointer]);
    let check = signature(&[pointer, types::I64]);
    let ends = HashMap::new();
    let mut emit = Emit { b, context, pointer, ops, bail, kept, slots, read, check, ends };
    emit.clear(code, &known);
    let entry = emit.at(code.entry);
    emit.b.ins().jump(entry, &[]);
    for (at, op) in code.ops.iter().enumerate() {
        let (yes, no) = (emit.at(op.goal(true)), emit.at(op.goal(false)));
        let Some((block, known)) = emit.ops.get(at).copied().zip(known.get(at)) else { continue };
        emit.b.switch_to_block(block);
        emit.op(at, &op.check, (yes, no), *known);
    }
    emit.finish(target);
}

/// What was read where, told from the front because jumps lead forward.
fn known(code: &Code, kept: &[Source]) -> Vec<Known> {
    let mut known = vec![Known { surely: u64::MAX, maybe: 0 }; code.ops.len()];
    if let Goal::Op(entry) = code.entry
        && let Some(entry) = known.get_mut(entry as usize)
    {
        entry.surely = 0;
    }
    for (at, op) in code.ops.iter().enumerate() {
        let Some(mut after) = known.get(at).copied() else { continue };
        let place = source(&op.check).and_then(|source| kept.iter().position(|k| *k == source));
        let bit = place.map_or(0, |place| 1 << place);
        after.surely |= bit;
        after.maybe |= bit;
        for goal in [op.goal(true), op.goal(false)] {
            if let Goal::Op(next) = goal
                && let Some(next) = known.get_mut(next as usize)
            {
                next.surely &= after.surely;
                next.maybe |= after.maybe;
            }
        }
    }
    known
}

struct Emit<'f> {
    b: FunctionBuilder<'f>,
    context: Value,
    pointer: cranelift_codegen::ir::Type,
    /// The first block of each instruction.
    ops: Vec<Block>,
    bail: Block,
    kept: Vec<Source>,
    slots: Vec<StackSlot>,
    read: SigRef,
    check: SigRef,
    /// Blocks that answer.
    ends: HashMap<u64, Block>,
}

/// A text: where it begins and how long it is.
#[derive(Clone, Copy)]
struct Text {
    at: Value,
    len: Value,
}

impl Emit<'_> {
    /// Marks as not read what may be asked for with and without having been read before.
    fn clear(&mut self, code: &Code, known: &[Known]) {
        let mut unsure = 0;
        for (op, known) in code.ops.iter().zip(known) {
            let place = source(&op.check).and_then(|s| self.kept.iter().position(|k| *k == s));
            if let Some(place) = place {
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

    /// Where a goal leads.
    fn at(&mut self, goal: Goal) -> Block {
        let answer = match goal {
            Goal::Op(at) => return self.ops.get(at as usize).copied().unwrap_or(self.bail),
            Goal::Take(place) => u64::from(place),
            Goal::Leave => LEAVE,
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

    /// One instruction, at the end of the current block.
    fn op(&mut self, at: usize, check: &Check, (yes, no): (Block, Block), known: Known) {
        if !is_inline(check) {
            return self.ask(at, yes, no);
        }
        match check {
            Check::Method(methods) => {
                let bit = self.load(self.context, shims::BIT);
                let common = self.int(u64::from(methods.common));
                let held = self.b.ins().band(bit, common);
                let missed = self.b.create_block();
                self.b.ins().brif(held, yes, &[], missed, &[]);
                self.b.switch_to_block(missed);
                self.b.ins().store(MemFlagsData::trusted(), common, self.context, shims::MISSED);
                self.b.ins().jump(no, &[]);
            }
            Check::Present(source) => {
                let Some((state, _)) = self.state(*source, known) else { return };
                let found = self.b.create_block();
                self.is(state, shims::ABSENT, no, found);
                self.b.switch_to_block(found);
                self.is(state, shims::STOP, self.bail, yes);
            }
            Check::Equal(_, text) if let Some(from) = stands(check) => {
                let path = self.given(Source::Path);
                self.ends_behind(path, from, text, (yes, no));
            }
            Check::Equal(source, text) => {
                let Some(seen) = self.text(*source, known, no) else { return };
                self.equal(seen, text.as_bytes(), yes, no);
            }
            Check::OneOf(source, texts) => {
                let Some(seen) = self.text(*source, known, no) else { return };
                for text in &*texts.0 {
                    let next = self.b.create_block();
                    self.equal(seen, text.as_bytes(), yes, next);
                    self.b.switch_to_block(next);
                }
                self.b.ins().jump(no, &[]);
            }
            Check::Begins(source, text) => {
                let Some(seen) = self.text(*source, known, no) else { return };
                self.long_enough(seen, text.len() as u64, no);
                self.same((seen.at, 0), text.as_bytes(), yes, no);
            }
            Check::Ends(source, text) => {
                let Some(seen) = self.text(*source, known, no) else { return };
                self.long_enough(seen, text.len() as u64, no);
                let end = self.b.ins().iadd(seen.at, seen.len);
                let length = self.int(text.len() as u64);
                let from = self.b.ins().isub(end, length);
                self.same((from, 0), text.as_bytes(), yes, no);
            }
            Check::Within(Source::Client(_), networks) => {
                let bits = self.load(self.context, shims::CLIENT);
                let (v4, asked) = (self.b.create_block(), self.b.create_block());
                self.is(bits, shims::NO_V4 as i64, asked, v4);
                self.b.switch_to_block(asked);
                self.ask(at, yes, no);
                self.b.switch_to_block(v4);
                self.within(bits, networks, yes, no);
            }
            Check::Within(source, networks) => {
                let Some((state, slot)) = self.state(*source, known) else { return };
                let (v4, other, asked) =
                    (self.b.create_block(), self.b.create_block(), self.b.create_block());
                self.is(state, shims::V4, v4, other);
                self.b.switch_to_block(other);
                self.is(state, shims::ABSENT, no, asked);
                self.b.switch_to_block(asked);
                self.ask(at, yes, no);
                self.b.switch_to_block(v4);
                let bits = self.b.ins().stack_load(self.pointer, types::I64, slot, shims::SLOT_AT);
                self.within(bits, networks, yes, no);
            }
            _ => self.ask(at, yes, no),
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
    fn ask(&mut self, at: usize, yes: Block, no: Block) {
        let function =
            self.b.ins().load(self.pointer, MemFlagsData::trusted(), self.context, shims::CHECK);
        let number = self.int(at as u64);
        let call = self.b.ins().call_indirect(self.check, function, &[self.context, number]);
        let Some(answer) = self.b.inst_results(call).first().copied() else { return };
        let going = self.b.create_block();
        self.is(answer, shims::STOP, self.bail, going);
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
        let number = shims::number(source)?;
        if known.maybe & bit == 0 {
            return Some((self.read(number, slot)?, slot));
        }
        let (ready, unread) = (self.b.create_block(), self.b.create_block());
        let state = self.b.append_block_param(ready, types::I64);
        let before = self.b.ins().stack_load(self.pointer, types::I64, slot, shims::SLOT_STATE);
        self.b.ins().brif(before, ready, &[before.into()], unread, &[]);
        self.b.switch_to_block(unread);
        let read = self.read(number, slot)?;
        self.b.ins().jump(ready, &[read.into()]);
        self.b.switch_to_block(ready);
        Some((state, slot))
    }

    fn read(&mut self, number: u64, slot: StackSlot) -> Option<Value> {
        let function =
            self.b.ins().load(self.pointer, MemFlagsData::trusted(), self.context, shims::READ);
        let number = self.int(number);
        let into = self.b.ins().stack_addr(self.pointer, slot, 0);
        let call = self.b.ins().call_indirect(self.read, function, &[self.context, number, into]);
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

    /// Whether this text stands in a path from a byte on, and a segment ends behind it.
    fn ends_behind(&mut self, path: Text, from: u16, text: &str, (yes, no): (Block, Block)) {
        let behind = i64::from(from) + text.len() as i64;
        self.long_enough(path, behind as u64, no);
        let alike = self.b.create_block();
        self.same((path.at, i32::from(from)), text.as_bytes(), alike, no);
        self.b.switch_to_block(alike);
        let more = self.b.create_block();
        self.is(path.len, behind, yes, more);
        self.b.switch_to_block(more);
        let flags = MemFlagsData::new().with_notrap();
        let next = self.b.ins().uload8(types::I64, flags, path.at, behind as i32);
        self.is(next, i64::from(b'/'), yes, no);
    }

    /// The text that a source is; goes to `no` where it is absent.
    fn text(&mut self, source: Source, known: Known, no: Block) -> Option<Text> {
        if is_given(source) {
            return Some(self.given(source));
        }
        let (state, slot) = self.state(source, known)?;
        let (text, other) = (self.b.create_block(), self.b.create_block());
        self.is(state, shims::TEXT, text, other);
        self.b.switch_to_block(other);
        self.is(state, shims::ABSENT, no, self.bail);
        self.b.switch_to_block(text);
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
            let word = match bytes.len() {
                8 => self.b.ins().load(types::I64, flags, at, offset),
                4 => self.b.ins().uload32(flags, at, offset),
                2 => self.b.ins().uload16(types::I64, flags, at, offset),
                _ => self.b.ins().uload8(types::I64, flags, at, offset),
            };
            let mut wanted = [0; 8];
            wanted.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            let next = self.b.create_block();
            self.is(word, i64::from_le_bytes(wanted), next, no);
            self.b.switch_to_block(next);
        }
        self.b.ins().jump(yes, &[]);
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
