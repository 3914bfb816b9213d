//! `proxy-ssl-verify`: whether an upstream's certificate is verified. Left out, it is, which is not nginx' own default.

use super::{Annotation, Remark, shown};

pub(super) const ROW: Annotation = Annotation {
    names: &["proxy-ssl-verify"],
    protects: false,
    read: |value, plan| {
        plan.manner.verify = Some(match value {
            "on" => true,
            "off" => false,
            _ => {
                return Err(Remark::Value(format!("`{}` is neither `on` nor `off`", shown(value))));
            }
        });
        Ok(())
    },
};
