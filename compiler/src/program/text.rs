//! A program as readable text: for whoever writes a pass, and for `program` blocks in the tests. Nothing reads it back.

use std::fmt::{self, Write as _};

use lang::Value;
use lang::policy::{Arithmetic, Compare, From, Host, LocalId, Quantifier};
use lang::quoted::Escaped;
use lang::vocab::ExprId;

use crate::program::{
    Call, Candidate, Expr, Listener, Node, Program, Step, StepKind, Target, Test, TestKind,
    VirtualHost, named,
};

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, input) in self.inputs.iter().enumerate() {
            write!(f, "input {at} {}: {}", input.name, input.ty)?;
            match &input.from {
                From::Given => {}
                From::Env(name) => write!(f, " from env {name}")?,
                From::File(path) => write!(f, " from file {path}")?,
            }
            match &input.default {
                Some(value) => writeln!(f, " default {value}")?,
                None => writeln!(f)?,
            }
        }
        for (at, slot) in self.slots.iter().enumerate() {
            let again = if slot.stable { "" } else { ", read anew each time" };
            let key = slot.key.iter().map(|key| format!("[{key:?}]")).collect::<String>();
            writeln!(f, "slot {at} {}{key}: {}{again}", slot.field, slot.ty)?;
        }
        for block in &self.blocks {
            writeln!(f, "{} {}", block.kind, block.name)?;
            for setting in &block.settings {
                writeln!(f, "  {} {}", setting.name, self.list(&setting.args))?;
            }
        }
        for listener in &self.listeners {
            self.write_listener(f, listener)?;
        }
        for route in &self.routes {
            writeln!(f, "route {}", route.name)?;
            route.steps.iter().try_for_each(|step| self.write_step(f, step, "  "))?;
        }
        Ok(())
    }
}

/// The most of a part of text that is written.
const MOST: usize = 1 << 16;

/// What an item of a list is called whose name nobody has kept.
const ITEM: &str = "item";

/// An expression of a program, as text.
#[derive(Clone, Copy)]
struct Shown<'p> {
    program: &'p Program,
    id: ExprId,
    /// What stands for locals, where somebody reads it who knows of no numbers.
    lets: Option<&'p [(LocalId, ExprId)]>,
}

/// Expressions of a program, as text.
struct List<'p>(Shown<'p>, &'p [ExprId]);

impl<'p> Shown<'p> {
    fn of(self, id: ExprId) -> Shown<'p> {
        Shown { id, ..self }
    }
}

impl Program {
    /// An expression as text.
    pub fn show(&self, id: ExprId) -> impl fmt::Display {
        Shown { program: self, id, lets: None }
    }

