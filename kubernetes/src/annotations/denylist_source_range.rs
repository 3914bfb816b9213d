//! `denylist-source-range`: networks that may not pass.

use super::{Annotation, networks};

pub(super) const ROW: Annotation = Annotation {
    names: &["denylist-source-range"],
    protects: true,
    read: |value, plan| {
        plan.deny = networks(value)?;
        Ok(())
    },
};
