//! `force-ssl-redirect`: plain requests are sent to https.

use super::{Annotation, boolean};

pub(super) const ROW: Annotation = Annotation {
    names: &["force-ssl-redirect"],
    protects: false,
    read: |value, plan| {
        let asked = boolean(value)?;
        plan.to_https = Some(asked || plan.to_https == Some(true));
        Ok(())
    },
};
