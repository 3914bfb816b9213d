//! What can be written and read back, and how that is said once for both ways: `coded!` takes the shape of a type and
//! makes the two halves of it. Here stand numbers, texts and collections; it knows no type of the program.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Unfit;
use super::bytes::{Reader, Writer, damaged};
use crate::program::{Pieces, Rows};

/// Something that can be written and read back.
pub(super) trait Coded: Sized {
    /// Writes it.
    fn put(&self, out: &mut Writer);

    /// Reads it. Never panics.
    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit>;
}

/// Implements [`Coded`] for structs by their fields and for enums by their variants, each with its number. The numbers
/// are the format's: they stay, and a change of them is another version.
macro_rules! coded {
    (struct $name:ty { $($field:ident),* $(,)? }) => {
        impl Coded for $name {
            fn put(&self, out: &mut Writer) {
                $(self.$field.put(out);)*
            }

            fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
                from.nested(|from| Ok(Self { $($field: Coded::take(from)?),* }))
            }
        }
    };
    (number $name:ident) => {
        impl Coded for $name {
            fn put(&self, out: &mut Writer) {
                self.0.put(out);
            }

            fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
                Coded::take(from).map($name)
            }
        }
    };
    (enum $name:ident { $($number:literal => $variant:ident $(($($part:ident),+))?),* $(,)? }) => {
        impl Coded for $name {
            fn put(&self, out: &mut Writer) {
                match self {
                    $($name::$variant $(($($part),+))? => {
                        out.byte($number);
                        $($($part.put(out);)+)?
                    })*
                }
            }

            fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
                from.nested(|from| Ok(match from.byte()? {
                    $($number => {
                        $($(let $part = Coded::take(from)?;)+)?
                        $name::$variant $(($($part),+))?
                    })*
                    _ => return Err(damaged(concat!("there is no such kind of ", stringify!($name)))),
                }))
            }
        }
    };
}
pub(super) use coded;

macro_rules! numbers {
    ($($ty:ty),*) => {
        $(impl Coded for $ty {
            fn put(&self, out: &mut Writer) {
                out.number(*self as u128);
            }

            fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
                Self::try_from(from.number()?).map_err(|_| damaged("a number is too large"))
            }
        })*
    };
}
numbers!(u16, u32, u64, u128, usize);

impl Coded for u8 {
    fn put(&self, out: &mut Writer) {
        out.byte(*self);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        from.byte()
    }
}

impl Coded for i64 {
    /// Small ones of either sign are short.
    fn put(&self, out: &mut Writer) {
        (((self << 1) ^ (self >> 63)) as u64).put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        let bits = u64::take(from)?;
        Ok((bits >> 1) as i64 ^ -((bits & 1) as i64))
    }
}

impl Coded for f64 {
    fn put(&self, out: &mut Writer) {
        out.raw(&self.to_bits().to_le_bytes());
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        let bytes = from.raw(8)?.first_chunk().copied().unwrap_or_default();
        let value = f64::from_bits(u64::from_le_bytes(bytes));
        if value.is_finite() { Ok(value) } else { Err(damaged("a float is not finite")) }
    }
}

impl Coded for bool {
    fn put(&self, out: &mut Writer) {
        out.byte(u8::from(*self));
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        match from.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(damaged("a Boolean is neither")),
        }
    }
}

fn put_text(text: &str, out: &mut Writer) {
    text.len().put(out);
    out.raw(text.as_bytes());
}

fn take_text<'r>(from: &mut Reader<'r>) -> Result<&'r str, Unfit> {
    let length = from.length()?;
    std::str::from_utf8(from.raw(length)?).map_err(|_| damaged("a text is not UTF-8"))
}

