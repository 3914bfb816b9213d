//! Binds a policy's `param` and `secret` items: from `--with`, the environment or files, with their defaults behind.
//! Every problem is found before any is told, and no secret's value is ever part of one.

mod decode;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use lang::policy::{From, Input};
use lang::{Diag, Sources, Span, Ty, Value, vocab};
use miette::{MietteDiagnostic, Report};

use self::decode::{from_text, from_toml};
use crate::engine::folder;
use crate::report::places::{at_places, together};

/// Values given by name: the content of `--with`.
#[derive(Debug, Default)]
struct Given {
    path: PathBuf,
    values: BTreeMap<String, toml::Value>,
}

/// Why inputs have no values.
#[derive(Debug)]
pub struct Unbound {
    /// Everything that is wrong.
    pub report: Report,
    /// The inputs that it is about; none where something is wrong that is no input's.
    pub places: Vec<Span>,
}

impl std::convert::From<Report> for Unbound {
    fn from(report: Report) -> Unbound {
        Unbound { report, places: Vec::new() }
    }
}

impl Unbound {
    /// What is wrong with a policy that has these values for its inputs; `what` says so of more than one thing.
    pub(crate) fn because(what: &str, wrong: &[Diag], sources: &Sources) -> Unbound {
        let report = |diag: &Diag| {
            let labels: Vec<(Span, String)> =
                diag.labels.iter().map(|label| (label.span, label.text.clone())).collect();
            at_places(diag.message.clone(), diag.help.as_deref(), &labels, sources)
        };
        let report = together(what, wrong.iter().map(report).collect());
        Unbound { report, places: wrong.iter().map(Diag::span).collect() }
    }
}

/// No value, and no file of values, is larger.
const MOST_BYTES: u64 = 1 << 20;

impl Given {
    /// Reads a TOML file of `name = value` lines.
    fn read(path: &Path) -> miette::Result<Given> {
        let text = read(path).map_err(|error| {
            let message = format!("the values in `{}` could not be read: {error}", path.display());
            match path.to_string_lossy().contains('=') {
                true => miette::miette!(
                    help = "`--with` names a file of `name = value` lines",
                    "{message}"
                ),
                false => miette::miette!("{message}"),
            }
        })?;
        let values = toml::from_str(&text).map_err(|error| {
            // The parser's own text would show the line, and with it perhaps a secret.
            let line = error.span().map_or(1, |span| {
                text.get(..span.start).unwrap_or_default().matches('\n').count() + 1
            });
            miette::miette!("`{}` is not TOML: line {line}: {}", path.display(), error.message())
        })?;
        Ok(Given { path: path.to_owned(), values })
    }
}

/// One value for each input, in order; absent where its default holds. Values for inputs of the modules `excused` may be
/// given though there are none: these modules are not served as their files say.
pub fn bind(
    inputs: &[Input],
    with: Option<&Path>,
    sources: &Sources,
    excused: &[&str],
) -> Result<Vec<Value>, Unbound> {
    let mut given = with.map(Given::read).transpose()?.unwrap_or_default();
    let is_excused = |name: &str| {
        excused.iter().any(|module| name.strip_prefix(module).is_some_and(|of| of.starts_with('.')))
    };
    given
        .values
        .retain(|name, _| inputs.iter().any(|input| *input.name == **name) || !is_excused(name));
    bind_given(inputs, &given, sources, Secrets::Needed)
}

/// As [`bind`], for a policy that is not served.
pub fn bind_unserved(
    inputs: &[Input],
    with: Option<&Path>,
    sources: &Sources,
    secrets: Secrets,
) -> Result<Vec<Value>, Unbound> {
    let given = with.map(Given::read).transpose()?.unwrap_or_default();
    bind_given(inputs, &given, sources, secrets)
}

/// What secrets are to whoever binds inputs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// All must be there.
    Needed,
    /// One that is not there is none, as for tests.
    Spared,
    /// None is read: what a policy says to questions does not hang on them.
    Unread,
}

