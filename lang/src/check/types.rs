//! Types as they are written, to types as they are meant.

use std::sync::Arc;

use super::context::Context;
use crate::diag::bad_operator::bad_operator;
use crate::diag::duplicate_name::duplicate_name;
use crate::diag::unknown_type::unknown_type;
use crate::syntax::ast;
use crate::types::Ty;
use crate::vocab::nearest;

/// How deep types may nest.
const DEPTH: u32 = 16;

const PLAIN: &[(&str, Ty)] = &[
    ("Bool", Ty::Bool),
    ("Int", Ty::Int),
    ("Float", Ty::Float),
    ("String", Ty::String),
    ("Duration", Ty::Duration),
    ("Size", Ty::Size),
    ("Rate", Ty::Rate),
    ("Percent", Ty::Percent),
    ("Ip", Ty::Ip),
    ("Cidr", Ty::Cidr),
    ("Method", Ty::Method),
    ("Status", Ty::Status),
    ("Time", Ty::Time),
    ("Regex", Ty::Regex),
    ("Json", Ty::Json),
    ("Uuid", Ty::Uuid),
];

/// The type that is meant; [`Ty::Error`] where it was reported.
pub(super) fn ty(cx: &mut Context<'_>, written: ast::Type<'_>) -> Ty {
    nested(cx, written, 0)
}

fn nested(cx: &mut Context<'_>, written: ast::Type<'_>, depth: u32) -> Ty {
    if depth > DEPTH {
        let reason = format!("deeper than {DEPTH} levels");
        cx.report(crate::diag::too_large::too_large(
            written.span(),
            "this type nests too deep",
            reason,
        ));
        return Ty::Error;
    }
    match written {
        ast::Type::Named(named) => self::named(cx, named, depth),
        ast::Type::Str(text) => Ty::OneOf([word(text)].into()),
        ast::Type::Optional(optional) => match optional.inner() {
            Some(inner) => nested(cx, inner, depth + 1).optional(),
            None => Ty::Error,
        },
        ast::Type::Record(record) => {
            let mut fields: Vec<(Arc<str>, Ty)> = Vec::new();
            let mut places = Vec::new();
            for field in record.fields() {
                let Some(name) = field.name() else { continue };
                let at = fields.iter().position(|(known, _)| **known == *name.text);
                if let Some(&first) = at.and_then(|at| places.get(at)) {
                    cx.report(duplicate_name(name.span, name.text, first));
                    continue;
                }
                let of = field.ty().map_or(Ty::Error, |ty| nested(cx, ty, depth + 1));
                fields.push((Arc::from(name.text), of));
                places.push(name.span);
            }
            Ty::Record(fields.into())
        }
        ast::Type::Union(union) => {
            let mut words = Vec::new();
            for member in union.members() {
                match member {
                    ast::Type::Str(text) => words.push(word(text)),
                    ast::Type::Error(_) => return Ty::Error,
                    other => {
                        cx.report(
                            bad_operator(
                                other.span(),
                                "a union is of texts only",
                                "this is not a text in quotes",
                            )
                            .help("write `\"a\" | \"b\"`, or `T?` for what may be absent"),
                        );
                        return Ty::Error;
                    }
                }
            }
            Ty::OneOf(words.into())
        }
        ast::Type::Error(_) => Ty::Error,
    }
}

/// A text of a union: no value is put in there.
fn word(text: ast::Str<'_>) -> Arc<str> {
    text.plain().map_or_else(|| Arc::from(text.text()), Arc::from)
}

fn named(cx: &mut Context<'_>, named: ast::Named<'_>, depth: u32) -> Ty {
    let name = named.name();
    let args: Vec<ast::Type<'_>> = named.args().collect();
    let wanted = match name.text {
        "List" | "Set" => 1,
        "Map" => 2,
        _ => 0,
    };
    if let Some((_, plain)) = PLAIN.iter().find(|(known, _)| *known == name.text) {
        if let Some(extra) = args.first() {
            cx.report(bad_operator(
                extra.span(),
                format!("`{}` takes no type argument", name.text),
                "this is too much",
            ));
        }
        return plain.clone();
    }
    if wanted == 0 {
        let known = PLAIN.iter().map(|(known, _)| *known).chain(["List", "Set", "Map"]);
        cx.report(unknown_type(name.span, name.text, nearest(name.text, known)));
        return Ty::Error;
    }
    if args.len() != wanted {
        let help = if wanted == 2 { "`Map<String, T>`" } else { "`List<T>` or `Set<T>`" };
        cx.report(
            bad_operator(
                named.span(),
                format!("`{}` takes {wanted} type arguments, not {}", name.text, args.len()),
                "arguments do not fit",
            )
            .help(format!("write {help}")),
        );
        return Ty::Error;
    }
    let types: Vec<Ty> = args.iter().map(|arg| nested(cx, *arg, depth + 1)).collect();
    match (name.text, types.as_slice()) {
        ("List", [of]) => Ty::list(of.clone()),
        ("Set", [of]) => Ty::set(of.clone()),
        ("Map", [Ty::String | Ty::Error, of]) => Ty::Map(Arc::new(of.clone())),
        _ => {
            let place = args.first().map_or(named.span(), ast::Type::span);
            cx.report(bad_operator(place, "a map is from texts", "this is not `String`").fix(
                "write `String`",
                place,
                "String",
            ));
            Ty::Error
        }
    }
}
