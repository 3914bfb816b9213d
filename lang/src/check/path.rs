//! Path patterns: literal segments, captures and `/**`, and what is wrong with those that could never match. Literals
//! are in the normal form of paths, so that what is compared is what is sent.

use std::sync::Arc;

use crate::diag::Diag;
use crate::diag::bad_path::bad_path;
use crate::diag::duplicate_name::duplicate_name;
use crate::policy::{Path, Segment};
use crate::source::Span;
use crate::types::Ty;
use crate::vocab::nearest;

/// Segments a pattern may have.
const SEGMENTS: usize = 64;

/// What is told to those who write a regular expression.
const PATTERN: &str = "a path has no regular expressions: `{name}` is one segment, `/**` at the end everything beneath; a condition asks one, `where matches(req.path, re\"…\")`";

/// What a pattern captures: a name, its type, and the name's place.
pub(super) type Capture = (Arc<str>, Ty, Span);

/// Reads a path pattern as it is written; `span` is the place of its text, between the quotes.
pub(super) fn path(text: &str, span: Span) -> Result<(Path, Vec<Capture>), Box<Diag>> {
    let Some(rest) = text.strip_prefix('/') else {
        let at = span.part(0, text.chars().next().map_or(0, char::len_utf8));
        let message = format!("the path `{text}` does not begin with `/`");
        let diag = bad_path(at, message, "a `/` is missing");
        return Err(Box::new(if text.contains("://") {
            diag.help("a path is what stands behind the host; hosts are a line of their own, `host \"a.example\"`")
        } else if text.starts_with(['~', '^']) {
            diag.help(PATTERN)
        } else if text.starts_with('*') {
            diag.help("`/**` at the end is everything beneath; how a path ends is a condition: `where ends_with(req.path, \".php\")`")
        } else {
            let diag = diag.fix("insert the `/`", span.part(0, 0), "/");
            match text.starts_with('{') {
                true => diag
                    .help("`{name}` captures a segment; no value is put in, a path is written out"),
                false => diag,
            }
        }));
    };
    let mut read = Path { segments: Vec::new(), rest: false };
    let mut captures: Vec<Capture> = Vec::new();
    let pieces = pieces(rest);
    let count = pieces.len();
    if count > SEGMENTS {
        let reason = format!("a pattern has at most {SEGMENTS} segments");
        return Err(Box::new(bad_path(span, "this path pattern is too long", reason)));
    }
    for (nth, (from, piece)) in pieces.into_iter().enumerate() {
        let place = span.part(1 + from, 1 + from + piece.len());
        let last = nth + 1 == count;
        if piece == "**" {
            if !last {
                return Err(Box::new(
                    bad_path(place, format!("`{text}` goes on behind `/**`"), "only at the end")
                        .help("write `{name}` for exactly one segment"),
                ));
            }
            read.rest = true;
        } else if piece.contains('{') {
            let capture = capture(text, piece, place)?;
            if let Some(first) = captures.iter().find(|known| known.0 == capture.0) {
                return Err(Box::new(duplicate_name(capture.2, &capture.0, first.2)));
            }
            read.segments.push(Segment::Capture(capture.0.clone(), capture.1.clone()));
            captures.push(capture);
        } else {
            if piece.is_empty() && !last {
                return Err(Box::new(
                    bad_path(
                        span.part(from, (from + 2).min(text.len())),
                        format!("`{text}` could never match"),
                        "paths are compared with `//` merged into one slash",
                    )
                    .fix("remove one slash", span.part(1 + from, 2 + from), ""),
                ));
            }
            literal(text, piece, place)?;
            read.segments.push(Segment::Literal(Arc::from(piece)));
        }
    }
    Ok((read, captures))
}

/// What a pattern captures.
pub(super) fn captured(path: &Path) -> Vec<(Arc<str>, Ty)> {
    let captures = path.segments.iter().filter_map(|segment| match segment {
        Segment::Capture(name, ty) => Some((name.clone(), ty.clone())),
        Segment::Literal(_) => None,
    });
    captures.collect()
}

/// Cuts at slashes outside braces.
fn pieces(rest: &str) -> Vec<(usize, &str)> {
    let (mut found, mut from, mut depth) = (Vec::new(), 0, 0_u32);
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b'/' if depth == 0 => {
                found.push((from, &rest[from..at]));
                from = at + 1;
            }
            _ => {}
        }
    }
    found.push((from, &rest[from..]));
    found
}

