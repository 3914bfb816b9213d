//! `proxy-read-timeout`: seconds that an upstream may be silent, before its answer and within it.

use super::{Annotation, seconds};

pub(super) const ROW: Annotation = Annotation {
    names: &["proxy-read-timeout"],
    protects: false,
    read: |value, plan| {
        plan.manner.silence = Some(seconds(value)?);
        Ok(())
    },
};
