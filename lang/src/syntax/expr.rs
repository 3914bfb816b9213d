//! Gives operators their precedence: the grammar reads an expression as a flat row, this room nests it.

use pest::iterators::{Pair, Pairs};

use super::ast::BinaryOp;
use super::parse::{Builder, Rule};
use super::tree::Kind;

/// So many operators, calls and members may follow each other in one expression. The tree of a longer row would be
/// too deep for those who walk it.
const MAX_CHAIN: usize = 256;

/// How tightly `not` binds: looser than a comparison, tighter than `and`.
const NOT: u8 = 4;
/// `is` binds as a comparison does.
const IS: u8 = 5;
/// A minus before a value binds tightest.
const MINUS: u8 = 10;

/// A nested expression over the flat row; numbers are places in the row or in the list of these.
enum Shape {
    Atom { pair: usize },
    Prefix { op: usize, operand: usize },
    Postfix { base: usize, pair: usize },
    Binary { left: usize, op: usize, right: usize },
}

struct Nest<'a, 't> {
    row: &'a [Option<Pair<'t, Rule>>],
    shapes: Vec<Shape>,
    at: usize,
}

/// Adds the expression that the flat `pairs` are.
pub(super) fn emit<'t>(builder: &mut Builder<'t>, pairs: Pairs<'t, Rule>) {
    let mut row: Vec<Option<Pair<'t, Rule>>> = pairs.map(Some).collect();
    if let [pair] = row.as_mut_slice() {
        builder.emit_opt(pair.take());
        return;
    }
    if row.len() > MAX_CHAIN {
        emit_too_long(builder, &row);
        return;
    }
    let mut nest = Nest { row: &row, shapes: Vec::new(), at: 0 };
    let root = nest.climb(0);
    let Nest { shapes, .. } = nest;
    emit_shape(builder, &mut row, &shapes, root);
}

fn emit_too_long<'t>(builder: &mut Builder<'t>, row: &[Option<Pair<'t, Rule>>]) {
    let range = |pair: Option<&Option<Pair<'t, Rule>>>, builder: &Builder<'t>| {
        pair.and_then(Option::as_ref).map_or((0, 0), |pair| builder.range(pair))
    };
    let (start, _) = range(row.first(), builder);
    let (_, end) = range(row.last(), builder);
    builder.fill(start);
    builder.complain(Rule::expr, start, end);
    builder.begin(Kind::Error, start);
    builder.mark_broken();
    builder.fill(end);
    builder.finish(end);
}

impl<'t> Nest<'_, 't> {
    fn rule(&self) -> Option<Rule> {
        self.row.get(self.at).and_then(Option::as_ref).map(Pair::as_rule)
    }

    fn text(&self) -> &'t str {
        self.row.get(self.at).and_then(Option::as_ref).map_or("", Pair::as_str)
    }

    fn add(&mut self, shape: Shape) -> usize {
        self.shapes.push(shape);
        self.shapes.len() - 1
    }

    /// An operand, and all that follows it and binds at least as tightly as `least`. The depth is bounded by the row.
    fn climb(&mut self, least: u8) -> usize {
        let mut left = self.operand();
        while let Some(rule) = self.rule() {
            let op = self.at;
            match rule {
                Rule::is_op if IS >= least => {
                    self.at += 1;
                    left = self.add(Shape::Postfix { base: left, pair: op });
                }
                Rule::binop => {
                    let (binding, _) =
                        BinaryOp::from_text(self.text()).map_or((1, true), BinaryOp::binding);
                    if binding < least {
                        break;
                    }
                    self.at += 1;
                    let right = self.climb(binding + 1);
                    left = self.add(Shape::Binary { left, op, right });
                }
                _ => break,
            }
        }
        left
    }

    fn operand(&mut self) -> usize {
        let first = self.at;
        self.at += 1;
        if self.row.get(first).and_then(Option::as_ref).map(Pair::as_rule) == Some(Rule::prefix) {
            let minus =
                self.row.get(first).and_then(Option::as_ref).is_some_and(|op| op.as_str() == "-");
            let operand = self.climb(if minus { MINUS } else { NOT });
            return self.add(Shape::Prefix { op: first, operand });
        }
        let mut shape = self.add(Shape::Atom { pair: first });
        while let Some(Rule::member | Rule::call | Rule::index) = self.rule() {
            shape = self.add(Shape::Postfix { base: shape, pair: self.at });
            self.at += 1;
        }
        shape
    }
}

/// Where a shape begins in the row.
fn first_of(shapes: &[Shape], mut at: usize) -> usize {
    loop {
        match shapes.get(at) {
            Some(Shape::Atom { pair }) => return *pair,
            Some(Shape::Prefix { op, .. }) => return *op,
            Some(Shape::Postfix { base, .. }) => at = *base,
            Some(Shape::Binary { left, .. }) => at = *left,
            None => return 0,
        }
    }
}

fn emit_shape<'t>(
    builder: &mut Builder<'t>,
    row: &mut [Option<Pair<'t, Rule>>],
    shapes: &[Shape],
    at: usize,
) {
    let first = row.get(first_of(shapes, at)).and_then(Option::as_ref);
    let start = first.map_or(0, |pair| builder.range(pair).0);
    let mut take = |index: usize| row.get_mut(index).and_then(Option::take);
    match shapes.get(at) {
        Some(Shape::Atom { pair }) => {
            let pair = take(*pair);
            builder.emit_opt(pair);
        }
        Some(Shape::Prefix { op, operand }) => {
            let op = take(*op);
            builder.open_at(Kind::Unary, start);
            if let Some(op) = &op
                && op.as_str() == "!"
            {
                let (start, end) = builder.range(op);
                builder.complain(Rule::prefix, start, end);
            }
            builder.emit_opt(op);
            emit_shape(builder, row, shapes, *operand);
            builder.close_here();
        }
        Some(Shape::Postfix { base, pair }) => {
            let Some(pair) = take(*pair) else { return };
            let kind = match pair.as_rule() {
                Rule::member => Kind::Member,
                Rule::index => Kind::Index,
                Rule::call => Kind::Call,
                _ => Kind::Is,
            };
            let (_, end) = builder.range(&pair);
            builder.open_at(kind, start);
            emit_shape(builder, row, shapes, *base);
            builder.emit_all(pair.into_inner());
            builder.fill(end);
            builder.close_here();
        }
        Some(Shape::Binary { left, op, right }) => {
            let op = take(*op);
            builder.open_at(Kind::Binary, start);
            emit_shape(builder, row, shapes, *left);
            if let Some(op) = &op
                && (matches!(op.as_str(), "&&" | "||")
                    || BinaryOp::from_text(op.as_str()).is_none())
            {
                let (start, end) = builder.range(op);
                builder.complain(Rule::binop, start, end);
            }
            builder.emit_opt(op);
            emit_shape(builder, row, shapes, *right);
            builder.close_here();
        }
        None => {}
    }
}

impl<'t> Builder<'t> {
    fn emit_opt(&mut self, pair: Option<Pair<'t, Rule>>) {
        if let Some(pair) = pair {
            self.emit(pair);
        }
    }

    fn open_at(&mut self, kind: Kind, start: usize) {
        self.fill(start);
        self.begin(kind, start);
    }

    /// Ends the node begun last where the leaves end.
    fn close_here(&mut self) {
        self.finish(self.place());
    }
}
