//! `permanent-redirect-code`: the status of a permanent redirect, 301 unless said otherwise.

use super::{Annotation, Remark, shown};

pub(super) const ROW: Annotation = Annotation {
    names: &["permanent-redirect-code"],
    protects: false,
    read: |value, plan| match value.parse() {
        Ok(status @ (301 | 302 | 303 | 307 | 308)) => {
            plan.permanent_status = Some(status);
            Ok(())
        }
        _ => Err(Remark::Value(format!("`{}` is not the status of a redirect", shown(value)))),
    },
};