fn literal(text: &str, piece: &str, place: Span) -> Result<(), Box<Diag>> {
    let never = || format!("`{text}` could never match");
    if piece == "." || piece == ".." {
        return Err(Box::new(
            bad_path(place, never(), "paths are compared with dot segments removed")
                .help("write the path that is left"),
        ));
    }
    if let Some(at) = piece.find('*') {
        return Err(Box::new(
            bad_path(
                place.part(at, piece.len().min(at + 1)),
                format!("`{text}` has a `*` where it means nothing"),
                "a wildcard is a whole segment",
            )
            .help(match piece.contains(['(', '[', '^', '$', '\\']) || piece.contains(".*") {
                true => PATTERN,
                false => "write `{name}` for exactly one segment, and `/**` at the end for everything beneath",
            }),
        ));
    }
    for (at, c) in piece.char_indices() {
        let here = place.part(at, at + c.len_utf8());
        match c {
            '%' => escape(&never(), piece, at, place)?,
            '?' | '#' => {
                let rest = place.part(at, piece.len());
                return Err(Box::new(
                    bad_path(rest, format!("`{text}` is not a path"), "a path ends before this")
                        .help("compare a parameter as `where req.query[\"name\"] == \"value\"`"),
                ));
            }
            '\\' => {
                return Err(Box::new(bad_path(
                    here,
                    never(),
                    "a path with a backslash is refused",
                )));
            }
            '}' => {
                return Err(Box::new(bad_path(
                    here,
                    format!("`{text}` has a `}}` without `{{`"),
                    "nothing is open here",
                )));
            }
            c if is_pchar(c) => {}
            c => {
                let encoded: String = c.to_string().bytes().map(|b| format!("%{b:02X}")).collect();
                return Err(Box::new(
                    bad_path(here, never(), format!("on the wire this is `{encoded}`")).fix(
                        "encode it",
                        here,
                        encoded,
                    ),
                ));
            }
        }
    }
    Ok(())
}

fn escape(never: &str, piece: &str, at: usize, place: Span) -> Result<(), Box<Diag>> {
    let digits = piece.get(at + 1..at + 3).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
    let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) else {
        let here = place.part(at, at + 1);
        return Err(Box::new(
            bad_path(here, never, "two hexadecimal digits belong behind `%`").fix(
                "encode the `%`",
                here,
                "%25",
            ),
        ));
    };
    let here = place.part(at, at + 3);
    let c = char::from(byte);
    match c {
        '/' | '\\' | '\0'..='\x1f' | '\x7f' => {
            Err(Box::new(bad_path(here, never, "a path with this character encoded is refused")))
        }
        c if c.is_ascii_alphanumeric() || "-._~".contains(c) => Err(Box::new(
            bad_path(here, never, format!("paths are compared with `{c}` decoded")).fix(
                format!("write `{c}`"),
                here,
                c.to_string(),
            ),
        )),
        _ => {
            let upper = format!("%{byte:02X}");
            if digits == upper.get(1..) {
                return Ok(());
            }
            Err(Box::new(
                bad_path(here, never, "hexadecimal digits are compared in upper case").fix(
                    format!("write `{upper}`"),
                    here,
                    upper,
                ),
            ))
        }
    }
}

fn capture(text: &str, piece: &str, place: Span) -> Result<Capture, Box<Diag>> {
    let (open, close) = (piece.find('{').unwrap_or(0), piece.rfind('}'));
    let Some(close) = close.filter(|&close| close > open) else {
        return Err(Box::new(bad_path(
            place.part(open, open + 1),
            format!("`{text}` has a `{{` without `}}`"),
            "this is never closed",
        )));
    };
    if open > 0 || close + 1 < piece.len() {
        let wrong = if open > 0 { place.part(0, open) } else { place.part(close + 1, piece.len()) };
        return Err(Box::new(
            bad_path(wrong, format!("`{text}` captures a part of a segment"), "this does not fit")
                .help("a capture is a whole segment; test the rest with `where`"),
        ));
    }
    let inner = &piece[1..close];
    let (name_text, ty_text) = match inner.split_once(':') {
        Some((name, ty)) => (name, Some((name.len() + 2, ty))),
        None => (inner, None),
    };
    let name = name_text.trim();
    let from = 1 + name_text.len() - name_text.trim_start().len();
    let name_place = place.part(from, from + name.len());
    let fits = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !fits {
        let wrong = if name.is_empty() { place } else { name_place };
        return Err(Box::new(
            bad_path(wrong, format!("`{text}` has a capture without a plain name"), "not a name")
                .help("write `{name}`, `{name: Int}`, or `/**` at the end for everything beneath"),
        ));
    }
    let ty = match ty_text {
        None => Ty::String,
        Some((from, ty)) => capture_type(ty, place.part(from, from + ty.len()))?,
    };
    Ok((Arc::from(name), ty, name_place))
}

