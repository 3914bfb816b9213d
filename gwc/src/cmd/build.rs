//! `gwc build`: a policy as the program it compiles to, for a gateway that has no sources, or as text to read.

use std::path::PathBuf;
use std::sync::Arc;

use clap::ValueEnum;
use compiler::{Backend, Program};
use lang::Value;
use miette::miette;

use crate::report::{self, Color, say};
use crate::{Outcome, built, load, replace};

/// Builds a policy: checked, compiled, in one file that `gwc run` serves
///
/// The file holds the program, the texts it was made of and their hash; inputs are bound, and certificates read, where
/// it is served. It is of use to the `gwc` that built it, or one with the same format and words. Exit status: 0 when it
/// was written, 1 when the policy has errors, 2 when something could not be read or written.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The policy
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// What is written: beside the policy, with the ending `.gwb`, if not given
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What it is
    #[arg(long, value_enum, default_value_t = Emit::Gwb)]
    emit: Emit,
    /// Sign it: a private ed25519 key, PKCS#8 in PEM
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Emit {
    /// The built program
    Gwb,
    /// The program as text; on standard output if no file is named
    Program,
    /// The machine code that conditions become when they are asked often, for this machine, with the defaults of inputs;
    /// on standard output if no file is named
    Asm,
}

pub(crate) fn run(args: &Args) -> miette::Result<Outcome> {
    if args.sign.is_some() && args.emit != Emit::Gwb {
        return Err(miette!(
            help = "leave `--sign` away, or `--emit`",
            "only a built program can be signed"
        ));
    }
    let check = load::check(&args.path)?;
    report::human::print_all(check.found(), Color::Auto);
    let Some(program) = &check.program else { return Ok(Outcome::Faulty) };
    let text = match args.emit {
        Emit::Gwb => None,
        Emit::Program => Some(program.to_string()),
        Emit::Asm => Some(listing(program.clone())?),
    };
    match (text, &args.output) {
        (Some(text), None) => report::print(&text)?,
        (Some(text), Some(output)) => replace::replace(output, text)?,
        (None, output) => {
            let output = output.clone().unwrap_or_else(|| args.path.with_extension("gwb"));
            if load::canonical(&output) == load::canonical(&args.path) {
                return Err(miette!(
                    help = "name another file with `-o`",
                    "`{}` is the policy itself",
                    output.display()
                ));
            }
            let (bytes, hash) =
                built::write(program.clone(), &check.sources, args.sign.as_deref())?;
            replace::replace(&output, &bytes)?;
            let signed = if args.sign.is_some() { ", signed" } else { "" };
            say!("{}: {hash}, {} bytes{signed}", output.display(), bytes.len());
        }
    }
    Ok(Outcome::Clean)
}

/// The machine code of a program whose inputs have their defaults.
fn listing(program: Program) -> miette::Result<String> {
    let inputs = vec![Value::Absent; program.inputs.len()];
    let matcher = compiler::load(Arc::new(program), inputs, Backend::Jit).map_err(|error| {
        miette!(
            help = "machine code is made for inputs that are bound: give it a default",
            "{error}"
        )
    })?;
    matcher.listing().map_err(|error| miette!("{error}"))
}
