//! A host of a program to its tree. It refuses what the layout has no room for, which is then walked plainly.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{
    ANY, ANY_CELL, ANY_NODE, BENEATH, CELL, CELL_BENEATH, Cell, CellRef, FEW, FIRST, INT, KID,
    KID_BEHIND, Kids, LAST, LATER, LEAF, LINE, LIST, LONG, LONGEST, Line, MORE, NO_KID, NODE,
    NOWHERE, NodeHead, OTHERS, REST, SHORT, Side, Tree, UUID,
};
use super::{kid, kind_of, slot};
use crate::index::text::{self, Name};
#[cfg(feature = "jit")]
use crate::jit::{Machine, may_be_whole};
use crate::lower::bind::Bind;
use crate::program::code::Code;
use crate::program::{Candidate, Node, Pieces, Test, VirtualHost};
use lang::segment::Segments;

/// The most nodes on one way.
const DEEPEST: usize = 256;

/// A literal of so many bytes does not grow any more.
const RUN: usize = 200;

/// The codes made so far: equal ones are one.
#[derive(Default)]
pub(in crate::index) struct Codes {
    known: FxHashMap<Vec<Asked>, Arc<Code>>,
}

/// What a candidate's code is made of.
#[derive(PartialEq, Eq, Hash)]
struct Asked {
    methods: Option<Vec<Arc<str>>>,
    code: Vec<Test>,
    stem: (usize, usize),
    captures: Vec<(Arc<str>, usize, Segments)>,
}

impl Asked {
    fn of(candidate: &Candidate) -> Asked {
        let (stem, captures) = match candidate.reads_captures {
            true => (candidate.stem, candidate.captures.clone()),
            false => ((0, 0), Vec::new()),
        };
        Asked { methods: candidate.methods.clone(), code: candidate.code.clone(), stem, captures }
    }
}

impl Codes {
    /// Those of a host.
    pub(in crate::index) fn of(host: &VirtualHost, tree: &Tree) -> Codes {
        let known = tree.all_cells().filter_map(|(_, cell)| {
            let candidates = cell.candidates.iter().map(|at| host.candidates.get(*at as usize));
            let asked: Option<Vec<Asked>> = candidates.map(|one| one.map(Asked::of)).collect();
            Some((asked?, cell.code.clone()))
        });
        Codes { known: known.collect() }
    }
}

/// The tree of a host with this name.
pub(in crate::index) fn tree(
    host: &VirtualHost,
    name: &Name<'_>,
    bind: Bind<'_>,
    codes: &mut Codes,
) -> Tree {
    let places = vec![NOWHERE; host.candidates.len()];
    let mut build = Build {
        host,
        bind,
        codes,
        lines: Vec::new(),
        cells: Vec::new(),
        kinds: Vec::new(),
        places,
    };
    let root = if host.is_ranked { None } else { build.node(0, Found::Plainly, (0, 0)) };
    let is_plain = root.is_none();
    if is_plain {
        build.lines = vec![node_line(NodeHead::new(Kids::None, 0, CellRef::None))];
    }
    build.lines.extend(lines(name.more()));
    let side = Side {
        #[cfg(feature = "jit")]
        may_be_whole: bind.is_whole && may_be_whole(host, &build.cells),
        #[cfg(feature = "jit")]
        machine: Machine::default(),
        cells: build.cells.into(),
        own: Pieces::default(),
        places: build.places.into(),
        kinds: build.kinds.into(),
        is_plain,
    };
    Tree { lines: build.lines.into(), side: Arc::new(side) }
}

/// The line of a node with nothing but its head.
fn node_line(head: NodeHead) -> Line {
    let [first, kid, other_first, other_kid] = NO_KIDS;
    Line([head.0, first, kid, other_first, other_kid, 0, 0, 0])
}

/// Words as lines.
fn lines(words: impl Iterator<Item = u64>) -> Vec<Line> {
    let words: Vec<u64> = words.collect();
    let line = |chunk: &[u64]| {
        let mut line = Line::default();
        line.0.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        line
    };
    words.chunks(LINE).map(line).collect()
}

struct Build<'p, 'c> {
    host: &'p VirtualHost,
    bind: Bind<'p>,
    codes: &'c mut Codes,
    lines: Vec<Line>,
    cells: Vec<Cell>,
    kinds: Vec<Segments>,
    places: Vec<u32>,
}

/// A literal or several, each with its `/` before the next; and the node they lead to.
type Literal<'p> = (Cow<'p, str>, usize);

