//! Markdown pages as tests: a heading is a name, a fenced block a file or an expectation. It runs nothing.

use std::ops::Range;
use std::path::{Path, PathBuf};

/// One case: a policy with what is expected of it, or a lone expectation.
#[derive(Clone, Debug)]
pub struct Case {
    /// The page it stands on.
    pub page: PathBuf,
    /// `area/topic: heading`, unique on its page.
    pub name: String,
    /// Its blocks, in order.
    pub blocks: Vec<Block>,
}

/// A fenced block.
#[derive(Clone, Debug)]
pub struct Block {
    /// The words behind the fence: the kind, then what the kind makes of them.
    pub words: Vec<String>,
    /// What stands between the fences.
    pub text: String,
    /// The bytes of the page that `text` was taken from.
    pub range: Range<usize>,
    /// The page's line of the opening fence, from 1.
    pub line: usize,
}

impl Block {
    /// The first word behind the fence.
    pub fn kind(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// The second word: a file's name, or what the kind makes of it.
    pub fn name(&self) -> Option<&str> {
        self.words.get(1).map(String::as_str)
    }

    /// Whether this word stands behind the fence.
    pub fn has(&self, word: &str) -> bool {
        self.words.iter().skip(1).any(|given| given == word)
    }
}

impl Case {
    /// The blocks of one kind.
    pub fn of<'c>(&'c self, kind: &'c str) -> impl Iterator<Item = &'c Block> {
        self.blocks.iter().filter(move |block| block.kind() == kind)
    }
}

/// Whether a block begins a case of its own: a policy without a file name does, under any heading.
fn begins(block: &Block) -> bool {
    block.kind() == "gw" && block.name().is_none_or(|name| !name.ends_with(".gw"))
}

/// The cases of a page, in order.
pub fn parse(path: &Path, title: &str, text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut heading = String::new();
    let mut fresh = true;
    let mut lines = Lines { text, at: 0, number: 0 };
    while let Some((line, _)) = lines.next() {
        if let Some(title) = line.strip_prefix('#') {
            heading = title.trim_start_matches('#').trim().to_owned();
            fresh = true;
        }
        let Some(fence) = line.strip_prefix("```") else { continue };
        if fence.starts_with('`') {
            continue;
        }
        let number = lines.number;
        let words = fence.split_whitespace().map(str::to_owned).collect();
        let start = lines.at;
        let mut end = start;
        for (line, begin) in lines.by_ref() {
            end = begin;
            if line == "```" {
                break;
            }
            end = text.len();
        }
        let block =
            Block { words, text: text[start..end].to_owned(), range: start..end, line: number };
        if fresh
            || (begins(&block) && cases.last().is_some_and(|case| case.blocks.iter().any(begins)))
        {
            let name = match cases
                .iter()
                .filter(|case| case.name.starts_with(&format!("{title}: {heading}")))
                .count()
            {
                0 => format!("{title}: {heading}"),
                before => format!("{title}: {heading} ({})", before + 1),
            };
            cases.push(Case { page: path.to_owned(), name, blocks: Vec::new() });
            fresh = false;
        }
        if let Some(case) = cases.last_mut() {
            case.blocks.push(block);
        }
    }
    cases
}

/// The lines of a text with the byte at which each begins; counts them as it goes.
struct Lines<'t> {
    text: &'t str,
    at: usize,
    number: usize,
}

impl<'t> Iterator for Lines<'t> {
    type Item = (&'t str, usize);

    fn next(&mut self) -> Option<(&'t str, usize)> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let begin = self.at;
        let line = rest.split('\n').next().unwrap_or(rest);
        self.at = (begin + line.len() + 1).min(self.text.len());
        self.number += 1;
        Some((line.trim_end_matches('\r'), begin))
    }
}
