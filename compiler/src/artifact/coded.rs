//! What can be written and read back, and how that is said once for both ways: `coded!` takes the shape of a type and
//! makes the two halves of it. Here stand numbers, texts and collections; it knows no type of the program.

use std::collections::{BTreeMap, BTreeSet, HashMap};
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

impl<T: Coded> Coded for Vec<T> {
    fn put(&self, out: &mut Writer) {
        put_all(self.iter(), out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        take_all(from)
    }
}

impl<T: Coded> Coded for Rows<T> {
    fn put(&self, out: &mut Writer) {
        put_all(self.iter(), out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        take_all(from)
    }
}

impl<T: Coded> Coded for Pieces<T> {
    fn put(&self, out: &mut Writer) {
        put_all(self.iter(), out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        take_all(from)
    }
}

impl<T: Coded> Coded for Arc<[T]> {
    fn put(&self, out: &mut Writer) {
        put_all(self.iter(), out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, Unfit> {
        take_all::<T, Vec<T>>(from).map(Arc::from)
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

impl<K: Coded + Ord + std::hash::Hash, V: Coded> Coded for HashMap<K, V> {
    /// In the keys' order, so that the same program is the same bytes.
    fn put(&self, out: &mut Writer) {
        let mut pairs: Vec<(&K, &V)> = self.iter().collect();
        pairs.sort_by(|a, b| a.0.cmp(b.0));
        pairs.len().put(out);
        for (key, value) in pairs {
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
