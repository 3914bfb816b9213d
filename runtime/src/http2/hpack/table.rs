//! The tables that an index points into: the fixed one, and one that the sender fills.

use std::collections::VecDeque;

use super::{Field, Garbled, Name, OVERHEAD};

/// RFC 7541 appendix A.
pub(super) const STATIC: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

static KINDS: [Name; 61] = kinds();

#[expect(clippy::indexing_slicing, reason = "the compiler evaluates it")]
const fn kinds() -> [Name; 61] {
    let (mut kinds, mut at) = ([Name::Plain; 61], 0);
    while at < STATIC.len() {
        kinds[at] = Name::of(STATIC[at].0.as_bytes());
        at += 1;
    }
    kinds
}

/// The table that the sender fills (RFC 7541 section 2.3.2): one buffer, and offsets into it.
#[derive(Debug, Default)]
pub(super) struct Table {
    text: Vec<u8>,
    // The oldest first; their texts follow one another.
    entries: VecDeque<Entry>,
    size: usize,
    most: usize,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    start: usize,
    name: usize,
    value: usize,
    kind: Name,
    clean: bool,
}

impl Entry {
    fn size(&self) -> usize {
        self.name + self.value + OVERHEAD
    }
}

impl Table {
    /// An empty table that may grow to `most`.
    pub(super) fn new(most: usize) -> Table {
        Table { most, ..Table::default() }
    }

    /// The field that `index` stands for, in either table.
    pub(super) fn get(&self, index: usize) -> Result<Field<'_>, Garbled> {
        let at = index.checked_sub(1).ok_or(Garbled)?;
        if let (Some((name, value)), Some(&kind)) = (STATIC.get(at), KINDS.get(at)) {
            let (name, value) = (name.as_bytes(), value.as_bytes());
            return Ok(Field { kind, clean: true, name, value });
        }
        let back = at - STATIC.len() + 1;
        let at = self.entries.len().checked_sub(back).ok_or(Garbled)?;
        let entry = self.entries.get(at).ok_or(Garbled)?;
        let text = self.text.get(entry.start..).ok_or(Garbled)?;
        let (name, rest) = text.split_at_checked(entry.name).ok_or(Garbled)?;
        let value = rest.get(..entry.value).ok_or(Garbled)?;
        Ok(Field { kind: entry.kind, clean: entry.clean, name, value })
    }

    /// Enters a field. One that is larger than the table empties it (RFC 7541 section 4.4).
    pub(super) fn insert(&mut self, field: Field<'_>) {
        if self.make_room(field.size()) {
            let start = self.text.len();
            self.text.extend_from_slice(field.name);
            self.enter(start, &field);
        }
    }

    /// Enters a field whose name is that of `index`.
    pub(super) fn insert_named(
        &mut self,
        index: usize,
        clean: bool,
        value: &[u8],
    ) -> Result<(), Garbled> {
        if index <= STATIC.len() {
            let at = index.checked_sub(1).ok_or(Garbled)?;
            let (name, _) = STATIC.get(at).ok_or(Garbled)?;
            let kind = *KINDS.get(at).ok_or(Garbled)?;
            self.insert(Field { kind, clean, name: name.as_bytes(), value });
            return Ok(());
        }
        let named = self.get(index)?;
        let (kind, len) = (named.kind, named.name.len());
        let back = index - STATIC.len();
        let at = self.entries.len().checked_sub(back).ok_or(Garbled)?;
        let from = self.entries.get(at).ok_or(Garbled)?.start;
        // The entry that has the name may be dropped; its text stays until the next clean-up.
        if self.make_room(len + value.len() + OVERHEAD) {
            let start = self.text.len();
            self.text.extend_from_within(from..from + len);
            let name = &[][..];
            self.enter(start, &Field { kind, clean, name, value });
        }
        Ok(())
    }

    /// Changes the size that the table may have.
    pub(super) fn resize(&mut self, most: usize) {
        self.most = most;
        self.make_room(0);
    }

    /// Gives back the memory that no entry needs.
    pub(super) fn rest(&mut self) {
        self.compact();
        self.text.shrink_to_fit();
        self.entries.shrink_to_fit();
    }

    /// The name of the entry is written, at `start`; its value is not.
    fn enter(&mut self, start: usize, field: &Field<'_>) {
        let name = self.text.len() - start;
        self.text.extend_from_slice(field.value);
        let value = field.value.len();
        let entry = Entry { start, name, value, kind: field.kind, clean: field.clean };
        self.size += entry.size();
        self.entries.push_back(entry);
        // What is dropped is removed now and then, at no more than the cost of writing it.
        let dead = self.entries.front().map_or(0, |entry| entry.start);
        if dead > self.most.max(1024) {
            self.compact();
        }
    }

    /// Drops the oldest entries until `size` more fits; whether it does.
    fn make_room(&mut self, size: usize) -> bool {
        while self.size + size > self.most {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.size -= oldest.size();
        }
        self.size + size <= self.most
    }

    fn compact(&mut self) {
        let dead = self.entries.front().map_or(self.text.len(), |entry| entry.start);
        self.text.drain(..dead);
        self.entries.iter_mut().for_each(|entry| entry.start -= dead);
    }
}
