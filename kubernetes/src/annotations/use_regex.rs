//! `use-regex`: the paths of the Ingress are regular expressions, which are reported one by one.

use super::{Annotation, boolean};

pub(super) const ROW: Annotation = Annotation {
    names: &["use-regex"],
    protects: false,
    read: |value, plan| {
        plan.regex |= boolean(value)?;
        Ok(())
    },
};
