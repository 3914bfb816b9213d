//! The choice of a certificate by the name that a client asks for: exact names first, then `*.x` for one label, then
//! the first certificate. Where two certificates have a name, the line that stands first has it.

use std::collections::HashMap;

#[derive(Debug, Default)]
pub(super) struct Names {
    exact: HashMap<String, usize>,
    wildcard: HashMap<String, usize>,
}

impl Names {
    /// The names of all certificates, in their order.
    pub(super) fn new<'n>(certificates: impl Iterator<Item = &'n [String]>) -> Names {
        let mut all = Names::default();
        for (at, names) in certificates.enumerate() {
            for name in names {
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                match name.strip_prefix("*.") {
                    Some(rest) => all.wildcard.entry(rest.to_owned()).or_insert(at),
                    None => all.exact.entry(name).or_insert(at),
                };
            }
        }
        all
    }

    /// The place of the certificate for `name`, in lower case.
    pub(super) fn choose(&self, name: Option<&str>) -> usize {
        let Some(name) = name.map(|name| name.trim_end_matches('.')) else { return 0 };
        let wildcard = || self.wildcard.get(name.split_once('.')?.1);
        self.exact.get(name).or_else(wildcard).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_names_go_before_wildcards_and_the_first_answers_for_the_rest() {
        let lines: [&[&str]; 3] =
            [&["default.example"], &["*.shop.example", "shop.example"], &["API.shop.example"]];
        let lines: Vec<Vec<String>> = lines
            .iter()
            .map(|names| names.iter().map(|name| (*name).to_owned()).collect())
            .collect();
        let names = Names::new(lines.iter().map(Vec::as_slice));
        for (name, expected) in [
            (None, 0),
            (Some("nobody.example"), 0),
            (Some("shop.example"), 1),
            (Some("www.shop.example"), 1),
            (Some("api.shop.example"), 2),
            (Some("a.b.shop.example"), 0),
            (Some("api.shop.example."), 2),
            (Some(""), 0),
        ] {
            assert_eq!(names.choose(name), expected, "{name:?}");
        }
    }
}