    /// An expression as text in which locals are what they stand for.
    pub(crate) fn show_with<'p>(
        &'p self,
        id: ExprId,
        lets: &'p [(LocalId, ExprId)],
    ) -> impl fmt::Display + 'p {
        Shown { program: self, id, lets: Some(lets) }
    }

    fn list<'p>(&'p self, ids: &'p [ExprId]) -> List<'p> {
        List(Shown { program: self, id: ExprId(0), lets: None }, ids)
    }

    fn write_listener(&self, f: &mut fmt::Formatter<'_>, listener: &Listener) -> fmt::Result {
        writeln!(f, "on {}", listener.name)?;
        for host in &listener.hosts.list {
            writeln!(f, "  host {}", HostText(&host.host))?;
            let Some(root) = host.nodes.first() else { continue };
            self.write_node(f, host, root, "")?;
        }
        Ok(())
    }

    fn write_node(
        &self,
        f: &mut fmt::Formatter<'_>,
        host: &VirtualHost,
        node: &Node,
        path: &str,
    ) -> fmt::Result {
        let literals = node.literals.iter();
        let literals = literals.map(|(text, next)| (format!("{path}/{text}"), *next));
        let captures = node.captures.iter().map(|(kind, next)| (format!("{path}/{kind}"), *next));
        for (path, next) in literals.chain(captures) {
            if let Some(next) = host.nodes.get(next) {
                self.write_node(f, host, next, &path)?;
            }
        }
        self.write_cell(f, host, &node.here, path)?;
        self.write_cell(f, host, &node.beneath, &format!("{path}/**"))
    }

    fn write_cell(
        &self,
        f: &mut fmt::Formatter<'_>,
        host: &VirtualHost,
        cell: &[usize],
        path: &str,
    ) -> fmt::Result {
        if !cell.is_empty() {
            writeln!(f, "    path {path}")?;
        }
        let candidates = cell.iter().filter_map(|at| host.candidates.get(*at));
        for candidate in candidates {
            self.write_candidate(f, candidate)?;
        }
        Ok(())
    }

    fn write_candidate(&self, f: &mut fmt::Formatter<'_>, one: &Candidate) -> fmt::Result {
        let name = self.route(one.route).map_or("?", |route| &route.name);
        write!(f, "      {} {name}", one.rank)?;
        for (name, place, _) in &one.captures {
            write!(f, " {name}={place}")?;
        }
        match &one.methods {
            Some(methods) => writeln!(f, " on {}", methods.join(", "))?,
            None => writeln!(f)?,
        }
        for (at, test) in one.code.iter().enumerate() {
            writeln!(f, "        {at}: {}", TestText(self, test))?;
        }
        Ok(())
    }

    fn write_step(&self, f: &mut fmt::Formatter<'_>, step: &Step, indent: &str) -> fmt::Result {
        f.write_str(indent)?;
        match &step.kind {
            StepKind::Let(local, value) => write!(f, "let %{} = {}", local.0, self.show(*value))?,
            StepKind::Act(call) => self.write_call(f, call)?,
            StepKind::Always(_) => f.write_str("always")?,
        }
        if !step.via.is_empty() {
            write!(f, "   via {}", step.via.join(", "))?;
        }
        writeln!(f)?;
        let held = match &step.kind {
            StepKind::Always(steps) => &steps[..],
            StepKind::Let(..) | StepKind::Act(_) => &[],
        };
        let indent = format!("{indent}  ");
        held.iter().try_for_each(|step| self.write_step(f, step, &indent))
    }

    fn write_call(&self, f: &mut fmt::Formatter<'_>, call: &Call) -> fmt::Result {
        f.write_str(&call.action)?;
        if let Some((field, key)) = &call.place {
            write!(f, " {field}")?;
            key.iter().try_for_each(|key| write!(f, "[{key:?}]"))?;
            if !call.args.is_empty() {
                f.write_str(" =")?;
            }
        }
        if !call.args.is_empty() {
            write!(f, " {}", self.list(&call.args))?;
        }
        for (pattern, value) in &call.arms {
            write!(f, " {{ {} => {} }}", self.show(*pattern), self.show(*value))?;
        }
        Ok(())
    }
}

/// A host pattern as it is written.
struct HostText<'h>(&'h Host);

struct TestText<'t>(&'t Program, &'t Test);

impl fmt::Display for HostText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Host::Any => f.write_str("any"),
            Host::Exact(name) => f.write_str(name),
            Host::OneLabel(suffix) => write!(f, "*.{suffix}"),
            Host::Labels(suffix) => write!(f, "**.{suffix}"),
        }
    }
}

impl fmt::Display for TestText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TestText(program, test) = self;
        let show = |id| program.show(id);
        match test.kind {
            TestKind::True(a) => write!(f, "{}", show(a))?,
            TestKind::Compare(how, a, b) => {
                write!(f, "{} {} {}", show(a), compare(how), show(b))?;
            }
            TestKind::In(a, b) => write!(f, "{} in {}", show(a), show(b))?,
            TestKind::Present(a) => write!(f, "{} is present", show(a))?,
        }
        write!(f, " ? {} : {}", TargetText(test.yes), TargetText(test.no))
    }
}

struct TargetText(Target);

