//! `proxy-body-size`: the largest request body. The language caps bodies by listener, so the largest of all Ingresses holds.

use super::{Annotation, Remark, shown};

pub(super) const ROW: Annotation = Annotation {
    names: &["proxy-body-size"],
    protects: false,
    read: |value, plan| {
        let (digits, scale) = match value.char_indices().next_back() {
            Some((at, 'k' | 'K')) => (&value[..at], 1 << 10),
            Some((at, 'm' | 'M')) => (&value[..at], 1 << 20),
            Some((at, 'g' | 'G')) => (&value[..at], 1 << 30),
            _ => (value, 1_u64),
        };
        let size = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(scale));
        match size {
            Some(0) => Err(Remark::Never("a body without a bound cannot be allowed".to_owned())),
            Some(size) if size <= 1 << 40 => {
                plan.body = Some(size);
                Ok(())
            }
            _ => Err(Remark::Value(format!("`{}` is not a size such as `8m`", shown(value)))),
        }
    },
};
