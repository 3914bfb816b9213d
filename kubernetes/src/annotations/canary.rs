//! `canary` and its conditions: an Ingress that only takes a share of another one's requests.

use super::{Annotation, Remark, boolean};

pub(super) const ROW: Annotation = Annotation {
    names: &[
        "canary",
        "canary-weight",
        "canary-weight-total",
        "canary-by-header",
        "canary-by-header-value",
        "canary-by-header-pattern",
        "canary-by-cookie",
    ],
    protects: false,
    read: |value, plan| {
        if boolean(value).is_ok_and(|on| !on) {
            return Ok(());
        }
        // Serving it as an Ingress of its own would take all of the requests instead of a share.
        plan.skip = true;
        let reason =
            "a canary is left out: write it as `forward { 95% => a, 5% => b }` or a narrower route";
        Err(Remark::Never(reason.to_owned()))
    },
};
