//! Binding: from the environment, files and `--with` to one value for each `param` and `secret` of a policy. Everything
//! that is missing or wrong is told at once; no secret is ever told.

use std::fmt::Write;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use lang::policy::{From, Input};
use lang::{Span, Ty, Value, literal};
use miette::{Report, miette};
use toml::Table;

/// The largest value that is read from a file, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// One value for each input, in order: from `--with`, else from where the policy says, else its default.
pub fn bind(inputs: &[Input], with: Option<&Path>) -> miette::Result<Vec<Value>> {
    let given = with.map(table).transpose()?.unwrap_or_default();
    let mut problems = String::new();
    for name in given.keys() {
        if !inputs.iter().any(|input| &*input.name == name.as_str()) {
            let near = lang::vocab::nearest(name, inputs.iter().map(|input| &*input.name));
            let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            tell(&mut problems, &format!("`{name}` is no input of the policy{near}"));
        }
    }
    let mut values = Vec::new();
    for (at, input) in inputs.iter().enumerate() {
        match value(input, at, given.get(&*input.name)) {
            Ok(value) => values.push(value),
            Err(problem) => tell(&mut problems, &format!("`{}` {problem}", input.name)),
        }
    }
    if problems.is_empty() {
        return Ok(values);
    }
    Err(miette!(
        help = "give values with `--with params.toml`, or where the policy takes them from",
        "inputs could not be bound\n{}",
        problems.trim_end()
    ))
}

fn tell(problems: &mut String, problem: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(problems, "  {problem}");
}

fn table(path: &Path) -> miette::Result<Table> {
    let text = read(path).map_err(|problem| miette!("`{}` {problem}", path.display()))?;
    text.parse().map_err(|error: toml::de::Error| unparsable(path, &text, &error))
}

fn unparsable(path: &Path, text: &str, error: &toml::de::Error) -> Report {
    // Only the message and the line: the line's content may be a secret.
    let line = error
        .span()
        .map_or(0, |span| text.get(..span.start).map_or(0, |before| before.matches('\n').count()));
    miette!("`{}` is not TOML: line {}: {}", path.display(), line + 1, error.message())
}

fn read(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("could not be read: {error}");
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("is larger than {} KiB", MAX_BYTES >> 10));
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())
}

fn value(input: &Input, at: usize, given: Option<&toml::Value>) -> Result<Value, String> {
    let secret = input.ty == Ty::Secret;
    let found = match given {
        Some(toml) => Some(of_toml(toml, &input.ty)?),
        None => outside(&input.from)?.map(|text| of_text(&text, &input.ty)).transpose()?,
    };
    match (found, &input.default) {
        // The value itself stays behind: a program holds the secret's place only.
        (Some(_), _) if secret => Ok(Value::Secret(at as u32)),
        (Some(value), _) => Ok(value),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) if input.ty.is_optional() => Ok(Value::Absent),
        (None, None) => Err(match &input.from {
            From::Given => format!("has no value; it is a {}", input.ty),
            From::Env(name) => {
                format!("has no value: the environment variable `{name}` is not set")
            }
            From::File(path) => format!("has no value: there is no file `{path}`"),
        }),
    }
}

