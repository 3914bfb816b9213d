//! Results as JUnit's XML: a suite for each policy, a case for each test.

use super::{Case, Suite};

/// The document.
pub(super) fn document(suites: &[Suite]) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {}>\n",
        counts(&suites.iter().collect::<Vec<_>>()),
    );
    for suite in suites {
        let name = escaped(&suite.name);
        let counts = counts(&[suite]);
        text.push_str(&format!("  <testsuite name=\"{name}\" {counts}>\n"));
        if let Some(broken) = suite.broken {
            let error = format!("<error message=\"{broken}\"/>");
            text.push_str(&element(suite, "check", &error));
        }
        for case in &suite.cases {
            text.push_str(&element(suite, &case.name, &failure(suite, case)));
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn counts(suites: &[&Suite]) -> String {
    let errors = suites.iter().filter(|suite| suite.broken.is_some()).count();
    let cases = || suites.iter().flat_map(|suite| &suite.cases);
    let failures = cases().filter(|case| case.failed()).count();
    let tests = cases().count() + errors;
    format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\"")
}

fn element(suite: &Suite, name: &str, content: &str) -> String {
    let (class, name) = (escaped(&suite.name), escaped(name));
    let head = format!("    <testcase classname=\"{class}\" name=\"{name}\"");
    match content {
        "" => format!("{head}/>\n"),
        _ => format!("{head}>\n      {content}\n    </testcase>\n"),
    }
}

/// What did not hold, as one element: readers show the first of several only.
fn failure(suite: &Suite, case: &Case) -> String {
    let Some(first) = case.came.misses.first() else { return String::new() };
    let told = case.came.misses.iter().map(|miss| {
        let (place, text) = (suite.place(miss.span), suite.text(miss.span));
        let help = miss.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
        format!("{place}: `{text}`: {}{help}", miss.reason)
    });
    let told: Vec<String> = told.collect();
    let (message, told) = (escaped(&first.message), escaped(&told.join("\n")));
    format!("<failure message=\"{message}\" type=\"expectation\">{told}</failure>")
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
