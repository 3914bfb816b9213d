//! `configuration-snippet` and its like: text of another server's configuration. Refused, always.

use super::{Annotation, Remark};

pub(super) const ROW: Annotation = Annotation {
    names: &[
        "configuration-snippet",
        "server-snippet",
        "auth-snippet",
        "stream-snippet",
        "modsecurity-snippet",
    ],
    protects: false,
    read: |_, _| {
        let reason = "a snippet is text for another server's template, by which whoever writes an Ingress could rewrite the \
                      gateway; say with statements what it did";
        Err(Remark::Never(reason.to_owned()))
    },
};
