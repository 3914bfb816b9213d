//! What every step of checking shares: the items and their names, what was found wrong, and the bounds. A scope says
//! what an expression sees.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use super::Unit;
use super::constant::{copies, depth};
use super::facts::Facts;
use super::index::{Definition, Index, Meaning, Occurrence};
use super::lost::Lost;
use super::modules::Team;
use super::path::Capture;
use crate::diag::Diag;
use crate::diag::too_large::too_large;
use crate::diag::{absent_comparison, may_be_absent};
use crate::foreign;
use crate::policy::{Expr, ExprKind, Input, InputId, LocalId};
use crate::source::Span;
use crate::syntax::ast;
use crate::syntax::{Keyword, Kind, Tree};
use crate::types::Ty;
use crate::value::Value;
use crate::vocab::{Phase, Vocabulary};

/// How deep expressions may nest, what is put in for functions included.
pub(super) const DEPTH: u32 = 128;

/// How deep items that are read because others name them may lie in each other, in levels of expressions: each takes some
/// of its own.
const DEEPEST: u32 = 1_024;

/// What one of them takes.
const ITEM: u32 = 4;

/// What was being read when an item was found that has to be read first.
pub(super) struct Aside {
    repeating: u32,
    depth: u32,
    spent: usize,
}

/// How many expressions and statements one item may come to, once everything is put in.
pub(super) const BUDGET: usize = 20_000;

/// The one mutable thing of a check.
pub(super) struct Context<'a> {
    pub(super) units: &'a [Unit<'a>],
    pub(super) vocabulary: Vocabulary,
    /// What the policy itself can name; inside a test the vocabulary is another.
    pub(super) served: Vocabulary,
    pub(super) defaults: &'a HashMap<&'static str, Tree>,
    pub(super) items: Vec<Item<'a>>,
    /// By unit: what the parser could not make out, or not as a whole.
    lost: Vec<Lost<'a>>,
    /// By unit: what its names stand for.
    pub(super) names: Vec<HashMap<&'a str, Entry>>,
    /// By unit: its routes and sites, which are named in places of their own (`before`), so that a route may be called as
    /// the upstream is that it leads to.
    pub(super) routes: Vec<HashMap<&'a str, ItemId>>,
    /// The modules that the first file grants.
    pub(super) teams: Vec<Team<'a>>,
    /// The module that is not there, as a place in `teams`, of which what is read now names something.
    pub(super) absent: Option<usize>,
    /// By unit: whose it is, as a place in `teams`.
    pub(super) owners: Vec<Option<usize>>,
    /// By unit: whether it is of another policy, from whose first file this one imports. What it says of requests it says of
    /// that policy.
    pub(super) lent: Vec<bool>,
    pub(super) inputs: Vec<Input>,
    pub(super) diags: Vec<Diag>,
    /// Verbs that nobody knows, in lines that did not parse, each with its line.
    pub(super) echoes: HashMap<Span, Span>,
    pub(super) index: Index,
    /// Definitions by their places.
    pub(super) defined: HashMap<Span, usize>,
    /// Above zero, what is read was read before: nothing goes to the index.
    pub(super) repeating: u32,
    /// Parameters of the policy or function being checked by itself; they may turn out to be constant.
    pub(super) open: HashSet<LocalId>,
    /// What `any`, `all` and `count` call the items of the lists that they go through: another value each time.
    pub(super) items_at_hand: HashSet<LocalId>,
    /// Locals that nobody read: said at the end, if nothing else is wrong.
    pub(super) unread: Vec<Diag>,
    pub(super) depth: u32,
    /// How deep what waits for it lies.
    beneath: u32,
    pub(super) spent: usize,
    /// How many values may stand in what a local is.
    pub(super) copies: HashMap<LocalId, usize>,
    /// How deep expressions nest in the value of each local, once locals are put in.
    depths: HashMap<LocalId, u32>,
    /// Where a `pub` is missing for names that were asked for.
    pub(super) private: HashSet<Span>,
    /// Whose claims were read without asking, by the end of the route.
    pub(super) unasked: HashSet<(Option<Span>, String)>,
    /// By place: what is said of whoever reads a capture that not all paths of its route have.
    pub(super) unshared: HashMap<Span, Diag>,
    /// How many names were looked through for one that is like another.
    searched: Cell<usize>,
    /// Inside a test: the names of the routes.
    pub(super) trial: Option<Arc<[Arc<str>]>>,
    /// Inside a test of a module's file: the module.
    pub(super) trial_of: Option<&'a str>,
    /// The rows of the table of the test that is read, if they are known, and the name of one of them.
    pub(super) rows: Option<(LocalId, Value)>,
    next_local: u32,
}

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// An item.
    Item(ItemId),
    /// A file imported under a name of its own.
    File(usize),
}