/// What stands where the policy takes an input from; nothing if there is nothing.
fn outside(from: &From) -> Result<Option<String>, String> {
    match from {
        From::Given => Ok(None),
        From::Env(name) => match std::env::var(&**name) {
            Ok(text) => Ok(Some(text)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(format!("cannot be bound: the environment variable `{name}` is not UTF-8"))
            }
        },
        From::File(path) => match Path::new(&**path).try_exists() {
            Ok(false) => Ok(None),
            _ => {
                let text = read(Path::new(&**path))
                    .map_err(|problem| format!("cannot be bound: `{path}` {problem}"))?;
                let line =
                    text.strip_suffix('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
                Ok(Some(line.unwrap_or(&text).to_owned()))
            }
        },
    }
}

/// A value as the language writes it; text stands without quotes, lists with commas between.
fn of_text(text: &str, ty: &Ty) -> Result<Value, String> {
    let unfit = || Err(format!("is not a {ty}: `{}`", text.escape_debug()));
    match ty.present() {
        Ty::Secret | Ty::String => Ok(Value::string(text)),
        Ty::Bool => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => unfit(),
        },
        Ty::OneOf(words) => match words.iter().find(|word| &***word == text) {
            Some(word) => Ok(Value::String(word.clone())),
            None => unfit(),
        },
        Ty::Uuid => literal::uuid(text).map_or_else(unfit, |uuid| Ok(Value::String(uuid))),
        Ty::Method => {
            match text.bytes().all(|byte| byte.is_ascii_uppercase()) && !text.is_empty() {
                true => Ok(Value::Method(text.into())),
                false => unfit(),
            }
        }
        Ty::List(of) => items(text)
            .map(|item| of_text(item, of))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::list),
        Ty::Set(of) => {
            let items = items(text).map(|item| of_text(item, of)).collect::<Result<_, _>>()?;
            Ok(Value::Set(Arc::new(items)))
        }
        wanted => match literal::literal(text, Span::default(), Some(wanted)) {
            Ok((Value::Int(value), _)) if *wanted == Ty::Float => Ok(Value::Float(value as f64)),
            Ok((value, found)) if found == *wanted => Ok(value),
            Ok((Value::Int(code @ 100..=599), _)) if *wanted == Ty::Status => {
                Ok(Value::Status(code as u16))
            }
            Err(diag) => Err(format!("is not a {ty}: {}", diag.message)),
            Ok(_) => unfit(),
        },
    }
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn of_toml(toml: &toml::Value, ty: &Ty) -> Result<Value, String> {
    let unfit = || Err(format!("is not a {ty}, but a TOML {}", toml.type_str()));
    match (toml, ty.present()) {
        (toml::Value::String(text), ty) => of_text(text, ty),
        (toml::Value::Boolean(value), Ty::Bool) => Ok(Value::Bool(*value)),
        (toml::Value::Integer(value), Ty::Int) => Ok(Value::Int(*value)),
        (toml::Value::Integer(value), Ty::Float) => Ok(Value::Float(*value as f64)),
        (toml::Value::Integer(code @ 100..=599), Ty::Status) => Ok(Value::Status(*code as u16)),
        (toml::Value::Float(value), Ty::Float) if value.is_finite() => Ok(Value::Float(*value)),
        (toml::Value::Array(items), Ty::List(of)) => items
            .iter()
            .map(|item| of_toml(item, of))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::list),
        (toml::Value::Array(items), Ty::Set(of)) => {
            let items = items.iter().map(|item| of_toml(item, of)).collect::<Result<_, _>>()?;
            Ok(Value::Set(Arc::new(items)))
        }
        (toml::Value::Table(table), Ty::Map(of)) => {
            let fields =
                table.iter().map(|(name, item)| Ok((Arc::from(name.as_str()), of_toml(item, of)?)));
            Ok(Value::Map(Arc::new(fields.collect::<Result<_, String>>()?)))
        }
        (toml::Value::Table(table), Ty::Record(fields)) => {
            if let Some(name) =
                table.keys().find(|name| !fields.iter().any(|(field, _)| **field == ***name))
            {
                return Err(format!("has a field `{name}` that is not in {ty}"));
            }
            let fields = fields.iter().map(|(name, ty)| match table.get(&**name) {
                Some(item) => Ok((name.clone(), of_toml(item, ty)?)),
                None if ty.is_optional() => Ok((name.clone(), Value::Absent)),
                None => Err(format!("has no field `{name}`")),
            });
            Ok(Value::Map(Arc::new(fields.collect::<Result<_, String>>()?)))
        }
        _ => unfit(),
    }
}
