//! `gwc reference`: the pages of the book that are written by the rows themselves.

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use lang::Ty;
use lang::vocab::clauses::{CLAUSES, MODULE};
use lang::vocab::trial;
use lang::vocab::{Ends, Form, Key, Param, Phase, Times};
use miette::{IntoDiagnostic, WrapErr};

use crate::{Outcome, report};

/// Writes the reference pages and the error pages of the book
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The book's source folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Only say which pages are stale
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(args: &Args) -> miette::Result<Outcome> {
    let mut stale = 0;
    for (name, text) in pages() {
        let path = args.folder.join(name);
        if std::fs::read_to_string(&path).is_ok_and(|found| found == text) {
            continue;
        }
        stale += 1;
        if args.check {
            report::print(&format!("{} is stale\n", path.display()))?;
        } else {
            write(&path, &text)?;
        }
    }
    Ok(if args.check && stale > 0 { Outcome::Faulty } else { Outcome::Clean })
}

fn write(path: &Path, text: &str) -> miette::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, text))
        .into_diagnostic()
        .wrap_err_with(|| format!("`{}` could not be written", path.display()))
}

/// Every generated page: its path inside the book, and its text.
pub fn pages() -> Vec<(String, String)> {
    let mut pages = vec![
        ("reference/clauses.md".to_owned(), clauses()),
        ("reference/fields.md".to_owned(), fields()),
        ("reference/functions.md".to_owned(), functions()),
        ("reference/actions.md".to_owned(), actions()),
        ("reference/balancers.md".to_owned(), balancers()),
        ("reference/tests.md".to_owned(), trials()),
    ];
    pages.extend(
        runtime::vocabulary()
            .blocks
            .iter()
            .map(|row| (format!("reference/{}.md", row.name.replace(' ', "-")), block(row))),
    );
    pages.push(("errors/README.md".to_owned(), errors()));
    pages.extend(lang::diag::CATALOGUE.iter().map(|entry| {
        let lang::Entry { code, slug, severity, explain, mends } = entry;
        let text = format!("# {code} {slug}\n\n{severity}: {explain}\n{mends}\n");
        (format!("errors/{}.md", entry.slug), text)
    }));
    pages
}

fn page(title: &str, intro: &str, rows: impl FnOnce(&mut String) -> fmt::Result) -> String {
    let mut text = format!("# {title}\n\n{intro}\n");
    match rows(&mut text) {
        Ok(()) => text,
        Err(fmt::Error) => unreachable!("writing to a string does not fail"),
    }
}

fn clauses() -> String {
    let intro = "The language's own words inside routes, sites, policies and modules.";
    page("Clauses", intro, |out| {
        CLAUSES.iter().chain(MODULE).try_for_each(|row| {
            write!(out, "\n## `{}`\n\n{}\n\n```text\n{}\n```\n", row.name, row.doc, row.example)
        })
    })
}

fn trials() -> String {
    let intro = "The words of a `test`: its lines, what a stub does, and what an `expect` may ask.";
    page("Tests", intro, |out| {
        trial::CLAUSES.iter().try_for_each(|row| {
            write!(out, "\n## `{}`\n\n{}\n\n```text\n{}\n```\n", row.name, row.doc, row.example)?;
            if row.name == "send" {
                writeln!(out)?;
                trial::SEND.iter().try_for_each(|param| {
                    writeln!(out, "- `{}: {}`: {}", param.name, (param.ty)(), param.doc)
                })?;
            }
            Ok(())
        })?;
        writeln!(out, "\n## What a stub does\n")?;
        for row in trial::STUBS {
            writeln!(out, "- `{}({})`: {}", row.name, taken(row.params), row.doc)?;
        }
        writeln!(out, "\n## What an `expect` may ask\n")?;
        for (row, _) in trial::QUESTIONS {
            let returns = (row.returns)();
            writeln!(out, "- `{}({}) -> {returns}`: {}", row.name, taken(row.params), row.doc)?;
        }
        writeln!(out, "- `{}`: {}", trial::ROUTE.path, trial::ROUTE.doc)?;
        for row in trial::FIELDS {
            let key = if row.key == Key::None { "" } else { "[name, any case]" };
            writeln!(out, "- `{}{key}: {}`: {}", row.path, (row.ty)(), row.doc)?;
        }
        Ok(())
    })
}

/// Parameters as a call lists them.
fn taken(params: &[Param]) -> String {
    let params: Vec<String> =
        params.iter().map(|param| format!("{}: {}", param.name, (param.ty)())).collect();
    params.join(", ")
}

fn fields() -> String {
    page("Fields", "What a policy can read, and what statements can change.", |out| {
        for row in runtime::vocabulary().fields {
            let key = match row.key {
                Key::None => "",
                Key::Exact | Key::Cookie => "[name]",
                Key::IgnoreCase => "[name, any case]",
            };
            write!(out, "\n## `{}{key}`: `{}`\n\n{}\n\n", row.path, (row.ty)(), row.doc.trim())?;
            writeln!(
                out,
                "In scope {}{}.\n",
                phase(row.from),
                if row.is_writable() { "; can be `set`" } else { "" }
            )?;
            write!(out, "```text\n{}\n```\n", row.example)?;
        }
        Ok(())
    })
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Connection => "always",
        Phase::Request => "from the request on",
        Phase::Route => "in the statements of a route",
        Phase::Response => "after `forward`, `respond` or `redirect`",
        Phase::Origin => "after `forward`",
    }
}

