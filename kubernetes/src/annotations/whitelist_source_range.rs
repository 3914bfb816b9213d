//! `whitelist-source-range`: the only networks that may pass.

use super::{Annotation, networks};

pub(super) const ROW: Annotation = Annotation {
    names: &["whitelist-source-range", "allowlist-source-range"],
    protects: true,
    read: |value, plan| {
        plan.allow = networks(value)?;
        Ok(())
    },
};
