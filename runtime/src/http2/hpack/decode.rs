//! Reading a header block, field by field. All of a block is read, wanted or not: the next one
//! points into what this one entered.

use std::ops::Range;

use super::huffman;
use super::name::is_clean;
use super::table::Table;
use super::{Field, Garbled, Name};

/// The size of the table that a client may fill: what it may assume without being told (RFC 9113
/// section 6.5.2).
const TABLE: usize = 4096;

/// Reads the header blocks of a connection, in order.
#[derive(Debug)]
pub(in crate::http2) struct Decoder {
    table: Table,
}

/// A text of a block: as it stands there, or what it decodes to.
enum Text {
    Plain(Range<usize>),
    Coded(Range<usize>),
}

impl Decoder {
    pub(in crate::http2) fn new() -> Decoder {
        Decoder { table: Table::new(TABLE) }
    }

    /// Reads a whole block; each field goes to `take`. `room` holds texts while they are read: it
    /// never outgrows the block by more than the code allows (8 to 5).
    pub(in crate::http2) fn decode(
        &mut self,
        block: &[u8],
        room: &mut Vec<u8>,
        mut take: impl FnMut(Field<'_>),
    ) -> Result<(), Garbled> {
        let mut input = Input { block, at: 0 };
        let mut begun = false;
        while let Some(&first) = block.get(input.at) {
            room.clear();
            match first {
                // An indexed field (RFC 7541 section 6.1).
                0x80.. => take(self.table.get(input.integer(7)?)?),
                // A new size of the table, before the first field only (sections 4.2 and 6.3).
                0x20..=0x3f => {
                    let size = input.integer(5)?;
                    if begun || size > TABLE {
                        return Err(Garbled);
                    }
                    self.table.resize(size);
                    continue;
                }
                // A field to be entered (section 6.2.1), and one that is not (6.2.2, 6.2.3).
                _ => {
                    let entered = first & 0x40 != 0;
                    let index = input.integer(if entered { 6 } else { 4 })?;
                    self.literal(&mut input, index, entered, room, &mut take)?;
                }
            }
            begun = true;
        }
        Ok(())
    }

    fn literal(
        &mut self,
        input: &mut Input<'_>,
        index: usize,
        entered: bool,
        room: &mut Vec<u8>,
        take: &mut impl FnMut(Field<'_>),
    ) -> Result<(), Garbled> {
        if index == 0 {
            let (name, value) = (input.text(room)?, input.text(room)?);
            let (name, value) = (input.show(&name, room)?, input.show(&value, room)?);
            let field = Field { kind: Name::of(name), clean: is_clean(value), name, value };
            take(field);
            if entered {
                self.table.insert(field);
            }
            return Ok(());
        }
        let value = input.text(room)?;
        let value = input.show(&value, room)?;
        let clean = is_clean(value);
        take(Field { clean, value, ..self.table.get(index)? });
        if entered {
            self.table.insert_named(index, clean, value)?;
        }
        Ok(())
    }

    /// Gives back the memory that no entry needs.
    pub(in crate::http2) fn rest(&mut self) {
        self.table.rest();
    }
}

/// A block, and how far it was read.
struct Input<'b> {
    block: &'b [u8],
    at: usize,
}

impl<'b> Input<'b> {
    fn byte(&mut self) -> Result<u8, Garbled> {
        let byte = *self.block.get(self.at).ok_or(Garbled)?;
        self.at += 1;
        Ok(byte)
    }

    /// An integer that begins in the last `bits` of the next byte (RFC 7541 section 5.1). None
    /// that means anything here has more than 28 bits behind those.
    fn integer(&mut self, bits: u32) -> Result<usize, Garbled> {
        let mask = (1_usize << bits) - 1;
        let mut value = usize::from(self.byte()?) & mask;
        if value < mask {
            return Ok(value);
        }
        for shift in [0, 7, 14, 21] {
            let byte = self.byte()?;
            value += usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Garbled)
    }

    /// A text (RFC 7541 section 5.2).
    fn text(&mut self, room: &mut Vec<u8>) -> Result<Text, Garbled> {
        let coded = self.block.get(self.at).is_some_and(|byte| byte & 0x80 != 0);
        let len = self.integer(7)?;
        let end = self.at.checked_add(len).ok_or(Garbled)?;
        let raw = self.block.get(self.at..end).ok_or(Garbled)?;
        let range = self.at..end;
        self.at = end;
        if !coded {
            return Ok(Text::Plain(range));
        }
        let start = room.len();
        huffman::decode(raw, room)?;
        Ok(Text::Coded(start..room.len()))
    }

    fn show<'t>(&self, text: &Text, room: &'t [u8]) -> Result<&'t [u8], Garbled>
    where
        'b: 't,
    {
        match text {
            Text::Plain(range) => self.block.get(range.clone()),
            Text::Coded(range) => room.get(range.clone()),
        }
        .ok_or(Garbled)
    }
}
