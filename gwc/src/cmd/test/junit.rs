//! Results as JUnit's XML: a suite for each policy, a case for each test.

use super::{Case, Suite};

/// The document.
pub(super) fn document(suites: &[Suite]) -> String {
    let all = || suites.iter().flat_map(|suite| &suite.cases);
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"{}\" failures=\"{}\">\n",
        all().count(),
        all().filter(|case| case.failed()).count(),
    );
    for suite in suites {
        text.push_str(&format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\">\n",
            escaped(&suite.name),
            suite.cases.len(),
            suite.cases.iter().filter(|case| case.failed()).count(),
        ));
        suite.cases.iter().for_each(|case| self::case(suite, case, &mut text));
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn case(suite: &Suite, case: &Case, text: &mut String) {
    let head = format!(
        "    <testcase classname=\"{}\" name=\"{}\"",
        escaped(&suite.name),
        escaped(&case.name)
    );
    text.push_str(&head);
    if !case.failed() {
        text.push_str("/>\n");
        return;
    }
    text.push_str(">\n");
    for miss in &case.came.misses {
        text.push_str(&format!(
            "      <failure message=\"{}\">{}: `{}`: {}{}</failure>\n",
            escaped(&miss.message),
            escaped(&suite.place(miss.span)),
            escaped(suite.text(miss.span)),
            escaped(&miss.reason),
            escaped(&miss.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default()),
        ));
    }
    text.push_str("    </testcase>\n");
}

/// Text inside XML 1.0, which has no form for most control characters.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(letter),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                out.push('\u{fffd}');
            }
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_breaks_out_of_the_document() {
        assert_eq!(escaped("a<b> & \"c\"\u{1b}\n"), "a&lt;b&gt; &amp; &quot;c&quot;\u{fffd}\n");
    }
}
