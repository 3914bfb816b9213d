//! `gwc fmt`: the one canonical format.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use lang::{Source, SourceId, Sources};
use miette::{IntoDiagnostic, WrapErr};

use crate::report::{self, Color, say};
use crate::{Outcome, load, replace};

/// Formats policies in place
///
/// A file that does not parse is left as it is, and reported. Exit status: 0 when everything is (now) formatted, 1 when
/// something does not parse or, with `--check`, is not formatted, 2 when a file could not be read or written.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Policies, directories, or `-` for standard input to standard output
    #[arg(required = true, value_name = "FILE|DIR|-")]
    paths: Vec<PathBuf>,
    /// Only say which files would change
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(args: &Args) -> miette::Result<Outcome> {
    let mut faulty = false;
    if args.paths.iter().any(|path| path.as_os_str() == "-") {
        if args.paths.len() > 1 {
            return Err(miette::miette!(
                help = "give `-` alone, or only files",
                "`-` cannot be mixed with files"
            ));
        }
        let mut text = String::new();
        let bound = load::MAX_BYTES + 1;
        std::io::stdin()
            .take(bound)
            .read_to_string(&mut text)
            .into_diagnostic()
            .wrap_err("standard input could not be read")?;
        if text.len() as u64 == bound {
            return Err(load::too_large(Path::new("-")));
        }
        let (formatted, parsed) = format("-", &text);
        if args.check {
            faulty |= formatted != text;
        } else {
            report::written(std::io::stdout().lock().write_all(formatted.as_bytes()))?;
        }
        return Ok(if faulty || !parsed { Outcome::Faulty } else { Outcome::Clean });
    }
    for path in load::policies(&args.paths)? {
        let text = load::read(&path)?;
        let (formatted, parsed) = format(&path.to_string_lossy(), &text);
        faulty |= !parsed;
        if formatted == text {
            continue;
        }
        if args.check {
            report::print(&format!("{}\n", path.display()))?;
            faulty = true;
        } else {
            replace::replace(&path, &formatted)?;
        }
    }
    Ok(if faulty { Outcome::Faulty } else { Outcome::Clean })
}

/// The formatted text, and whether all of it parses; says what does not.
fn format(name: &str, text: &str) -> (String, bool) {
    let mut sources = Sources::default();
    let source: Source = sources.add(name, text).clone();
    debug_assert_eq!(source.id, SourceId(0));
    let (tree, diags) = lang::parse(&source);
    report::human::print_all(diags.iter().map(|diag| (&sources, diag)), Color::Auto);
    if !diags.is_empty() {
        say!("{name}: it is left as it is, because it does not parse");
        return (text.to_owned(), false);
    }
    (lang::format(&source, &tree), true)
}
