//! What a text must hold somewhere for a pattern to fit it: read off the pattern, so that one pass over a text tells which
//! of many patterns are worth asking. Letters of either case are one here; whoever finds a text asks the pattern itself.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Texts one of which is needed, folded.
pub(super) type AnyOf = Vec<Vec<u8>>;

/// Shorter texts are in too many others to be looked for.
pub(super) const SHORTEST: usize = 4;

/// The most texts of which one is needed.
const MOST: usize = 16;

/// The most of one text that is looked at.
const LONGEST: usize = 256;

/// Folds what differs by letter case alone into one. Some other bytes fall together as well.
#[inline(always)]
pub(super) fn folded(byte: u8) -> u8 {
    byte | 0x20
}

/// Each of these is needed: none, if nothing long enough is.
pub(super) fn needs(pattern: &str) -> Vec<AnyOf> {
    let Ok(hir) = regex_syntax::parse(pattern) else { return Vec::new() };
    let mut reader = Reader::default();
    reader.read(&hir);
    reader.end();
    reader.found
}

/// What a text needs that begins so, ends so or holds it somewhere.
pub(super) fn of_text(text: &str) -> Vec<AnyOf> {
    let mut reader = Reader { run: text.bytes().map(folded).collect(), ..Reader::default() };
    reader.end();
    reader.found
}

#[derive(Default)]
struct Reader {
    /// The bytes read last that stand behind each other in whatever fits.
    run: Vec<u8>,
    found: Vec<AnyOf>,
}

impl Reader {
    fn end(&mut self) {
        let run = std::mem::take(&mut self.run);
        if run.len() >= SHORTEST {
            self.found.push(vec![run]);
        }
    }

    fn read(&mut self, hir: &Hir) {
        match hir.kind() {
            // What takes no room parts nothing.
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => self.run.extend(literal.0.iter().copied().map(folded)),
            HirKind::Class(class) => match letter(class) {
                Some(bytes) => self.run.extend(bytes),
                None => self.end(),
            },
            HirKind::Capture(group) => self.read(&group.sub),
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.read(part)),
            HirKind::Repetition(many) => {
                let mut read = 0;
                while read < many.min && self.run.len() < LONGEST && read < LONGEST as u32 {
                    self.read(&many.sub);
                    read += 1;
                }
                if many.max != Some(read) {
                    self.end();
                }
            }
            HirKind::Alternation(parts) => {
                self.end();
                let mut any: AnyOf = Vec::new();
                for part in parts {
                    let mut reader = Reader::default();
                    reader.read(part);
                    reader.end();
                    let shortest = |any: &AnyOf| any.iter().map(Vec::len).min();
                    // A part that needs nothing leaves nothing needed.
                    let Some(best) = reader.found.into_iter().max_by_key(shortest) else { return };
                    any.extend(best);
                }
                if any.len() <= MOST {
                    self.found.push(any);
                }
            }
        }
    }
}

/// The folded bytes of a class, all of whose members have the same.
fn letter(class: &Class) -> Option<Vec<u8>> {
    let folded_of =
        |letter: char| -> Vec<u8> { letter.encode_utf8(&mut [0; 4]).bytes().map(folded).collect() };
    let letters: Vec<char> = match class {
        Class::Unicode(class) => {
            let few = class.ranges().iter().flat_map(|range| range.start()..=range.end());
            few.take(5).collect()
        }
        Class::Bytes(class) => {
            let few = class.ranges().iter().flat_map(|range| range.start()..=range.end());
            few.take(5)
                .map(|byte| byte.is_ascii().then_some(char::from(byte)))
                .collect::<Option<_>>()?
        }
    };
    let first = folded_of(*letters.first()?);
    let same = letters.len() < 5 && letters.iter().all(|letter| folded_of(*letter) == first);
    same.then_some(first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fit::tests::{pattern, text};

    fn told(pattern: &str) -> Vec<Vec<String>> {
        let told = |text: Vec<u8>| String::from_utf8_lossy(&text).into_owned();
        needs(pattern).into_iter().map(|any| any.into_iter().map(told).collect()).collect()
    }

    #[test]
    fn what_is_needed_is_read_off_the_pattern() {
        for (pattern, needed) in [
            ("^/api/v[0-9]+/orders-12/[0-9]+$", vec![vec!["/api/v"], vec!["/orders-12/"]]),
            (r"^/files/.*a-bc.*\.(?:zip|tar)$", vec![vec!["/files/"], vec!["a-bc"]]),
            ("/a/(?:login|logout)/x", vec![vec!["login", "logout"]]),
            ("(?:login|[a-z]+)", vec![]),
            ("(?i)Übergang", vec![vec!["übergang"]]),
            // The sign of the kelvin is a letter of either case too, and is written otherwise.
            ("(?i)locker", vec![]),
            ("(?:abcd)+e", vec![vec!["abcd"]]),
            ("(?:ab){2}cd", vec![vec!["ababcd"]]),
            ("(?:ab){2,}cd", vec![vec!["abab"]]),
            ("(?:abcdef)?", vec![]),
        ] {
            let needed: Vec<Vec<String>> = needed
                .iter()
                .map(|any| {
                    any.iter()
                        .map(|text| text.bytes().map(folded).map(char::from).collect())
                        .collect()
                })
                .collect();
            let told: Vec<Vec<String>> = told(pattern);
            if pattern.is_ascii() {
                assert_eq!(told, needed, "{pattern}");
            } else {
                assert_eq!(told.len(), needed.len(), "{pattern}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

        #[test]
        fn whatever_fits_holds_what_is_needed(pattern in pattern(), texts in prop::collection::vec(text(), 8)) {
            let Some(compiled) = lang::literal::compiled(&pattern) else { return Ok(()) };
            let needs = needs(&pattern);
            for text in texts.iter().filter(|text| compiled.0.is_match(text)) {
                let text: Vec<u8> = text.bytes().map(folded).collect();
                for any in &needs {
                    let holds = |needed: &Vec<u8>| text.windows(needed.len()).any(|at| at == needed);
                    prop_assert!(any.iter().any(holds), "{:?} {:?} {:?}", pattern, any, text);
                }
            }
        }
    }
}