/// An item, by its place in [`Context::items`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ItemId(pub(super) usize);

/// A named item.
pub(super) struct Item<'a> {
    pub(super) unit: usize,
    pub(super) keyword: Keyword,
    pub(super) name: &'a str,
    /// The name in the policy, unique over all files.
    pub(super) unique: Arc<str>,
    pub(super) span: Span,
    pub(super) view: ast::Item<'a>,
    pub(super) definition: usize,
    pub(super) used: bool,
    pub(super) state: State,
}

/// How far the checking of an item has come.
#[derive(Clone)]
pub(super) enum State {
    /// Not begun.
    Fresh,
    /// Under way: meeting it again is recursion.
    Busy,
    /// A value, put in where it is used.
    Value(Rc<Expr>),
    /// A function with what it gives, if it is sound.
    Function(Ty),
    /// A policy that is sound.
    Policy,
    /// An input.
    Input(InputId),
    /// An auth with the record of its claims.
    Auth(Rc<Claims>),
    /// Reported; using it says nothing more.
    Broken,
}

/// What an auth says of its claims.
pub(super) struct Claims {
    /// The record of all of them.
    pub(super) ty: Ty,
    /// What those are that may be left out.
    pub(super) defaults: BTreeMap<Arc<str>, Value>,
}

/// What an expression or statement sees.
#[derive(Clone)]
pub(super) struct Scope<'a> {
    pub(super) unit: usize,
    pub(super) when: When,
    pub(super) locals: Vec<Local<'a>>,
    pub(super) facts: Facts,
    /// What the route's path captures; `None` outside a route.
    pub(super) captures: Option<Rc<[Capture]>>,
    /// The statement being checked.
    pub(super) statement: Option<Span>,
    /// The statement of the route that ends its way in, if it has one.
    pub(super) end: Option<Span>,
}

/// When an expression is evaluated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// When the policy is loaded.
    Load,
    /// While a route is chosen.
    Choice,
    /// Where an assert speaks of requests to any route.
    Claim,
    /// In a statement of a route at this phase.
    Step(Phase),
    /// Wherever it is put in.
    Anywhere,
}

/// A name of a scope.
#[derive(Clone)]
pub(super) struct Local<'a> {
    pub(super) name: &'a str,
    pub(super) span: Span,
    pub(super) definition: Option<usize>,
    pub(super) bound: Bound,
    pub(super) used: Rc<Cell<bool>>,
}

/// What a local name stands for.
#[derive(Clone)]
pub(super) enum Bound {
    /// A value of the route.
    Local(LocalId, Ty),
    /// An expression that is put in.
    Put(Rc<Expr>),
}

