//! `temporal-redirect`: every request is sent to one address, for now. It outranks a permanent one.

use super::{Annotation, address};

pub(super) const ROW: Annotation = Annotation {
    names: &["temporal-redirect"],
    protects: false,
    read: |value, plan| {
        plan.temporal = Some(address(value)?);
        Ok(())
    },
};
