//! `proxy-read-timeout`: seconds that an upstream may take to answer.

use super::{Annotation, Remark, seconds};

pub(super) const ROW: Annotation = Annotation {
    names: &["proxy-read-timeout"],
    protects: false,
    read: |value, plan| {
        plan.manner.first_byte = Some(seconds(value)?);
        Err(Remark::Nearly(
            "bounds the time to the first byte; the gaps within an answer keep their default",
        ))
    },
};