/// The files from which inputs take their values.
pub fn files(inputs: &[Input], sources: &Sources) -> Vec<PathBuf> {
    let file = |input: &Input| match &input.from {
        From::File(path) => Some(folder(sources, input.span.source).join(&**path)),
        _ => None,
    };
    inputs.iter().filter_map(file).collect()
}

fn bind_given(
    inputs: &[Input],
    given: &Given,
    sources: &Sources,
    secrets: Secrets,
) -> Result<Vec<Value>, Unbound> {
    let mut problems: Vec<Report> =
        given.values.keys().filter_map(|name| unknown(name, inputs, given)).collect();
    let is_anybodys = problems.is_empty();
    let mut places: Vec<Span> = Vec::new();
    let mut missing: Vec<(Span, String)> = Vec::new();
    let mut values = Vec::with_capacity(inputs.len());
    for input in inputs {
        if input.ty == Ty::Secret && secrets == Secrets::Unread {
            values.push(Value::Absent);
            continue;
        }
        let value = match value_of(input, given, sources) {
            Ok(Some(value)) => value,
            Ok(None) if input.default.is_some() || input.ty.is_optional() => Value::Absent,
            Ok(None) if input.ty == Ty::Secret && secrets == Secrets::Spared => Value::Absent,
            Ok(None) => {
                places.push(input.span);
                missing.push((input.span, wanted(input)));
                Value::Absent
            }
            Err(reason) => {
                places.push(input.span);
                let label = vec![(input.span, format!("declared as {} here", input.ty))];
                problems.push(at_places(reason, None, &label, sources));
                Value::Absent
            }
        };
        values.push(value);
    }
    if !missing.is_empty() {
        let has_param =
            |span: &Span| inputs.iter().any(|input| input.span == *span && input.ty != Ty::Secret);
        let may_preset = missing.iter().any(|(span, _)| has_param(span));
        problems.push(no_values(&missing, may_preset, sources));
    }
    if problems.is_empty() {
        Ok(values)
    } else {
        places.truncate(if is_anybodys { places.len() } else { 0 });
        Err(Unbound { report: together("inputs could not be bound", problems), places })
    }
}

fn value_of(input: &Input, given: &Given, sources: &Sources) -> Result<Option<Value>, String> {
    let secret = input.ty == Ty::Secret;
    let name = &input.name;
    if let Some(value) = given.values.get(&**name) {
        let place = format!("`{name}` in `{}`", given.path.display());
        return from_toml(value, &input.ty)
            .map(Some)
            .map_err(|wrong| format!("{place}: {}", wrong.told(secret)));
    }
    let (text, place) = match &input.from {
        From::Given => return Ok(None),
        From::Env(variable) => match std::env::var(&**variable) {
            Ok(text) => (text, format!("`{name}` from the variable `{variable}`")),
            Err(std::env::VarError::NotPresent) => return Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                return Err(format!("`{name}` from the variable `{variable}`: it is not UTF-8"));
            }
        },
        From::File(path) => {
            let place = format!("`{name}` from the file `{path}`");
            match read(&folder(sources, input.span.source).join(&**path)) {
                Ok(text) => (without_newline(&text).to_owned(), place),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(format!("{place}: {error}")),
            }
        }
    };
    from_text(&text, &input.ty)
        .map(Some)
        .map_err(|wrong| format!("{place}: {}", wrong.told(secret)))
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(MOST_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(std::io::Error::other("it is larger than 1 MiB"));
    }
    Ok(text)
}

