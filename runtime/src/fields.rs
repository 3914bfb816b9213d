//! What a policy can read: one file per namespace, one entry per field, its row beside its reader. A field of a new
//! namespace is one word in the list below.

use lang::vocab::Field;

mod client;
mod conn;
mod origin;
mod req;
mod resp;
mod up;

/// A field: what the language knows of it.
#[derive(Clone, Copy, Debug)]
pub struct FieldEntry {
    /// The row.
    pub row: Field,
}

/// Declares the namespaces: each word is a file in `fields/` with its `ENTRIES`.
macro_rules! namespaces {
    ($($name:ident,)*) => {
        const NAMESPACES: &[&[FieldEntry]] = &[$($name::ENTRIES,)*];
    };
}

namespaces![conn, client, req, up, origin, resp,];

/// Every field, by namespace.
pub fn entries() -> impl Iterator<Item = &'static FieldEntry> {
    NAMESPACES.iter().flat_map(|entries| entries.iter())
}

/// The field with exactly this path.
pub fn entry(path: &str) -> Option<&'static FieldEntry> {
    entries().find(|entry| entry.row.path == path)
}
