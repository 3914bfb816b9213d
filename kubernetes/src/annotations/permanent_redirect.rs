//! `permanent-redirect`: every request is sent to one address.

use super::{Annotation, address};

pub(super) const ROW: Annotation = Annotation {
    names: &["permanent-redirect"],
    protects: false,
    read: |value, plan| {
        plan.permanent = Some(address(value)?);
        Ok(())
    },
};