impl<'a> Context<'a> {
    pub(super) fn new(
        units: &'a [Unit<'a>],
        vocabulary: Vocabulary,
        defaults: &'a HashMap<&'static str, Tree>,
    ) -> Context<'a> {
        Context {
            units,
            vocabulary,
            served: vocabulary,
            defaults,
            items: Vec::new(),
            lost: units.iter().map(|unit| Lost::of(unit.tree)).collect(),
            names: vec![HashMap::new(); units.len()],
            routes: vec![HashMap::new(); units.len()],
            teams: Vec::new(),
            absent: None,
            owners: Vec::new(),
            lent: Vec::new(),
            inputs: Vec::new(),
            diags: Vec::new(),
            echoes: HashMap::new(),
            index: Index::default(),
            defined: HashMap::new(),
            repeating: 0,
            open: HashSet::new(),
            items_at_hand: HashSet::new(),
            unread: Vec::new(),
            depth: 0,
            beneath: 0,
            spent: 0,
            copies: HashMap::new(),
            depths: HashMap::new(),
            private: HashSet::new(),
            unasked: HashSet::new(),
            unshared: HashMap::new(),
            searched: Cell::new(0),
            trial: None,
            trial_of: None,
            rows: None,
            next_local: 0,
        }
    }

    pub(super) fn report(&mut self, diag: Diag) {
        self.diags.push(diag);
    }

    /// Does something to what the parser reported already, if `broken`: nothing more is said of it, but that nobody
    /// knows its verb, because then that is why.
    pub(super) fn quietly<T>(&mut self, broken: bool, check: impl FnOnce(&mut Self) -> T) -> T {
        let known = self.diags.len();
        let result = check(self);
        if broken {
            let found = self.diags.split_off(known.min(self.diags.len()));
            let echoes = &self.echoes;
            self.diags.extend(found.into_iter().filter(|diag| echoes.contains_key(&diag.span())));
        }
        result
    }

    /// Reports that nobody knows the verb of a line. What the parser found missing in such a line is an echo: the
    /// grammar of a word that means nothing is anybody's guess.
    pub(super) fn report_verb(&mut self, stmt: ast::Stmt<'a>, diag: Diag) {
        let verb = diag.span();
        let line = stmt.span();
        let end = stmt.block().map_or(line.end, |block| block.span().start);
        let behind = self.text(Span { start: verb.end, ..line }).trim_start_matches([' ', '\t']);
        // A value, or something that is given one: the parser has said what belongs before it.
        let is_value = behind.starts_with(['.', '(', '[', '=', '<', '>', '!']);
        // Of a word of elsewhere the parser speaks itself, wherever it trips: in the line, or in a block behind it.
        let is_foreign = foreign::verb_anywhere(self.text(verb)).is_some();
        if !is_value && stmt.is_line_broken() != is_foreign {
            self.echoes.insert(verb, Span { end, ..line });
        }
        self.report(diag);
    }

    /// Whether a name may be that of an item which the parser could not make out; it has reported that one.
    pub(super) fn is_lost(&self, unit: usize, name: &str, kinds: &[Keyword]) -> bool {
        self.lost.get(unit).is_some_and(|lost| lost.may_be(name, kinds))
    }

    /// Whether it is part of the policy without being used: the first file's own, or in the file of a module.
    pub(super) fn is_of_policy(&self, id: ItemId) -> bool {
        let item = self.item(id);
        let is_file = |team: &Team<'_>| team.units.first() == Some(&item.unit);
        item.unit == 0 || item.used || self.teams.iter().any(is_file)
    }

    /// Whether a unit is of another policy, from whose first file this one imports.
    pub(super) fn is_lent(&self, unit: usize) -> bool {
        self.lent.get(unit).copied().unwrap_or_default()
    }

    /// Whether its name was given twice, which is reported: who uses it may have meant the other.
    pub(super) fn is_contested(&self, id: ItemId) -> bool {
        let is_route = |item: &Item<'_>| super::items::is_route(item.keyword);
        let item = self.item(id);
        let named = |other: &&Item<'_>| other.unit == item.unit && other.name == item.name;
        self.items.iter().filter(named).filter(|other| is_route(other) == is_route(item)).count()
            > 1
    }

    /// What a name stands for where it is used. A route's only counts where nothing else has the name: to say that it
    /// is none of what is wanted.
    pub(super) fn entry(&self, unit: usize, name: &str) -> Option<Entry> {
        let route = || self.routes.get(unit)?.get(name).copied().map(Entry::Item);
        self.names.get(unit)?.get(name).copied().or_else(route)
    }

    /// Whether it is unknown what a condition asks for: something was reported of it since the first `known` diagnostics,
    /// or before, and not only that a value may be absent.
    pub(super) fn is_obscure(&self, condition: &Expr, known: usize) -> bool {
        let is_absence = |diag: &Diag| {
            [may_be_absent::ENTRY.code, absent_comparison::ENTRY.code].contains(&diag.code)
        };
        let mut found = self.diags.iter().skip(known).filter(|diag| diag.is_error()).peekable();
        match found.peek() {
            Some(_) => !found.all(is_absence),
            None => condition.ty.is_error(),
        }
    }

    /// Whether these words may name a route that the parser could not make out, alone or in its site.
    pub(super) fn is_lost_route(&self, unit: usize, words: &[ast::Word<'_>]) -> bool {
        let kinds = [Keyword::Route, Keyword::Site, Keyword::Module];
        let Some(first) = words.first() else { return false };
        let site = self.routes.get(unit).and_then(|routes| routes.get(first.text));
        let of_site = site.zip(words.get(1)).is_some_and(|(id, second)| {
            let head = self.item(*id).view.head();
            let mut stmts = head.block().into_iter().flat_map(|block| block.stmts());
            // A `route` may lack its word, or have another one.
            let names = |stmt: ast::Stmt<'_>| {
                let named = stmt.positional().next().filter(|_| stmt.block().is_some());
                let is_it = |written: ast::Expr<'_>| self.text(written.span()) == second.text;
                stmt.verb().is_some_and(|verb| verb.text == second.text) || named.is_some_and(is_it)
            };
            head.is_broken() || stmts.any(names)
        });
        of_site || self.is_missing(unit, first.text) || self.is_lost(unit, first.text, &kinds)
    }

    /// Whether a name was to be imported and is not there, which is reported.
    pub(super) fn is_missing(&self, unit: usize, name: &str) -> bool {
        let entry = self.names.get(unit).and_then(|names| names.get(name));
        matches!(entry, Some(Entry::Item(id)) if self.item(*id).keyword == Keyword::Unknown)
    }

    /// The text of a place, as written.
    pub(super) fn text(&self, span: Span) -> &'a str {
        let unit = self.units.iter().find(|unit| unit.source.id == span.source);
        unit.map_or("", |unit| unit.source.slice(span))
    }

    pub(super) fn fresh_local(&mut self) -> LocalId {
        self.next_local += 1;
        LocalId(self.next_local - 1)
    }

    /// Lays aside what is being read to read an item that is named `at` this place. `None` if too many wait already.
    pub(super) fn set_aside(&mut self, at: Span) -> Option<Aside> {
        let beneath = self.beneath + self.depth + ITEM;
        if beneath > DEEPEST {
            let reason = "too many items each stand on the next";
            self.report(too_large(at, "these items stand too deep on each other", reason));
            return None;
        }
        self.beneath = beneath;
        let aside = Aside { repeating: self.repeating, depth: self.depth, spent: self.spent };
        (self.repeating, self.depth, self.spent) = (0, 0, 0);
        Some(aside)
    }

    /// Goes on with it.
    pub(super) fn resume(&mut self, aside: Aside) {
        self.beneath -= aside.depth + ITEM;
        (self.repeating, self.depth, self.spent) = (aside.repeating, aside.depth, aside.spent);
    }

    /// A local for this value. Names may not stand on each other deeper than expressions nest.
    pub(super) fn local_of(&mut self, value: Expr) -> (LocalId, Expr) {
        let id = self.fresh_local();
        let depth = depth(&value, &self.depths);
        if depth > 2 * DEPTH {
            self.depths.insert(id, u32::MAX);
            // What stands on a name that is too deep is too deep as well.
            if depth < u32::MAX {
                let reason = format!("deeper than {} levels, once every name is put in", 2 * DEPTH);
                let message = "these names stand too deep on each other";
                self.report(too_large(value.span, message, reason));
            }
            return (id, reported(value.span));
        }
        self.depths.insert(id, depth);
        self.copies.insert(id, copies(&value, &self.copies));
        (id, value)
    }

    /// Notes what the word at `span` means.
    pub(super) fn note(&mut self, span: Span, meaning: Meaning) {
        if self.repeating == 0 {
            self.index.occurrences.push(Occurrence { span, meaning });
        }
    }

    /// Notes a definition; gives its place in the index.
    pub(super) fn define(&mut self, definition: Definition) -> Option<usize> {
        if self.repeating > 0 {
            return None;
        }
        let (at, span) = (self.index.definitions.len(), definition.span);
        self.index.definitions.push(definition);
        self.defined.insert(span, at);
        self.note(span, Meaning::Definition(at));
        Some(at)
    }

    /// Notes a use of an item.
    pub(super) fn use_item(&mut self, id: ItemId, span: Span) {
        // INVARIANT: an `ItemId` is only made for an item of this list.
        let item = &mut self.items[id.0];
        item.used = true;
        let definition = item.definition;
        if definition != usize::MAX {
            self.note(span, Meaning::Definition(definition));
        }
    }

    pub(super) fn item(&self, id: ItemId) -> &Item<'a> {
        // INVARIANT: an `ItemId` is only made for an item of this list.
        &self.items[id.0]
    }

    pub(super) fn item_mut(&mut self, id: ItemId) -> &mut Item<'a> {
        // INVARIANT: an `ItemId` is only made for an item of this list.
        &mut self.items[id.0]
    }

    /// Whether something like a name may be looked for among so many. In a text with very many names and mistakes that is
    /// not done for each.
    pub(super) fn may_search(&self, among: usize) -> bool {
        self.searched.set(self.searched.get().saturating_add(among));
        self.searched.get() <= MOST_SEARCHED || among <= 100
    }

    /// Takes `amount` from the item's budget; says so, once, when it is used up.
    pub(super) fn spend(&mut self, amount: usize, span: Span) -> bool {
        let before = self.spent;
        self.spent = self.spent.saturating_add(amount);
        if self.spent <= BUDGET {
            return true;
        }
        if before <= BUDGET {
            let reason = format!("more than {BUDGET} expressions, once everything is put in");
            self.report(too_large(span, "this comes to too much", reason));
        }
        false
    }
}