impl Coded for String {
    fn put(&self, out: &mut Writer) {
        put_text(self, out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        take_text(from).map(str::to_owned)
    }
}

impl Coded for Arc<str> {
    fn put(&self, out: &mut Writer) {
        put_text(self, out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        let text = take_text(from)?;
        Ok(from.text(text))
    }
}

fn put_all<'i, T: Coded + 'i>(items: impl ExactSizeIterator<Item = &'i T>, out: &mut Writer) {
    items.len().put(out);
    items.for_each(|item| item.put(out));
}

fn take_all<T: Coded, C: FromIterator<T>>(from: &mut Reader<'_>) -> Result<C, Unfit> {
    let length = from.length()?;
    (0..length).map(|_| T::take(from)).collect()
}

/// So many rows find room at once. A longer list grows as it is read: a length alone promises nothing.
const AT_ONCE: usize = 64;

impl<T: Coded> Coded for Vec<T> {
    fn put(&self, out: &mut Writer) {
        put_all(self.iter(), out);
    }

    /// It has no more room than it needs: a program is made of very many short lists, and stays as it is read.
    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        let length = from.length()?;
        let mut all = Vec::with_capacity(length.min(AT_ONCE));
        for _ in 0..length {
            all.push(T::take(from)?);
        }
        all.shrink_to_fit();
        Ok(all)
    }
}

impl<T: Coded> Coded for Box<[T]> {
    fn put(&self, out: &mut Writer) {
        put_all(self.iter(), out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        Vec::take(from).map(Vec::into_boxed_slice)
    }
}

impl<T: Coded> Coded for Rows<T> {
    fn put(&self, out: &mut Writer) {
        put_all(self.iter(), out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        Vec::take(from).map(Self::from)
    }
}

impl<T: Coded> Coded for Pieces<T> {
    fn put(&self, out: &mut Writer) {
        put_all(self.iter(), out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        Vec::take(from).map(Self::from)
    }
}

impl<T: Coded> Coded for Arc<[T]> {
    fn put(&self, out: &mut Writer) {
        put_all(self.iter(), out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        Vec::take(from).map(Arc::from)
    }
}

impl<T: Coded + Ord> Coded for BTreeSet<T> {
    fn put(&self, out: &mut Writer) {
        put_all(self.iter(), out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        take_all(from)
    }
}

impl<K: Coded + Ord, V: Coded> Coded for BTreeMap<K, V> {
    fn put(&self, out: &mut Writer) {
        self.len().put(out);
        for (key, value) in self {
            key.put(out);
            value.put(out);
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        take_all::<(K, V), _>(from)
    }
}

impl<T: Coded> Coded for Arc<T> {
    fn put(&self, out: &mut Writer) {
        T::put(self, out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        T::take(from).map(Arc::new)
    }
}

impl<T: Coded> Coded for Option<T> {
    fn put(&self, out: &mut Writer) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        if bool::take(from)? { T::take(from).map(Some) } else { Ok(None) }
    }
}

impl<A: Coded, B: Coded> Coded for (A, B) {
    fn put(&self, out: &mut Writer) {
        self.0.put(out);
        self.1.put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        Ok((A::take(from)?, B::take(from)?))
    }
}

impl<A: Coded, B: Coded, C: Coded> Coded for (A, B, C) {
    fn put(&self, out: &mut Writer) {
        self.0.put(out);
        self.1.put(out);
        self.2.put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        Ok((A::take(from)?, B::take(from)?, C::take(from)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_takes_no_more_room_than_its_rows() {
        let words = no_words();
        for n in [0, 1, 3, AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, 1_000] {
            let list: Vec<u32> = (0..n as u32).collect();
            let mut out = Writer::default();
            list.put(&mut out);
            let bytes = out.bytes();
            let read = Vec::<u32>::take(&mut Reader::new(&bytes, &words));
            assert_eq!(read.as_ref().map(Vec::capacity), Ok(n));
            assert_eq!(read, Ok(list));
        }
    }

    fn no_words() -> lang::Vocabulary {
        lang::Vocabulary {
            fields: &[],
            functions: &[],
            actions: &[],
            balancers: &[],
            blocks: &[],
            budgets: &[],
        }
    }
}
