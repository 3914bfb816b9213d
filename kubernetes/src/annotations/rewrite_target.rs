//! `rewrite-target`: the path that upstreams see, where it is one fixed path. With captures it belongs to a regular
//! expression, which a path pattern is not.

use super::{Annotation, Remark, shown};
use crate::paths::{PathType, pattern};

pub(super) const ROW: Annotation = Annotation {
    names: &["rewrite-target"],
    protects: false,
    read: |value, plan| {
        // Forwarding under the path as it came would reach another part of the upstream than the one that was exposed.
        plan.broken = true;
        if value.contains('$') {
            let reason = format!(
                "`{}` uses captures of a regular expression; the routes answer 503 until the policy says it with a pattern and \
                 `rewrite`",
                shown(value)
            );
            plan.regex = true;
            return Err(Remark::Never(reason));
        }
        plan.rewrite = pattern(value, PathType::Exact).map_err(|reason| {
            let message = format!("`{}`: {reason}; the routes answer 503", shown(value));
            Remark::Value(message)
        })?;
        plan.broken = false;
        Ok(())
    },
};