/// Names that are looked through to find what may have been meant, over all mistakes.
const MOST_SEARCHED: usize = 4_000_000;

impl<'a> Scope<'a> {
    pub(super) fn new(unit: usize, when: When) -> Scope<'a> {
        Scope {
            unit,
            when,
            locals: Vec::new(),
            facts: Facts::default(),
            captures: None,
            statement: None,
            end: None,
        }
    }

    /// The innermost local of this name.
    pub(super) fn local(&self, name: &str) -> Option<&Local<'a>> {
        self.locals.iter().rev().find(|local| local.name == name)
    }
}

/// Whether the line an item begins with did not parse.
pub(super) fn is_head_broken(head: &ast::Head<'_>) -> bool {
    head.node().children().any(|node| node.kind() != Kind::Block && node.is_broken())
}

/// An expression that was reported.
pub(super) fn reported(span: Span) -> Expr {
    Expr { kind: ExprKind::Error, ty: Ty::Error, span }
}

/// What an item of this kind is called in a sentence.
pub(super) fn kind_name(keyword: Keyword) -> &'static str {
    match keyword {
        Keyword::Param => "a parameter of the policy",
        Keyword::Secret => "a secret",
        Keyword::Let => "a value",
        Keyword::Fn => "a function",
        Keyword::Listener => "a listener",
        Keyword::Upstream => "an upstream",
        Keyword::Policy => "a policy",
        Keyword::Site => "a site",
        Keyword::Route => "a route",
        Keyword::Auth => "an auth",
        Keyword::Limit => "a limit",
        Keyword::Store => "a store",
        Keyword::Module => "a module",
        _ => "something else",
    }
}
