//! `rewrite-target`: the path that upstreams see: a fixed one, or one that ends in what a group of the path's regular
//! expression matched. It makes regular expressions of the paths of its Ingress.

use super::{Annotation, Remark, Rewrite, shown};
use crate::paths::{PathType, pattern};

pub(super) const ROW: Annotation = Annotation {
    names: &["rewrite-target"],
    protects: false,
    read: |value, plan| {
        // Forwarding under the path as it came would reach another part of the upstream than the one that was exposed.
        plan.broken = true;
        plan.regex = true;
        let (text, group) = match value.split_once('$') {
            None => (value, None),
            Some((text, group)) => {
                (text, Some(group.parse::<u8>().ok().filter(|group| *group < 10)))
            }
        };
        if group == Some(None) {
            let reason = format!(
                "`{}` is more than one group behind a path; the routes answer 503 until the policy says it with `rewrite`",
                shown(value)
            );
            return Err(Remark::Never(reason));
        }
        let path = pattern(text, PathType::Exact).map_err(|reason| {
            Remark::Value(format!("`{}`: {reason}; the routes answer 503", shown(value)))
        })?;
        plan.rewrite = path.map(|path| match group.flatten() {
            Some(group) => Rewrite::Group(path, group),
            None => Rewrite::Fixed(path),
        });
        plan.broken = false;
        Ok(())
    },
};
