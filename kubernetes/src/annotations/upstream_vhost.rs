//! `upstream-vhost`: the host that upstreams see.

use super::{Annotation, Remark, shown};
use crate::names::is_subdomain;

pub(super) const ROW: Annotation = Annotation {
    names: &["upstream-vhost"],
    protects: false,
    read: |value, plan| {
        let (host, port) = value.split_once(':').unwrap_or((value, "80"));
        if !is_subdomain(&host.to_ascii_lowercase()) || port.parse::<u16>().is_err() {
            let message = format!("`{}` is not a host without variables", shown(value));
            return Err(Remark::Value(message));
        }
        plan.host = Some(value.to_ascii_lowercase());
        Ok(())
    },
};
