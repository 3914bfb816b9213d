//! What cannot be followed where something is undecided, in the words of the policy: which expression it is, why, and what
//! would make it decidable.

use std::collections::BTreeSet;

use lang::policy::InputId;
use lang::vocab::ExprId;
use lang::{Ty, Value};

use crate::caching::IDENTITY;
use crate::program::{Expr, Program};
use crate::proof::basis::Basis;
use crate::proof::search::Why;
use crate::space::{Blame, Set, Space};

/// The longest expression that is shown in a line.
const LONGEST: usize = 60;

/// Why it is not known whether there is a request in the set: the first expression on which that hangs, inputs before all
/// else.
pub(super) fn opaque(basis: &Basis<'_>, space: &Space, set: Set) -> Option<Why> {
    let blamed = space.blamed(set);
    let of_input = |blame: &&Blame| {
        blame.expr.is_some_and(|id| basis.inputs([id]).values().any(Option::is_none))
    };
    let blame = blamed.iter().find(of_input).or_else(|| blamed.first())?;
    let span = basis.span(blame.expr?).unwrap_or_default();
    let (bound, open): (Vec<_>, Vec<_>) =
        basis.inputs(blame.expr).into_iter().partition(|(_, value)| value.is_some());
    let ids = |of: Vec<(InputId, Option<&Value>)>| of.into_iter().map(|(id, _)| id).collect();
    let bound: Vec<InputId> = ids(bound);
    let (why, help) = reason(&basis.program, &bound, blame)?;
    Some(Why::Opaque { at: span, why, help, inputs: ids(open) })
}

/// Why nothing can be sent on its way past an expression that takes too long.
pub(super) fn too_long(basis: &Basis<'_>, id: ExprId) -> Why {
    let at = basis.span(id).unwrap_or_default();
    let why = format!(
        "this takes {} steps for one request, more than proofs spend on one",
        basis.constants.steps(id)
    );
    Why::Opaque { at, why, help: HELP_LISTS.to_owned(), inputs: Vec::new() }
}

/// Why something cannot be followed, and what would help. Inputs that are bound are no reason.
pub(crate) fn reason(
    program: &Program,
    bound: &[InputId],
    blame: &Blame,
) -> Option<(String, String)> {
    let id = blame.expr?;
    let inputs = program.walk([id], &[]).filter_map(|(_, expr)| match expr {
        Expr::Input(input) if !bound.contains(input) => Some(*input),
        _ => None,
    });
    let inputs: BTreeSet<InputId> = inputs.collect();
    let inputs = inputs.iter().filter_map(|input| program.inputs.get(input.0 as usize));
    let help = match inputs.clone().all(|input| input.default.is_some()) {
        true => HELP_PRESET,
        false => HELP_INPUT,
    };
    let names: Vec<String> = inputs.map(|input| format!("`{}`", input.name)).collect();
    Some(match names.as_slice() {
        [] => told(program, id, blame.is_large),
        [one] => (format!("{one} is an input, and may be anything"), help.to_owned()),
        all => (format!("{} are inputs, and may be anything", all.join(", ")), help.to_owned()),
    })
}

const HELP_INPUT: &str =
    "claim what holds for every value of it, or give it a default for an example to be made of";
const HELP_PRESET: &str =
    "claim what holds for every value of it: it has a default, but another value may be given";
const HELP_LISTS: &str = "go through fewer lists within each other, or through shorter ones";
const HELP_ID: &str = "claim what holds whatever it is";

/// Why an expression cannot be followed, and what would help.
fn told(program: &Program, id: ExprId, is_large: bool) -> (String, String) {
    let shown = short(program, id);
    if is_large {
        return (
            format!(
                "with all else that is asked of the same text, `{shown}` is too much to decide"
            ),
            "ask fewer patterns of one text at once: fewer alternatives, no counted repetition"
                .to_owned(),
        );
    }
    let reads_id = program.walk([id], &[]).any(|(_, expr)| match expr {
        Expr::Slot(slot) => program.slot(*slot).is_some_and(|slot| *slot.field == *IDENTITY),
        _ => false,
    });
    if reads_id {
        let why = format!("the gateway makes `{IDENTITY}` itself, and no example can choose it");
        return (why, HELP_ID.to_owned());
    }
    if let Expr::Quantified(_, _, list, _) = program.expr(id)
        && is_constant(program, *list)
    {
        let why = "its lists have more items together than proofs look at one by one";
        return (why.to_owned(), HELP_LISTS.to_owned());
    }
    let why = match program.expr(id) {
        Expr::Call(function, _) => {
            format!("proofs do not follow what `{}` computes", function.name)
        }
        Expr::Compare(_, a, b) if !is_constant(program, *a) && !is_constant(program, *b) => {
            "both sides come with the request, and proofs compare with constants".to_owned()
        }
        Expr::Quantified(..) => {
            "proofs do not look through a list that comes with the request".to_owned()
        }
        Expr::Arithmetic(..) => "proofs do not follow arithmetic".to_owned(),
        Expr::Template(_) => "proofs do not follow text that is put together".to_owned(),
        Expr::Member(..) => "proofs do not look into a document".to_owned(),
        _ => format!("what `{shown}` comes to cannot be taken apart"),
    };
    (why, help(program, id))
}

/// What would help where nobody knows what an expression comes to.
fn help(program: &Program, id: ExprId) -> String {
    let mut reads =
        program.walk([id], &[]).filter_map(|(id, _)| Some((id, program.read_by(id)?.1)));
    let Some((read, slot)) = reads.next() else {
        return "claim what holds whatever it comes to".to_owned();
    };
    let shown = short(program, read);
    match (slot.field.strip_suffix(".all"), &slot.key) {
        (Some(one), Some(key)) => {
            format!("ask for its one value, `{one}[\"{key}\"]`, or say in `for` what that is")
        }
        _ if &*slot.field == "req.json" => {
            "claim what the policy does whatever a document says".to_owned()
        }
        _ if *slot.ty.present() == Ty::String => {
            format!("say in `for` what it reads, such as `for req where {shown} == \"…\"`")
        }
        _ => format!("say in `for` what it reads, such as `for req where {shown} == …`"),
    }
}

fn is_constant(program: &Program, id: ExprId) -> bool {
    matches!(program.expr(id), Expr::Const(_))
}

/// An expression, short.
fn short(program: &Program, id: ExprId) -> String {
    let text = program.show(id).to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