fn without_newline(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

fn unknown(name: &str, inputs: &[Input], given: &Given) -> Option<Report> {
    let known = || inputs.iter().map(|input| &*input.name);
    if known().any(|known| known == name) {
        return None;
    }
    let message =
        format!("the policy has no input `{name}`, which `{}` gives", given.path.display());
    let help = match (vocab::nearest(name, known()), inputs.is_empty()) {
        (Some(near), _) => format!("there is an input `{near}`"),
        (None, true) => "the policy declares no `param` and no `secret`".to_owned(),
        (None, false) => format!("its inputs are `{}`", known().collect::<Vec<_>>().join("`, `")),
    };
    Some(Report::new(MietteDiagnostic::new(message).with_help(help)))
}

/// How an input that has no value could get one.
fn wanted(input: &Input) -> String {
    match &input.from {
        From::Given => "only `--with` gives it a value".to_owned(),
        From::Env(variable) => format!("the variable `{variable}` is not set"),
        From::File(path) => format!("there is no file `{path}`"),
    }
}

/// What has no value; a `param` could have a default.
fn no_values(missing: &[(Span, String)], may_preset: bool, sources: &Sources) -> Report {
    let message = match missing.len() {
        1 => "an input has no value".to_owned(),
        n => format!("{n} inputs have no value"),
    };
    let mut help =
        "give them in a file of `name = value` lines, with `--with params.toml`".to_owned();
    if may_preset {
        help.push_str(", or write a `default`");
    }
    at_places(message, Some(&help), missing, sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(name: &str, ty: Ty, from: From, default: Option<Value>) -> Input {
        Input { name: name.into(), ty, from, default, doc: "".into(), span: Span::default() }
    }

    fn given(text: &str) -> Given {
        Given { path: "params.toml".into(), values: toml::from_str(text).unwrap() }
    }

    fn bound(inputs: &[Input], text: &str) -> Result<Vec<Value>, String> {
        bind_given(inputs, &given(text), &Sources::default(), Secrets::Needed)
            .map_err(|unbound| format!("{:?}", unbound.report))
    }

    #[test]
    fn given_values_go_before_files_and_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let word = folder.path().join("word");
        std::fs::write(&word, "from a file\n").unwrap();
        let word = From::File(word.to_string_lossy().into());
        let inputs = [
            input("a", Ty::Int, From::Given, Some(Value::Int(1))),
            input("b", Ty::String, word, None),
            input("c", Ty::String, From::File("/nowhere/none".into()), Some(Value::string("x"))),
            input("d", Ty::String.optional(), From::Env("GW_TEST_UNSET".into()), None),
        ];
        let values = bound(&inputs, "a = 7").unwrap();
        let expected = [Value::Int(7), Value::string("from a file"), Value::Absent, Value::Absent];
        assert_eq!(values, expected);
        assert_eq!(bound(&inputs, "b = \"given\"").unwrap()[1], Value::string("given"));
    }

    #[test]
    fn all_that_is_missing_is_told_at_once() {
        let inputs = [
            input("a", Ty::Int, From::Given, None),
            input("b", Ty::String, From::Env("GW_TEST_UNSET".into()), None),
            input("c", Ty::Secret, From::File("/nowhere/none".into()), None),
        ];
        let told = bound(&inputs, "").unwrap_err();
        assert!(told.contains("3 inputs have no value"), "{told}");
        assert!(told.contains("write a `default`"), "{told}");
    }

    #[test]
    fn no_default_is_advised_for_a_secret() {
        let told = bound(&[input("a", Ty::Secret, From::Given, None)], "").unwrap_err();
        assert!(told.contains("--with params.toml") && !told.contains("default"), "{told}");
    }

    #[test]
    fn unknown_names_and_wrong_types_are_told_together() {
        let inputs = [input("region", Ty::Duration, From::Given, None)];
        let told = bound(&inputs, "regoin = 1\nregion = \"5\"").unwrap_err();
        assert!(told.contains("there is an input `region`"), "{told}");
        assert!(told.contains("expected Duration"), "{told}");
    }

    #[test]
    fn a_secret_is_never_told() {
        let inputs = [input("key", Ty::Secret, From::Given, None)];
        let told = bound(&inputs, "key = [\"hunter2\"]").unwrap_err();
        assert!(!told.contains("hunter2"), "{told}");
        assert!(bound(&inputs, "key = \"hunter2\"").is_ok());
    }
}