fn capture_type(text: &str, place: Span) -> Result<Ty, Box<Diag>> {
    let trimmed = text.trim();
    let from = text.len() - text.trim_start().len();
    let here = place.part(from, from + trimmed.len());
    match trimmed {
        "String" => return Ok(Ty::String),
        "Int" => return Ok(Ty::Int),
        "Uuid" => return Ok(Ty::Uuid),
        _ => {}
    }
    if !trimmed.contains('"') {
        let diag = bad_path(here, format!("a capture cannot be of type `{trimmed}`"), "not here")
            .help(
                "a capture is a `String`, an `Int`, a `Uuid`, or a union of texts: `\"a\" | \"b\"`",
            );
        return Err(Box::new(match nearest(trimmed, ["String", "Int", "Uuid"]) {
            Some(near) => diag.suggest(format!("write `{near}`"), here, near),
            None => diag,
        }));
    }
    let mut words = Vec::new();
    for word in trimmed.split('|') {
        let bare = word.trim().replace("\\\"", "\"");
        let inner = bare.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        match inner.filter(|inner| !inner.is_empty() && !inner.contains('"')) {
            Some(inner) => {
                literal(inner, inner, here).map_err(|mut diag| {
                    diag.fixes.clear();
                    for label in &mut diag.labels {
                        label.span = here;
                    }
                    diag
                })?;
                words.push(Arc::from(inner));
            }
            None => {
                return Err(Box::new(bad_path(
                    here,
                    "this union of texts is not understood",
                    "write it as `\"a\" | \"b\"`",
                )));
            }
        }
    }
    Ok(Ty::OneOf(words.into()))
}

fn is_pchar(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Path, Vec<Capture>), Box<Diag>> {
        path(text, Span::default().part(0, text.len()))
    }

    #[test]
    fn the_wrong_part_is_pointed_at_and_mended() {
        for (text, wrong, mended) in [
            ("a/b", "a", "/a/b"),
            ("/a//b", "//", "/a/b"),
            ("/a/%2f", "%2f", ""),
            ("/a/%41", "%41", "/a/A"),
            ("/a/%c3", "%c3", "/a/%C3"),
            ("/a/../b", "..", ""),
            ("/a b", " ", "/a%20b"),
            ("/caf\u{e9}", "\u{e9}", "/caf%C3%A9"),
            ("/a/**/b", "**", ""),
            ("/a/*", "*", ""),
            ("/v{n}", "v", ""),
            ("/{id: Itn}", "Itn", "/{id: Int}"),
            ("/{id}/{id}", "id", ""),
            ("/a?b=c", "?b=c", ""),
            ("/{id", "{", ""),
        ] {
            let diag = read(text).expect_err(text);
            assert_eq!(&text[diag.span().range()], wrong, "{text}");
            let fixed = diag.fixes.first().map(|fix| {
                let mut fixed = text.to_owned();
                for edit in &fix.edits {
                    fixed.replace_range(edit.span.range(), &edit.text);
                }
                fixed
            });
            assert_eq!(fixed.unwrap_or_default(), mended, "{text}");
        }
    }

    #[test]
    fn patterns_are_segments() {
        let (path, captures) = read("/v1/{kind: \"a\" | \"b\"}/{id: Int}/**").unwrap();
        assert_eq!(path.segments.len(), 3);
        assert!(path.rest);
        assert_eq!(captures[0].1, Ty::one_of(&["a", "b"]));
        assert_eq!(captures[1].1, Ty::Int);
        let (root, _) = read("/").unwrap();
        assert_eq!(root.segments, [Segment::Literal("".into())]);
        let (all, _) = read("/**").unwrap();
        assert!(all.segments.is_empty() && all.rest);
    }
}
