//! What stands where: each word of a policy with what it means. The editor's hover, definition and rename read it;
//! nothing is decided here.

use std::sync::Arc;

use crate::source::Span;
use crate::types::Ty;
use crate::vocab::{Action, Balancer, Block, Clause, Field, Function, Param, Setting};

/// The meanings of a policy's words.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// Every use and every definition of a name, by source and place.
    pub occurrences: Vec<Occurrence>,
    /// What the policy defines.
    pub definitions: Vec<Definition>,
}

/// A word with its meaning.
#[derive(Clone, Copy, Debug)]
pub struct Occurrence {
    /// Its place.
    pub span: Span,
    /// What it means.
    pub meaning: Meaning,
}

/// What a word means.
#[derive(Clone, Copy, Debug)]
pub enum Meaning {
    /// Something that can be read.
    Field(&'static Field),
    /// A built-in function.
    Function(&'static Function),
    /// A verb of a route.
    Action(&'static Action),
    /// A way of choosing an endpoint.
    Balancer(&'static Balancer),
    /// The keyword of a configured item.
    Block(&'static Block),
    /// A verb of a configured item.
    Setting(&'static Setting),
    /// The name of an argument.
    Param(&'static Param),
    /// One of the language's own words.
    Clause(&'static Clause),
    /// Something that the policy defines, by its place in [`Index::definitions`].
    Definition(usize),
}

/// Something that a policy defines.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Its name.
    pub name: Arc<str>,
    /// What it is: `upstream`, `let`, `parameter`, `capture`.
    pub kind: &'static str,
    /// Its name's place.
    pub span: Span,
    /// Its type, if it is a value.
    pub ty: Option<Ty>,
    /// Its doc comment.
    pub doc: Arc<str>,
}

impl Index {
    /// The innermost word at byte `offset` of a source.
    pub fn at(&self, place: Span) -> Option<&Occurrence> {
        let holds = |span: Span| {
            span.source == place.source && span.start <= place.start && place.start <= span.end
        };
        self.occurrences
            .iter()
            .filter(|occurrence| holds(occurrence.span))
            .min_by_key(|occurrence| occurrence.span.len())
    }

    /// The definition that an occurrence is of, if the policy has it.
    pub fn definition(&self, meaning: Meaning) -> Option<&Definition> {
        match meaning {
            Meaning::Definition(at) => self.definitions.get(at),
            _ => None,
        }
    }
}