impl fmt::Display for TargetText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Target::Test(at) => write!(f, "{at}"),
            Target::Pass => f.write_str("pass"),
            Target::Fail => f.write_str("fail"),
        }
    }
}

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, id) in self.1.iter().enumerate() {
            f.write_str(if at > 0 { ", " } else { "" })?;
            write!(f, "{}", self.0.of(*id))?;
        }
        Ok(())
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = self.program;
        let show = |id: &ExprId| self.of(*id);
        match program.expr(self.id) {
            Expr::Const(value) => write!(f, "{value}"),
            Expr::Input(input) => match program.inputs.get(input.0 as usize) {
                Some(input) => f.write_str(&input.name),
                None => write!(f, "input {}", input.0),
            },
            Expr::Slot(slot) => match program.slot(*slot) {
                Some(slot) => f.write_str(&slot.written()),
                None => write!(f, "slot {}", slot.0),
            },
            Expr::Capture(name) => write!(f, "path.{name}"),
            Expr::Local(local) => match self.lets {
                None => write!(f, "%{}", local.0),
                Some(lets) => match named(lets, *local) {
                    Some(value) => write!(f, "{}", show(&value)),
                    None => f.write_str(ITEM),
                },
            },
            Expr::Not(inner) => write!(f, "not ({})", show(inner)),
            Expr::And(parts) => joined(f, *self, parts, " and "),
            Expr::Or(parts) => joined(f, *self, parts, " or "),
            Expr::Compare(how, a, b) => write!(f, "({} {} {})", show(a), compare(*how), show(b)),
            Expr::In(item, of) => write!(f, "({} in {})", show(item), show(of)),
            Expr::Present(inner) => write!(f, "({} is present)", show(inner)),
            Expr::Coalesce(a, b) => write!(f, "({} ?? {})", show(a), show(b)),
            Expr::Arithmetic(how, a, b) => {
                let sign = match how {
                    Arithmetic::Add => '+',
                    Arithmetic::Sub => '-',
                    Arithmetic::Mul => '*',
                    Arithmetic::Div => '/',
                };
                write!(f, "({} {sign} {})", show(a), show(b))
            }
            Expr::Member(base, name) => write!(f, "{}.{name}", show(base)),
            Expr::Call(function, arguments) => {
                write!(f, "{}({})", function.name, List(*self, arguments))
            }
            Expr::Template(parts) => {
                f.write_str("\"")?;
                parts.iter().try_for_each(|part| hole(f, *self, *part))?;
                f.write_str("\"")
            }
            Expr::Match(subject, arms) => {
                write!(f, "match {} {{", show(subject))?;
                for (at, arm) in arms.iter().enumerate() {
                    f.write_str(if at > 0 { ", " } else { " " })?;
                    match &arm.patterns {
                        Some(patterns) => {
                            for (at, pattern) in patterns.iter().enumerate() {
                                write!(f, "{}{pattern}", if at > 0 { " | " } else { "" })?;
                            }
                        }
                        None => f.write_str("_")?,
                    }
                    write!(f, " => {}", show(&arm.value))?;
                }
                f.write_str(" }")
            }
            Expr::Quantified(how, name, list, predicate) => {
                let how = match how {
                    Quantifier::Any => "any",
                    Quantifier::All => "all",
                    Quantifier::Count => "count",
                };
                let name = match self.lets {
                    None => format!("%{}", name.0),
                    Some(_) => ITEM.to_owned(),
                };
                write!(f, "{how}({name} in {}: {})", show(list), show(predicate))
            }
            Expr::List(items) => write!(f, "[{}]", List(*self, items)),
            Expr::Set(items) => write!(f, "set[{}]", List(*self, items)),
            Expr::Record(fields) => {
                f.write_str("{")?;
                for (at, (name, value)) in fields.iter().enumerate() {
                    write!(f, "{} {name}: {}", if at > 0 { "," } else { "" }, show(value))?;
                }
                f.write_str(" }")
            }
        }
    }
}

/// The beginning of a text, so many bytes: a local may stand in another one many times.
pub(crate) fn short(shown: impl fmt::Display, most: usize) -> String {
    struct Short(String, usize);
    impl fmt::Write for Short {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            if self.0.len() >= self.1 {
                return Err(fmt::Error);
            }
            self.0.push_str(text);
            Ok(())
        }
    }
    let mut short = Short(String::new(), most);
    // Whoever has written enough is stopped.
    let _ = write!(short, "{shown}");
    short.0
}

/// A part of text that is put together: words as they stand, everything else in braces.
fn hole(f: &mut fmt::Formatter<'_>, shown: Shown<'_>, part: ExprId) -> fmt::Result {
    if let Expr::Const(Value::String(words)) = shown.program.expr(part) {
        return write!(f, "{}", Escaped(words));
    }
    // The braces hold together what brackets would.
    let text = short(shown.of(part), MOST);
    let within = match shown.program.expr(part) {
        Expr::And(_)
        | Expr::Or(_)
        | Expr::Compare(..)
        | Expr::In(..)
        | Expr::Present(_)
        | Expr::Coalesce(..)
        | Expr::Arithmetic(..) => text.strip_prefix('(').and_then(|text| text.strip_suffix(')')),
        _ => None,
    };
    write!(f, "{{{}}}", within.unwrap_or(&text))
}

fn joined(f: &mut fmt::Formatter<'_>, shown: Shown<'_>, parts: &[ExprId], by: &str) -> fmt::Result {
    f.write_str("(")?;
    for (at, part) in parts.iter().enumerate() {
        write!(f, "{}{}", if at > 0 { by } else { "" }, shown.of(*part))?;
    }
    f.write_str(")")
}

fn compare(how: Compare) -> &'static str {
    match how {
        Compare::Eq => "==",
        Compare::Ne => "!=",
        Compare::Lt => "<",
        Compare::Le => "<=",
        Compare::Gt => ">",
        Compare::Ge => ">=",
    }
}
