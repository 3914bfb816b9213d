//! A text that may be broken at certain places, and how it is laid out in a width. Knows nothing of policies.

/// Lines are no longer than this where they can be broken.
pub(super) const WIDTH: usize = 100;
/// One step of indentation.
pub(super) const INDENT: usize = 2;

/// A text with places to break it.
#[derive(Clone, Debug)]
pub(super) enum Doc {
    /// Text without a newline.
    Text(String),
    /// Text as the author wrote it; its lines stay as they are.
    Raw(String),
    /// A blank, or a newline where the group is broken.
    Line,
    /// Nothing, or a newline where the group is broken.
    Soft,
    /// A newline in any case.
    Hard,
    /// Text that stands only where the group is broken.
    Broken(&'static str),
    /// Text that stands only where the group is not broken.
    Flat(&'static str),
    /// Parts one after the other.
    Concat(Vec<Doc>),
    /// Parts that are all broken or none.
    Group(Vec<Doc>),
    /// Parts one step deeper.
    Nest(Vec<Doc>),
}

impl Doc {
    /// Text without a newline.
    pub(super) fn text(text: impl Into<String>) -> Doc {
        Doc::Text(text.into())
    }

    /// Whether it cannot stand on one line.
    fn is_forced(&self) -> bool {
        match self {
            Doc::Hard => true,
            Doc::Raw(text) => text.contains('\n'),
            Doc::Concat(parts) | Doc::Group(parts) | Doc::Nest(parts) => {
                parts.iter().any(Doc::is_forced)
            }
            _ => false,
        }
    }

    /// It on one line, if that is possible.
    pub(super) fn flat(&self) -> Option<String> {
        if self.is_forced() {
            return None;
        }
        let mut out = String::new();
        self.write_flat(&mut out);
        Some(out)
    }

    fn write_flat(&self, out: &mut String) {
        match self {
            Doc::Text(text) | Doc::Raw(text) => out.push_str(text),
            Doc::Flat(text) => out.push_str(text),
            Doc::Line => out.push(' '),
            Doc::Soft | Doc::Hard | Doc::Broken(_) => {}
            Doc::Concat(parts) | Doc::Group(parts) | Doc::Nest(parts) => {
                parts.iter().for_each(|part| part.write_flat(out));
            }
        }
    }
}

/// Writes `doc` behind what is in `out`, with lines after the first indented by `indent` blanks. `after` is the width
/// of what will follow on its last line.
pub(super) fn write(doc: &Doc, indent: usize, after: usize, out: &mut String) {
    Writer { out }.write(doc, indent, true, after);
}

struct Writer<'o> {
    out: &'o mut String,
}

impl Writer<'_> {
    /// `tail` is the width of what follows on the same line.
    fn write(&mut self, doc: &Doc, indent: usize, broken: bool, tail: usize) {
        match doc {
            Doc::Text(text) | Doc::Raw(text) => self.out.push_str(text),
            Doc::Flat(text) if !broken => self.out.push_str(text),
            Doc::Broken(text) if broken => self.out.push_str(text),
            Doc::Flat(_) | Doc::Broken(_) => {}
            Doc::Line if !broken => self.out.push(' '),
            Doc::Soft if !broken => {}
            Doc::Line | Doc::Soft | Doc::Hard => self.newline(indent),
            Doc::Concat(parts) => self.write_all(parts, indent, broken, tail),
            Doc::Nest(parts) => self.write_all(parts, indent + INDENT, broken, tail),
            Doc::Group(parts) => {
                let broken = !self.fits(parts, tail);
                self.write_all(parts, indent, broken, tail);
            }
        }
    }

    fn write_all(&mut self, parts: &[Doc], indent: usize, broken: bool, tail: usize) {
        for (index, part) in parts.iter().enumerate() {
            let rest = parts.get(index + 1..).unwrap_or_default();
            let mut width = 0;
            let open = rest.iter().all(|part| lead(part, broken, &mut width));
            let tail = if open { width + tail } else { width };
            self.write(part, indent, broken, tail);
        }
    }

    fn newline(&mut self, indent: usize) {
        let trimmed = self.out.trim_end_matches(' ').len();
        self.out.truncate(trimmed);
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    fn fits(&self, parts: &[Doc], tail: usize) -> bool {
        let line = self.out.rsplit('\n').next().unwrap_or("");
        let mut width = line.chars().count() + tail;
        parts.iter().all(|part| flat_within(part, &mut width))
    }
}

/// Adds the width of `doc` on one line; false as soon as that passes the limit or a newline is forced.
fn flat_within(doc: &Doc, width: &mut usize) -> bool {
    match doc {
        Doc::Hard => return false,
        Doc::Raw(text) if text.contains('\n') => return false,
        Doc::Text(text) | Doc::Raw(text) => *width += text.chars().count(),
        Doc::Flat(text) => *width += text.len(),
        Doc::Line => *width += 1,
        Doc::Soft | Doc::Broken(_) => {}
        Doc::Concat(parts) | Doc::Group(parts) | Doc::Nest(parts) => {
            return parts.iter().all(|part| flat_within(part, width));
        }
    }
    *width <= WIDTH
}

/// Adds the width of `doc` up to the first place where it may be broken; false when such a place was found.
fn lead(doc: &Doc, broken: bool, width: &mut usize) -> bool {
    match doc {
        Doc::Hard => false,
        Doc::Line | Doc::Soft if broken => false,
        Doc::Line => {
            *width += 1;
            true
        }
        Doc::Soft => true,
        Doc::Text(text) | Doc::Raw(text) => {
            *width += text.lines().next().unwrap_or("").chars().count();
            !text.contains('\n')
        }
        Doc::Flat(text) => {
            *width += if broken { 0 } else { text.len() };
            true
        }
        Doc::Broken(text) => {
            *width += if broken { text.len() } else { 0 };
            true
        }
        Doc::Concat(parts) | Doc::Nest(parts) => parts.iter().all(|part| lead(part, broken, width)),
        // A group that follows can be broken itself.
        Doc::Group(parts) => parts.iter().all(|part| lead(part, true, width)),
    }
}