fn functions() -> String {
    page("Functions", "Pure functions: they may stand in every expression.", |out| {
        for row in runtime::vocabulary().functions {
            let params: Vec<String> = row
                .params
                .iter()
                .map(|param| format!("{}: {}", param.name, (param.ty)()))
                .collect();
            write!(
                out,
                "\n## `{}({}): {}`\n\n{}\n\n",
                row.name,
                params.join(", "),
                (row.returns)(),
                row.doc.trim()
            )?;
            for (call, value) in row.examples {
                writeln!(out, "- `{call}` is `{value}`")?;
            }
        }
        Ok(())
    })
}

fn actions() -> String {
    page("Actions", "What a route, site or policy can do to a request and its answer.", |out| {
        for row in runtime::vocabulary().actions {
            let shape = match row.form {
                Form::Plain | Form::Applied => row.name.to_owned(),
                Form::Assign | Form::Append => format!("{} FIELD = VALUE", row.name),
                Form::Place => format!("{} FIELD", row.name),
                Form::Arms { pattern, value } => {
                    format!("{0} …` or `{0} {{ {1} => {2} }}", row.name, pattern(), value())
                }
            };
            write!(out, "\n## `{shape}`\n\n{}\n", row.doc.trim())?;
            let ends = match row.ends {
                Ends::No => "",
                Ends::Forwards | Ends::Responds => {
                    " It ends the way in: statements below it run on the way back."
                }
            };
            writeln!(out, "\nIt may stand {}.{ends}", stands(row.phase))?;
            params(out, row.params)?;
            write!(out, "\n```text\n{}\n```\n", row.example)?;
        }
        Ok(())
    })
}

fn stands(phase: Phase) -> &'static str {
    match phase {
        Phase::Connection | Phase::Request | Phase::Route => "anywhere in a route",
        Phase::Response => "below an action that answers",
        Phase::Origin => "below `forward`",
    }
}

fn balancers() -> String {
    page("Balancers", "How an upstream chooses one of its endpoints: `balance NAME`.", |out| {
        for row in runtime::vocabulary().balancers {
            write!(out, "\n## `{}`\n\n{}\n", row.name, row.doc.trim())?;
            params(out, row.params)?;
            write!(out, "\n```text\n{}\n```\n", row.example)?;
        }
        Ok(())
    })
}

fn block(row: &lang::vocab::Block) -> String {
    page(&format!("`{}`", row.name), row.doc.trim(), |out| {
        write!(out, "\n```text\n{}\n```\n", row.example.trim())?;
        for setting in row.settings {
            write!(out, "\n## `{}`\n\n{}\n\n", setting.name, setting.doc.trim())?;
            let times = match setting.times {
                Times::Optional => "At most once.".to_owned(),
                Times::Once => "Exactly once.".to_owned(),
                Times::Any => "Any number of times.".to_owned(),
                Times::Some => "At least once.".to_owned(),
                Times::Group(name, _) => format!("One kind of {name} a block."),
            };
            writeln!(out, "{times}")?;
            params(out, setting.params)?;
            write!(out, "\n```text\n{}\n```\n", setting.example)?;
        }
        Ok(())
    })
}

fn params(out: &mut String, params: &[Param]) -> fmt::Result {
    if params.is_empty() {
        return Ok(());
    }
    write!(out, "\n| parameter | type | default | |\n|---|---|---|---|\n")?;
    for param in params {
        let ty = match (param.ty)() {
            Ty::List(one) if param.rest => (*one).clone(),
            ty => ty,
        };
        let default = match param.default {
            _ if param.rest => "any number".to_owned(),
            Some(default) => format!("`{default}`"),
            None if ty.is_optional() => "absent".to_owned(),
            None => "required".to_owned(),
        };
        let per_request = if param.dynamic { " May depend on the request." } else { "" };
        let doc = param.doc.split_whitespace().collect::<Vec<_>>().join(" ");
        let ty = ty.to_string().replace('|', "\\|");
        writeln!(out, "| `{}` | `{ty}` | {default} | {doc}{per_request} |", param.name)?;
    }
    Ok(())
}

fn errors() -> String {
    let mut catalogue = lang::diag::CATALOGUE.to_vec();
    catalogue.sort_by_key(|entry| entry.code);
    page(
        "Diagnostics",
        "Everything that `gwc check` can say of a policy; `gwc explain CODE` shows the same pages.",
        |out| {
            write!(out, "\n| code | | |\n|---|---|---|\n")?;
            catalogue.iter().try_for_each(|entry| {
                writeln!(
                    out,
                    "| `{}` | [{}]({}.md) | {} |",
                    entry.code, entry.slug, entry.slug, entry.severity
                )
            })
        },
    )
}
