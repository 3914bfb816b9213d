//! `proxy-connect-timeout`: seconds to reach an upstream.

use super::{Annotation, seconds};

pub(super) const ROW: Annotation = Annotation {
    names: &["proxy-connect-timeout"],
    protects: false,
    read: |value, plan| {
        plan.manner.connect = Some(seconds(value)?);
        Ok(())
    },
};
