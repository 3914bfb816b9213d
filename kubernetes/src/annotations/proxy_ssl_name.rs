//! `proxy-ssl-name`: the name that an upstream's certificate has to bear.

use super::{Annotation, Remark, shown};
use crate::names::is_subdomain;

pub(super) const ROW: Annotation = Annotation {
    names: &["proxy-ssl-name"],
    protects: false,
    read: |value, plan| {
        if !is_subdomain(value) {
            return Err(Remark::Value(format!("`{}` is not a DNS name", shown(value))));
        }
        plan.manner.server_name = Some(value.to_owned());
        Ok(())
    },
};
