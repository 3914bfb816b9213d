//! The Prometheus text format, version 0.0.4: families with `HELP` and `TYPE`, samples with escaped labels.

use std::fmt::{Display, Write};

/// A page of metrics being written.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
}

/// The content type of such a page.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

impl Page {
    /// Begins a family of samples. `kind` is `counter`, `gauge` or `histogram`.
    pub fn family(&mut self, name: &str, kind: &str, help: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing to a String does not fail.
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// One sample.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(name);
        for (at, (label, value)) in labels.iter().enumerate() {
            self.text.push(if at == 0 { '{' } else { ',' });
            self.text.push_str(label);
            self.text.push_str("=\"");
            for character in value.chars() {
                match character {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    other => self.text.push(other),
                }
            }
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }

    /// A family of one sample without labels.
    pub fn single(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    /// The page.
    pub fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut page = Page::default();
        page.family("gw_x_total", "counter", "counts\nthings");
        page.sample("gw_x_total", &[("route", "a\"b\\c\nd"), ("status", "2xx")], 3);
        assert_eq!(
            page.finish(),
            "# HELP gw_x_total counts\\nthings\n# TYPE gw_x_total counter\n\
             gw_x_total{route=\"a\\\"b\\\\c\\nd\",status=\"2xx\"} 3\n"
        );
    }
}
