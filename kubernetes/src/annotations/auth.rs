//! `auth-url`, `auth-type`, `auth-tls-secret` and the like: a protection that another server carried out.

use super::{Annotation, Remark};

pub(super) const ROW: Annotation = Annotation {
    names: &[
        "auth-url",
        "auth-signin",
        "auth-type",
        "auth-secret",
        "auth-tls-secret",
        "auth-tls-verify-client",
        "enable-global-auth",
        "satisfy",
    ],
    protects: true,
    read: |value, _| {
        if value.is_empty() {
            return Err(Remark::Value("is empty".to_owned()));
        }
        let reason = "authentication by an annotation has no translation: declare an `auth` and `require` it";
        Err(Remark::Never(reason.to_owned()))
    },
};
