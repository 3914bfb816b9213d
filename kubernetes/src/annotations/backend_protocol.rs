//! `backend-protocol`: what the upstream speaks.

use super::{Annotation, Remark, shown};

pub(super) const ROW: Annotation = Annotation {
    names: &["backend-protocol", "secure-backends"],
    protects: false,
    read: |value, plan| {
        (plan.manner.tls, plan.manner.h2) = match value.to_ascii_uppercase().as_str() {
            "HTTP" | "AUTO_HTTP" | "FALSE" => (false, false),
            "HTTPS" | "TRUE" => (true, false),
            "GRPC" => (false, true),
            "GRPCS" => (true, true),
            _ => {
                // Speaking HTTP to what does not speak it only looks like an answer.
                plan.broken = true;
                let message = format!(
                    "`{}` is not one of `HTTP`, `HTTPS`, `GRPC` and `GRPCS`; the routes answer 503",
                    shown(value)
                );
                return Err(Remark::Value(message));
            }
        };
        Ok(())
    },
};
