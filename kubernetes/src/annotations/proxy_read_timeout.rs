//! `proxy-read-timeout`: seconds that an upstream may take to answer. Nginx also bounds the gaps within a body by it.

use super::{Annotation, seconds};

pub(super) const ROW: Annotation = Annotation {
    names: &["proxy-read-timeout"],
    protects: false,
    read: |value, plan| {
        plan.manner.first_byte = Some(seconds(value)?);
        Ok(())
    },
};