/// The literals behind a node.
struct Literals<'p> {
    /// Those whose kids stand abreast with the head, or in lines behind it.
    few: Vec<Literal<'p>>,
    /// Those of slots.
    many: Vec<(&'p str, usize)>,
    kids: Kids,
}

/// Kids abreast with a head.
const ABREAST: usize = 2;

/// Halves of a word.
const LOWER: usize = 0;
const UPPER: usize = 1;

/// Places for them.
const NO_KIDS: [u64; ABREAST * KID] = [NO_KID[0], NO_KID[1], NO_KID[0], NO_KID[1]];

/// How a node is found.
#[derive(Clone, Copy)]
enum Found<'t> {
    /// By its place alone, or by a word that says all of its text.
    Plainly,
    /// By this text as one of few.
    AmongFew(&'t str),
    /// By this text as one of many.
    AmongMany(&'t str),
}

impl<'p> Build<'p, '_> {
    /// Writes a node behind what is there, and before it what its own line does not hold of the text by which it is found;
    /// gives its place, `None` if it does not fit.
    fn node(
        &mut self,
        from: usize,
        found: Found<'_>,
        (depth, returns): (usize, usize),
    ) -> Option<u32> {
        let node = self.host.nodes.get(from)?;
        let Literals { few, many, kids } = self.literals(node);
        let here = self.cell(&node.here)?;
        let beneath = self.cell(&node.beneath)?;
        let n_more = node.captures.len() + usize::from(beneath != CellRef::None);
        let returns = returns + usize::from(n_more > 0);
        // Ways are short, so recursion is; both are held to it here.
        if returns > LATER || depth > DEEPEST {
            return None;
        }
        let (mut first, mut rest, mut length) = (0, 0, 0);
        if let Found::AmongFew(text) | Found::AmongMany(text) = found {
            if let Found::AmongMany(text) = found {
                let segment = text::segment(text.as_bytes(), 0);
                (first, rest) = (segment.first, segment.rest);
            } else {
                rest = text::label(text).nth(1)?;
            }
            if text.len() >= 2 * SHORT {
                let mut words: Vec<u64> = text::label(text).skip(1).collect();
                words.resize(words.len().next_multiple_of(LINE), 0);
                words.reverse();
                self.lines.extend(lines(words.into_iter()));
            }
            length = text.len();
        }
        let place = self.lines.len();
        let mut line = node_line(NodeHead::new(kids, length, here));
        (line.0[REST], line.0[FIRST]) = (rest, first);
        self.lines.push(line);
        self.note(here, place * LINE, UPPER);
        let first_kid = self.lines.len();
        match kids {
            Kids::None => {}
            Kids::Few(n) => {
                let [a, b, c, d] = NO_KIDS;
                self.lines.resize(first_kid + n, Line([a, b, c, d, a, b, c, d]));
            }
            Kids::Many(bits) => {
                let n = (1_usize << bits).div_ceil(LINE);
                self.lines.resize(first_kid + n, Line::default());
            }
        }
        let below = (depth + 1, returns);
        let mut more = Vec::with_capacity(n_more);
        let list = self.lines.len();
        if n_more > 1 {
            self.lines.resize(list + n_more.div_ceil(LINE), Line::default());
        }
        for (kind, next) in &node.captures {
            let kind = u64::from(self.kind(kind)?) << 32;
            more.push(match self.leaf(*next)? {
                Some(cell) => kind | LEAF | u64::from(cell.code()),
                None => kind | u64::from(self.node(*next, Found::Plainly, below)?),
            });
        }
        if beneath != CellRef::None {
            more.push(u64::from(BENEATH) << 32 | u64::from(beneath.code()));
        }
        if let Some(last) = more.last_mut() {
            *last |= LAST;
        }
        let more_at = if n_more > 1 { list * LINE } else { place * LINE + MORE };
        for (at, word) in (more_at..).zip(&more) {
            if word & LEAF != 0 || kind_of(*word) == BENEATH {
                self.note(CellRef::of(*word as u32), at, LOWER);
            }
        }
        let all = match more[..] {
            [] => 0,
            [one] => one,
            _ => {
                for (line, words) in
                    self.lines.get_mut(list..)?.iter_mut().zip(lines(more.into_iter()))
                {
                    *line = words;
                }
                LAST | u64::from(LIST) << 32 | u64::from(u32::try_from(list * LINE).ok()?)
            }
        };
        *self.word(place * LINE + MORE)? = all;
        for (text, next) in many {
            let child = self.node(next, Found::AmongMany(text), below)?;
            self.put(first_kid * LINE, kids, text, child)?;
        }
        for (number, (text, next)) in few.into_iter().enumerate() {
            let (kind, behind) = self.kid(&text, next, below)?;
            let at = match number {
                ..ABREAST => place * LINE + 1 + number * KID,
                _ => first_kid * LINE + (number - ABREAST) * KID,
            };
            *self.word(at)? = text::label(&text).next()?;
            *self.word(at + 1)? = kid(text.len(), kind) | u64::from(behind) << KID_BEHIND;
            if matches!(kind, CELL | CELL_BENEATH | ANY_CELL) {
                self.note(CellRef::of(behind), at + 1, UPPER);
            }
        }
        // All words have numbers of so many bits.
        u32::try_from(self.lines.len() * LINE).ok()?;
        u32::try_from(place).ok()
    }

    /// Notes in which half of a word it stands what a cell is.
    fn note(&mut self, cell: CellRef, word: usize, half: usize) {
        let first = match cell {
            CellRef::None => None,
            CellRef::Always(candidate) => Some(candidate),
            CellRef::Cell(number) => {
                self.cells.get(number as usize).and_then(|cell| cell.candidates.first().copied())
            }
        };
        if let (Some(first), Ok(place)) = (first, u32::try_from(word * 2 + half))
            && let Some(known) = self.places.get_mut(first as usize)
        {
            *known = place;
        }
    }

    /// The kind of one of few kids, and what is behind its text.
    fn kid(&mut self, text: &str, next: usize, below: (usize, usize)) -> Option<(u64, u32)> {
        if text.len() >= SHORT {
            return Some((LONG, self.node(next, Found::AmongFew(text), below)?));
        }
        if let Some(cell) = self.leaf(next)? {
            return Some((CELL, cell.code()));
        }
        let node = self.host.nodes.get(next)?;
        if node.literals.is_empty() && node.here.is_empty() {
            match &node.captures[..] {
                [] => return Some((CELL_BENEATH, self.cell(&node.beneath)?.code())),
                [(Segments::Any, next)] if node.beneath.is_empty() => {
                    return Some(match self.leaf(*next)? {
                        Some(cell) => (ANY_CELL, cell.code()),
                        None => (ANY_NODE, self.node(*next, Found::Plainly, below)?),
                    });
                }
                _ => {}
            }
        }
        Some((NODE, self.node(next, Found::Plainly, below)?))
    }

    fn word(&mut self, at: usize) -> Option<&mut u64> {
        self.lines.get_mut(at / LINE)?.0.get_mut(at % LINE)
    }

    /// The cell of a node that has nothing else.
    fn leaf(&mut self, node: usize) -> Option<Option<CellRef>> {
        let node = self.host.nodes.get(node)?;
        let is_bare =
            node.literals.is_empty() && node.captures.is_empty() && node.beneath.is_empty();
        if !is_bare || node.here.is_empty() {
            return Some(None);
        }
        self.cell(&node.here).map(Some)
    }

    /// The literals behind a node. While they are few, one that leads to nothing but literals stands for each of those.
    fn literals(&self, node: &'p Node) -> Literals<'p> {
        let all = sorted(node);
        if all.is_empty() {
            return Literals { few: Vec::new(), many: Vec::new(), kids: Kids::None };
        }
        let mut few: Vec<Literal<'p>> =
            all.iter().map(|(text, next)| (Cow::Borrowed(*text), *next)).collect();
        let mut at = 0;
        while let Some(literal) = few.get(at).filter(|_| few.len() <= FEW) {
            match self.longer(literal) {
                Some(longer) if few.len() + longer.len() <= FEW + 1 => {
                    few.splice(at..=at, longer);
                }
                _ => at += 1,
            }
        }
        // Of two that begin alike both would be ahead.
        let begin = |(text, _): &Literal<'_>| text.as_bytes().first_chunk::<SHORT>().copied();
        let mut begins: Vec<[u8; SHORT]> = few.iter().filter_map(begin).collect();
        let n_begins = begins.len();
        begins.sort_unstable();
        begins.dedup();
        if few.len() > FEW || begins.len() < n_begins {
            return self.many(all);
        }
        few.sort_by_key(|(_, next)| Reverse(self.weight(*next)));
        let n_lines = few.len().saturating_sub(ABREAST).div_ceil(LINE / KID);
        Literals { few, many: Vec::new(), kids: Kids::Few(n_lines) }
    }

    /// Literals that are many. The heaviest short ones stand abreast with the head all the same.
    fn many(&self, mut many: Vec<(&'p str, usize)>) -> Literals<'p> {
        let mut few: Vec<Literal<'p>> = Vec::new();
        while few.len() < ABREAST {
            let heaviest = many.iter().enumerate().filter_map(|(at, (text, next))| {
                let literal = (Cow::Borrowed(*text), *next);
                let literals = self.longer(&literal).unwrap_or_else(|| vec![literal]);
                let fit = few.len() + literals.len() <= ABREAST
                    && literals.iter().all(|(text, _)| text.len() < SHORT);
                let weight = literals.iter().map(|(_, next)| self.weight(*next)).sum::<usize>();
                fit.then_some((weight, Reverse(at), literals))
            });
            let Some((_, Reverse(at), literals)) =
                heaviest.max_by_key(|(weight, at, _)| (*weight, *at))
            else {
                break;
            };
            many.remove(at);
            few.extend(literals);
        }
        // Half full at most, so that rows are short.
        let bits = (many.len() * 2).next_power_of_two().trailing_zeros();
        Literals { few, many, kids: Kids::Many(bits) }
    }

    /// How much stands right behind a node: what leads further is asked for more often.
    fn weight(&self, node: usize) -> usize {
        self.host.nodes.get(node).map_or(0, |node| node.literals.len() + node.captures.len())
    }

    /// What a literal stands for together with each of those behind it, if nothing else is behind it, and if it costs no
    /// more to find them all at once.
    fn longer(&self, (text, next): &Literal<'p>) -> Option<Vec<Literal<'p>>> {
        let node = self.host.nodes.get(*next)?;
        if !(node.captures.is_empty() && node.here.is_empty() && node.beneath.is_empty()) {
            return None;
        }
        let behind = sorted(node);
        let is_run = behind.len() == 1 && text.len() < RUN;
        let is_short = |(more, _): &(&str, usize)| text.len() + 1 + more.len() < SHORT;
        if behind.is_empty() || !(is_run || behind.iter().all(is_short)) {
            return None;
        }
        let longer = |(more, next)| (Cow::Owned(format!("{text}/{more}")), next);
        Some(behind.into_iter().map(longer).collect())
    }

    /// Enters a node into the first free slot of its row.
    fn put(&mut self, first: usize, kids: Kids, name: &str, child: u32) -> Option<()> {
        let Kids::Many(bits) = kids else { return None };
        let hash = text::segment(name.as_bytes(), 0).hash();
        let mut at = slot(hash, bits);
        while *self.word(first + at)? != 0 {
            at = (at + 1) & ((1 << bits) - 1);
        }
        *self.word(first + at)? = hash >> 32 << 32 | u64::from(child);
        Some(())
    }

    fn kind(&mut self, kind: &Segments) -> Option<u32> {
        Some(match kind {
            Segments::Any => ANY,
            Segments::Int => INT,
            Segments::Uuid => UUID,
            other => {
                self.kinds.push(other.clone());
                OTHERS + u32::try_from(self.kinds.len() - 1).ok().filter(|n| *n < LIST - OTHERS)?
            }
        })
    }

    fn cell(&mut self, cell: &[usize]) -> Option<CellRef> {
        let candidates: Option<Vec<&Candidate>> =
            cell.iter().map(|at| self.host.candidates.get(*at)).collect();
        let candidates = candidates?;
        let Some(first) = candidates.first() else { return Some(CellRef::None) };
        // Nobody is asked behind one that asks for nothing.
        if asks_nothing(first) {
            let first = u32::try_from(*cell.first()?).ok()?;
            return Some(CellRef::Always(first));
        }
        let asked = candidates.iter().map(|candidate| Asked::of(candidate));
        let bind = self.bind;
        let code = self.codes.known.entry(asked.collect());
        let code = code.or_insert_with(|| Arc::new(bind.cell(&candidates))).clone();
        let numbers: Result<Box<[u32]>, _> = cell.iter().map(|at| u32::try_from(*at)).collect();
        self.cells.push(Cell { code, candidates: numbers.ok()? });
        Some(CellRef::Cell(u32::try_from(self.cells.len() - 1).ok()?))
    }
}

/// Whether a candidate answers whatever the request says.
pub(crate) fn asks_nothing(candidate: &Candidate) -> bool {
    candidate.methods.is_none() && candidate.code.is_empty()
}

/// The literals of a node by text, as far as segments can be like them.
fn sorted(node: &Node) -> Vec<(&str, usize)> {
    let literals = node.literals.iter().map(|(text, next)| (&**text, *next));
    let can_be = |text: &str| text.len() <= LONGEST && !text.contains('/');
    let mut literals: Vec<(&str, usize)> = literals.filter(|(text, _)| can_be(text)).collect();
    literals.sort_unstable();
    literals
}
